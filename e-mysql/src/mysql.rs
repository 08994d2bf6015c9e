//! A store in MySQL or MariaDB: for any number of processes at a time.
//!
//! Every call is one statement, so that the database's own atomicity is enough and no
//! transaction is needed. `mysql/pool.rs` lends the connections.

mod pool;

use crate::flag;
use crate::store::Cause;
use crate::store::Error;
use crate::store::Protocol;
use crate::store::Result;
use crate::store::Store;
use crate::user::Name;
use crate::user::Sex;
use crate::user::Uid;
use crate::user::User;
use anyhow::Context;
use anyhow::bail;
use anyhow::ensure;
use async_trait::async_trait;
use pool::Pool;
use sqlx::ConnectOptions;
use sqlx::Connection;
use sqlx::MySql;
use sqlx::migrate::MigrateError;
use sqlx::mysql::MySqlArguments;
use sqlx::mysql::MySqlConnectOptions;
use sqlx::mysql::MySqlConnection;
use sqlx::mysql::MySqlQueryResult;
use sqlx::query::Query;
use std::time::Duration;
use tokio::time::timeout;

/// How long the first connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// What to do when nothing answers.
const HINT: &str = "`cargo lesson services up` starts one for development";

/// A store in MySQL or MariaDB.
pub struct Mysql {
    pool: Pool,
}

impl Mysql {
    /// Connects, and brings the tables up to date.
    ///
    /// # Errors
    ///
    /// The database cannot be reached, refuses the login, or cannot be migrated.
    pub async fn connect(flags: &flag::Mysql) -> anyhow::Result<Self> {
        let Some(url) = &flags.url else {
            bail!("no database is named: set --mysql-url, or choose another --store");
        };
        let options = MySqlConnectOptions::from_url(url.expose()).context("mysql-url")?;
        let first = match timeout(CONNECT_TIMEOUT, pool::connect(&options)).await {
            Ok(Ok(first)) => first,
            Ok(Err(error @ sqlx::Error::Io(_))) => bail!("cannot use {url}: {error}; {HINT}"),
            Ok(Err(error)) => bail!("cannot use {url}: {error}"),
            Err(_) => bail!("cannot use {url}: no answer in {CONNECT_TIMEOUT:?}; {HINT}"),
        };
        migrate(first)
            .await
            .with_context(|| format!("cannot migrate {url}"))?;
        let pool = Pool::new(options, flags.connections)?;
        Ok(Self { pool })
    }

    /// Runs one statement that changes a row, which others may have locked.
    async fn change(&self, query: Query<'_, MySql, MySqlArguments>) -> Result<MySqlQueryResult> {
        let (_turn, mut session) = self.pool.session_in_turn().await?;
        let result = query.execute(session.start()).await;
        session.finish(result)
    }
}

#[async_trait]
impl Store for Mysql {
    async fn create(&self, name: Name, sex: Sex) -> Result<User> {
        let query = sqlx::query("INSERT INTO users (name, sex) VALUES (?, ?)");
        let query = query.bind(name.as_str()).bind(i64::from(sex));
        let mut session = self.pool.session().await?;
        let result = query.execute(session.start()).await;
        let uid = session.finish(result)?.last_insert_id();
        let uid = i64::try_from(uid)
            .map_err(failed)?
            .try_into()
            .map_err(failed)?;
        Ok(User { uid, name, sex })
    }

    async fn read(&self, uid: Uid) -> Result<User> {
        let query = sqlx::query_as("SELECT name, sex FROM users WHERE uid = ?");
        let query = query.bind(i64::from(uid));
        let mut session = self.pool.session().await?;
        let row = query.fetch_optional(session.start()).await;
        let row: Option<(String, i8)> = session.finish(row)?;
        let (name, sex) = row.ok_or(Error::NotFound(uid))?;
        let name = name.try_into().map_err(failed)?;
        let sex = i64::from(sex).try_into().map_err(failed)?;
        Ok(User { uid, name, sex })
    }

    async fn update(&self, user: User) -> Result<()> {
        let query = sqlx::query("UPDATE users SET name = ?, sex = ? WHERE uid = ?");
        let query = query.bind(user.name.as_str()).bind(i64::from(user.sex));
        match self
            .change(query.bind(i64::from(user.uid)))
            .await?
            .rows_affected()
        {
            0 => Err(Error::NotFound(user.uid)),
            _ => Ok(()),
        }
    }

    async fn delete(&self, uid: Uid) -> Result<()> {
        let query = sqlx::query("DELETE FROM users WHERE uid = ?").bind(i64::from(uid));
        match self.change(query).await?.rows_affected() {
            0 => Err(Error::NotFound(uid)),
            _ => Ok(()),
        }
    }

    /// `LAST_INSERT_ID(…)` hands the new count back in the answer to the update itself:
    /// a second statement would read what other clients have counted meanwhile.
    async fn ping(&self, protocol: Protocol) -> Result<i64> {
        let protocol = match protocol {
            Protocol::Http => "http",
            Protocol::Grpc => "grpc",
        };
        let query = "UPDATE pings SET count = LAST_INSERT_ID(count + 1) WHERE protocol = ?";
        let result = self.change(sqlx::query(query).bind(protocol)).await?;
        match result.rows_affected() {
            0 => Err(failed("the table pings has lost a row")),
            _ => i64::try_from(result.last_insert_id()).map_err(failed),
        }
    }

    async fn close(&self) -> Result<()> {
        self.pool.close().await;
        Ok(())
    }
}

/// Brings the tables up to date, one process at a time: replicas start together.
///
/// sqlx has a lock for this, but waits for it in a way that MariaDB answers at once, with
/// NULL. The lock goes with the connection.
async fn migrate(mut connection: MySqlConnection) -> anyhow::Result<()> {
    let lock = sqlx::query_scalar("SELECT GET_LOCK(MD5(CONCAT('goms', DATABASE())), 30)");
    let locked: Option<i64> = lock.fetch_one(&mut connection).await?;
    ensure!(locked == Some(1), "another process has been at it for 30 s");
    let mut migrations = sqlx::migrate!();
    migrations.set_locking(false);
    migrations.set_ignore_missing(true); // a release can be rolled back, its tables cannot
    let mut migrated = migrations.run(&mut connection).await;
    if let Err(MigrateError::Dirty(step)) = migrated {
        // It was cut off; steps are written so that they can be done again.
        let forget = sqlx::query("DELETE FROM _sqlx_migrations WHERE version = ?");
        forget.bind(step).execute(&mut connection).await?;
        migrated = migrations.run(&mut connection).await;
    }
    migrated?;
    connection.close().await?;
    Ok(())
}

fn failed(error: impl Into<Cause>) -> Error {
    Error::Failed(error.into())
}
