//! A command in a process group of its own, and how long it is waited for.

use ladder::group::Group;
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;
use tokio::process::Child;
use tokio::process::Command;
use tokio::time::timeout;

/// How often its output is looked at.
const STEP: Duration = Duration::from_millis(20);

/// How long a command may take that should end, and a server that should start.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long what has said that it serves is watched, to see whether it goes on.
const MOMENT: Duration = Duration::from_millis(500);

/// How long a server has to end in good order.
const GRACE: Duration = Duration::from_secs(10);

/// What each lesson says when it serves, and then goes on forever.
const SERVING: &str = "serving";

/// A command that runs, its output going to a file.
#[derive(Debug)]
pub(super) struct Job {
    child: Child,
    group: Group,
    output: std::path::PathBuf,
}

/// How waiting for a command has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    ByItself,
    /// It serves.
    Serving,
    /// It does neither.
    Never,
}

impl Job {
    /// Starts a line of bash.
    ///
    /// # Errors
    ///
    /// There is no bash.
    pub(super) fn start(
        line: &str,
        folder: &Path,
        variables: &[(String, String)],
        output: &Path,
    ) -> anyhow::Result<Self> {
        let file = std::fs::File::create(output)?;
        let mut bash = Command::new("bash");
        bash.arg("-c")
            .arg(line)
            .current_dir(folder)
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .env_remove("RUST_BACKTRACE")
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .process_group(0);
        let child = bash.spawn()?;
        let group = Group::of(child.id())?;
        let output = output.to_owned();
        Ok(Self {
            child,
            group,
            output,
        })
    }

    /// Its process.
    pub(super) fn pid(&self) -> Pid {
        self.group.id()
    }

    /// What it has printed.
    pub(super) fn printed(&self) -> String {
        let bytes = std::fs::read(&self.output).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Waits until it ends or serves.
    ///
    /// # Errors
    ///
    /// The system cannot tell.
    pub(super) async fn ended(&mut self) -> anyhow::Result<Ended> {
        let start = Instant::now();
        while self.child.try_wait()?.is_none() {
            if self.printed().contains(SERVING) {
                // A test that tells what a service said has the word, too, and ends.
                let ended = timeout(MOMENT, self.child.wait()).await;
                return Ok(ended.map_or(Ended::Serving, |_| Ended::ByItself));
            }
            if start.elapsed() > PATIENCE {
                return Ok(Ended::Never);
            }
            tokio::time::sleep(STEP).await;
        }
        Ok(Ended::ByItself)
    }

    /// Waits for its end alone, and so takes its process off the system's table.
    pub(super) async fn reap(&mut self) {
        let _ = self.child.wait().await;
    }

    /// Stops it in good order.
    pub(super) async fn stop(mut self) {
        let _ = self.group.signal(Signal::SIGTERM);
        let _ = timeout(GRACE, self.child.wait()).await;
    }
}
