//! A lesson as it is measured: on the store that shows what it adds.

use super::call::Call;
use super::call::USERS;
use super::http;
use super::process;
use super::process::Process;
use crate::ladder::Lesson;
use crate::ladder::Needs;
use crate::services;
use crate::services::Database;
use anyhow::ensure;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;
use tokio::net::TcpStream;
use tokio::process::Command;

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(20);

/// A lesson's program and what it runs on.
pub(crate) struct Setup {
    pub(crate) lesson: &'static Lesson,
    pub(crate) program: PathBuf,
    /// Where its processes run.
    pub(crate) folder: PathBuf,
    pub(crate) keeps: Keeps,
}

/// Where it keeps users.
pub(crate) enum Keeps {
    Memory,
    /// In `users.yaml` in its folder.
    Yaml,
    Mysql(Database),
}

/// A lesson that serves.
pub(crate) struct Service {
    pub(crate) process: Process,
    http: SocketAddr,
    grpc: SocketAddr,
}

impl Setup {
    /// Starts the program; tells how long it took to answer a ping.
    ///
    /// # Errors
    ///
    /// It ends, or does not answer in time.
    pub(crate) async fn start(&self) -> anyhow::Result<(Service, Duration)> {
        let [http, grpc] = process::free()?;
        let command = self.command(http, grpc);
        let begun = Instant::now();
        let mut process = Process::start(command, &self.folder)?;
        while let Err(error) = http::ask(http, Call::Ping).await {
            process.check()?;
            ensure!(begun.elapsed() < PATIENCE, "it does not start: {error:#}");
            process::pause();
        }
        let took = begun.elapsed();
        let service = Service {
            process,
            http,
            grpc,
        };
        Ok((service, took))
    }

    fn command(&self, http: SocketAddr, grpc: SocketAddr) -> Command {
        let lesson = self.lesson;
        let mut command = Command::new(&self.program);
        command.env_clear().arg(format!("--http-addr={http}"));
        if lesson.has("e-grpc") {
            command.arg(format!("--grpc-addr={grpc}"));
        }
        match &self.keeps {
            Keeps::Memory => command.arg("--store=memory"),
            Keeps::Yaml => command.arg("--store=yaml"),
            Keeps::Mysql(database) => command
                .arg("--store=mysql")
                .env("GOMS__MYSQL__URL", database.url()),
        };
        if lesson.needs >= Needs::Redis {
            command.env("GOMS__REDIS__URL", services::redis_url());
        }
        command
    }
}

impl Service {
    /// Makes the users that are to be read.
    ///
    /// # Errors
    ///
    /// An answer was wrong.
    pub(crate) async fn fill(&self) -> anyhow::Result<()> {
        let mut stream = TcpStream::connect(self.address(Call::Create)).await?;
        while http::ask_again(&mut stream, Call::Create).await?.number < *USERS.end() {}
        Ok(())
    }

    /// Where it takes this call.
    pub(crate) fn address(&self, call: Call) -> SocketAddr {
        match call.by_grpc() {
            true => self.grpc,
            false => self.http,
        }
    }
}

/// Whether the lesson takes this call.
pub(crate) fn takes(lesson: &Lesson, call: Call) -> bool {
    lesson.has(if call.by_grpc() { "e-grpc" } else { "e-http" })
}

/// What it keeps users in while it is measured: of its stores, that of its own lesson.
pub(crate) fn store(lesson: &Lesson) -> &'static str {
    match lesson.needs {
        Needs::Nothing => "memory",
        Needs::Mysql => "MySQL",
        Needs::Redis => "MySQL, Redis",
    }
}
