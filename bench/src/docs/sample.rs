//! Made-up figures, for tests of what is made of figures.

use crate::figures::call::Call;
use crate::figures::figure::Figure;
use crate::figures::goals;
use crate::figures::report::Alone;
use crate::figures::report::Anchors;
use crate::figures::report::Cost;
use crate::figures::report::Machine;
use crate::figures::report::Part;
use crate::figures::report::Price;
use crate::figures::report::Report;
use crate::figures::report::Variant;
use ladder::Ladder;
use ladder::Needs;

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
pub(crate) fn report() -> anyhow::Result<Report> {
    let ladder = Ladder::here()?;
    let newest = ladder.newest()?.name;
    let mut lessons = Vec::new();
    for (position, lesson) in ladder.lessons.iter().enumerate() {
        let mut costs = Vec::new();
        for call in Call::ALL {
            for connections in [1, 64] {
                let cpu = 10.0 + position as f64;
                costs.push(cost(call, connections, 4e5 / cpu, cpu));
            }
        }
        costs.retain(|cost| lesson.has(cost.call.lesson()));
        for cost in &mut costs {
            let part = goals::part(lesson.name, newest, cost.call, cost.connections);
            cost.alone = part.map(alone);
        }
        let mut curve = Vec::new();
        if lesson.name == newest {
            for connections in [2, 512] {
                curve.push(cost(Call::Ping, connections, 8e3, 30.0));
                curve.push(cost(Call::Read, connections, 4e4, 20.0));
            }
        }
        let price = Price {
            lesson: lesson.name,
            before: lesson.after,
            concern: lesson.concern,
            store: match lesson.needs {
                Needs::Nothing => "memory",
                needs => needs.name(),
            },
            yaml: of(500.0),
            start: of(5.0),
            idle: of(5.5),
            loaded: of(12.5),
            size: 7.5,
            crates: 100,
            build: Some(60.0),
            costs,
            curve,
        };
        if lesson.has("e-http") {
            lessons.push(price);
        }
    }
    let nginx = [1, 64].map(|connections| cost(Call::Read, connections, 1e5, 10.0));
    let proxy = [1, 64].map(|connections| Cost {
        alone: Some(alone(Part::Nginx)),
        ..cost(Call::Read, connections, 5e4, 22.0)
    });
    Ok(Report {
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
            rates: [Part::Redis, Part::Select, Part::Update, Part::Insert]
                .map(|part| (part, alone(part).before))
                .into(),
        },
        proxy: proxy.into(),
        lessons,
        safety: vec![variant("nothing", 10.0), variant("the log", 9.5)],
    })
}

fn variant(without: &str, cpu: f64) -> Variant {
    Variant {
        without: without.to_owned(),
        cpu: [of(cpu), of(2.0 * cpu)],
    }
}
