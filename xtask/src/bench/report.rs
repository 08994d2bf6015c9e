//! All figures of one run.

use super::call::Call;
use super::figure::Figure;
use super::machine::Machine;
use super::measure::Cost;
use serde::Serialize;

/// The connections of each table.
pub(crate) const CONNECTIONS: [u64; 2] = [1, 64];

/// All figures of one run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    /// What was typed to get it.
    pub(crate) command: String,
    /// For how long, in seconds, a run went on.
    pub(crate) seconds: u64,
    /// How many rounds there were, with one run of each.
    pub(crate) runs: u32,
    pub(crate) anchors: Anchors,
    pub(crate) lessons: Vec<Price>,
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
    pub(crate) idle: Figure,
    pub(crate) loaded: Figure,
    /// Its program, in MB.
    pub(crate) size: f64,
    /// How many crates go into it.
    pub(crate) crates: usize,
    /// How long it takes to build it from nothing, in seconds, if that was wanted.
    pub(crate) build: Option<f64>,
    pub(crate) costs: Vec<Cost>,
    /// Of the newest lesson, by other numbers of connections.
    pub(crate) curve: Vec<Cost>,
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

    /// nginx's cost of a request.
    pub(crate) fn nginx(&self, connections: u64) -> Option<&Cost> {
        let mut costs = self.anchors.nginx.iter();
        costs.find(|cost| cost.connections == connections)
    }

    /// The lesson that was measured from one connection to many, if it was.
    pub(crate) fn newest(&self) -> Option<&Price> {
        self.lessons.iter().find(|price| !price.curve.is_empty())
    }
}

impl Anchors {
    /// How far a round lies from the median at most, as a part of it, under the full load.
    pub(crate) fn spread(&self) -> f64 {
        let busiest = self.nginx.iter().max_by_key(|cost| cost.connections);
        let rates = busiest.map(|cost| &cost.rate).into_iter();
        let rates = rates.chain([&self.redis, &self.select, &self.update, &self.insert]);
        let spreads = rates.map(|rate| rate.farthest() / rate.median());
        spreads.fold(0.0, f64::max)
    }
}

impl Price {
    /// The cost of a call, if the lesson takes it.
    pub(crate) fn cost(&self, call: Call, connections: u64) -> Option<&Cost> {
        let right = |cost: &&Cost| cost.call == call && cost.connections == connections;
        self.costs.iter().find(right)
    }

    /// The costs of a call, from one connection to many.
    pub(crate) fn by_connections(&self, call: Call) -> Vec<&Cost> {
        let all = self.costs.iter().chain(&self.curve);
        let mut costs: Vec<&Cost> = all.filter(|cost| cost.call == call).collect();
        costs.sort_by_key(|cost| cost.connections);
        costs
    }
}

#[cfg(test)]
mod tests {
    use super::Figure;
    use crate::bench::sample;

    #[test]
    fn the_unsteadiest_part_tells_of_a_busy_machine() {
        let mut anchors = sample::report().anchors;
        assert!((anchors.spread() - 1.0).abs() < 1e-9);
        anchors.nginx.clear();
        let steady = Figure::of(vec![100.0, 110.0, 100.0]);
        anchors.redis = steady.clone();
        anchors.select = steady.clone();
        anchors.insert = steady;
        anchors.update = Figure::of(vec![100.0, 140.0, 90.0]);
        assert!((anchors.spread() - 0.4).abs() < 1e-9);
    }
}
