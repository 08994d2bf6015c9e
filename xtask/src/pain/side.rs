//! One side of a pain: a program in a folder of its own, on ports and a database of its own.

use super::docker::Container;
use super::group::Ended;
use super::group::Group;
use super::ports::Ports;
use crate::ladder::Lesson;
use crate::services::Database;
use crate::services::redis_url;
use anyhow::Context;
use std::fmt::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;
use std::time::Instant;
use tempfile::TempDir;

/// A command, what comes before it, and what it is run under.
#[derive(Debug)]
pub(super) struct Play {
    pub(super) first: Vec<String>,
    pub(super) command: String,
    pub(super) sides: [Side; 2],
    /// What has to be said about it.
    pub(super) note: Option<String>,
}

/// What `$lesson` stands for, and what it needs. Dropped, it takes its things away.
#[derive(Debug)]
pub(super) struct Side {
    folder: TempDir,
    ports: Ports,
    /// Variables of bash.
    variables: Vec<(String, String)>,
    /// Keeps the database for as long as it is needed.
    _database: Option<Database>,
    /// The container that the commands start.
    _container: Option<Container>,
}

/// What the command has printed, and how long it took.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) said: String,
    pub(super) took: Duration,
}

impl Play {
    /// The lesson's own command.
    pub(super) fn of(lesson: &Lesson, sides: [Side; 2]) -> Self {
        let first = lesson.pain.first.iter();
        Self {
            first: first.map(|line| (*line).to_owned()).collect(),
            command: lesson.pain.command.to_owned(),
            sides,
            note: None,
        }
    }
}

impl Side {
    /// A side whose `$lesson` is this.
    ///
    /// # Errors
    ///
    /// There is no folder or no port for it.
    pub(super) fn new(lesson: String) -> anyhow::Result<Self> {
        Ok(Self {
            folder: TempDir::new()?,
            ports: Ports::free()?,
            variables: vec![("lesson".to_owned(), lesson)],
            _database: None,
            _container: None,
        })
    }

    /// A side whose `$lesson` is this lesson's program.
    ///
    /// # Errors
    ///
    /// There is no database for it.
    pub(super) fn of(lesson: &Lesson, program: &Path) -> anyhow::Result<Self> {
        let database = lesson.has("e-mysql").then(Database::create).transpose()?;
        let mut side = Self::new(lesson.name.to_owned())?;
        let script = script(lesson, program, &side.ports, database.as_ref())?;
        side.program(lesson.name, &script)?;
        side._database = database;
        Ok(side)
    }

    /// Puts a program before all others.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub(super) fn program(&mut self, name: &str, script: &str) -> anyhow::Result<()> {
        let bin = self.folder.path().join("bin");
        std::fs::create_dir_all(&bin)?;
        std::fs::write(bin.join(name), script)?;
        std::fs::set_permissions(bin.join(name), PermissionsExt::from_mode(0o755))?;
        let path = std::env::var("PATH").unwrap_or_default();
        let path = format!("{}:{path}", bin.display());
        self.variables.push(("PATH".to_owned(), path));
        Ok(())
    }

    /// Names the container that the commands start as `$name`.
    pub(super) fn container(&mut self, container: Container) {
        self.variables
            .push(("name".to_owned(), container.name.clone()));
        self._container = Some(container);
    }

    /// Runs what comes first, then the command, and stops what is left of both.
    ///
    /// # Errors
    ///
    /// There is no bash.
    pub(super) async fn run(&self, first: &[String], command: &str) -> anyhow::Result<Outcome> {
        let work = self.folder.path().join("work");
        std::fs::create_dir_all(&work)?;
        let mut variables = self.variables.clone();
        let mut running: Vec<Group> = Vec::new();
        for (index, line) in first.iter().enumerate() {
            let output = self.folder.path().join(format!("first.{index}"));
            let stays = line.strip_suffix('&');
            let line = self.ports.own(stays.unwrap_or(line));
            let mut group = Group::start(&line, &work, &variables, &output)?;
            group.ended().await?;
            if stays.is_some() {
                variables.push(("pid".to_owned(), group.pid().to_string()));
                running.push(group);
            }
        }
        let output = self.folder.path().join("output");
        let command = self.ports.own(command);
        let start = Instant::now();
        let mut group = Group::start(&command, &work, &variables, &output)?;
        let ended = tokio::select! {
            ended = group.ended() => ended?,
            // Meanwhile those that end are taken off the system's table of processes.
            () = reap(&mut running) => Ended::Never,
        };
        let took = start.elapsed();
        let mut said = self
            .ports
            .usual(group.printed().trim_end())
            .replace('\r', "");
        match ended {
            Ended::ByItself => {}
            Ended::Serving => said.push_str("\n(so it goes on, and is stopped)"),
            Ended::Never => said.push_str("\n(it does not end, and is stopped)"),
        }
        group.stop().await;
        for group in running {
            group.stop().await;
        }
        Ok(Outcome { said, took })
    }
}

