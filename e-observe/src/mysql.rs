//! A store in MySQL or MariaDB, for any number of processes at a time. Every call is one
//! statement, so that the database's own atomicity is enough.

mod migration;
pub mod session;

use crate::flag;
use crate::observe::metrics::METRICS;
use crate::observe::trace;
use crate::pool::Pool;
use crate::pool::Wait;
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
use anyhow::anyhow;
use async_trait::async_trait;
use session::Sessions;
use sqlx::Connection;
use sqlx::mysql::MySqlConnection;
use std::pin::Pin;
use std::time::Duration;
use tokio::time::Instant;
use tokio::time::sleep;
use tokio::time::timeout;

/// How long a caller waits for a connection in which to start its statement.
pub const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a statement may take; the server ends one that waits for a lock before that.
pub const STATEMENT_TIMEOUT: Duration = Duration::from_secs(6);

/// The server's number of a deadlock, and how long its victim is tried again.
const DEADLOCK: Option<u16> = Some(1213);
const RETRY_FOR: Duration = Duration::from_secs(3);

const _: () = assert!(session::LOCK_WAIT.as_secs() < STATEMENT_TIMEOUT.as_secs());

/// A store in MySQL or MariaDB.
pub struct Mysql {
    pool: Pool<Sessions>,
}

/// What a statement is while it runs.
type Running<'c, T> = Pin<Box<dyn Future<Output = sqlx::Result<T>> + Send + 'c>>;

impl Mysql {
    /// Connects, and brings the tables up to date. It fails if the database cannot be reached,
    /// refuses the login, or cannot be migrated.
    pub async fn connect(settings: &flag::Mysql) -> anyhow::Result<Self> {
        let unnamed = "no database is named: set --mysql-url, or choose another --store";
        let url = settings.url.as_ref().context(unnamed)?;
        let options = session::options(url).context("mysql-url")?;
        let first = timeout(ACQUIRE_TIMEOUT, MySqlConnection::connect_with(&options)).await;
        let first = first.unwrap_or_else(|late| Err(sqlx::Error::Io(late.into())));
        let hint = "`cargo lesson services up` starts one for development";
        let mut first = first.map_err(|error| anyhow!("cannot use {url}: {error}; {hint}"))?;
        let migrated = migration::run(&mut first).await;
        // The text of such an error already contains its causes.
        migrated.map_err(|error| anyhow!("cannot migrate {url}: {error}"))?;
        let _ = first.close().await; // it has done its work, however it ends
        let sessions = Sessions { options };
        let pool = Pool::new(sessions, settings.connections, ACQUIRE_TIMEOUT)?;
        Ok(Self { pool })
    }

    /// Runs a statement to its end, on a task of its own: a caller who goes away meanwhile
    /// would leave an answer on the line that the next caller takes for its own.
    ///
    /// The victim of a deadlock is tried again, because the server has rolled it back. The
    /// random pause keeps two of them from meeting once more.
    async fn run<T: Send + 'static>(
        &self,
        kind: &str,
        wait: Wait,
        statement: impl for<'c> Fn(&'c mut MySqlConnection) -> Running<'c, T> + Send + Sync + 'static,
    ) -> Result<T> {
        let mut lent = self.pool.acquire(wait).await.map_err(Error::Unavailable)?;
        let begun = Instant::now();
        let work = async move {
            let connection = lent.start();
            let attempts = async {
                let (start, mut pause) = (Instant::now(), 10);
                loop {
                    let answer = statement(connection).await;
                    let number = answer.as_ref().err().and_then(session::number);
                    if number != DEADLOCK || start.elapsed() > RETRY_FOR {
                        return answer;
                    }
                    sleep(Duration::from_millis(fastrand::u64(0..=pause))).await;
                    pause = (2 * pause).min(100);
                }
            };
            let answer = timeout(STATEMENT_TIMEOUT, attempts).await;
            let answer = answer.unwrap_or_else(|late| Err(sqlx::Error::Io(late.into())));
            match answer.as_ref().is_err_and(session::is_over) {
                true => lent.discard(),
                false => lent.done(),
            }
            answer.map_err(session::classify)
        };
        let task = tokio::spawn(trace::carried(work));
        let answer = task.await.unwrap_or_else(|error| Err(failed(error)));
        let outcome = match answer {
            Ok(_) => "ok",
            Err(Error::Unavailable(_)) => "unavailable",
            Err(_) => "failed",
        };
        let took = begun.elapsed();
        trace::note(|it| it.store_us = Some(took.as_micros() as u64));
        let series = METRICS.statements.get([kind, outcome]);
        series.observe(took.as_secs_f64());
        answer
    }
}

