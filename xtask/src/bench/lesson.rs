//! A lesson that is measured: what it runs on, and what a round of it is.

use super::build;
use super::call::Call;
use super::figure::Figure;
use super::goals;
use super::http;
use super::measure::Cost;
use super::measure::Gauge;
use super::parts::Parts;
use super::report::CONNECTIONS;
use super::report::Price;
use super::service;
use super::service::Keeps;
use super::service::Service;
use super::service::Setup;
use crate::ladder::LESSONS;
use crate::ladder::Lesson;
use crate::ladder::Needs;
use crate::services::Database;
use anyhow::ensure;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::sleep;

/// The connections of the newest lesson's curve, besides those of the table.
const CURVE: [u64; 8] = [2, 4, 8, 16, 32, 128, 256, 512];

/// How many users the YAML store is given: it writes the file anew for each.
const ON_YAML: u64 = 2_000;

/// How often it is started in a round: a start is so short that anything disturbs it.
const STARTS: usize = 5;

/// How long nothing happens before a start, and after it, before the memory is that of an
/// idle service. Without the pause, one start would warm up the next.
const IDLE: Duration = Duration::from_millis(500);

/// A lesson with what it runs on, and its figures so far.
pub(super) struct Subject {
    setup: Setup,
    pub(super) price: Price,
}

impl Subject {
    /// Makes what it runs on, in the folder, and starts it once, which makes its tables.
    ///
    /// # Errors
    ///
    /// It does not start.
    pub(super) async fn new(
        lesson: &'static Lesson,
        program: PathBuf,
        folder: PathBuf,
    ) -> anyhow::Result<Self> {
        let keeps = match lesson.needs {
            Needs::Nothing => Keeps::Memory,
            Needs::Mysql | Needs::Redis => Keeps::Mysql(Database::create()?),
        };
        let setup = Setup {
            lesson,
            program,
            folder,
            keeps,
        };
        let (service, _) = setup.start().await?;
        service.process.kill().await?;
        let calls = Call::ALL.into_iter();
        let calls = calls.filter(|call| service::takes(lesson, *call));
        let costs = |call| {
            CONNECTIONS.map(|connections| {
                let part = goals::part(lesson.name, call, connections);
                Cost::new(call, connections).compared(part)
            })
        };
        let curve = |call| CURVE.map(|connections| Cost::new(call, connections));
        let price = Price {
            lesson: lesson.name,
            store: service::store(lesson),
            yaml: Figure::default(),
            start: Figure::default(),
            idle: Figure::default(),
            loaded: Figure::default(),
            size: build::size(&setup.program)?,
            crates: build::crates(lesson).await?,
            build: None,
            costs: calls.flat_map(costs).collect(),
            curve: match is_newest(lesson) {
                true => [Call::Read, Call::Ping]
                    .into_iter()
                    .flat_map(curve)
                    .collect(),
                false => Vec::new(),
            },
        };
        Ok(Self { setup, price })
    }

    /// How many measurements a round has.
    pub(super) fn steps(&self) -> usize {
        let costs = self.price.costs.iter();
        let alone: usize = costs.map(|cost| cost.alone.iter().len() * 2).sum();
        self.price.costs.len() + alone + self.price.curve.len() + 1
    }

    /// Starts it, and measures all of it for one round more.
    ///
    /// # Errors
    ///
    /// It does not start, or an answer was wrong.
    pub(super) async fn round(&mut self, gauge: &Gauge, parts: &mut Parts) -> anyhow::Result<()> {
        let Self { setup, price } = self;
        gauge.bar.set_message(price.lesson);
        let (service, took) = start(setup).await?;
        price.start.add(took)?;
        sleep(IDLE).await;
        let process = &service.process;
        let mut memory = process.memory()?;
        price.idle.add(memory)?;
        service.fill().await?;
        for cost in &mut price.costs {
            let call = cost.call;
            let address = service.address(call);
            parts.compare(process, address, cost, gauge).await?;
            // Users in memory would weigh themselves.
            if matches!(setup.keeps, Keeps::Mysql(_)) || call != Call::Create {
                memory = process.memory()?;
            }
        }
        price.loaded.add(memory)?;
        for cost in &mut price.curve {
            let address = service.address(cost.call);
            gauge.measure(process, address, cost).await?;
        }
        service.process.kill().await?;
        price.yaml.add(yaml(setup).await?)?;
        gauge.bar.inc(1);
        Ok(())
    }
}

/// Starts it several times; returns the last service, and the median time in ms.
async fn start(setup: &Setup) -> anyhow::Result<(Service, f64)> {
    let mut times = Vec::new();
    loop {
        sleep(IDLE).await;
        let (service, took) = setup.start().await?;
        times.push(took.as_secs_f64() * 1e3);
        if times.len() == STARTS {
            return Ok((service, Figure::of(times).median()));
        }
        service.process.kill().await?;
    }
}

/// How many users a second the YAML store takes, from an empty file on.
async fn yaml(setup: &Setup) -> anyhow::Result<f64> {
    let folder = TempDir::new_in(&setup.folder)?;
    let setup = Setup {
        lesson: setup.lesson,
        program: setup.program.clone(),
        folder: folder.path().to_owned(),
        keeps: Keeps::Yaml,
    };
    let (service, _) = setup.start().await?;
    let mut stream = TcpStream::connect(service.address(Call::Create)).await?;
    let begun = Instant::now();
    for uid in 1..=ON_YAML {
        let answer = http::ask_again(&mut stream, Call::Create).await?;
        ensure!(answer.number == uid, "user {uid} is {}", answer.number);
    }
    let rate = ON_YAML as f64 / begun.elapsed().as_secs_f64();
    service.process.kill().await?;
    Ok(rate)
}

fn is_newest(lesson: &Lesson) -> bool {
    LESSONS
        .last()
        .is_some_and(|newest| newest.name == lesson.name)
}
