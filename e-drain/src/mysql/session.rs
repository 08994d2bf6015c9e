//! A connection to MySQL or MariaDB: how it is set up, and what its errors mean.

use crate::conf::secret::SecretUrl;
use crate::store::Error;
use anyhow::ensure;
use log::LevelFilter;
use sqlx::AssertSqlSafe;
use sqlx::ConnectOptions;
use sqlx::Connection;
use sqlx::Executor;
use sqlx::MySqlPool;
use sqlx::mysql::MySqlConnectOptions;
use sqlx::mysql::MySqlConnection;
use sqlx::mysql::MySqlDatabaseError;
use sqlx::mysql::MySqlPoolOptions;
use std::time::Duration;

/// How long a statement waits for a lock. By default it is 50 s or more, so that a statement
/// would write long after its request was answered with an error.
pub(super) const LOCK_WAIT: Duration = Duration::from_secs(4);

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

/// Makes a pool of such connections. sqlx would test each before its use, which takes a
/// message more for every statement; here only one that has rested is tested.
pub(super) fn pool(options: MySqlConnectOptions, connections: u32, wait: Duration) -> MySqlPool {
    MySqlPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(wait)
        .after_connect(|connection, _| Box::pin(set_up(connection)))
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for > Duration::from_secs(1) {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(options)
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
