//! One side of a pain: a program in a folder of its own, on ports and a database of its own.

use super::container::Container;
use super::job::Ended;
use super::job::Job;
use ladder::Ladder;
use ladder::Lesson;
use ladder::cargo;
use ladder::ports::Ports;
use ladder::services::Database;
use ladder::services::REDIS_ADMIN;
use ladder::shim::shim;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::symlink;
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
        Self {
            first: lesson.first.clone(),
            command: lesson.command.clone(),
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
    pub(super) fn of(ladder: &Ladder, lesson: &Lesson, program: &Path) -> anyhow::Result<Self> {
        let database = lesson.has("e-mysql").then(Database::create).transpose()?;
        let mut side = Self::new(lesson.name.to_owned())?;
        let environment = environment(lesson, database.as_ref());
        let script = shim(ladder, lesson, program, &side.ports, &environment);
        side.program(lesson.name, &format!("#!/usr/bin/env bash\n{script}"))?;
        side.program("cargo", &tool(ladder)?)?;
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
        let built = self.folder.path().join("work/target/debug");
        std::fs::create_dir_all(&built)?;
        symlink(bin.join(name), built.join(name))?;
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
        let mut running: Vec<Job> = Vec::new();
        for (index, line) in first.iter().enumerate() {
            let output = self.folder.path().join(format!("first.{index}"));
            let stays = line.strip_suffix('&');
            let line = self.ports.own(stays.unwrap_or(line));
            let mut job = Job::start(&line, &work, &variables, &output)?;
            job.ended().await?;
            if stays.is_some() {
                variables.push(("pid".to_owned(), job.pid().to_string()));
                running.push(job);
            }
        }
        let output = self.folder.path().join("output");
        let command = self.ports.own(command);
        let start = Instant::now();
        let mut job = Job::start(&command, &work, &variables, &output)?;
        let ended = tokio::select! {
            ended = job.ended() => ended?,
            // Meanwhile those that end are taken off the system's table of processes.
            () = reap(&mut running) => Ended::Never,
        };
        let took = start.elapsed();
        let mut said = self.ports.usual(job.printed().trim_end()).replace('\r', "");
        match ended {
            Ended::ByItself => {}
            Ended::Serving => said.push_str("\n(so it goes on, and is stopped)"),
            Ended::Never => said.push_str("\n(it does not end, and is stopped)"),
        }
        job.stop().await;
        for job in running {
            job.stop().await;
        }
        Ok(Outcome { said, took })
    }
}

/// Waits for the ends of all, and then forever.
async fn reap(running: &mut [Job]) {
    for job in running {
        job.reap().await;
    }
    std::future::pending().await
}

/// A `cargo` that works in any folder as it does in the workspace's, and has this tool.
fn tool(ladder: &Ladder) -> anyhow::Result<String> {
    let (this, root) = (std::env::current_exe()?, ladder.root.display());
    let (this, cargo) = (this.display(), cargo::shim(ladder)?);
    Ok(format!(
        "#!/usr/bin/env bash\n\
         [ \"$1\" = lesson ] && {{ shift; CARGO_MANIFEST_DIR='{root}/xtask' exec '{this}' \"$@\"; }}\n\
         {cargo}"
    ))
}

/// What the lesson has to be told to use this side's stores.
fn environment(lesson: &Lesson, database: Option<&Database>) -> Vec<(&'static str, String)> {
    let mysql = database.map(|database| ("GOMS__MYSQL__URL", database.url()));
    // Redis needs no database of its own: its keys name MySQL's.
    let redis = ("GOMS__REDIS__URL", REDIS_ADMIN.to_owned());
    let redis = lesson.has("e-redis").then_some(redis);
    mysql.into_iter().chain(redis).collect()
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
