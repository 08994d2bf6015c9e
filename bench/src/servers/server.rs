//! A server that is measured: its process, where it listens, and what it uses.

use crate::drivers::http;
use crate::figures::call::Call;
use crate::figures::call::Target;
use anyhow::Context;
use anyhow::bail;
use anyhow::ensure;
use ladder::ports::Ports;
use nix::unistd::Pid;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;
use sysinfo::ProcessRefreshKind;
use sysinfo::ProcessesToUpdate;
use sysinfo::System;
use tokio::process::Child;
use tokio::process::Command;

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often it is asked meanwhile. tokio's own sleep takes at least a millisecond, a good
/// part of what a start takes.
const PAUSE: Duration = Duration::from_micros(200);

/// A running server, killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    pid: Pid,
    log: PathBuf,
    http: SocketAddr,
    grpc: SocketAddr,
}

impl Server {
    /// Starts it in the folder, which also gets its log, and waits until it answers this call
    /// on those of the ports that it was told of; tells how long that took. Fails if it ends or
    /// does not answer in time.
    pub(crate) async fn start(
        command: Command,
        folder: &Path,
        ports: &Ports,
        call: Call,
    ) -> anyhow::Result<(Self, Duration)> {
        let begun = Instant::now();
        let mut server = Self::spawn(command, folder, ports)?;
        while let Err(error) = http::ask(server.http, call).await {
            server.check()?;
            ensure!(begun.elapsed() < PATIENCE, "it does not start: {error:#}");
            std::thread::sleep(PAUSE);
        }
        Ok((server, begun.elapsed()))
    }

    fn spawn(mut command: Command, folder: &Path, ports: &Ports) -> anyhow::Result<Self> {
        let log = folder.join("log");
        let output = std::fs::File::create(&log)?;
        let child = command
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(0) // a Ctrl-C is for this process alone
            .kill_on_drop(true)
            .spawn();
        let child = child.with_context(|| command.as_std().get_program().display().to_string())?;
        let pid = child.id().context("it has ended already")?;
        Ok(Self {
            child,
            pid: Pid::from_raw(pid.try_into()?),
            log,
            http: ports.own("127.0.0.1:8080").parse()?,
            grpc: ports.own("127.0.0.1:50051").parse()?,
        })
    }

    /// Fails if it has ended, with the last line that it said.
    fn check(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait()? {
            Some(status) => bail!("it ended with {status}: {}", self.last_line()),
            None => Ok(()),
        }
    }

    /// The last line that it has said.
    pub(crate) fn last_line(&self) -> String {
        let said = std::fs::read_to_string(&self.log).unwrap_or_default();
        said.lines().last().unwrap_or("it said nothing").to_owned()
    }

    /// This call to it, on so many connections.
    pub(crate) fn target(&self, call: Call, connections: u64) -> Target {
        let address = if call.by_grpc() { self.grpc } else { self.http };
        Target {
            call,
            address,
            connections,
        }
    }

    /// Kills it, and returns when it is gone.
    pub(crate) async fn kill(mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }

    /// The CPU time of all its threads so far, including those that have ended.
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        cpu(self.pid).context("it has ended")
    }

    /// Its resident memory, in MiB.
    pub(crate) fn memory(&self) -> anyhow::Result<f64> {
        let what = ProcessRefreshKind::nothing().with_memory();
        let bytes = look(self.pid, what, sysinfo::Process::memory)?;
        Ok(bytes as f64 / f64::from(1 << 20))
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
    let what = ProcessRefreshKind::nothing().with_cpu();
    let used = look(pid, what, sysinfo::Process::accumulated_cpu_time)?;
    Ok(Duration::from_millis(used))
}

/// What the system tells of a process.
fn look(
    pid: Pid,
    what: ProcessRefreshKind,
    told: fn(&sysinfo::Process) -> u64,
) -> anyhow::Result<u64> {
    let pid = sysinfo::Pid::from_u32(pid.as_raw().try_into()?);
    let mut system = System::new()?;
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, what);
    system.process(pid).map(told).context("it has ended")
}

#[cfg(test)]
mod tests {
    use super::Ports;
    use super::Server;
    use super::cpu;
    use nix::unistd::Pid;
    use std::time::Duration;
    use std::time::Instant;
    use tempfile::TempDir;
    use tokio::process::Command;

    fn shell(folder: &TempDir, script: &str) -> anyhow::Result<Server> {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Server::spawn(command, folder.path(), &Ports::free()?)
    }

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
        let folder = TempDir::new()?;
        let mut server = shell(&folder, "sleep 60")?;
        tokio::time::sleep(Duration::from_millis(200)).await; // it has to load first
        server.check()?;
        let memory = server.memory()?;
        assert!((0.1..100.0).contains(&memory), "{memory}");
        server.kill().await
    }

    #[tokio::test]
    async fn a_process_that_ends_is_told_of() -> anyhow::Result<()> {
        let folder = TempDir::new()?;
        let mut server = shell(&folder, "echo port taken >&2; exit 3")?;
        server.child.wait().await?;
        let error = server.check().err().map(|error| error.to_string());
        let error = error.unwrap_or_default();
        assert!(error.ends_with("3: port taken"), "{error}");
        Ok(())
    }
}
