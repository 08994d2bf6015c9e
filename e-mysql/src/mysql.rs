//! A store in MySQL or MariaDB: for any number of processes at a time.
//!
//! Every call is one statement, so that the database's own atomicity is enough; only creates
//! that go together need a transaction. `mysql/pool.rs` lends the connections, `mysql/batch.rs`
//! lets callers share a statement.

mod batch;
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
use batch::Batches;
use batch::Statement;
use log::LevelFilter;
use pool::Lent;
use pool::Pool;
use sqlx::AssertSqlSafe;
use sqlx::ConnectOptions;
use sqlx::Executor;
use sqlx::FromRow;
use sqlx::MySql;
use sqlx::QueryBuilder;
use sqlx::Row;
use sqlx::migrate::MigrateError;
use sqlx::mysql::MySqlArguments;
use sqlx::mysql::MySqlConnectOptions;
use sqlx::mysql::MySqlConnection;
use sqlx::mysql::MySqlQueryResult;
use sqlx::query::Query;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use tokio_stream::StreamExt;

/// How long the first connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// From when on a statement is slow: sqlx's default.
const SLOW: Duration = Duration::from_secs(1);

/// What to do when nothing answers.
const HINT: &str = "`cargo lesson services up` starts one for development";

/// A store in MySQL or MariaDB.
pub struct Mysql {
    pool: Arc<Pool>,
    creates: Batches<Create>,
    reads: Batches<Read>,
    http_pings: Batches<Ping>,
    grpc_pings: Batches<Ping>,
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
        // By default a warning, with the statement's text; that of a create tells names.
        let options = options.log_slow_statements(LevelFilter::Debug, SLOW);
        let pool = Arc::new(Pool::new(options, flags.connections)?);
        let session = match timeout(CONNECT_TIMEOUT, pool.first()).await {
            Ok(Ok(session)) => session,
            Ok(Err(error @ sqlx::Error::Io(_))) => bail!("cannot use {url}: {error}; {HINT}"),
            Ok(Err(error)) => bail!("cannot use {url}: {error}"),
            Err(_) => bail!("cannot use {url}: no answer in {CONNECT_TIMEOUT:?}; {HINT}"),
        };
        migrate(session)
            .await
            .with_context(|| format!("cannot migrate {url}"))?;
        let pings = |protocol| Batches::new(Ping { protocol }, pool.clone());
        Ok(Self {
            creates: Batches::new(Create, pool.clone()),
            reads: Batches::new(Read, pool.clone()),
            http_pings: pings("http"),
            grpc_pings: pings("grpc"),
            pool,
        })
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
        let uid = self.creates.ask((name.clone(), sex)).await?;
        let uid = i64::try_from(uid)
            .map_err(failed)?
            .try_into()
            .map_err(failed)?;
        Ok(User { uid, name, sex })
    }

    async fn read(&self, uid: Uid) -> Result<User> {
        let row = self.reads.ask(uid).await?.map_err(failed)?;
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

    async fn ping(&self, protocol: Protocol) -> Result<i64> {
        let pings = match protocol {
            Protocol::Http => &self.http_pings,
            Protocol::Grpc => &self.grpc_pings,
        };
        let count = pings.ask(()).await?;
        i64::try_from(count).map_err(failed)
    }

    async fn close(&self) -> Result<()> {
        self.pool.close().await;
        Ok(())
    }
}

/// Creates users, and tells their uids.
struct Create;

impl Statement for Create {
    type Question = (Name, Sex);
    type Answer = u64;

    /// One `INSERT` a user, for one that inserts several tells the first uid only, and on a
    /// cluster the others need not follow it one by one. They go as one message, and are one
    /// transaction: one commit, which is what waits for the disk.
    async fn run(
        &self,
        connection: &mut MySqlConnection,
        users: &[(Name, Sex)],
    ) -> sqlx::Result<Vec<u64>> {
        let inserts: String = users.iter().map(insert).collect();
        let (sql, begins) = match users {
            [_] => (inserts, 0),
            _ => (format!("BEGIN; {inserts} COMMIT"), 1),
        };
        let answers = sqlx::raw_sql(AssertSqlSafe(sql)).execute_many(&mut *connection);
        let answers: sqlx::Result<Vec<_>> = answers.collect().await;
        if answers.is_err() {
            // A ROLLBACK that fails is told as an error of the protocol: that ends the session, and
            // with it the transaction.
            let undone = connection.execute("ROLLBACK").await;
            undone.map_err(|error| sqlx::Error::Protocol(format!("no ROLLBACK: {error}")))?;
        }
        let inserted = answers?.into_iter().skip(begins).take(users.len());
        Ok(inserted.map(|it| it.last_insert_id()).collect())
    }
}

