//! Made-up figures, for tests of what is made of figures.

use super::call::Call;
use super::figure::Figure;
use super::goals;
use super::machine::Machine;
use super::measure::Alone;
use super::measure::Cost;
use super::parts::Part;
use super::report::Anchors;
use super::report::Price;
use super::report::Report;
use super::report::Variant;
use super::service;
use crate::ladder::LESSONS;

/// A machine that became slower: what is a time took twice as long in the last round.
fn of(value: f64) -> Figure {
    Figure::of(vec![value, value, 2.0 * value])
}

fn cost(call: Call, connections: u64, rate: f64, cpu: f64) -> Cost {
    Cost {
        call,
        connections,
        rate: of(rate),
        cpu: of(cpu),
        p50: of(1e6 / rate),
        p99: of(3e6 / rate),
        alone: None,
    }
}

/// A part's own figures, which are the anchors'.
fn alone(part: Part) -> Alone {
    let figure = of(match part {
        Part::Nginx => 10.0,
        Part::Redis => 6e4,
        Part::Select => 3e4,
        Part::Update | Part::Insert => 2e4,
    });
    Alone {
        part,
        before: figure.clone(),
        after: figure,
    }
}

/// A whole run's figures.
pub(crate) fn report() -> Report {
    let mut lessons = Vec::new();
    for (position, lesson) in LESSONS.iter().enumerate() {
        let mut costs = Vec::new();
        for call in Call::ALL {
            for connections in [1, 64] {
                let cpu = 10.0 + position as f64;
                costs.push(cost(call, connections, 4e5 / cpu, cpu));
            }
        }
        costs.retain(|cost| service::takes(lesson, cost.call));
        for cost in &mut costs {
            let part = goals::part(lesson.name, cost.call, cost.connections);
            cost.alone = part.map(alone);
        }
        let price = Price {
            lesson: lesson.name,
            store: service::store(lesson),
            yaml: of(500.0),
            start: of(5.0),
            idle: of(5.5),
            loaded: of(12.5),
            size: 7.5,
            crates: 100,
            build: Some(60.0),
            costs,
            curve: Vec::new(),
        };
        if lesson.has("e-http") {
            lessons.push(price);
        }
    }
    if let Some(newest) = lessons.last_mut() {
        for connections in [2, 512] {
            newest.curve.push(cost(Call::Ping, connections, 8e3, 30.0));
            newest.curve.push(cost(Call::Read, connections, 4e4, 20.0));
        }
    }
    let nginx = [1, 64].map(|connections| cost(Call::Read, connections, 1e5, 10.0));
    let proxy = [1, 64].map(|connections| Cost {
        alone: Some(alone(Part::Nginx)),
        ..cost(Call::Read, connections, 5e4, 22.0)
    });
    Report {
        machine: Machine {
            cpu: "A CPU".to_owned(),
            threads: 2,
            system: "A system".to_owned(),
            programs: vec!["wrk 4".to_owned()],
        },
        command: "cargo lesson bench".to_owned(),
        seconds: 5,
        runs: 3,
        anchors: Anchors {
            nginx: nginx.into(),
            redis: of(6e4),
            select: of(3e4),
            update: of(2e4),
            insert: of(2e4),
        },
        proxy: proxy.into(),
        lessons,
        safety: vec![variant("nothing", 10.0), variant("the log", 9.5)],
    }
}

fn variant(without: &str, cpu: f64) -> Variant {
    Variant {
        without: without.to_owned(),
        cpu: [of(cpu), of(2.0 * cpu)],
    }
}
