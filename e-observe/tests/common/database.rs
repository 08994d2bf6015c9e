//! A database for one test, so that tests can run side by side and leave nothing behind.

use super::MYSQL;
use anyhow::Context;
use sqlx::AssertSqlSafe;
use sqlx::Connection;
use sqlx::Executor;
use sqlx::mysql::MySqlConnection;
use std::fmt::Display;
use std::thread;
use tokio::runtime::Builder;

/// An empty database, dropped when this is.
pub(crate) struct Database {
    pub(crate) name: String,
}

impl Database {
    /// Creates it.
    ///
    /// # Errors
    ///
    /// There is no MySQL.
    pub(crate) async fn create() -> anyhow::Result<Self> {
        let name = format!("goms_test_{:016x}", fastrand::u64(..));
        execute(format!("CREATE DATABASE {name}")).await?;
        Ok(Self { name })
    }

    /// Its URL.
    pub(crate) fn url(&self) -> String {
        self.by_way_of(MYSQL)
    }

    /// Its URL, with a proxy's address.
    pub(crate) fn by_way_of(&self, addr: impl Display) -> String {
        format!("mysql://root:goms@{addr}/{}", self.name)
    }

    /// A connection to it.
    ///
    /// # Errors
    ///
    /// There is no MySQL.
    pub(crate) async fn connect(&self) -> anyhow::Result<MySqlConnection> {
        Ok(MySqlConnection::connect(&self.url()).await?)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE {}", self.name);
        // A runtime cannot wait inside another one's thread.
        let dropped = thread::spawn(|| {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(execute(drop))
        });
        if let Ok(Err(error)) = dropped.join() {
            eprintln!("{} is left: {error:#}", self.name);
        }
    }
}

async fn execute(statement: String) -> anyhow::Result<()> {
    let server = MySqlConnection::connect(&format!("mysql://root:goms@{MYSQL}")).await;
    let mut server =
        server.context("these tests need MySQL and Redis: cargo lesson services up")?;
    server.execute(AssertSqlSafe(statement)).await?;
    Ok(server.close().await?)
}
