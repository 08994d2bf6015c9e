//! The parts that the service is built from, measured alone: what its goals are bounds near.

use super::call::Call;
use super::figure::Figure;
use super::measure::Cost;
use super::measure::Gauge;
use super::nginx;
use super::redis::Key;
use super::report::Anchors;
use super::report::CONNECTIONS;
use super::sysbench::Table;
use super::sysbench::Work;
use anyhow::Context;
use std::path::PathBuf;

/// As many clients of Redis and of the database.
const CLIENTS: u64 = 64;

/// How many reads warm Redis up, and tell how many fill a run.
const WARM: u64 = 20_000;

/// What the parts are measured on.
pub(super) struct Parts {
    folder: PathBuf,
    key: Key,
    table: Table,
    pub(super) anchors: Anchors,
}

impl Parts {
    /// How many measurements a round has.
    pub(super) const STEPS: usize = CONNECTIONS.len() + 4;

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

    /// Measures all of them for one round more.
    ///
    /// # Errors
    ///
    /// An answer was wrong, or not counted.
    pub(super) async fn round(&mut self, gauge: &Gauge) -> anyhow::Result<()> {
        let anchors = &mut self.anchors;
        gauge.bar.set_message("nginx");
        let (server, address) = nginx::start(&self.folder).await?;
        for cost in &mut anchors.nginx {
            let measured = gauge.measure(&server, address, cost).await;
            measured.context("nginx")?;
        }
        server.kill().await?;

        gauge.bar.set_message("redis-benchmark");
        let rate = self.key.load(CLIENTS, WARM).await?;
        let reads = (rate * gauge.seconds as f64) as u64;
        anchors.redis.add(self.key.load(CLIENTS, reads).await?)?;
        gauge.bar.inc(1);

        gauge.bar.set_message("sysbench");
        for (work, figure) in [
            (Work::Select, &mut anchors.select),
            (Work::Update, &mut anchors.update),
            (Work::Insert, &mut anchors.insert),
        ] {
            self.table.work(work, CLIENTS, 1).await?; // warms it up
            figure.add(self.table.work(work, CLIENTS, gauge.seconds).await?)?;
            gauge.bar.inc(1);
        }
        Ok(())
    }
}
