//! A lesson that serves: where, what it says, and how it ends.

use crate::transcript::Transcript;
use anyhow::Context;
use anyhow::ensure;
use nix::sys::signal::Signal;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use reqwest::Client;
use std::process::ExitStatus;
use std::time::Duration;
use sysinfo::ProcessRefreshKind;
use sysinfo::ProcessesToUpdate;
use sysinfo::System;
use tokio::process::Child;
use tokio::sync::watch;
use tokio::time::timeout;

/// Far more than a start or a stop may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A lesson that serves.
#[derive(Debug)]
pub(crate) struct Service {
    child: Child,
    /// The lines of its log so far.
    log: watch::Receiver<Vec<String>>,
}

impl Service {
    /// The service of this process, once it serves.
    pub(crate) async fn started(mut child: Child, said: &Transcript) -> anyhow::Result<Self> {
        let (lines, log) = watch::channel(Vec::new());
        said.listen(child.stdout.take().context("it is piped")?, lines.clone());
        said.listen(child.stderr.take().context("it is piped")?, lines);
        let service = Self { child, log };
        service
            .wait_until_said("serving")
            .await
            .context("it does not start")?;
        Ok(service)
    }

    /// `http://127.0.0.1:PORT`.
    pub(crate) fn http(&self) -> anyhow::Result<String> {
        Ok(format!("http://{}", self.address("http on ")?))
    }

    /// `http://127.0.0.1:PORT`, of gRPC.
    pub(crate) fn grpc(&self) -> anyhow::Result<String> {
        Ok(format!("http://{}", self.address("grpc on ")?))
    }

    /// `http://127.0.0.1:PORT`, of the figures.
    pub(crate) fn observe(&self) -> anyhow::Result<String> {
        Ok(format!("http://{}", self.address("observe on ")?))
    }

    fn address(&self, before: &str) -> anyhow::Result<String> {
        let log = self.log.borrow();
        let mut rest = log.iter().filter_map(|line| line.split_once(before));
        let (_, address) = rest
            .next()
            .with_context(|| format!("no line says {before:?}"))?;
        // A line in JSON goes on.
        let address = address.split('"').next().unwrap_or_default();
        Ok(address.trim().to_owned())
    }

    /// How many lines of its log hold this text.
    pub(crate) fn said(&self, text: &str) -> usize {
        self.log
            .borrow()
            .iter()
            .filter(|line| line.contains(text))
            .count()
    }

    /// The lines of its log that hold this text.
    pub(crate) fn lines(&self, text: &str) -> Vec<String> {
        let log = self.log.borrow();
        let lines = log.iter().filter(|line| line.contains(text));
        lines.cloned().collect()
    }

    /// Waits until a line of its log holds this text.
    pub(crate) async fn wait_until_said(&self, text: &str) -> anyhow::Result<()> {
        let mut log = self.log.clone();
        let told = |lines: &Vec<String>| lines.iter().any(|line| line.contains(text));
        let told = timeout(PATIENCE, log.wait_for(told)).await;
        let told = told.with_context(|| format!("it does not say {text:?}"))?;
        told.with_context(|| format!("it has ended before it says {text:?}"))?;
        Ok(())
    }

    /// Ends it without warning.
    pub(crate) async fn die(mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> anyhow::Result<u32> {
        self.child.id().context("it has ended")
    }

    /// How much memory it has, resident, in bytes.
    pub(crate) fn memory(&self) -> anyhow::Result<u64> {
        let pid = sysinfo::Pid::from_u32(self.id()?);
        let memory = ProcessRefreshKind::nothing().with_memory();
        let mut system = System::new()?;
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, memory);
        let process = system.process(pid).context("it has ended")?;
        Ok(process.memory())
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        kill(Pid::from_raw(self.id()?.try_into()?), signal)?;
        Ok(())
    }

    /// Creates the user gopher and returns its URL.
    pub(crate) async fn create_gopher(&self) -> anyhow::Result<String> {
        let url = self.http()?;
        let path = create_gopher(&Client::new(), &url).await?;
        Ok(format!("{url}{path}"))
    }

    /// Waits for its end.
    pub(crate) async fn ended(mut self) -> anyhow::Result<ExitStatus> {
        let ended = timeout(PATIENCE, self.child.wait()).await;
        Ok(ended.context("it does not end")??)
    }

    /// Waits for its end, with exit code 0.
    pub(crate) async fn ended_well(self) -> anyhow::Result<()> {
        let status = self.ended().await?;
        ensure!(status.success(), "it stopped with {status}");
        Ok(())
    }

    /// Stops it by SIGTERM.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.signal(Signal::SIGTERM)?;
        self.ended_well().await
    }
}

/// Creates the user gopher and returns its path, `/users/1`.
pub(crate) async fn create_gopher(client: &Client, url: &str) -> anyhow::Result<String> {
    let create = client.post(format!("{url}/users"));
    let created = create.form(&[("name", "gopher"), ("sex", "0")]).send();
    let created = created.await?.error_for_status()?;
    let location = created.headers().get("location").context("no Location")?;
    Ok(location.to_str()?.to_owned())
}
