//! An instance of an installed server of our own: its data, log, socket and process id in
//! one folder, in a session of its own, so that a Ctrl-C meant for a lesson spares it.

use anyhow::Context;
use anyhow::bail;
use anyhow::ensure;
use nix::sys::signal::Signal;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use process_wrap::std::CommandWrap;
use process_wrap::std::ProcessSession;
use std::fs::File;
use std::fs::OpenOptions;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;
use std::time::Instant;

/// How long a server may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// The folder of what it keeps.
pub(super) const DATA: &str = "data";

/// The file that says that a folder's first content is whole.
pub(super) const PREPARED: &str = "prepared";

/// Its output, and its process id.
const LOG: &str = "log";
const PID: &str = "pid";

/// How often it is asked meanwhile.
const STEP: Duration = Duration::from_millis(50);

/// A server's program and how it is run.
pub(super) struct Private {
    /// What it keeps, and its log.
    pub(super) folder: PathBuf,
    /// Makes the folder's first content, where the server does not do so itself.
    pub(super) prepare: Option<Command>,
    /// The server, in the foreground.
    pub(super) server: Command,
}

impl Private {
    /// Starts it, and returns when it `answers`.
    ///
    /// # Errors
    ///
    /// It ends, or does not answer in time; the error names its log.
    pub(super) fn start(self, answers: impl Fn() -> bool) -> anyhow::Result<()> {
        let log = self.folder.join(LOG);
        let see = || format!("see {}", log.display());
        let pid = self.folder.join(PID);
        let Self {
            prepare,
            mut server,
            ..
        } = self;
        if let Some(mut prepare) = prepare {
            let data = self.folder.join(DATA);
            if data.exists() {
                std::fs::remove_dir_all(data)?; // left by a start that was interrupted
            }
            let prepared = prepare.stdout(append(&log)?).stderr(append(&log)?).status();
            ensure!(
                prepared.with_context(see)?.success(),
                "cannot prepare it, {}",
                see()
            );
            std::fs::write(self.folder.join(PREPARED), "")?;
        }
        let output = append(&log)?;
        output
            .try_lock()
            .with_context(|| format!("{} is held", log.display()))?;
        server
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        let mut server = CommandWrap::from(server);
        let mut server = server.wrap(ProcessSession).spawn().with_context(see)?;
        std::fs::write(&pid, server.id().to_string())?;
        let start = Instant::now();
        while !answers() {
            if let Some(status) = server.try_wait()? {
                std::fs::remove_file(&pid)?;
                bail!("it ended with {status}, {}", see());
            }
            ensure!(start.elapsed() < PATIENCE, "it does not answer, {}", see());
            sleep(STEP);
        }
        Ok(())
    }

    /// Its process, if it runs. The server holds the lock on its log for as long as it
    /// lives, so that a process id that has become another's is not taken for it.
    pub(super) fn running(&self) -> Option<Pid> {
        let log = File::open(self.folder.join(LOG)).ok()?;
        let free = log.try_lock().is_ok();
        let pid = std::fs::read_to_string(self.folder.join(PID)).ok()?;
        pid.parse().ok().filter(|_| !free).map(Pid::from_raw)
    }

    /// Stops it, and returns when it is gone.
    ///
    /// # Errors
    ///
    /// It does not end in time.
    pub(super) fn stop(&self) -> anyhow::Result<()> {
        if let Some(pid) = self.running() {
            kill(pid, Signal::SIGTERM)?;
        }
        let start = Instant::now();
        while let Some(pid) = self.running() {
            ensure!(start.elapsed() < PATIENCE, "process {pid} does not end");
            sleep(STEP);
        }
        Ok(())
    }
}

fn append(log: &Path) -> anyhow::Result<File> {
    let opened = OpenOptions::new().create(true).append(true).open(log);
    opened.with_context(|| format!("cannot write {}", log.display()))
}

/// Finds an installed program: in PATH, or where servers are kept that no user calls.
pub fn find(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin", "/usr/libexec"].map(PathBuf::from))
        .collect();
    let candidates = names
        .iter()
        .flat_map(|name| folders.iter().map(move |dir| dir.join(name)));
    candidates.into_iter().find(|program| program.is_file())
}
