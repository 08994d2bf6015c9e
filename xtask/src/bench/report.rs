//! All figures of one run.

use super::call::Call;
use super::figure::Figure;
use super::machine::Machine;
use super::measure::Cost;
use serde::Serialize;

/// All figures of one run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    /// For how long, in seconds, each run went on.
    pub(crate) seconds: u64,
    /// How many runs made a figure.
    pub(crate) runs: u32,
    pub(crate) anchors: Anchors,
    pub(crate) lessons: Vec<Price>,
    /// The newest lesson, from one connection to many; empty if it was not measured.
    pub(crate) curve: Vec<Cost>,
}

/// What the parts do alone.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Anchors {
    /// nginx.
    pub(crate) nginx: Vec<Cost>,
    /// redis-benchmark, in reads/s.
    pub(crate) redis: Figure,
    /// sysbench, in events/s.
    pub(crate) select: Figure,
    pub(crate) update: Figure,
    pub(crate) insert: Figure,
}

/// What a lesson costs.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Price {
    pub(crate) lesson: &'static str,
    /// What it keeps users in.
    pub(crate) store: &'static str,
    /// Users/s that its YAML store takes by one connection, the first 2,000.
    pub(crate) yaml: Figure,
    /// From its start to its first answer, in ms.
    pub(crate) start: Figure,
    /// Resident memory in MiB, before and after the load.
    pub(crate) idle: f64,
    pub(crate) loaded: f64,
    /// Its program, in MB.
    pub(crate) size: f64,
    /// How many crates go into it.
    pub(crate) crates: usize,
    /// How long it takes to build it from nothing, in seconds, if that was wanted.
    pub(crate) build: Option<f64>,
    pub(crate) costs: Vec<Cost>,
}

impl Report {
    /// A lesson's price, if it was measured.
    pub(crate) fn lesson(&self, name: &str) -> Option<&Price> {
        self.lessons.iter().find(|price| price.lesson == name)
    }

    /// A lesson's cost of a call, if it was measured.
    pub(crate) fn cost(&self, lesson: &str, call: Call, connections: u64) -> Option<&Cost> {
        self.lesson(lesson)?.cost(call, connections)
    }

    /// nginx's CPU time for a request, in µs.
    pub(crate) fn nginx(&self, connections: u64) -> Option<f64> {
        let mut costs = self.anchors.nginx.iter();
        let cost = costs.find(|cost| cost.connections == connections)?;
        Some(cost.cpu.median())
    }
}

impl Price {
    /// The cost of a call, if the lesson takes it.
    pub(crate) fn cost(&self, call: Call, connections: u64) -> Option<&Cost> {
        let right = |cost: &&Cost| cost.call == call && cost.connections == connections;
        self.costs.iter().find(right)
    }
}
