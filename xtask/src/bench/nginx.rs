//! nginx, answering with one user that it does not look up: what HTTP costs by itself. And a
//! second one, which asks the first: what another hop costs.

use super::call::Call;
use super::http;
use super::measure::Cost;
use super::measure::Gauge;
use super::parts::Part;
use super::parts::Parts;
use super::process;
use super::process::Process;
use super::report::CONNECTIONS;
use super::suite::own;
use super::tool;
use anyhow::Context;
use anyhow::ensure;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;

/// Its settings, with places for the addresses.
const SETTINGS: &str = include_str!("nginx.conf");

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(10);

/// nginx as a proxy before another one: it waits for a server as the service does.
pub(super) struct Proxy {
    folder: PathBuf,
    costs: [Cost; CONNECTIONS.len()],
}

impl Proxy {
    /// It is not yet measured; its files are in the folder.
    pub(super) fn new(folder: PathBuf) -> Self {
        let cost = |connections| Cost::new(Call::Read, connections).compared(Some(Part::Nginx));
        let costs = CONNECTIONS.map(cost);
        Self { folder, costs }
    }

    /// How many measurements a round has.
    pub(super) fn steps(&self) -> usize {
        self.costs.len() * 3 // what it is compared with is measured before and after it
    }

    /// Starts it, and measures it for one round more.
    ///
    /// # Errors
    ///
    /// It does not start, or an answer was wrong.
    pub(super) async fn round(&mut self, gauge: &Gauge, parts: &mut Parts) -> anyhow::Result<()> {
        let (other, address) = start(&own(&self.folder, "other")?, None).await?;
        let (proxy, address) = start(&self.folder, Some(address)).await?;
        for cost in &mut self.costs {
            parts.compare(&proxy, address, cost, gauge).await?;
        }
        proxy.kill().await?;
        other.kill().await
    }

    /// What it has cost.
    pub(super) fn costs(self) -> Vec<Cost> {
        self.costs.into()
    }
}

/// Starts it, on a free port, its files in the folder: a proxy before the other server, if
/// there is one.
///
/// # Errors
///
/// It does not start.
pub(crate) async fn start(
    folder: &Path,
    other: Option<SocketAddr>,
) -> anyhow::Result<(Process, SocketAddr)> {
    let [constant, proxy] = process::free()?;
    let settings = SETTINGS
        .replace("ADDRESS", &constant.to_string())
        .replace("PROXY", &proxy.to_string())
        .replace("OTHER", &other.unwrap_or(constant).to_string());
    let address = other.map_or(constant, |_| proxy);
    std::fs::write(folder.join("nginx.conf"), settings)?;
    let mut nginx = tool::command("nginx")?;
    nginx.arg("-p").arg(folder);
    nginx.args(["-e", "stderr", "-c", "nginx.conf"]);
    let mut process = Process::start(nginx, folder)?;
    let begun = Instant::now();
    while let Err(error) = http::ask(address, Call::Read).await {
        process.check().context("nginx")?;
        ensure!(
            begun.elapsed() < PATIENCE,
            "nginx does not start: {error:#}"
        );
        process::pause();
    }
    Ok((process, address))
}
