//! A whole run: what is measured, in which order, and what it leaves to be cleared up.

use super::Options;
use super::call::Call;
use super::figure::Figure;
use super::http;
use super::machine::Machine;
use super::measure::Cost;
use super::measure::Gauge;
use super::nginx;
use super::redis;
use super::report::Anchors;
use super::report::Price;
use super::report::Report;
use super::service;
use super::service::Keeps;
use super::service::Service;
use super::service::Setup;
use super::sysbench::Database;
use super::sysbench::Work;
use crate::ladder;
use crate::ladder::LESSONS;
use crate::ladder::Lesson;
use crate::ladder::Needs;
use anyhow::Context;
use anyhow::ensure;
use indicatif::ProgressBar;
use indicatif::ProgressStyle;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::sleep;

/// The connections of each table, and those of the curve.
const CONNECTIONS: [u64; 2] = [1, 64];
const CURVE: [u64; 10] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

/// How many users the YAML store is given: it writes the file anew for each.
const ON_YAML: u64 = 2_000;

/// How long a service is left alone before its memory is that of an idle one.
const IDLE: Duration = Duration::from_millis(500);

/// A run and what it has outside its process.
pub(super) struct Suite {
    folder: TempDir,
    gauge: Gauge,
    lessons: Vec<&'static Lesson>,
    build: bool,
    /// Begins the names of its databases, and is its key in Redis.
    name: String,
}

impl Suite {
    /// A run as the options say, nothing of it started.
    ///
    /// # Errors
    ///
    /// There is no place for temporary files.
    pub(super) fn new(options: &Options, lessons: Vec<&'static Lesson>) -> anyhow::Result<Self> {
        // On the disk: many systems keep /tmp in memory, where the YAML store waits for nothing.
        let folder = TempDir::new_in(ladder::target()?)?;
        let bar = ProgressBar::new(runs(&lessons) * u64::from(options.runs));
        bar.set_style(ProgressStyle::with_template(
            "{elapsed_precise} {bar:30} {pos}/{len} {msg}",
        )?);
        let gauge = Gauge {
            seconds: options.seconds,
            runs: options.runs,
            folder: folder.path().to_owned(),
            bar,
        };
        Ok(Self {
            folder,
            gauge,
            lessons,
            build: options.build,
            name: format!("goms_bench_{}", std::process::id()),
        })
    }

    /// Measures everything.
    ///
    /// # Errors
    ///
    /// A lesson does not build or start, or an answer was wrong.
    pub(super) async fn report(&self) -> anyhow::Result<Report> {
        for lesson in &self.lessons {
            service::build(lesson).await?; // shows its own progress
        }
        self.gauge.bar.enable_steady_tick(Duration::from_secs(1));
        let (anchors, database) = self.anchors().await?;
        let (mut lessons, mut curve) = (Vec::new(), Vec::new());
        for lesson in &self.lessons {
            let price = self.price(lesson, &mut curve).await;
            lessons.push(price.context(lesson.name)?);
        }
        Ok(Report {
            machine: Machine::this(&database).await?,
            seconds: self.gauge.seconds,
            runs: self.gauge.runs,
            anchors,
            lessons,
            curve,
        })
    }

    /// What the parts do alone; and the database's version.
    async fn anchors(&self) -> anyhow::Result<(Anchors, String)> {
        let bar = &self.gauge.bar;
        bar.set_message("nginx");
        let folder = self.folder("nginx")?;
        let (server, address) = nginx::start(&folder).await?;
        let mut nginx = Vec::new();
        for connections in CONNECTIONS {
            let cost = self.gauge.cost(&server, address, Call::Read, connections);
            nginx.push(cost.await.context("nginx")?);
        }
        server.kill().await?;

        bar.set_message("redis-benchmark");
        redis::keep(&self.name).await?;
        let rate = redis::load(&self.name, 64, 20_000).await?;
        let requests = (rate * self.gauge.seconds as f64) as u64;
        let mut reads = Vec::new();
        for _ in 0..self.gauge.runs {
            reads.push(redis::load(&self.name, 64, requests).await?);
            bar.inc(1);
        }

        bar.set_message("sysbench");
        let database = self.database("anchor")?;
        database.create().await?;
        let proof = database.fill().await?;
        let anchors = Anchors {
            nginx,
            redis: Figure::of(reads)?,
            select: self.work(&database, Work::Select).await?,
            update: self.work(&database, Work::Update).await?,
            insert: self.work(&database, Work::Insert).await?,
        };
        Ok((anchors, proof.version))
    }

    async fn work(&self, database: &Database, work: Work) -> anyhow::Result<Figure> {
        database.work(work, 64, 1).await?; // warms it up
        let mut rates = Vec::new();
        for _ in 0..self.gauge.runs {
            rates.push(database.work(work, 64, self.gauge.seconds).await?);
            self.gauge.bar.inc(1);
        }
        Figure::of(rates)
    }

