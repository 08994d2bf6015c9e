//! Made-up figures, for tests of what is made of figures.

use super::call::Call;
use super::figure::Figure;
use super::machine::Machine;
use super::measure::Cost;
use super::report::Anchors;
use super::report::Price;
use super::report::Report;
use super::service;
use crate::ladder::LESSONS;

fn cost(call: Call, connections: u64, rate: f64, cpu: f64) -> anyhow::Result<Cost> {
    Ok(Cost {
        call,
        connections,
        rate: Figure::of(vec![rate])?,
        cpu: Figure::of(vec![cpu])?,
        p50: Figure::of(vec![1e6 / rate])?,
        p99: Figure::of(vec![3e6 / rate])?,
    })
}

/// A whole run's figures.
pub(crate) fn report() -> anyhow::Result<Report> {
    let mut lessons = Vec::new();
    for (position, lesson) in LESSONS.iter().enumerate() {
        let mut costs = Vec::new();
        for call in Call::ALL {
            for connections in [1, 64] {
                let cpu = 10.0 + position as f64;
                costs.push(cost(call, connections, 4e5 / cpu, cpu)?);
            }
        }
        costs.retain(|cost| service::takes(lesson, cost.call));
        let price = Price {
            lesson: lesson.name,
            store: service::store(lesson),
            yaml: Figure::of(vec![500.0])?,
            start: Figure::of(vec![5.0])?,
            idle: 5.5,
            loaded: 12.5,
            size: 7.5,
            crates: 100,
            build: Some(60.0),
            costs,
        };
        if lesson.has("e-http") {
            lessons.push(price);
        }
    }
    let mut curve = Vec::new();
    for connections in (0..10).map(|power| 1 << power) {
        curve.push(cost(Call::Ping, connections, 8e3, 30.0)?);
        curve.push(cost(Call::Read, connections, 4e4, 20.0)?);
    }
    let nginx = [1, 64].map(|connections| cost(Call::Read, connections, 1e5, 10.0));
    Ok(Report {
        machine: Machine {
            cpu: "A CPU".to_owned(),
            cores: 2,
            system: "A system".to_owned(),
            programs: vec!["wrk 4".to_owned()],
        },
        seconds: 5,
        runs: 3,
        anchors: Anchors {
            nginx: nginx.into_iter().collect::<anyhow::Result<_>>()?,
            redis: Figure::of(vec![6e4])?,
            select: Figure::of(vec![3e4])?,
            update: Figure::of(vec![2e4])?,
            insert: Figure::of(vec![2e4])?,
        },
        lessons,
        curve,
    })
}
