//! What the service has set itself, as bounds near the limits of its parts.

use super::call::Call;
use super::figure::Figure;
use super::parts::Part;
use super::report::Price;
use super::report::Report;
use std::fmt::Write;

/// The lessons that the goals are about.
const MEMORY: &str = "e-http";
const MYSQL: &str = "e-mysql";
const CACHED: &str = "e-redis";

/// The loads that are compared with what a part does alone.
const COMPARED: [(&str, Call, u64, Part); 7] = [
    (MEMORY, Call::Ping, 64, Part::Nginx),
    (CACHED, Call::Ping, 1, Part::Nginx),
    (CACHED, Call::Ping, 64, Part::Update),
    (CACHED, Call::Read, 1, Part::Nginx),
    (CACHED, Call::Read, 64, Part::Redis),
    (MYSQL, Call::Read, 64, Part::Select),
    (CACHED, Call::Create, 64, Part::Insert),
];

/// A figure and its bound.
struct Goal {
    figure: &'static str,
    bound: Bound,
    /// A ratio is that of each round. None, if this run has not measured it.
    value: fn(&Report) -> Option<Figure>,
}

enum Bound {
    AtMost(f64),
    AtLeast(f64),
}
use Bound::AtLeast;
use Bound::AtMost;

const GOALS: [Goal; 12] = [
    Goal {
        figure: "ping, e-http, 64 connections: CPU time / nginx's",
        bound: AtMost(1.7),
        value: |report| report.cost(MEMORY, Call::Ping, 64)?.ratio(),
    },
    Goal {
        figure: "ping, e-redis, 1 connection: CPU time / nginx's",
        bound: AtMost(3.2),
        value: |report| report.cost(CACHED, Call::Ping, 1)?.ratio(),
    },
    Goal {
        figure: "ping, e-redis, 64 connections: requests/s / sysbench's updates/s",
        bound: AtLeast(0.35),
        value: |report| report.cost(CACHED, Call::Ping, 64)?.ratio(),
    },
    Goal {
        figure: "cached read, e-redis, 1 connection: CPU time / nginx's",
        bound: AtMost(1.8),
        value: |report| report.cost(CACHED, Call::Read, 1)?.ratio(),
    },
    Goal {
        figure: "cached read, e-redis, 64 connections: requests/s / redis-benchmark's",
        bound: AtLeast(0.65),
        value: |report| report.cost(CACHED, Call::Read, 64)?.ratio(),
    },
    Goal {
        figure: "cached read, e-redis, 64 connections: CPU time by gRPC / by HTTP",
        bound: AtMost(1.7),
        value: |report| {
            let http = report.cost(CACHED, Call::Read, 64)?;
            let grpc = report.cost(CACHED, Call::GrpcRead, 64)?;
            Some(grpc.cpu.over(&http.cpu))
        },
    },
    Goal {
        figure: "read by key, e-mysql, 64 connections: requests/s / sysbench's selects/s",
        bound: AtLeast(0.6),
        value: |report| report.cost(MYSQL, Call::Read, 64)?.ratio(),
    },
    Goal {
        figure: "create, e-redis, 64 connections: requests/s / sysbench's inserts/s",
        bound: AtLeast(0.75),
        value: |report| report.cost(CACHED, Call::Create, 64)?.ratio(),
    },
    Goal {
        figure: "resident memory, e-redis, idle, MiB",
        bound: AtMost(7.0),
        value: |report| price(report, |price| price.idle.clone()),
    },
    Goal {
        figure: "resident memory, e-redis, after the load, MiB",
        bound: AtMost(14.0),
        value: |report| price(report, |price| price.loaded.clone()),
    },
    Goal {
        figure: "start to first answer, e-redis, MySQL and Redis up, ms",
        bound: AtMost(10.0),
        value: |report| price(report, |price| price.start.clone()),
    },
    Goal {
        figure: "program without symbols, e-redis, TLS to MySQL included, MB",
        bound: AtMost(8.0),
        value: |report| price(report, |price| Figure::of(vec![price.size])),
    },
];

/// The part that does alone what this load is compared with.
pub(crate) fn part(lesson: &str, call: Call, connections: u64) -> Option<Part> {
    let load = (lesson, call, connections);
    let mut compared = COMPARED.into_iter();
    let found =
        compared.find(|&(lesson, call, connections, _)| load == (lesson, call, connections));
    found.map(|(.., part)| part)
}

fn price(report: &Report, figure: fn(&Price) -> Figure) -> Option<Figure> {
    report.lesson(CACHED).map(figure)
}

impl Bound {
    fn met(&self, value: f64) -> bool {
        match *self {
            AtMost(bound) => value <= bound,
            AtLeast(bound) => value >= bound,
        }
    }
}

/// The goals as a table.
pub(crate) fn table(report: &Report) -> String {
    let mut table = String::from("| figure | goal | measured | |\n|---|---:|---:|---|\n");
    for goal in &GOALS {
        let bound = match goal.bound {
            AtMost(bound) => format!("≤ {bound}"),
            AtLeast(bound) => format!("≥ {bound}"),
        };
        let (value, verdict) = match (goal.value)(report) {
            Some(value) if goal.bound.met(value.median()) => (value.to_string(), "met"),
            Some(value) => (value.to_string(), "**missed**"),
            None => ("–".to_owned(), "not measured"),
        };
        let _ = writeln!(table, "| {} | {bound} | {value} | {verdict} |", goal.figure);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::Bound;
    use super::table;
    use crate::bench::sample;

    #[test]
    fn a_bound_is_met_at_its_edge() {
        assert!(Bound::AtMost(1.7).met(1.7));
        assert!(!Bound::AtMost(1.7).met(1.71));
        assert!(Bound::AtLeast(0.35).met(0.35));
        assert!(!Bound::AtLeast(0.35).met(0.34));
    }

    #[test]
    fn what_is_not_measured_is_neither_met_nor_missed() {
        let mut report = sample::report();
        let whole = table(&report);
        assert!(!whole.contains("not measured"), "{whole}");
        assert_eq!(
            whole.matches("met |").count() + whole.matches("missed").count(),
            12
        );
        report.lessons.clear();
        assert_eq!(table(&report).matches("not measured").count(), 12);
    }

    #[test]
    fn a_ratio_is_of_the_right_figures() {
        let report = sample::report();
        // In the sample e-http's ping takes 14 µs of CPU time at 64 connections, nginx 10; in
        // the last round both take twice as long.
        let whole = table(&report);
        let line = whole
            .lines()
            .find(|line| line.starts_with("| ping, e-http"));
        let right = "| ping, e-http, 64 connections: CPU time / nginx's \
                     | ≤ 1.7 | 1.40 ±0 % | met |";
        assert_eq!(line, Some(right));
    }
}