    /// A lesson's price; of the newest also the curve.
    async fn price(&self, lesson: &'static Lesson, curve: &mut Vec<Cost>) -> anyhow::Result<Price> {
        self.gauge.bar.set_message(lesson.name);
        let setup = self.setup(lesson).await?;
        let start = self.starts(&setup).await?;
        let (service, _) = setup.start().await?;
        sleep(IDLE).await;
        let idle = service.process.memory()?;
        http::ask(service.address(Call::Create), Call::Create).await?; // the user to be read

        let (mut loaded, mut costs) = (idle, Vec::new());
        let calls = Call::ALL.into_iter();
        for call in calls.filter(|call| service::takes(lesson, *call)) {
            costs.extend(self.costs(&service, call, &CONNECTIONS).await?);
            // Users in memory would weigh themselves.
            if matches!(setup.keeps, Keeps::Mysql(_)) || call != Call::Create {
                loaded = service.process.memory()?;
            }
        }
        if is_newest(lesson) {
            for call in [Call::Read, Call::Ping] {
                curve.extend(self.costs(&service, call, &CURVE).await?);
            }
        }
        service.process.kill().await?;
        let build = match self.build {
            true => Some(service::build_clean(lesson).await?),
            false => None,
        };
        Ok(Price {
            lesson: lesson.name,
            store: service::store(lesson),
            yaml: self.yaml(lesson).await?,
            start,
            idle,
            loaded,
            size: service::size(lesson)?,
            crates: service::crates(lesson).await?,
            build,
            costs,
        })
    }

    /// What the lesson runs on.
    async fn setup(&self, lesson: &'static Lesson) -> anyhow::Result<Setup> {
        let keeps = match lesson.needs {
            Needs::Nothing => Keeps::Memory,
            Needs::Mysql | Needs::Redis => {
                let database = self.database(lesson.name)?;
                database.create().await?;
                Keeps::Mysql(database)
            }
        };
        Ok(Setup {
            lesson,
            folder: self.folder(lesson.name)?,
            keeps,
        })
    }

    /// How many users a second the YAML store takes, from an empty file on.
    async fn yaml(&self, lesson: &'static Lesson) -> anyhow::Result<Figure> {
        let mut rates = Vec::new();
        for run in 0..self.gauge.runs {
            let setup = Setup {
                lesson,
                folder: self.folder(&format!("{}.yaml.{run}", lesson.name))?,
                keeps: Keeps::Yaml,
            };
            let (service, _) = setup.start().await?;
            let mut stream = TcpStream::connect(service.address(Call::Create)).await?;
            let begun = Instant::now();
            for uid in 1..=ON_YAML {
                let answer = http::ask_again(&mut stream, Call::Create).await?;
                ensure!(answer.number == uid, "user {uid} is {}", answer.number);
            }
            rates.push(ON_YAML as f64 / begun.elapsed().as_secs_f64());
            service.process.kill().await?;
            self.gauge.bar.inc(1);
        }
        Figure::of(rates)
    }

    /// How long it takes to start, in ms; the first time, which makes tables, is left out.
    async fn starts(&self, setup: &Setup) -> anyhow::Result<Figure> {
        let mut starts = Vec::new();
        for _ in 0..=self.gauge.runs {
            let (service, took) = setup.start().await?;
            starts.push(took.as_secs_f64() * 1e3);
            service.process.kill().await?;
        }
        Figure::of(starts.split_off(1))
    }

    async fn costs(
        &self,
        service: &Service,
        call: Call,
        connections: &[u64],
    ) -> anyhow::Result<Vec<Cost>> {
        let (process, address) = (&service.process, service.address(call));
        let mut costs = Vec::new();
        for connections in connections {
            let cost = self.gauge.cost(process, address, call, *connections);
            costs.push(cost.await?);
        }
        Ok(costs)
    }

    /// A folder of a server's own.
    fn folder(&self, name: &str) -> anyhow::Result<PathBuf> {
        let folder = self.folder.path().join(name);
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// A database of this run's own.
    fn database(&self, name: &str) -> anyhow::Result<Database> {
        let name = format!("{}_{}", self.name, name.replace('-', "_"));
        Database::new(name, self.folder.path())
    }

    /// Removes what the run has in the services.
    ///
    /// # Errors
    ///
    /// A service is gone.
    pub(super) async fn clear(&self) -> anyhow::Result<()> {
        self.gauge.bar.finish_and_clear();
        let mut cleared = redis::forget(&self.name).await;
        let lessons = self.lessons.iter().map(|lesson| lesson.name);
        for name in lessons.chain(["anchor"]) {
            let dropped = self.database(name)?.drop().await;
            cleared = cleared.and(dropped);
        }
        cleared
    }
}

fn is_newest(lesson: &Lesson) -> bool {
    LESSONS
        .last()
        .is_some_and(|newest| newest.name == lesson.name)
}

/// How many figures are measured in a run of its own.
fn runs(lessons: &[&Lesson]) -> u64 {
    let anchors = CONNECTIONS.len() + 4;
    let takes = |lesson: &Lesson| {
        let calls = Call::ALL.iter();
        calls.filter(|call| service::takes(lesson, **call)).count()
    };
    let calls: usize = lessons.iter().map(|lesson| takes(lesson)).sum();
    let newest = lessons.iter().any(|lesson| is_newest(lesson));
    let curve = if newest { 2 * CURVE.len() } else { 0 };
    (anchors + calls * CONNECTIONS.len() + lessons.len() + curve) as u64
}

#[cfg(test)]
mod tests {
    use super::runs;
    use crate::ladder::Ladder;

    #[test]
    fn the_progress_knows_its_end() -> anyhow::Result<()> {
        let ladder = Ladder::here()?;
        assert_eq!(runs(&[ladder.find("e-http")?]), 6 + 3 * 2 + 1);
        assert_eq!(runs(&[ladder.find("e-grpc")?]), 6 + 5 * 2 + 1);
        let newest = ladder.newest()?;
        assert_eq!(runs(&[newest]), 6 + 5 * 2 + 1 + 20);
        Ok(())
    }
}
