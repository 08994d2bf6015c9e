//! The parts that the service is built from, measured alone: its goals are bounds near what
//! they do.

use crate::drivers::redis::Key;
use crate::drivers::sysbench::Table;
use crate::figures::call::Call;
use crate::figures::report::Anchors;
use crate::figures::report::CONNECTIONS;
use crate::figures::report::Cost;
use crate::figures::report::Part;
use crate::gauges::gauge::Gauge;
use crate::servers::nginx;
use crate::servers::server::Server;
use anyhow::Context;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// How many reads warm Redis up, and tell how many fill a run.
const WARM: u64 = 20_000;

/// What the parts are measured with and on, and their figures so far.
pub(crate) struct Parts {
    pub(crate) gauge: Gauge,
    folder: PathBuf,
    key: Key,
    table: Table,
    pub(crate) anchors: Anchors,
}

impl Parts {
    /// Makes what they are measured on; their files are in the folder.
    pub(crate) async fn new(gauge: Gauge, folder: PathBuf) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&folder)?;
        Ok(Self {
            gauge,
            key: Key::keep()?,
            table: Table::fill(&folder).await?,
            folder,
            anchors: Anchors {
                nginx: CONNECTIONS.map(|it| Cost::new(Call::Read, it, None)).into(),
                rates: BTreeMap::new(),
            },
        })
    }

    /// The names and versions of the servers that the service needs.
    pub(crate) async fn versions(&mut self) -> anyhow::Result<[String; 2]> {
        Ok([self.table.version().await?, self.key.version()?])
    }

    /// Measures a call for one round more; before and after it also what it is compared
    /// with, if it is.
    pub(crate) async fn compare(&mut self, server: &Server, cost: &mut Cost) -> anyhow::Result<()> {
        let connections = cost.connections;
        if let Some(alone) = &mut cost.alone {
            let before = self.measure(alone.part, connections).await?;
            alone.before.add(before)?;
        }
        self.gauge.measure(server, cost).await?;
        if let Some(alone) = &mut cost.alone {
            let after = self.measure(alone.part, connections).await?;
            alone.after.add(after)?;
        }
        Ok(())
    }

    /// Measures a part under so many connections; returns what is compared.
    async fn measure(&mut self, part: Part, connections: u64) -> anyhow::Result<f64> {
        let seconds = self.gauge.seconds;
        let message = format!("{part:?} alone, connections: {connections}");
        self.gauge.bar.set_message(message);
        let rate = match part {
            Part::Nginx => return self.nginx(connections).await,
            Part::Redis => {
                let rate = self.key.load(connections, WARM).await?;
                let reads = (rate * seconds as f64) as u64;
                self.key.load(connections, reads).await?
            }
            Part::Select | Part::Update | Part::Insert => {
                self.table.work(part, connections, 1).await?; // warms it up
                self.table.work(part, connections, seconds).await?
            }
        };
        self.anchors.rates.entry(part).or_default().add(rate)?;
        Ok(rate)
    }

    async fn nginx(&mut self, connections: u64) -> anyhow::Result<f64> {
        let mut costs = self.anchors.nginx.iter_mut();
        let cost = costs.find(|cost| cost.connections == connections);
        let cost = cost.with_context(|| format!("nginx at {connections} connections"))?;
        let server = nginx::start(&self.folder, None).await?;
        let measured = self.gauge.measure(&server, cost).await;
        measured.context("nginx")?;
        server.kill().await?;
        cost.cpu.last()
    }
}
