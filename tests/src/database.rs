//! A database of a test's own, on the server of `cargo lesson services up`.

use anyhow::Context;
use sqlx::AssertSqlSafe;
use sqlx::Connection;
use sqlx::Executor;
use sqlx::mysql::MySqlConnection;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

const ADMIN: &str = "mysql://root:goms@127.0.0.1:13306";

/// Where the server listens.
pub(crate) const MYSQL_ADDR: &str = "127.0.0.1:13306";

/// The password of all accounts of the tests. No lesson may ever show it.
pub(crate) const SECRET: &str = "unspeakable";

static NEXT: AtomicU32 = AtomicU32::new(0);

/// An empty database, and an account that may use only this one.
#[derive(Debug)]
pub(crate) struct Database {
    /// Of both.
    pub(crate) name: String,
}

impl Database {
    pub(crate) async fn create() -> anyhow::Result<Self> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("goms_test_{}_{number}", std::process::id());
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
    pub(crate) async fn lock_users(&self) -> anyhow::Result<UsersLock> {
        let mut connection = MySqlConnection::connect(&self.url()).await?;
        connection.execute("BEGIN").await?;
        connection.execute("SELECT * FROM users FOR UPDATE").await?;
        Ok(UsersLock(connection))
    }

    pub(crate) async fn drop(&self) -> anyhow::Result<()> {
        execute(format!("DROP DATABASE {}", self.name)).await?;
        execute(format!("DROP USER {}", self.name)).await
    }
}

/// A lock on all users; it ends when it is dropped, too.
#[derive(Debug)]
pub(crate) struct UsersLock(MySqlConnection);

impl UsersLock {
    pub(crate) async fn release(mut self) -> anyhow::Result<()> {
        self.0.execute("COMMIT").await?;
        Ok(())
    }
}

async fn execute(statement: String) -> anyhow::Result<()> {
    let connected = MySqlConnection::connect(ADMIN).await;
    let mut connection = connected.context("no MySQL, type: cargo lesson services up")?;
    connection.execute(AssertSqlSafe(statement)).await?;
    Ok(())
}
