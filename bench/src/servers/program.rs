//! A lesson's program as it is measured: on the store that shows what the lesson adds.

use crate::figures::call::Call;
use crate::servers::server::Server;
use ladder::Ladder;
use ladder::Lesson;
use ladder::Needs;
use ladder::ports::Ports;
use ladder::services;
use ladder::services::Database;
use std::path::PathBuf;
use std::time::Duration;
use tokio::process::Command;

/// A lesson's program and what it runs on.
pub(crate) struct Program {
    pub(crate) lesson: &'static Lesson,
    pub(crate) path: PathBuf,
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

impl Program {
    /// Starts it; tells how long it took to answer a ping.
    pub(crate) async fn start(&self, ladder: &Ladder) -> anyhow::Result<(Server, Duration)> {
        let ports = Ports::free()?;
        let mut command = Command::new(&self.path);
        command.env_clear();
        for (flag, address) in ladder.addresses(self.lesson) {
            command.arg(format!("--{flag}={}", ports.own(address)));
        }
        match &self.keeps {
            Keeps::Memory => command.arg("--store=memory"),
            Keeps::Yaml => command.arg("--store=yaml"),
            Keeps::Mysql(database) => command
                .arg("--store=mysql")
                .env("GOMS__MYSQL__URL", database.url()),
        };
        if self.lesson.needs >= Needs::Redis {
            command.env("GOMS__REDIS__URL", services::REDIS_ADMIN);
        }
        Server::start(command, &self.folder, &ports, Call::Ping).await
    }
}
