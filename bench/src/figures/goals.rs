//! What the service has set itself, as bounds near the limits of its parts.

use crate::figures::call::Call;
use crate::figures::figure::Figure;
use crate::figures::report::Part;
use crate::figures::report::Price;
use crate::figures::report::Report;
use std::fmt;

/// The lessons that the goals are about. The newest one, whatever its name, is the whole
/// service.
const MEMORY: Option<&str> = Some("e-http");
const MYSQL: Option<&str> = Some("e-mysql");
const NEWEST: Option<&str> = None;

/// A figure, its bound, and where it comes from. `{newest}` stands for the newest lesson.
pub(crate) struct Goal {
    pub(crate) figure: &'static str,
    pub(crate) bound: Bound,
    of: Of,
}

pub(crate) enum Bound {
    AtMost(f64),
    AtLeast(f64),
}
use Bound::AtLeast;
use Bound::AtMost;

/// What a goal is about.
enum Of {
    /// A lesson's load beside what the part does alone, in each round.
    Load(Option<&'static str>, Call, u64, Part),
    /// A cached read by gRPC beside one by HTTP, in each round.
    GrpcToHttp,
    /// A figure of the newest lesson's process.
    Process(fn(&Price) -> Figure),
}
use Of::Load;
use Of::Process;

/// All of them.
pub(crate) const GOALS: [Goal; 12] = [
    goal(
        "ping, e-http, 64 connections: CPU time / nginx's",
        AtMost(1.7),
        Load(MEMORY, Call::Ping, 64, Part::Nginx),
    ),
    goal(
        "ping, {newest}, 1 connection: CPU time / nginx's",
        AtMost(3.2),
        Load(NEWEST, Call::Ping, 1, Part::Nginx),
    ),
    goal(
        "ping, {newest}, 64 connections: requests/s / sysbench's updates/s",
        AtLeast(0.35),
        Load(NEWEST, Call::Ping, 64, Part::Update),
    ),
    goal(
        "cached read, {newest}, 1 connection: CPU time / nginx's",
        AtMost(1.8),
        Load(NEWEST, Call::Read, 1, Part::Nginx),
    ),
    goal(
        "cached read, {newest}, 64 connections: requests/s / redis-benchmark's",
        AtLeast(0.65),
        Load(NEWEST, Call::Read, 64, Part::Redis),
    ),
    goal(
        "cached read, {newest}, 64 connections: CPU time by gRPC / by HTTP",
        AtMost(1.7),
        Of::GrpcToHttp,
    ),
    goal(
        "read by key, e-mysql, 64 connections: requests/s / sysbench's selects/s",
        AtLeast(0.6),
        Load(MYSQL, Call::Read, 64, Part::Select),
    ),
    goal(
        "create, {newest}, 64 connections: requests/s / sysbench's inserts/s",
        AtLeast(0.75),
        Load(NEWEST, Call::Create, 64, Part::Insert),
    ),
    goal(
        "resident memory, {newest}, idle, MiB",
        AtMost(7.0),
        Process(|price| price.idle.clone()),
    ),
    goal(
        "resident memory, {newest}, after the load, MiB",
        AtMost(14.0),
        Process(|price| price.loaded.clone()),
    ),
    goal(
        "start to first answer, {newest}, MySQL and Redis up, ms",
        AtMost(10.0),
        Process(|price| price.start.clone()),
    ),
    goal(
        "program without symbols, {newest}, TLS to MySQL included, MB",
        AtMost(8.0),
        Process(|price| Figure::of(vec![price.size])),
    ),
];

const fn goal(figure: &'static str, bound: Bound, of: Of) -> Goal {
    Goal { figure, bound, of }
}

/// The part that does alone what this load is compared with, if there is one.
pub(crate) fn part(lesson: &str, newest: &str, call: Call, connections: u64) -> Option<Part> {
    let load = (lesson, call, connections);
    GOALS.iter().find_map(|goal| match goal.of {
        Load(of, by, on, part) => ((of.unwrap_or(newest), by, on) == load).then_some(part),
        _ => None,
    })
}

impl Goal {
    /// What was measured; `None` if this run has not measured it.
    pub(crate) fn value(&self, report: &Report) -> Option<Figure> {
        match self.of {
            Load(lesson, call, connections, _) => {
                let price = lesson.map_or(report.newest(), |name| report.lesson(name));
                price?.cost(call, connections)?.ratio()
            }
            Of::GrpcToHttp => {
                let cpu = |call| Some(&report.newest()?.cost(call, 64)?.cpu);
                Some(cpu(Call::GrpcRead)?.over(cpu(Call::Read)?))
            }
            Process(figure) => report.newest().map(figure),
        }
    }
}

impl Bound {
    pub(crate) fn is_met(&self, value: f64) -> bool {
        match *self {
            AtMost(bound) => value <= bound,
            AtLeast(bound) => value >= bound,
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AtMost(bound) => write!(f, "≤ {bound}"),
            AtLeast(bound) => write!(f, "≥ {bound}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Bound;
    use super::Call;
    use super::Part;
    use super::part;

    #[test]
    fn a_bound_is_met_at_its_edge() {
        assert!(Bound::AtMost(1.7).is_met(1.7));
        assert!(!Bound::AtMost(1.7).is_met(1.71));
        assert!(Bound::AtLeast(0.35).is_met(0.35));
        assert!(!Bound::AtLeast(0.35).is_met(0.34));
    }

    #[test]
    fn what_a_goal_compares_is_measured_beside_its_load() {
        assert_eq!(part("e-new", "e-new", Call::Ping, 64), Some(Part::Update));
        assert_eq!(part("e-mysql", "e-new", Call::Ping, 64), None);
    }
}
