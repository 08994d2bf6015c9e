//! Where one test plays: a lesson, a folder and a database of its own, and the processes
//! that it starts, whose output is kept for the case that the test fails.

use crate::cache::Cache;
use crate::database::Database;
use crate::database::SECRET;
use crate::service::PATIENCE;
use crate::service::Service;
use crate::transcript::Transcript;
use anyhow::Context;
use ladder::Ladder;
use ladder::Lesson;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::process::Stdio;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::sync::OnceCell;
use tokio::time::timeout;

/// A shell's way to run a program with nothing prepared.
pub(crate) const AS_IT_IS: &str = "exec \"$@\"";

/// A lesson, a folder, a database and what was said.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) ladder: &'static Ladder,
    pub(crate) lesson: &'static Lesson,
    /// The lesson's own, or the one that is tried in its place.
    pub(crate) program: PathBuf,
    folder: TempDir,
    database: OnceCell<Database>,
    cache: OnceCell<Cache>,
    pub(crate) transcript: Transcript,
}

/// What a command printed and how it ended.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Stage {
    pub(crate) fn new(
        ladder: &'static Ladder,
        lesson: &'static Lesson,
        program: PathBuf,
    ) -> anyhow::Result<Self> {
        let folder = TempDir::new()?;
        Ok(Self {
            ladder,
            lesson,
            program,
            folder,
            database: OnceCell::new(),
            cache: OnceCell::new(),
            transcript: Transcript::default(),
        })
    }

    /// The folder in which its processes run.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The database, made by the first call.
    pub(crate) async fn database(&self) -> anyhow::Result<&Database> {
        self.database.get_or_try_init(Database::create).await
    }

    /// The part of Redis, made by the first call.
    pub(crate) async fn cache(&self) -> anyhow::Result<&Cache> {
        let name = &self.database().await?.name;
        self.cache.get_or_try_init(|| Cache::create(name)).await
    }

    /// The environment of a lesson: nothing of the tester's own, and the stage's stores.
    pub(crate) async fn environment(&self, lesson: &Lesson) -> anyhow::Result<Vec<(&str, String)>> {
        let mut variables = Vec::new();
        if lesson.has("e-mysql") {
            variables.push(("GOMS__MYSQL__URL", self.database().await?.url()));
        }
        if lesson.has("e-redis") {
            variables.push(("GOMS__REDIS__URL", self.cache().await?.url()));
        }
        Ok(variables)
    }

    /// The program, ready to be run in the stage's folder, by a shell after it has
    /// prepared something.
    pub(crate) async fn command_in(
        &self,
        shell: &str,
        arguments: &[&str],
    ) -> anyhow::Result<Command> {
        let lesson = self.lesson;
        let name = self.program.file_name().unwrap_or_default();
        let shown = format!("$ {} {}", name.display(), arguments.join(" "));
        self.transcript.say(&shown.replace(SECRET, "…"));
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", shell, "sh"])
            .arg(&self.program)
            .args(arguments)
            .current_dir(self.folder())
            .env_clear()
            .env("RUST_BACKTRACE", "1") // whoever sets it gets no other errors
            .envs(self.environment(lesson).await?)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        Ok(command)
    }

    /// Runs the lesson to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        self.run_in(AS_IT_IS, arguments).await
    }

    /// Runs the lesson to its end, with some of its usual variables unset and these set.
    pub(crate) async fn run_without(
        &self,
        unset: &[&str],
        variables: &[(&str, &str)],
        arguments: &[&str],
    ) -> anyhow::Result<Output> {
        let mut command = self.command_in(AS_IT_IS, arguments).await?;
        for name in unset {
            command.env_remove(name);
        }
        command.envs(variables.iter().copied());
        self.finish(command).await
    }

    /// Runs the lesson to its end, by a shell after it has prepared something.
    pub(crate) async fn run_in(&self, shell: &str, arguments: &[&str]) -> anyhow::Result<Output> {
        self.finish(self.command_in(shell, arguments).await?).await
    }

    async fn finish(&self, mut command: Command) -> anyhow::Result<Output> {
        let output = timeout(PATIENCE, command.output()).await;
        self.heard(output.context("it does not end")??)
    }

    /// What a process has said that has ended, which is kept.
    pub(crate) fn heard(&self, output: std::process::Output) -> anyhow::Result<Output> {
        let stdout = String::from_utf8(output.stdout)?;
        let stderr = String::from_utf8(output.stderr)?;
        self.transcript.say(&stdout);
        self.transcript.say(&stderr);
        let status = output.status;
        Ok(Output {
            status,
            stdout,
            stderr,
        })
    }

    /// Starts the lesson, on free ports, and returns when it serves.
    pub(crate) async fn serve(&self, arguments: &[&str]) -> anyhow::Result<Service> {
        self.serve_in(AS_IT_IS, arguments).await
    }

    /// The same, started by a shell after it has prepared something, such as a limit.
    pub(crate) async fn serve_in(
        &self,
        shell: &str,
        arguments: &[&str],
    ) -> anyhow::Result<Service> {
        let http = ["--http-addr", "127.0.0.1:0"];
        let grpc = ["--grpc-addr", "127.0.0.1:0"];
        let observe = ["--observe-addr", "127.0.0.1:0"];
        let mut all = Vec::new();
        all.extend(http.iter().filter(|_| self.lesson.has("e-http")));
        all.extend(grpc.iter().filter(|_| self.lesson.has("e-grpc")));
        all.extend(observe.iter().filter(|_| self.lesson.has("e-observe")));
        all.extend(arguments);
        let child = self.command_in(shell, &all).await?.spawn()?;
        Service::started(child, &self.transcript).await
    }

    /// Removes what the stage has outside its folder.
    pub(crate) async fn clear(&self) -> anyhow::Result<()> {
        if let Some(cache) = self.cache.get() {
            cache.drop().await?;
        }
        if let Some(database) = self.database.get() {
            database.drop().await?;
        }
        Ok(())
    }
}
