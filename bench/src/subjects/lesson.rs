//! A lesson that is measured: what it runs on, and what a round of it is.

use crate::drivers::http;
use crate::figures::call::Call;
use crate::figures::call::USERS;
use crate::figures::figure::Figure;
use crate::figures::goals;
use crate::figures::report::CONNECTIONS;
use crate::figures::report::Cost;
use crate::figures::report::Price;
use crate::gauges::parts::Parts;
use crate::servers::build;
use crate::servers::program::Keeps;
use crate::servers::program::Program;
use crate::servers::server::Server;
use anyhow::ensure;
use ladder::Ladder;
use ladder::Lesson;
use ladder::Needs;
use ladder::services::Database;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;
use tempfile::TempDir;
use tokio::time::sleep;

/// The numbers of connections of the newest lesson's curve, besides those of the table.
const CURVE: [u64; 8] = [2, 4, 8, 16, 32, 128, 256, 512];

/// How many users the YAML store is given: it rewrites the file for each.
const ON_YAML: u64 = 2_000;

/// How often it is started in a round: a start is so short that anything disturbs it.
const STARTS: usize = 5;

/// How long nothing happens before a start, and after it, before the memory is that of an
/// idle service. Without the pause, one start would warm up the next.
const IDLE: Duration = Duration::from_millis(500);

/// A lesson with what it runs on, and its figures so far.
pub(crate) struct Subject {
    program: Program,
    pub(crate) price: Price,
}

impl Subject {
    /// Makes what it runs on, in the folder, and starts it once, which makes its tables.
    pub(crate) async fn new(
        ladder: &Ladder,
        lesson: &'static Lesson,
        path: PathBuf,
        folder: PathBuf,
    ) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&folder)?;
        let (keeps, store) = match lesson.needs {
            Needs::Nothing => (Keeps::Memory, "memory"),
            needs => (Keeps::Mysql(Database::create()?), needs.name()),
        };
        let program = Program {
            lesson,
            path,
            folder,
            keeps,
        };
        let (server, _) = program.start(ladder).await?;
        server.kill().await?;
        let calls = Call::ALL.into_iter().filter(|it| lesson.has(it.lesson()));
        let newest = ladder.newest()?.name;
        let cost = |call, on| Cost::new(call, on, goals::part(lesson.name, newest, call, on));
        let costs = calls.flat_map(|call| CONNECTIONS.map(|on| cost(call, on)));
        let mut curve = Vec::new();
        if lesson.name == newest {
            for call in [Call::Read, Call::Ping] {
                curve.extend(CURVE.map(|connections| Cost::new(call, connections, None)));
            }
        }
        let price = Price {
            lesson: lesson.name,
            before: lesson.after,
            concern: lesson.concern,
            store,
            yaml: Figure::default(),
            start: Figure::default(),
            idle: Figure::default(),
            loaded: Figure::default(),
            size: std::fs::metadata(&program.path)?.len() as f64 / 1e6,
            crates: build::crates(lesson).await?,
            build: None,
            costs: costs.collect(),
            curve,
        };
        Ok(Self { program, price })
    }

    /// Starts it, and measures all of it for one round more.
    pub(crate) async fn round(&mut self, ladder: &Ladder, parts: &mut Parts) -> anyhow::Result<()> {
        let Self { program, price } = self;
        let (server, took) = start(program, ladder).await?;
        price.start.add(took)?;
        sleep(IDLE).await;
        let mut memory = server.memory()?;
        price.idle.add(memory)?;
        http::create(server.target(Call::Create, 1).address, *USERS.end()).await?;
        for cost in &mut price.costs {
            parts.compare(&server, cost).await?;
            // Users in memory would weigh themselves.
            if matches!(program.keeps, Keeps::Mysql(_)) || cost.call != Call::Create {
                memory = server.memory()?;
            }
        }
        price.loaded.add(memory)?;
        for cost in &mut price.curve {
            parts.compare(&server, cost).await?;
        }
        server.kill().await?;
        price.yaml.add(yaml(program, ladder).await?)
    }
}

/// Starts it several times; returns the last server, and the median time in ms.
async fn start(program: &Program, ladder: &Ladder) -> anyhow::Result<(Server, f64)> {
    let mut times = Vec::new();
    loop {
        sleep(IDLE).await;
        let (server, took) = program.start(ladder).await?;
        times.push(took.as_secs_f64() * 1e3);
        if times.len() == STARTS {
            return Ok((server, Figure::of(times).median()));
        }
        server.kill().await?;
    }
}

/// How many users a second the YAML store takes, beginning with an empty file.
async fn yaml(program: &Program, ladder: &Ladder) -> anyhow::Result<f64> {
    let folder = TempDir::new_in(&program.folder)?;
    let program = Program {
        lesson: program.lesson,
        path: program.path.clone(),
        folder: folder.path().to_owned(),
        keeps: Keeps::Yaml,
    };
    let (server, _) = program.start(ladder).await?;
    let begun = Instant::now();
    let created = http::create(server.target(Call::Create, 1).address, ON_YAML).await?;
    let rate = ON_YAML as f64 / begun.elapsed().as_secs_f64();
    ensure!(created == ON_YAML, "user {ON_YAML} is number {created}");
    server.kill().await?;
    Ok(rate)
}
