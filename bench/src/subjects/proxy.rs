//! nginx as a proxy before another nginx: like the service, it waits for a server.

use crate::figures::call::Call;
use crate::figures::report::CONNECTIONS;
use crate::figures::report::Cost;
use crate::figures::report::Part;
use crate::gauges::parts::Parts;
use crate::servers::nginx;
use std::path::PathBuf;

/// Both, and what the proxy has cost so far.
pub(crate) struct Proxy {
    folder: PathBuf,
    pub(crate) costs: Vec<Cost>,
}

impl Proxy {
    /// It is not yet measured; its files will be in the folder.
    pub(crate) fn new(folder: PathBuf) -> Self {
        let cost = |connections| Cost::new(Call::Read, connections, Some(Part::Nginx));
        let costs = CONNECTIONS.map(cost).into();
        Self { folder, costs }
    }

    /// Starts it, and measures it for one round more.
    pub(crate) async fn round(&mut self, parts: &mut Parts) -> anyhow::Result<()> {
        let other = nginx::start(&self.folder.join("other"), None).await?;
        let proxy = nginx::start(&self.folder, Some(&other)).await?;
        for cost in &mut self.costs {
            parts.compare(&proxy, cost).await?;
        }
        proxy.kill().await?;
        other.kill().await
    }
}
