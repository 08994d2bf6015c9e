//! All figures of one run.

use crate::figures::call::Call;
use crate::figures::figure::Figure;
use serde::Serialize;
use std::collections::BTreeMap;

/// The numbers of connections in each table.
pub(crate) const CONNECTIONS: [u64; 2] = [1, 64];

/// The calls by which variants are measured.
pub(crate) const VARIED: [Call; 2] = [Call::Read, Call::Create];

/// All figures of one run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    /// What was typed to get it.
    pub(crate) command: String,
    /// How long a run took, in seconds.
    pub(crate) seconds: u64,
    /// How many rounds there were, each with one run of every load.
    pub(crate) runs: u32,
    pub(crate) anchors: Anchors,
    /// nginx as a proxy before another nginx; empty if lessons were named.
    pub(crate) proxy: Vec<Cost>,
    pub(crate) lessons: Vec<Price>,
    /// What a lesson costs: first whole, then without each thing that keeps it safe; empty if
    /// lessons were named.
    pub(crate) safety: Vec<Variant>,
}

/// What the figures hold for.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Machine {
    /// The CPU's model.
    pub(crate) cpu: String,
    /// How many threads can run at the same time.
    pub(crate) threads: usize,
    /// The system and its kernel.
    pub(crate) system: String,
    /// Compiler, servers and load generators, each with its version.
    pub(crate) programs: Vec<String>,
}

/// What the parts do alone.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Anchors {
    pub(crate) nginx: Vec<Cost>,
    /// The others' reads or statements a second.
    #[serde(flatten)]
    pub(crate) rates: BTreeMap<Part, Figure>,
}

/// A part of the service that does its work alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Part {
    /// nginx. Its CPU time for a request is compared; of the others it is the rate.
    Nginx,
    /// redis-benchmark, which reads.
    Redis,
    /// sysbench, which reads a row by its key.
    Select,
    /// sysbench, which updates a row by its key.
    Update,
    /// sysbench, which inserts a row.
    Insert,
}

/// What a call costs under a load.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Cost {
    pub(crate) call: Call,
    /// As many requests are in flight.
    pub(crate) connections: u64,
    /// Requests/s.
    pub(crate) rate: Figure,
    /// CPU time of the server's process for a request, in µs.
    pub(crate) cpu: Figure,
    /// The time to an answer, in µs: the middle one, and what 99 of 100 do not exceed.
    pub(crate) p50: Figure,
    pub(crate) p99: Figure,
    /// What it is compared with, if it is.
    pub(crate) alone: Option<Alone>,
}

/// What a part does alone, measured right before and right after a load. So whatever the
/// machine does in the course of minutes, it did to both.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Alone {
    pub(crate) part: Part,
    pub(crate) before: Figure,
    pub(crate) after: Figure,
}

/// What a lesson costs.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Price {
    pub(crate) lesson: &'static str,
    /// The lesson that it follows.
    pub(crate) before: Option<&'static str>,
    /// Its one concern.
    pub(crate) concern: &'static str,
    /// What it keeps users in.
    pub(crate) store: &'static str,
    /// How many users/s its YAML store takes on one connection, of the first 2,000.
    pub(crate) yaml: Figure,
    /// The time from its start to its first answer, in ms.
    pub(crate) start: Figure,
    /// Resident memory before and after the load, in MiB.
    pub(crate) idle: Figure,
    pub(crate) loaded: Figure,
    /// The size of its program, in MB.
    pub(crate) size: f64,
    /// How many crates go into it.
    pub(crate) crates: usize,
    /// How many seconds it takes to build it from nothing, if that was wanted.
    pub(crate) build: Option<f64>,
    pub(crate) costs: Vec<Cost>,
    /// Of the newest lesson, with other numbers of connections.
    pub(crate) curve: Vec<Cost>,
}

/// A lesson from which something was taken out, and what calls cost then.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Variant {
    pub(crate) without: String,
    /// CPU time for a request, in µs, of [`VARIED`].
    pub(crate) cpu: [Figure; VARIED.len()],
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

    /// How far what a part does alone right before a load lies from what it does right
    /// after it, as a share of it: of the unsteadiest part, in the middle one of its rounds.
    pub(crate) fn unsteadiness(&self) -> f64 {
        let costs = self.lessons.iter().flat_map(|price| &price.costs);
        let alone = costs.filter_map(|cost| cost.alone.as_ref());
        let apart = alone.map(|alone| alone.before.apart(&alone.after).median());
        apart.fold(0.0, f64::max)
    }

    /// The lesson that was measured from one connection to many, if there is one.
    pub(crate) fn newest(&self) -> Option<&Price> {
        self.lessons.iter().find(|price| !price.curve.is_empty())
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

impl Cost {
    /// A cost that is not yet measured, and what it is to be compared with.
    pub(crate) fn new(call: Call, connections: u64, part: Option<Part>) -> Self {
        let alone = part.map(|part| Alone {
            part,
            before: Figure::default(),
            after: Figure::default(),
        });
        Self {
            call,
            connections,
            rate: Figure::default(),
            cpu: Figure::default(),
            p50: Figure::default(),
            p99: Figure::default(),
            alone,
        }
    }

    /// How many times what the part does alone it is; `None` if it is not compared.
    pub(crate) fn ratio(&self) -> Option<Figure> {
        let alone = self.alone.as_ref()?;
        let figure = match alone.part {
            Part::Nginx => &self.cpu,
            Part::Redis | Part::Select | Part::Update | Part::Insert => &self.rate,
        };
        Some(figure.over(&alone.before.between(&alone.after)))
    }
}

impl Variant {
    /// What an error is about.
    pub(crate) fn title(&self) -> String {
        format!("without {}", self.without)
    }
}
