//! All figures of one run.

use super::call::Call;
use super::figure::Figure;
use super::machine::Machine;
use super::measure::Cost;
use serde::Serialize;

/// The connections of each table.
pub(crate) const CONNECTIONS: [u64; 2] = [1, 64];

/// The calls that variants are measured by.
pub(crate) const VARIED: [Call; 2] = [Call::Read, Call::Create];

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
    /// nginx, as a proxy before another one; empty, if lessons were named.
    pub(crate) proxy: Vec<Cost>,
    pub(crate) lessons: Vec<Price>,
    /// What e-http costs whole, first, and without what keeps it safe; empty, if lessons
    /// were named.
    pub(crate) safety: Vec<Variant>,
}

/// A lesson from which something was taken out, and what calls cost then.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Variant {
    pub(crate) without: String,
    /// CPU time for a request, in µs, of [`VARIED`].
    pub(crate) cpu: [Figure; VARIED.len()],
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

    /// How far what a part does alone right before a load lies from what it does right
    /// after it, as a part of it: of the unsteadiest one, in the middle one of its rounds.
    pub(crate) fn unsteadiness(&self) -> f64 {
        let costs = self.lessons.iter().flat_map(|price| &price.costs);
        let alone = costs.filter_map(|cost| cost.alone.as_ref());
        let apart = alone.map(|alone| alone.before.apart(&alone.after).median());
        apart.fold(0.0, f64::max)
    }

    /// The lesson that was measured from one connection to many, if it was.
    pub(crate) fn newest(&self) -> Option<&Price> {
        self.lessons.iter().find(|price| !price.curve.is_empty())
    }
}

impl Variant {
    /// What an error is about.
    pub(crate) fn title(&self) -> String {
        format!("without {}", self.without)
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
        let mut report = sample::report();
        // In the sample the machine becomes slower, but not while a load goes on.
        assert_eq!(report.unsteadiness(), 0.0);
        let costs = report.lessons.iter_mut().flat_map(|it| &mut it.costs);
        let compared = costs.filter_map(|cost| cost.alone.as_mut()).last();
        let Some(alone) = compared else {
            panic!("the sample compares nothing");
        };
        alone.before = Figure::of(vec![100.0, 120.0, 300.0]);
        alone.after = Figure::of(vec![100.0, 80.0, 100.0]);
        assert_eq!(report.unsteadiness(), 0.4);
    }
}
