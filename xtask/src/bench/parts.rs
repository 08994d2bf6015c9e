//! The parts that the service is built from, measured alone: what its goals are bounds near.

use super::call::Call;
use super::figure::Figure;
use super::measure::Cost;
use super::measure::Gauge;
use super::nginx;
use super::process::Process;
use super::redis::Key;
use super::report::Anchors;
use super::report::CONNECTIONS;
use super::sysbench::Table;
use super::sysbench::Work;
use anyhow::Context;
use serde::Serialize;
use std::net::SocketAddr;
use std::path::PathBuf;

/// How many reads warm Redis up, and tell how many fill a run.
const WARM: u64 = 20_000;

/// A part of the service that does its work alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Part {
    /// nginx, of which the CPU time for a request is compared; of the others the rate.
    Nginx,
    /// redis-benchmark, reading.
    Redis,
    /// sysbench.
    Select,
    Update,
    Insert,
}

/// What the parts are measured on.
pub(super) struct Parts {
    folder: PathBuf,
    key: Key,
    table: Table,
    pub(super) anchors: Anchors,
}

impl Parts {
    /// Makes what they are measured on; their files are in the folder.
    ///
    /// # Errors
    ///
    /// A server is gone.
    pub(super) async fn new(folder: PathBuf) -> anyhow::Result<Self> {
        Ok(Self {
            key: Key::keep()?,
            table: Table::fill(&folder).await?,
            folder,
            anchors: Anchors {
                nginx: CONNECTIONS.map(|it| Cost::new(Call::Read, it)).into(),
                redis: Figure::default(),
                select: Figure::default(),
                update: Figure::default(),
                insert: Figure::default(),
            },
        })
    }

    /// The database's version.
    ///
    /// # Errors
    ///
    /// It is gone.
    pub(super) async fn version(&self) -> anyhow::Result<String> {
        Ok(self.table.proof().await?.version)
    }

    /// Measures a call for one round more; before and after it what it is compared with, if
    /// it is.
    ///
    /// # Errors
    ///
    /// An answer was wrong, or not counted.
    pub(super) async fn compare(
        &mut self,
        process: &Process,
        address: SocketAddr,
        cost: &mut Cost,
        gauge: &Gauge,
    ) -> anyhow::Result<()> {
        let connections = cost.connections;
        if let Some(alone) = &mut cost.alone {
            let before = self.measure(alone.part, connections, gauge).await?;
            alone.before.add(before)?;
        }
        gauge.measure(process, address, cost).await?;
        if let Some(alone) = &mut cost.alone {
            let after = self.measure(alone.part, connections, gauge).await?;
            alone.after.add(after)?;
        }
        Ok(())
    }

    /// Measures one of them under so many connections; returns what is compared.
    async fn measure(
        &mut self,
        part: Part,
        connections: u64,
        gauge: &Gauge,
    ) -> anyhow::Result<f64> {
        match part {
            Part::Nginx => self.nginx(connections, gauge).await,
            Part::Redis => self.redis(connections, gauge).await,
            Part::Select => self.sysbench(Work::Select, connections, gauge).await,
            Part::Update => self.sysbench(Work::Update, connections, gauge).await,
            Part::Insert => self.sysbench(Work::Insert, connections, gauge).await,
        }
    }

    async fn nginx(&mut self, connections: u64, gauge: &Gauge) -> anyhow::Result<f64> {
        let mut costs = self.anchors.nginx.iter_mut();
        let cost = costs.find(|cost| cost.connections == connections);
        let cost = cost.with_context(|| format!("nginx at {connections} connections"))?;
        let (server, address) = nginx::start(&self.folder, None).await?;
        let measured = gauge.measure(&server, address, cost).await;
        measured.context("nginx")?;
        server.kill().await?;
        cost.cpu.last()
    }

    async fn redis(&mut self, connections: u64, gauge: &Gauge) -> anyhow::Result<f64> {
        let rate = self.key.load(connections, WARM).await?;
        let reads = (rate * gauge.seconds as f64) as u64;
        let rate = self.key.load(connections, reads).await?;
        self.anchors.redis.add(rate)?;
        gauge.bar.inc(1);
        Ok(rate)
    }

    async fn sysbench(
        &mut self,
        work: Work,
        connections: u64,
        gauge: &Gauge,
    ) -> anyhow::Result<f64> {
        self.table.work(work, connections, 1).await?; // warms it up
        let rate = self.table.work(work, connections, gauge.seconds).await?;
        let anchors = &mut self.anchors;
        let figure = match work {
            Work::Select => &mut anchors.select,
            Work::Update => &mut anchors.update,
            Work::Insert => &mut anchors.insert,
        };
        figure.add(rate)?;
        gauge.bar.inc(1);
        Ok(rate)
    }
}
