//! A database of a test's own, on the server of `cargo lesson services up`.

use anyhow::Context;
use sqlx::AssertSqlSafe;
use sqlx::Connection;
use sqlx::Executor;
use sqlx::mysql::MySqlConnection;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

const ADMIN: &str = "mysql://root:goms@127.0.0.1:13306";

/// Where the servers listen.
pub(crate) const MYSQL_ADDR: &str = "127.0.0.1:13306";
pub(crate) const REDIS_ADDR: &str = "127.0.0.1:16379";

/// The cache needs none of its own: its keys name the database.
pub(crate) const REDIS: &str = "redis://:goms@127.0.0.1:16379";

static NEXT: AtomicU32 = AtomicU32::new(0);

/// An empty database.
#[derive(Debug)]
pub(crate) struct Database {
    name: String,
}

impl Database {
    pub(crate) async fn create() -> anyhow::Result<Self> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("goms_test_{}_{number}", std::process::id());
        execute(format!("CREATE DATABASE {name}")).await?;
        execute(format!("GRANT ALL ON {name}.* TO 'goms'@'%'")).await?;
        Ok(Self { name })
    }

    pub(crate) fn url(&self) -> String {
        format!("mysql://goms:goms@127.0.0.1:13306/{}", self.name)
    }

    pub(crate) async fn drop(&self) -> anyhow::Result<()> {
        execute(format!("DROP DATABASE {}", self.name)).await
    }
}

async fn execute(statement: String) -> anyhow::Result<()> {
    let connected = MySqlConnection::connect(ADMIN).await;
    let mut connection = connected.context("no MySQL, type: cargo lesson services up")?;
    connection.execute(AssertSqlSafe(statement)).await?;
    Ok(())
}