/// An `INSERT` as text, since sqlx sends prepared ones one at a time. The name is in
/// hexadecimal digits: nothing in it can be taken for SQL.
fn insert((name, sex): &(Name, Sex)) -> String {
    let digits = name.as_str().bytes().map(|byte| format!("{byte:02x}"));
    let (name, sex) = (digits.collect::<String>(), i64::from(*sex));
    format!("INSERT INTO users (name, sex) VALUES (_utf8mb4 X'{name}', {sex});")
}

/// Reads users.
struct Read;

impl Statement for Read {
    type Question = Uid;
    type Answer = sqlx::Result<Option<(String, i8)>>;

    async fn run(
        &self,
        connection: &mut MySqlConnection,
        uids: &[Uid],
    ) -> sqlx::Result<Vec<Self::Answer>> {
        let mut query = QueryBuilder::new("SELECT name, sex, uid FROM users WHERE uid IN (");
        let mut list = query.separated(", ");
        // Each length is a statement to prepare: of powers of two there are few.
        let length = uids.len().next_power_of_two();
        for uid in uids.iter().cycle().take(length) {
            list.push_bind(i64::from(*uid));
        }
        query.push(")");
        let rows = query.build().fetch_all(connection).await?.into_iter();
        let rows = rows.map(|row| Ok((row.try_get("uid")?, row)));
        let rows = rows.collect::<sqlx::Result<HashMap<i64, _>>>()?;
        let row = |uid: &Uid| rows.get(&i64::from(*uid)).map(FromRow::from_row);
        Ok(uids.iter().map(|uid| row(uid).transpose()).collect())
    }
}

/// Counts pings that came by a protocol.
struct Ping {
    protocol: &'static str,
}

impl Statement for Ping {
    type Question = ();
    type Answer = u64;

    /// `LAST_INSERT_ID(…)` hands the new count back in the answer to the update itself:
    /// a second statement would read what other clients have counted meanwhile.
    async fn run(&self, connection: &mut MySqlConnection, pings: &[()]) -> sqlx::Result<Vec<u64>> {
        let pings = pings.len() as u64;
        let query = "UPDATE pings SET count = LAST_INSERT_ID(count + ?) WHERE protocol = ?";
        let query = sqlx::query(query).bind(pings).bind(self.protocol);
        let result = query.execute(connection).await?;
        let last = result.last_insert_id();
        match result.rows_affected() {
            0 => Err(sqlx::Error::Decode("the table pings has lost a row".into())),
            _ => Ok((last.saturating_sub(pings) + 1..=last).collect()),
        }
    }
}

/// Brings the tables up to date, one process at a time: replicas start together.
///
/// sqlx has a lock for this, but waits for it in a way that MariaDB answers at once, with
/// NULL. If anything fails, the lock goes with the connection.
async fn migrate(mut session: Lent) -> anyhow::Result<()> {
    let connection = session.start();
    let lock = sqlx::query_scalar("SELECT GET_LOCK(MD5(CONCAT('goms', DATABASE())), 30)");
    let locked: Option<i64> = lock.fetch_one(&mut *connection).await?;
    ensure!(locked == Some(1), "another process has been at it for 30 s");
    let mut migrations = sqlx::migrate!();
    migrations.set_locking(false);
    migrations.set_ignore_missing(true); // a release can be rolled back, its tables cannot
    let mut migrated = migrations.run(&mut *connection).await;
    if let Err(MigrateError::Dirty(step)) = migrated {
        // It was cut off; steps are written so that they can be done again.
        let forget = sqlx::query("DELETE FROM _sqlx_migrations WHERE version = ?");
        forget.bind(step).execute(&mut *connection).await?;
        migrated = migrations.run(&mut *connection).await;
    }
    migrated?;
    let unlocked = connection.execute("DO RELEASE_ALL_LOCKS()").await;
    session.finish(unlocked)?;
    Ok(())
}

fn failed(error: impl Into<Cause>) -> Error {
    Error::Failed(error.into())
}
