//! A server that is measured: its process, and what it uses.

use anyhow::Context;
use nix::unistd::Pid;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::path::Path;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use sysinfo::ProcessRefreshKind;
use sysinfo::ProcessesToUpdate;
use sysinfo::System;
use tokio::process::Child;
use tokio::process::Command;

/// A running server, killed when it is dropped.
pub(crate) struct Process {
    child: Child,
    pid: Pid,
    log: PathBuf,
}

impl Process {
    /// Starts it, its output in a file of the folder.
    ///
    /// # Errors
    ///
    /// It cannot be run.
    pub(crate) fn start(mut command: Command, folder: &Path) -> anyhow::Result<Self> {
        let log = folder.join("log");
        let output = std::fs::File::create(&log)?;
        let child = command
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(0) // a Ctrl-C is ours alone
            .kill_on_drop(true)
            .spawn();
        let child = child.with_context(|| command.as_std().get_program().display().to_string())?;
        let pid = child.id().context("it has just been started")?;
        let pid = Pid::from_raw(pid.try_into()?);
        Ok(Self { child, pid, log })
    }

    /// Fails if it has ended, with the last line it said.
    ///
    /// # Errors
    ///
    /// It has.
    pub(crate) fn check(&mut self) -> anyhow::Result<()> {
        let Some(status) = self.child.try_wait()? else {
            return Ok(());
        };
        anyhow::bail!("it ended with {status}: {}", self.last_line());
    }

    /// The last line that it has said.
    pub(crate) fn last_line(&self) -> String {
        let said = std::fs::read_to_string(&self.log).unwrap_or_default();
        said.lines().last().unwrap_or("it said nothing").to_owned()
    }

    /// Kills it, and returns when it is gone.
    ///
    /// # Errors
    ///
    /// It cannot be killed.
    pub(crate) async fn kill(mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }

    /// The CPU time of all its threads so far, also of those that have ended.
    ///
    /// # Errors
    ///
    /// It has ended.
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        cpu(self.pid).context("it has ended")
    }

    /// Its resident memory, in MiB.
    ///
    /// # Errors
    ///
    /// It has ended.
    pub(crate) fn memory(&self) -> anyhow::Result<f64> {
        let process = ProcessRefreshKind::nothing().with_memory();
        let (system, pid) = look(self.pid, process)?;
        let process = system.process(pid).context("it has ended")?;
        Ok(process.memory() as f64 / f64::from(1 << 20))
    }
}

/// By the process's own clock, in nanoseconds.
#[cfg(target_os = "linux")]
fn cpu(pid: Pid) -> anyhow::Result<Duration> {
    Ok(nix::time::clock_getcpuclockid(pid)?.now()?.into())
}

/// As the system counts it, in milliseconds.
#[cfg(not(target_os = "linux"))]
fn cpu(pid: Pid) -> anyhow::Result<Duration> {
    let (system, pid) = look(pid, ProcessRefreshKind::nothing().with_cpu())?;
    let process = system.process(pid).context("no such process")?;
    Ok(Duration::from_millis(process.accumulated_cpu_time()))
}

fn look(pid: Pid, what: ProcessRefreshKind) -> anyhow::Result<(System, sysinfo::Pid)> {
    let pid = sysinfo::Pid::from_u32(pid.as_raw().try_into()?);
    let mut system = System::new()?;
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, what);
    Ok((system, pid))
}

/// A port of 127.0.0.1 that nobody listens on, for as many servers as are asked for.
///
/// # Errors
///
/// There is none.
pub(crate) fn free<const N: usize>() -> anyhow::Result<[SocketAddr; N]> {
    let mut held = Vec::new(); // until all are found, so that no two are the same
    let mut free = [SocketAddr::from(([127, 0, 0, 1], 0)); N];
    for address in &mut free {
        let listener = TcpListener::bind(*address)?;
        *address = listener.local_addr()?;
        held.push(listener);
    }
    Ok(free)
}

/// How often a server is asked whether it answers. tokio's own sleep is at least a
/// millisecond, a good part of what a start takes.
pub(crate) fn pause() {
    std::thread::sleep(Duration::from_micros(200));
}

#[cfg(test)]
mod tests {
    use super::Process;
    use super::cpu;
    use super::free;
    use nix::unistd::Pid;
    use std::time::Duration;
    use std::time::Instant;
    use tokio::process::Command;

    #[test]
    fn cpu_time_is_that_of_all_threads() -> anyhow::Result<()> {
        let before = cpu(Pid::this())?;
        let work = || {
            let start = Instant::now();
            while start.elapsed() < Duration::from_millis(200) {
                std::hint::black_box(start);
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(work);
        });
        let used = cpu(Pid::this())? - before;
        assert!(used > Duration::from_millis(20), "{used:?}");
        Ok(())
    }

    #[tokio::test]
    async fn a_process_has_memory_until_it_ends() -> anyhow::Result<()> {
        let folder = tempfile::TempDir::new()?;
        let mut command = Command::new("sleep");
        command.arg("60");
        let mut process = Process::start(command, folder.path())?;
        tokio::time::sleep(Duration::from_millis(200)).await; // it has to load first
        process.check()?;
        let memory = process.memory()?;
        assert!((0.1..100.0).contains(&memory), "{memory}");
        process.kill().await
    }

    #[tokio::test]
    async fn a_process_that_ends_is_told_of() -> anyhow::Result<()> {
        let folder = tempfile::TempDir::new()?;
        let mut command = Command::new("sh");
        command.args(["-c", "echo port taken >&2; exit 3"]);
        let mut process = Process::start(command, folder.path())?;
        process.child.wait().await?;
        let error = process
            .check()
            .map_or_else(|error| error.to_string(), |()| String::new());
        assert!(error.ends_with("3: port taken"), "{error}");
        Ok(())
    }

    #[test]
    fn free_ports_differ() -> anyhow::Result<()> {
        let [one, other] = free()?;
        assert_ne!(one, other);
        Ok(())
    }
}
