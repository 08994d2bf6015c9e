//! Connections, lent for one statement each.
//!
//! sqlx has a pool too. It asks the server after every statement whether the connection
//! still lives, one more round trip a request. This one, built from deadpool, asks only
//! after a pause, and drops a connection whose last statement did not end.

use crate::store::Error;
use crate::store::Result;
use deadpool::managed;
use deadpool::managed::Metrics;
use deadpool::managed::RecycleError;
use deadpool::managed::RecycleResult;
use sqlx::Connection;
use sqlx::Executor;
use sqlx::mysql::MySqlConnectOptions;
use sqlx::mysql::MySqlConnection;
use sqlx::mysql::MySqlDatabaseError;
use std::time::Duration;
use tokio::time::timeout;

/// How long to wait for a connection: for one to be free, tested, or made.
const WAIT: Duration = Duration::from_secs(1);

/// After such a pause a connection is asked whether it still lives.
const PAUSE: Duration = Duration::from_secs(1);

/// The server drops a statement that waits for a lock for 4 s. By itself it would wait for
/// 50 s or more, and then write for a request that was answered with an error long before.
const LOCK_WAIT: &str = "SET SESSION innodb_lock_wait_timeout = 4, lock_wait_timeout = 4";

/// The connections to one database.
pub(super) struct Pool(managed::Pool<Manager>);

impl Pool {
    /// A pool of at most `size` connections, none of them made yet.
    pub(super) fn new(options: MySqlConnectOptions, size: u32) -> anyhow::Result<Self> {
        let pool = managed::Pool::builder(Manager { options })
            .max_size(size.try_into()?)
            .build()?;
        Ok(Self(pool))
    }

    /// Borrows a connection; it goes back when the session is dropped.
    pub(super) async fn session(&self) -> Result<managed::Object<Manager>> {
        match timeout(WAIT, self.0.get()).await {
            Ok(session) => session.map_err(|error| Error::Unavailable(error.into())),
            Err(_) => Err(Error::Unavailable(
                format!("no connection in {WAIT:?}").into(),
            )),
        }
    }

    /// Takes leave of the server on all connections that are not lent out.
    pub(super) async fn close(&self) {
        let idle = self.0.retain(|_, _| false).removed;
        self.0.close();
        for session in idle {
            let _ = session.connection.close().await; // it may be gone, too
        }
    }
}

/// A connection, and whether it can be lent again.
pub(super) struct Session {
    connection: MySqlConnection,
    /// False from the start of a statement to its end. Its caller may be gone before that,
    /// and leave an answer on the line that the next caller would take for its own.
    clean: bool,
}

impl Session {
    /// The connection, for one statement whose result must be given to [`Session::end`].
    pub(super) fn begin(&mut self) -> &mut MySqlConnection {
        self.clean = false;
        &mut self.connection
    }

    /// Ends the statement; says what the result means for the store.
    pub(super) fn end<T>(&mut self, result: sqlx::Result<T>) -> Result<T> {
        let result = result.map_err(classify);
        self.clean = !matches!(result, Err(Error::Unavailable(_)));
        result
    }
}

/// Makes connections and tests them.
pub(super) struct Manager {
    options: MySqlConnectOptions,
}

impl managed::Manager for Manager {
    type Type = Session;
    type Error = sqlx::Error;

    async fn create(&self) -> sqlx::Result<Session> {
        let mut connection = MySqlConnection::connect_with(&self.options).await?;
        connection.execute(LOCK_WAIT).await?;
        Ok(Session {
            connection,
            clean: true,
        })
    }

    async fn recycle(
        &self,
        session: &mut Session,
        metrics: &Metrics,
    ) -> RecycleResult<sqlx::Error> {
        if !session.clean {
            return Err(RecycleError::message("its last statement did not end"));
        }
        if metrics.last_used() > PAUSE {
            session.connection.ping().await?;
        }
        Ok(())
    }
}

/// Whether trying again may help is what a client wants to know: the server is on its way
/// down or full, or another client's lock was in the way.
fn classify(error: sqlx::Error) -> Error {
    /// The server's numbers for: disk full, too many connections, shutting down, table
    /// full, too many of this user, lock wait time-out, deadlock, a limit of this user,
    /// read-only by option, interrupted, read-only by mode, killed.
    const PASSING: [u16; 12] = [
        1021, 1040, 1053, 1114, 1203, 1205, 1213, 1226, 1290, 1317, 1836, 1927,
    ];

    let passing = match &error {
        sqlx::Error::Database(error) => error
            .try_downcast_ref::<MySqlDatabaseError>()
            .is_some_and(|error| PASSING.contains(&error.number())),
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => true,
        _ => false,
    };
    match passing {
        true => Error::Unavailable(error.into()),
        false => Error::Failed(error.into()),
    }
}