/// Waits for the ends of all, and then for ever.
async fn reap(running: &mut [Group]) {
    for group in running {
        group.reap().await;
    }
    std::future::pending().await
}

/// The lesson's program on this side's ports and database, however the lesson is told.
fn script(
    lesson: &Lesson,
    program: &Path,
    ports: &Ports,
    database: Option<&Database>,
) -> anyhow::Result<String> {
    let mut script = String::from("#!/usr/bin/env bash\n");
    if let Some(database) = database {
        writeln!(script, "export GOMS__MYSQL__URL='{}'", database.url())?;
    }
    if lesson.has("e-redis") {
        // It needs none of its own: its keys name the database.
        writeln!(script, "export GOMS__REDIS__URL='{}'", redis_url())?;
    }
    for (brought_by, flag, value) in [
        ("e-http", "http-addr", "127.0.0.1:8080"),
        ("e-grpc", "grpc-addr", "127.0.0.1:50051"),
        ("e-grpc", "grpc-upstream", "http://127.0.0.1:50051"),
    ] {
        let value = ports.own(value);
        let variable = format!("GOMS__{}", flag.to_uppercase().replace('-', "__"));
        if lesson.has("e-conf") {
            writeln!(script, "export {variable}=${{{variable}-{value}}}")?;
        } else if lesson.has(brought_by) {
            writeln!(script, "set -- --{flag} {value} \"$@\"")?;
        }
    }
    let program = program.to_str().context("a path that is not UTF-8")?;
    writeln!(script, "exec '{program}' \"$@\"")?;
    Ok(script)
}

#[cfg(test)]
mod tests {
    use super::Side;

    /// A lesson that serves, and answers a command.
    const FAKE: &str = "#!/usr/bin/env bash\n\
        if [ $# = 0 ]; then echo serving; trap 'touch stopped; exit' TERM; while :; do sleep 0.01; done; fi\n\
        echo \"$1 on 127.0.0.1:8080\"\n";

    #[tokio::test]
    async fn a_side_runs_its_command_and_stops_what_serves() -> anyhow::Result<()> {
        let mut side = Side::new("fake".to_owned())?;
        side.program("fake", FAKE)?;
        let first = ["echo kept > file".to_owned(), "$lesson &".to_owned()];
        let outcome = side.run(&first, "cat file; $lesson said").await?;
        assert_eq!(outcome.said, "kept\nsaid on 127.0.0.1:8080");
        assert!(side.folder.path().join("work/stopped").exists());
        let outcome = side.run(&[], "$lesson").await?;
        assert_eq!(outcome.said, "serving\n(so it goes on, and is stopped)");
        let folder = side.folder.path().to_owned();
        drop(side);
        assert!(!folder.exists());
        Ok(())
    }

    #[tokio::test]
    async fn a_process_that_ends_is_seen_to_end() -> anyhow::Result<()> {
        let mut side = Side::new("fake".to_owned())?;
        side.program("fake", FAKE)?;
        let first = ["$lesson &".to_owned()];
        let command = "kill $pid; for i in {1..100}; do kill -0 $pid || break; sleep 0.05; done";
        let outcome = side.run(&first, command).await?;
        assert!(outcome.took.as_secs() < 4 && outcome.said.contains("No such process"));
        Ok(())
    }
}
