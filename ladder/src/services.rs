//! MySQL and Redis for development and tests: private ones, on ports of their own, that
//! never touch what the machine already runs.
//!
//! A service comes up by the first of these ways that works: it already answers; an
//! instance of the installed program, with its data under `target/services`; Docker
//! Compose; the program installed by the system's package manager, where that is allowed.

mod compose;
mod database;
mod install;
mod mysql;
mod private;
mod redis;

use crate::Needs;
use crate::signals::Signals;
use anyhow::Context;
use anyhow::ensure;
use compose::compose;
pub use database::Database;
pub use mysql::ADDR as MYSQL_ADDR;
pub use mysql::ADMIN as MYSQL_ADMIN;
pub use mysql::PORT as MYSQL_PORT;
use private::Private;
pub use private::find;
pub use redis::ADDR as REDIS_ADDR;
pub use redis::ADMIN as REDIS_ADMIN;
pub use redis::PASSWORD as REDIS_PASSWORD;
pub use redis::PORT as REDIS_PORT;
use std::fs::File;
use std::path::PathBuf;

/// What to do with the services.
#[derive(Clone, Copy, Debug, clap::Subcommand)]
pub enum Task {
    /// Start them; those that already answer are left as they are
    Up,
    /// Stop what `up` started
    Down,
    /// Show which of them answer
    Status,
}

/// A backing service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// MySQL, or MariaDB.
    Mysql,
    /// Redis, or Valkey.
    Redis,
}

/// Does what the command line says.
pub fn task(task: Task) -> anyhow::Result<()> {
    match task {
        Task::Up => up(Needs::Redis).map(drop),
        Task::Down => down(&[Service::Redis, Service::Mysql]),
        Task::Status => {
            for service in [Service::Mysql, Service::Redis] {
                let state = if service.answers() { "up" } else { "down" };
                println!(
                    "{:6} 127.0.0.1:{:5} {state}",
                    service.name(),
                    service.port()
                );
            }
            Ok(())
        }
    }
}

/// Has what is needed for as long as the work takes. No signal ends this process before it
/// has stopped what it has started: the work is given them.
///
/// # Errors
///
/// A service does not come up, or does not stop; or that of the work, which counts first.
#[tokio::main(flavor = "current_thread")]
pub async fn during<T>(
    needs: Needs,
    work: impl AsyncFnOnce(Signals) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let signals = Signals::take()?;
    let started = up(needs)?;
    let done = work(signals).await;
    let stopped = down(&started);
    done.and_then(|done| stopped.map(|()| done))
}

/// Starts what is needed and not yet there, and returns what it started.
///
/// # Errors
///
/// A service does not come up in any way; the error says why, or what to install.
fn up(needs: Needs) -> anyhow::Result<Vec<Service>> {
    let _lock = lock()?;
    let mut started = Vec::new();
    if needs >= Needs::Mysql && Service::Mysql.up()? {
        started.push(Service::Mysql);
    }
    if needs >= Needs::Redis && Service::Redis.up()? {
        started.push(Service::Redis);
    }
    Ok(started)
}

/// Stops these services, if `up` started them.
///
/// # Errors
///
/// One of them does not stop.
fn down(services: &[Service]) -> anyhow::Result<()> {
    let _lock = lock()?;
    services.iter().try_for_each(|service| service.down())
}

impl Service {
    fn name(self) -> &'static str {
        match self {
            Self::Mysql => "mysql",
            Self::Redis => "redis",
        }
    }

    /// What Debian calls its package.
    fn package(self) -> &'static str {
        match self {
            Self::Mysql => "mariadb-server",
            Self::Redis => "redis-server",
        }
    }

    /// The port, unlike the usual one, so that what the machine already runs is left alone.
    fn port(self) -> u16 {
        match self {
            Self::Mysql => mysql::PORT,
            Self::Redis => redis::PORT,
        }
    }

    /// Whether it does what it is for, not only whether its port is open.
    fn answers(self) -> bool {
        match self {
            Self::Mysql => mysql::answers(),
            Self::Redis => redis::answers(),
        }
    }

    /// An instance of the installed program, if it is installed.
    fn private(self) -> anyhow::Result<Option<Private>> {
        let folder = folder()?.join(self.name());
        std::fs::create_dir_all(&folder)?;
        match self {
            Self::Mysql => mysql::private(folder),
            Self::Redis => redis::private(folder),
        }
    }

    /// Starts it unless it is there; tells whether it did.
    fn up(self) -> anyhow::Result<bool> {
        let (name, port) = (self.name(), self.port());
        if self.answers() {
            eprintln!("{name}: already answers on 127.0.0.1:{port}");
            return Ok(false);
        }
        let private = self.start_private();
        if matches!(private, Ok(true)) {
            return Ok(true);
        }
        if compose(&["up", "--detach", "--wait", name]) {
            eprintln!("{name}: started on 127.0.0.1:{port} by Docker Compose");
            return Ok(true);
        }
        private?; // what is installed and does not start is not cured by installing it
        install::install(name, self.package())?;
        ensure!(self.start_private()?, "{name} is still not there");
        Ok(true)
    }

    /// Starts an instance of the installed program; tells whether it is installed.
    fn start_private(self) -> anyhow::Result<bool> {
        let (name, port) = (self.name(), self.port());
        let Some(private) = self.private()? else {
            return Ok(false);
        };
        let folder = private.folder.clone();
        private.start(|| self.answers()).context(name)?;
        eprintln!(
            "{name}: started on 127.0.0.1:{port}, its data in {}",
            folder.display()
        );
        Ok(true)
    }

    fn down(self) -> anyhow::Result<()> {
        let name = self.name();
        let private = self
            .private()?
            .filter(|private| private.running().is_some());
        if let Some(private) = private {
            private.stop()?;
            eprintln!("{name}: stopped");
        } else if !self.answers() {
            eprintln!("{name}: not running");
        } else if compose(&["rm", "--stop", "--force", name]) && !self.answers() {
            eprintln!("{name}: stopped, by Docker Compose");
        } else {
            eprintln!("{name}: left alone, because `up` did not start it");
        }
        Ok(())
    }
}

/// Where private instances keep their things.
fn folder() -> anyhow::Result<PathBuf> {
    Ok(crate::target()?.join("services"))
}

/// Keeps two of these commands from working at the same time.
fn lock() -> anyhow::Result<File> {
    let folder = folder()?;
    std::fs::create_dir_all(&folder)?;
    let lock = File::create(folder.join("lock"))?;
    lock.lock()?;
    Ok(lock)
}
