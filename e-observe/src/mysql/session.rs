//! A connection to MySQL or MariaDB: how it is set up, and what its errors mean.

use crate::conf::secret::SecretUrl;
use crate::store::Error;
use anyhow::ensure;
use deadpool::managed;
use deadpool::managed::Metrics;
use deadpool::managed::RecycleError;
use deadpool::managed::RecycleResult;
use log::LevelFilter;
use sqlx::AssertSqlSafe;
use sqlx::ConnectOptions;
use sqlx::Connection;
use sqlx::Executor;
use sqlx::mysql::MySqlConnectOptions;
use sqlx::mysql::MySqlConnection;
use sqlx::mysql::MySqlDatabaseError;
use std::time::Duration;

/// How long a statement waits for a lock. By default it is 50 s or more, so that a statement
/// would write long after its request was answered with an error.
pub(super) const LOCK_WAIT: Duration = Duration::from_secs(4);

/// A connection that has rested for so long is asked whether it still lives.
const TEST_AFTER: Duration = Duration::from_secs(1);

/// The parameters that a URL may have.
const PARAMETERS: [&str; 4] = ["ssl-mode", "ssl-ca", "ssl-cert", "ssl-key"];

/// Reads the URL, and refuses the parameters that sqlx would ignore or that would change what
/// other processes read: `charset=latin1` corrupts names.
pub(super) fn options(url: &SecretUrl) -> anyhow::Result<MySqlConnectOptions> {
    for (name, _) in url.expose().query_pairs() {
        let known = PARAMETERS.contains(&&*name);
        ensure!(known, "{name} is none of the parameters {PARAMETERS:?}");
    }
    let host = url.expose().host_str().unwrap_or_default();
    let host = host.trim_matches(['[', ']']); // an address of IPv6 has them in a URL only
    let options = MySqlConnectOptions::from_url(url.expose())?.host(host);
    // By default sqlx warns of a statement that takes a second, and shows its text.
    Ok(options.log_slow_statements(LevelFilter::Debug, Duration::from_secs(1)))
}

/// Makes the session the service's own, whatever the server's defaults are.
async fn set_up(connection: &mut MySqlConnection) -> sqlx::Result<()> {
    let wait = LOCK_WAIT.as_secs();
    let set = format!(
        "SET SESSION autocommit = 1, innodb_lock_wait_timeout = {wait}, lock_wait_timeout = {wait}"
    );
    connection.execute(AssertSqlSafe(set)).await.map(drop)
}

/// Makes connections for the pool, and tests them.
pub struct Sessions {
    /// Where the server is, and how to log in.
    pub options: MySqlConnectOptions,
}

/// A connection, and whether it can be lent again.
pub struct Session {
    connection: MySqlConnection,
    /// False while a statement runs. A task that panics never ends its statement, and leaves
    /// an answer on the line that the next caller would take for its own.
    is_clean: bool,
}

impl Session {
    /// The connection, to run one statement on it.
    pub fn start(&mut self) -> &mut MySqlConnection {
        self.is_clean = false;
        &mut self.connection
    }

    /// Says that the statement has ended.
    pub fn done(&mut self) {
        self.is_clean = true;
    }

    /// Closes the connection in good order.
    pub async fn close(self) {
        let _ = self.connection.close().await; // it may be lost already
    }
}

/// What few requests wait for is boxed: otherwise the future of every request would have
/// room for it, which is 25 KB.
impl managed::Manager for Sessions {
    type Type = Session;
    type Error = sqlx::Error;

    async fn create(&self) -> sqlx::Result<Session> {
        let mut connection = Box::pin(MySqlConnection::connect_with(&self.options)).await?;
        Box::pin(set_up(&mut connection)).await?;
        let is_clean = true;
        Ok(Session {
            connection,
            is_clean,
        })
    }

    async fn recycle(
        &self,
        session: &mut Session,
        metrics: &Metrics,
    ) -> RecycleResult<sqlx::Error> {
        if !session.is_clean {
            return Err(RecycleError::message("its last statement did not end"));
        }
        if metrics.last_used() > TEST_AFTER {
            Box::pin(session.connection.ping()).await?;
        }
        Ok(())
    }
}

/// Tells what an error means for the caller: whether the same call may work later.
pub(super) fn classify(error: sqlx::Error) -> Error {
    /// The server's numbers for: disk full, not ready (a node of a cluster), table full, no
    /// thread, lock wait time-out, deadlock, a limit of this user, interrupted, out of time.
    const BUSY: [u16; 10] = [1021, 1047, 1114, 1135, 1205, 1213, 1226, 1317, 1969, 3024];

    match is_over(&error) || number(&error).is_some_and(|number| BUSY.contains(&number)) {
        true => Error::Unavailable(error.into()),
        false => Error::Failed(error.into()),
    }
}

/// Whether the connection is lost, or leads to a server that is about to go or writes no more.
pub(super) fn is_over(error: &sqlx::Error) -> bool {
    /// The server's numbers for: too many connections, shutting down, too many of this user,
    /// read-only (by option, by transaction, by mode), killed, disconnected.
    const LEAVING: [u16; 8] = [1040, 1053, 1203, 1290, 1792, 1836, 1927, 4031];

    match error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => true,
        _ => number(error).is_some_and(|number| LEAVING.contains(&number)),
    }
}

/// The server's number of an error.
pub(super) fn number(error: &sqlx::Error) -> Option<u16> {
    let error = error.as_database_error()?;
    Some(error.try_downcast_ref::<MySqlDatabaseError>()?.number())
}

#[cfg(test)]
mod tests;
