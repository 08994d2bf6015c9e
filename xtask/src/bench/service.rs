//! A lesson as it is measured: built for release, on the store that shows what it adds.

use super::call::Call;
use super::http;
use super::process;
use super::process::Process;
use crate::ladder;
use crate::ladder::Lesson;
use crate::ladder::Needs;
use crate::run::cargo;
use crate::services;
use crate::services::Database;
use anyhow::Context;
use anyhow::ensure;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;
use tokio::process::Command;

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(20);

/// A lesson's program and what it runs on.
pub(crate) struct Setup {
    pub(crate) lesson: &'static Lesson,
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
        let command = self.command(http, grpc)?;
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

    fn command(&self, http: SocketAddr, grpc: SocketAddr) -> anyhow::Result<Command> {
        let lesson = self.lesson;
        let mut command = Command::new(program(lesson)?);
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
        Ok(command)
    }
}

impl Service {
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

fn program(lesson: &Lesson) -> anyhow::Result<PathBuf> {
    Ok(ladder::target()?.join("release").join(lesson.name))
}

/// Builds it for release.
///
/// # Errors
///
/// It does not build.
pub(crate) async fn build(lesson: &Lesson) -> anyhow::Result<()> {
    compile(lesson, &ladder::target()?, false).await
}

/// Builds it for release from nothing; returns how many seconds that took.
///
/// # Errors
///
/// It does not build.
pub(crate) async fn build_clean(lesson: &Lesson) -> anyhow::Result<f64> {
    let folder = tempfile::Builder::new()
        .prefix("bench")
        .tempdir_in(ladder::target()?)?;
    let begun = Instant::now();
    compile(lesson, folder.path(), true).await?;
    Ok(begun.elapsed().as_secs_f64())
}

async fn compile(lesson: &Lesson, target: &Path, quiet: bool) -> anyhow::Result<()> {
    let mut cargo = Command::from(cargo());
    cargo
        .args(["build", "--release", "--locked", "--package", lesson.name])
        .arg("--target-dir")
        .arg(target)
        .args(quiet.then_some("--quiet"))
        .kill_on_drop(true);
    let built = cargo.status().await.context("cargo")?;
    ensure!(built.success(), "{} does not build", lesson.name);
    Ok(())
}

/// The size of its program in MB, without symbols.
///
/// # Errors
///
/// It is not built.
pub(crate) fn size(lesson: &Lesson) -> anyhow::Result<f64> {
    Ok(std::fs::metadata(program(lesson)?)?.len() as f64 / 1e6)
}

/// How many crates go into its program, itself not counted, nor those that only build it.
///
/// # Errors
///
/// cargo does not know.
pub(crate) async fn crates(lesson: &Lesson) -> anyhow::Result<usize> {
    let mut cargo = Command::from(cargo());
    cargo
        .args(["tree", "--locked", "--prefix", "none"])
        .args(["--edges", "normal,no-proc-macro"])
        .args(["--package", lesson.name])
        .kill_on_drop(true);
    let tree = super::tool::run(&mut cargo).await?;
    Ok(count(&tree))
}

/// The different packages of a tree, less its root.
fn count(tree: &str) -> usize {
    let lines = tree.lines().map(|line| line.trim_end_matches(" (*)"));
    let packages: BTreeSet<&str> = lines.filter(|line| !line.is_empty()).collect();
    packages.len().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn a_crate_is_counted_once() {
        let tree = "e-docker v0.1.0 (/goms/e-docker)\nanyhow v1.0.104\ntokio v1.54.1\n\
                    bytes v1.12.2\nmio v1.2.5\ntracing v0.1.44\ntokio v1.54.1 (*)\n";
        assert_eq!(count(tree), 5);
        assert_eq!(count("e-docker v0.1.0\n"), 0);
    }
}
