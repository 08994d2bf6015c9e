//! Connections, lent for a call or a batch of calls; the first, before, for the migrations.
//!
//! sqlx has a pool too. It asks the server after every statement whether the connection
//! still lives, one more round trip a request. This one, built from deadpool, asks only
//! after a pause, and drops a connection whose last statement did not end.

use crate::store::Cause;
use crate::store::Error;
use crate::store::Result;
use deadpool::managed;
use deadpool::managed::Metrics;
use deadpool::managed::PoolError;
use deadpool::managed::QueueMode;
use deadpool::managed::RecycleError;
use deadpool::managed::RecycleResult;
use sqlx::Connection;
use sqlx::Executor;
use sqlx::mysql::MySqlConnectOptions;
use sqlx::mysql::MySqlConnection;
use sqlx::mysql::MySqlDatabaseError;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::sync::SemaphorePermit;
use tokio::time::error::Elapsed;
use tokio::time::timeout;

/// How long to wait for a connection: for a turn, and for one to be free, tested, or made.
pub(super) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(1);

/// After such a pause a connection is asked whether it still lives.
const TEST_AFTER: Duration = Duration::from_secs(1);

/// The server drops a statement that waits for a lock for 4 s. By itself it would wait for
/// 50 s or more, and then write for a request that was answered with an error long before.
const LOCK_WAIT: &str = "SET SESSION innodb_lock_wait_timeout = 4, lock_wait_timeout = 4";

/// A connection that is lent; it goes back when it is dropped.
pub(super) type Lent = managed::Object<Manager>;

/// The connections to one database.
pub(super) struct Pool {
    connections: managed::Pool<Manager>,
    /// Half as many as connections. Statements that change a user may have to wait for the
    /// row's lock; the other half is left to creates, reads and pings.
    turns: Semaphore,
}

impl Pool {
    /// A pool of at most `size` connections, none of them made yet.
    pub(super) fn new(options: MySqlConnectOptions, size: u32) -> anyhow::Result<Self> {
        let size = size.try_into()?;
        let connections = managed::Pool::builder(Manager { options })
            .max_size(size)
            .queue_mode(QueueMode::Lifo) // so that few connections rest, and need a test
            .build()?;
        let turns = Semaphore::new(size.div_ceil(2));
        Ok(Self { connections, turns })
    }

    /// Makes and borrows the first connection, in whatever time that takes.
    pub(super) async fn first(&self) -> sqlx::Result<Lent> {
        self.connections.get().await.map_err(|error| match error {
            PoolError::Backend(error) => error,
            error => sqlx::Error::Configuration(error.into()),
        })
    }

    /// Borrows a connection.
    pub(super) async fn session(&self) -> Result<Lent> {
        acquired(timeout(ACQUIRE_TIMEOUT, self.connections.get()).await)
    }

    /// Borrows a connection to change a row, when it is this caller's turn.
    pub(super) async fn session_in_turn(&self) -> Result<(SemaphorePermit<'_>, Lent)> {
        let in_turn = async {
            let turn = self.turns.acquire().await?;
            Ok::<_, Cause>((turn, self.connections.get().await?))
        };
        acquired(timeout(ACQUIRE_TIMEOUT, in_turn).await)
    }

    /// Closes all connections that are not lent out.
    pub(super) async fn close(&self) {
        let idle = self.connections.retain(|_, _| false).removed;
        self.connections.close();
        for session in idle {
            let _ = session.connection.close().await; // it may be gone, too
        }
    }
}

/// What came of waiting for what is shared.
fn acquired<T, E: Into<Cause>>(
    waited: std::result::Result<std::result::Result<T, E>, Elapsed>,
) -> Result<T> {
    match waited {
        Ok(acquired) => acquired.map_err(|error| Error::Unavailable(error.into())),
        Err(_) => Err(Error::Unavailable(
            format!("no connection free in {ACQUIRE_TIMEOUT:?}").into(),
        )),
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
    /// The connection, for statements that leave no transaction open. What comes of them must
    /// be given to [`Session::finish`].
    pub(super) fn start(&mut self) -> &mut MySqlConnection {
        self.clean = false;
        &mut self.connection
    }

    /// Ends the statement; says what the result means for the store.
    pub(super) fn finish<T>(&mut self, result: sqlx::Result<T>) -> Result<T> {
        self.clean = !result.as_ref().is_err_and(ends_session);
        result.map_err(classify)
    }
}

/// Makes connections and tests them. It boxes what few requests wait for: else the future of
/// every request would have room for it, 25 KB.
pub(super) struct Manager {
    options: MySqlConnectOptions,
}

impl managed::Manager for Manager {
    type Type = Session;
    type Error = sqlx::Error;

    async fn create(&self) -> sqlx::Result<Session> {
        Ok(Session {
            connection: Box::pin(connect(&self.options)).await?,
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
        if metrics.last_used() > TEST_AFTER {
            Box::pin(session.connection.ping()).await?;
        }
        Ok(())
    }
}

/// Makes a connection on which no statement waits for a lock for long.
async fn connect(options: &MySqlConnectOptions) -> sqlx::Result<MySqlConnection> {
    let mut connection = MySqlConnection::connect_with(options).await?;
    connection.execute(LOCK_WAIT).await?;
    Ok(connection)
}

/// Whether trying again may help is what a client wants to know.
fn classify(error: sqlx::Error) -> Error {
    /// The server's numbers for: disk full, table full, lock wait time-out, deadlock, a
    /// limit of this user, interrupted.
    const BUSY: [u16; 6] = [1021, 1114, 1205, 1213, 1226, 1317];

    match ends_session(&error) || number(&error).is_some_and(|number| BUSY.contains(&number)) {
        true => Error::Unavailable(error.into()),
        false => Error::Failed(error.into()),
    }
}

/// Whether the connection is lost, or leads to a server that is about to go or writes no more.
fn ends_session(error: &sqlx::Error) -> bool {
    /// The server's numbers for: too many connections, shutting down, too many of this
    /// user, read-only by option, read-only by mode, killed.
    const LEAVING: [u16; 6] = [1040, 1053, 1203, 1290, 1836, 1927];

    match error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => true,
        _ => number(error).is_some_and(|number| LEAVING.contains(&number)),
    }
}

fn number(error: &sqlx::Error) -> Option<u16> {
    let error = error.as_database_error()?;
    Some(error.try_downcast_ref::<MySqlDatabaseError>()?.number())
}