#[async_trait]
impl Store for Mysql {
    async fn create(&self, name: Name, sex: Sex) -> Result<User> {
        let (text, code) = (name.clone(), i64::from(sex));
        let insert = self.run("create", Wait::ForNobody, move |connection| {
            let query = sqlx::query("INSERT INTO users (name, sex) VALUES (?, ?)");
            let query = query.bind(String::from(text.clone())).bind(code);
            Box::pin(query.execute(connection))
        });
        let uid = i64::try_from(insert.await?.last_insert_id()).map_err(failed)?;
        let uid = uid.try_into().map_err(failed)?;
        Ok(User { uid, name, sex })
    }

    async fn read(&self, uid: Uid) -> Result<User> {
        let select = self.run("read", Wait::ForNobody, move |connection| {
            let query = sqlx::query_as("SELECT name, sex FROM users WHERE uid = ?");
            Box::pin(query.bind(i64::from(uid)).fetch_optional(connection))
        });
        let row: Option<(String, i8)> = select.await?;
        let (name, sex) = row.ok_or(Error::NotFound(uid))?;
        let name = name.try_into().map_err(failed)?;
        let sex = i64::from(sex).try_into().map_err(failed)?;
        Ok(User { uid, name, sex })
    }

    async fn update(&self, user: User) -> Result<()> {
        let (uid, code) = (user.uid, i64::from(user.sex));
        let update = self.run("update", Wait::ForLocks, move |connection| {
            let query = sqlx::query("UPDATE users SET name = ?, sex = ? WHERE uid = ?");
            let query = query.bind(String::from(user.name.clone())).bind(code);
            Box::pin(query.bind(i64::from(uid)).execute(connection))
        });
        let found = update.await?.rows_affected() > 0;
        found.then_some(()).ok_or(Error::NotFound(uid))
    }

    async fn delete(&self, uid: Uid) -> Result<()> {
        let delete = self.run("delete", Wait::ForLocks, move |connection| {
            let query = sqlx::query("DELETE FROM users WHERE uid = ?");
            Box::pin(query.bind(i64::from(uid)).execute(connection))
        });
        let found = delete.await?.rows_affected() > 0;
        found.then_some(()).ok_or(Error::NotFound(uid))
    }

    /// `LAST_INSERT_ID(…)` returns the new count with the answer to the update itself. A
    /// second statement would read what other clients have counted meanwhile.
    async fn ping(&self, protocol: Protocol) -> Result<i64> {
        let protocol = match protocol {
            Protocol::Http => "http",
            Protocol::Grpc => "grpc",
        };
        let update = self.run("ping", Wait::ForLocks, move |connection| {
            let sql = "UPDATE pings SET count = LAST_INSERT_ID(count + 1) WHERE protocol = ?";
            Box::pin(sqlx::query(sql).bind(protocol).execute(connection))
        });
        let updated = update.await?;
        match updated.rows_affected() {
            0 => Err(failed("the table pings has lost a row")),
            _ => i64::try_from(updated.last_insert_id()).map_err(failed),
        }
    }

    async fn close(&self) -> Result<()> {
        for session in self.pool.close() {
            session.close().await;
        }
        Ok(())
    }
}

fn failed(error: impl Into<Cause>) -> Error {
    Error::Failed(error.into())
}
