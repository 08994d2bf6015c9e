//! A database of a test's own, on the server of `cargo lesson services up`.

use anyhow::Context;
use anyhow::ensure;
use ladder::services::MYSQL_ADDR;
use ladder::services::MYSQL_ADMIN;
use sqlx::AssertSqlSafe;
use sqlx::Connection;
use sqlx::Executor;
use sqlx::mysql::MySqlConnection;
use std::collections::BTreeMap;
use std::time::Duration;
use std::time::Instant;
use tokio::sync::OnceCell;
use tokio::time::sleep;

/// The password of all accounts of the tests. No lesson may ever show it.
pub(crate) const SECRET: &str = "unspeakable";

/// What the names of all databases of tests begin with.
const PREFIX: &str = "goms_test_";

/// The databases that an aborted run has left, and no run that still goes on: their tables
/// are a day old.
const LEFT: &str = "SELECT CAST(table_schema AS CHAR) FROM information_schema.tables \
     WHERE table_schema LIKE 'goms\\_test\\_%' GROUP BY table_schema \
     HAVING MAX(create_time) < NOW() - INTERVAL 1 DAY";

/// Done when what was left is dropped.
static SWEPT: OnceCell<()> = OnceCell::const_new();

/// An empty database, and an account that may use only this one.
#[derive(Debug)]
pub(crate) struct Database {
    /// Of both.
    pub(crate) name: String,
}

impl Database {
    pub(crate) async fn create() -> anyhow::Result<Self> {
        SWEPT.get_or_try_init(sweep).await?;
        // Of other suites on this server, too: in containers all process ids are alike.
        let name = format!("{PREFIX}{:016x}", fastrand::u64(..));
        execute(format!("CREATE DATABASE {name}")).await?;
        execute(format!("CREATE USER {name} IDENTIFIED BY '{SECRET}'")).await?;
        execute(format!("GRANT ALL ON {name}.* TO {name}")).await?;
        Ok(Self { name })
    }

    pub(crate) fn url(&self) -> String {
        let name = &self.name;
        format!("mysql://{name}:{SECRET}@{MYSQL_ADDR}/{name}")
    }

    /// Locks all users: who wants to change one waits until the lock is released.
    pub(crate) async fn lock_users(&self) -> anyhow::Result<Lock> {
        self.lock("SELECT * FROM users FOR UPDATE").await
    }

    /// Locks the counts: who pings waits until the lock is released.
    pub(crate) async fn lock_pings(&self) -> anyhow::Result<Lock> {
        self.lock("SELECT * FROM pings FOR UPDATE").await
    }

    /// Runs a statement as the account whose database it is.
    pub(crate) async fn execute(&self, statement: String) -> anyhow::Result<()> {
        let mut connection = MySqlConnection::connect(&self.url()).await?;
        connection.execute(AssertSqlSafe(statement)).await?;
        Ok(())
    }

    /// Lets the account do this much and no more, such as `SELECT, INSERT`.
    pub(crate) async fn allow(&self, rights: &str) -> anyhow::Result<()> {
        let name = &self.name;
        execute(format!("REVOKE ALL ON {name}.* FROM {name}")).await?;
        execute(format!("GRANT {rights} ON {name}.* TO {name}")).await
    }

    /// Its tables, and the columns of each.
    pub(crate) async fn tables(&self) -> anyhow::Result<BTreeMap<String, String>> {
        let mut connection = MySqlConnection::connect(&self.url()).await?;
        let tables = sqlx::query_as(
            "SELECT CAST(table_name AS CHAR), CAST(GROUP_CONCAT(column_name, ' ', column_type \
             ORDER BY ordinal_position) AS CHAR) FROM information_schema.columns \
             WHERE table_schema = DATABASE() GROUP BY table_name",
        );
        let tables: Vec<_> = tables.fetch_all(&mut connection).await?;
        Ok(tables.into_iter().collect())
    }

    /// The names of all users, and their uids.
    pub(crate) async fn users(&self) -> anyhow::Result<BTreeMap<String, i64>> {
        let mut connection = MySqlConnection::connect(&self.url()).await?;
        let users = sqlx::query_as("SELECT name, uid FROM users");
        let users: Vec<_> = users.fetch_all(&mut connection).await?;
        Ok(users.into_iter().collect())
    }

    async fn lock(&self, rows: &'static str) -> anyhow::Result<Lock> {
        let mut connection = MySqlConnection::connect(&self.url()).await?;
        connection.execute("BEGIN").await?;
        connection.execute(rows).await?;
        Ok(Lock(connection))
    }

    pub(crate) async fn drop(&self) -> anyhow::Result<()> {
        drop_both(&self.name).await
    }
}

/// How many statements of this account run, beside this one.
const RUNNING: &str = "SELECT COUNT(*) FROM information_schema.processlist \
     WHERE command IN ('Execute', 'Query') AND id <> CONNECTION_ID()";

/// Less than the time after which a lesson gives up waiting for a lock.
const SOON: Duration = Duration::from_secs(3);

/// A lock on rows; it ends when it is dropped, too.
#[derive(Debug)]
pub(crate) struct Lock(MySqlConnection);

impl Lock {
    /// Waits until so many statements wait for it.
    pub(crate) async fn wait_for(&mut self, statements: i64) -> anyhow::Result<()> {
        let start = Instant::now();
        loop {
            let running: i64 = sqlx::query_scalar(RUNNING).fetch_one(&mut self.0).await?;
            if running == statements {
                return Ok(());
            }
            ensure!(start.elapsed() < SOON, "{running} of {statements} wait");
            sleep(Duration::from_millis(10)).await;
        }
    }

    pub(crate) async fn release(mut self) -> anyhow::Result<()> {
        self.0.execute("COMMIT").await?;
        Ok(())
    }
}

/// Drops what was left.
async fn sweep() -> anyhow::Result<()> {
    let left: Vec<String> = sqlx::query_scalar(LEFT)
        .fetch_all(&mut admin().await?)
        .await?;
    for name in left {
        drop_both(&name).await?;
    }
    Ok(())
}

/// Drops the database and the account of this name, where another suite has not just done so.
async fn drop_both(name: &str) -> anyhow::Result<()> {
    execute(format!("DROP DATABASE IF EXISTS {name}")).await?;
    execute(format!("DROP USER IF EXISTS {name}")).await
}

async fn execute(statement: String) -> anyhow::Result<()> {
    let mut admin = admin().await?;
    admin.execute(AssertSqlSafe(statement)).await?;
    Ok(())
}

async fn admin() -> anyhow::Result<MySqlConnection> {
    let connected = MySqlConnection::connect(MYSQL_ADMIN).await;
    connected.context("no MySQL, type: cargo lesson services up")
}
