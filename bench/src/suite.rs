//! A whole run: rounds, each of which measures everything once. So the runs of a figure lie
//! minutes apart, and its spread has in it what the machine does meanwhile. What is compared
//! is measured in the same round.

use crate::drivers::tool;
use crate::figures::report::Machine;
use crate::figures::report::Report;
use crate::gauges::gauge::Gauge;
use crate::gauges::parts::Parts;
use crate::servers::build;
use crate::subjects::lesson::Subject;
use crate::subjects::proxy::Proxy;
use crate::subjects::safety;
use crate::subjects::safety::Safety;
use anyhow::Context;
use anyhow::ensure;
use clap::Args;
use clap::value_parser;
use indicatif::ProgressBar;
use indicatif::ProgressFinish;
use indicatif::ProgressStyle;
use ladder::Ladder;
use ladder::Lesson;
use std::time::Duration;
use std::time::Instant;
use sysinfo::CpuRefreshKind;
use sysinfo::System;
use tempfile::TempDir;
use tokio::process::Command;

/// How many rounds make figures that are fit to be kept, and how long a run in them takes, in
/// seconds.
pub(crate) const RUNS: u32 = 5;
pub(crate) const SECONDS: u64 = 2;

/// What is to be measured.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The lessons; without any, all that serve are measured, and docs/price.md is written
    pub(crate) lessons: Vec<String>,
    /// How many rounds to run, each with one run of every load; with fewer than the default,
    /// docs/ is left alone
    #[arg(long, value_name = "N", default_value_t = RUNS, value_parser = value_parser!(u32).range(1..=99))]
    pub(crate) runs: u32,
    /// How long each run takes, in seconds; with less than the default, docs/ is left alone
    #[arg(long, value_name = "S", default_value_t = SECONDS, value_parser = value_parser!(u64).range(1..=600))]
    pub(crate) seconds: u64,
    /// Also build each lesson from nothing, which takes minutes
    #[arg(long)]
    pub(crate) build: bool,
}

impl Options {
    /// Whether its figures are fit to be kept.
    pub(crate) fn is_whole(&self) -> bool {
        self.lessons.is_empty() && self.runs >= RUNS && self.seconds >= SECONDS
    }

    /// The named lessons, in reading order; all that serve if none is named.
    pub(crate) fn chosen(&self, ladder: &Ladder) -> anyhow::Result<Vec<&'static Lesson>> {
        let mut named = Vec::new();
        for name in &self.lessons {
            let lesson = ladder.find(name)?;
            let serves = lesson.has("e-http");
            ensure!(serves, "{name} does not serve yet; e-http is the first");
            named.push(lesson.name);
        }
        let chosen = |it: &&Lesson| match named[..] {
            [] => it.has("e-http"),
            _ => named.contains(&it.name),
        };
        Ok(ladder.lessons.iter().filter(chosen).collect())
    }
}

/// Measures the lessons. What it has in the services is gone when it is dropped.
pub(crate) async fn report(
    ladder: &Ladder,
    options: &Options,
    lessons: &[&'static Lesson],
) -> anyhow::Result<Report> {
    let target = ladder::target()?;
    let mut programs = Vec::new();
    for lesson in lessons {
        programs.push(build::build(lesson, &ladder.root, &target).await?);
    }
    // On the disk: many systems keep /tmp in memory, where the YAML store waits for nothing.
    let folder = TempDir::new_in(&target)?;
    let own = |name: &str| folder.path().join(name);
    let (mut proxy, mut safety) = (None, None);
    let mut whole = lessons.iter().zip(&programs);
    let whole = whole.find(|(it, _)| it.name == safety::LESSON);
    // A look at one lesson, which may just have been changed, is about nothing else.
    if let Some((lesson, program)) = whole.filter(|_| options.lessons.is_empty()) {
        proxy = Some(Proxy::new(own("proxy")));
        safety = Some(Safety::new(ladder, lesson, program.clone(), &own("safety")).await?);
    }
    let mut subjects = Vec::new();
    for (lesson, program) in lessons.iter().zip(programs) {
        let subject = Subject::new(ladder, lesson, program, own(lesson.name)).await;
        subjects.push(subject.context(lesson.name)?);
    }
    let steps = subjects.len() + proxy.iter().len() + safety.iter().len();
    let gauge = Gauge {
        seconds: options.seconds,
        folder: folder.path().to_owned(),
        bar: progress(u64::from(options.runs) * steps as u64)?,
    };
    let bar = gauge.bar.clone();
    let mut parts = Parts::new(gauge, own("parts")).await?;

    for _ in 0..options.runs {
        for subject in &mut subjects {
            let name = subject.price.lesson;
            bar.set_prefix(name);
            subject.round(ladder, &mut parts).await.context(name)?;
            bar.inc(1);
        }
        if let Some(proxy) = &mut proxy {
            bar.set_prefix("nginx as a proxy");
            proxy.round(&mut parts).await.context("nginx as a proxy")?;
            bar.inc(1);
        }
        if let Some(safety) = &mut safety {
            bar.set_prefix("what safety costs");
            let measured = safety.round(ladder, &parts.gauge).await;
            measured.context("what safety costs")?;
            bar.inc(1);
        }
    }
    bar.finish_and_clear();

    let mut prices = Vec::new();
    for (lesson, Subject { mut price, .. }) in lessons.iter().zip(subjects) {
        if options.build {
            let nothing = TempDir::new_in(&target)?;
            let begun = Instant::now();
            build::build(lesson, &ladder.root, nothing.path()).await?;
            price.build = Some(begun.elapsed().as_secs_f64());
        }
        prices.push(price);
    }
    Ok(Report {
        machine: machine(parts.versions().await?).await?,
        command: command(std::env::args()),
        seconds: options.seconds,
        runs: options.runs,
        anchors: parts.anchors,
        proxy: proxy.map_or(Vec::new(), |proxy| proxy.costs),
        lessons: prices,
        safety: safety.map_or(Vec::new(), Safety::variants),
    })
}

/// What was typed.
fn command(arguments: impl Iterator<Item = String>) -> String {
    let arguments = arguments.skip(1); // this program, wherever cargo keeps it
    let words = ["cargo", "lesson", "bench"].map(str::to_owned).into_iter();
    words.chain(arguments).collect::<Vec<_>>().join(" ")
}

fn progress(steps: u64) -> anyhow::Result<ProgressBar> {
    let bar = ProgressBar::new(steps).with_finish(ProgressFinish::AndClear);
    bar.set_style(ProgressStyle::with_template(
        "{elapsed_precise} {bar:30} {pos}/{len} {prefix}: {msg}",
    )?);
    bar.enable_steady_tick(Duration::from_secs(1));
    Ok(bar)
}

/// This machine, with these servers.
async fn machine(servers: [String; 2]) -> anyhow::Result<Machine> {
    let mut system = System::new()?;
    system.refresh_cpu_specifics(CpuRefreshKind::nothing());
    let cpu = system.cpus().first().map_or("", |cpu| cpu.brand());
    let mut rustc = Command::new("rustc");
    let rustc = tool::run(rustc.arg("--version").kill_on_drop(true)).await?;
    let rustc: Vec<&str> = rustc.split_whitespace().take(2).collect();
    let mut programs = vec![rustc.join(" ")];
    programs.extend(servers);
    programs.extend(tool::versions().await?);
    let kernel = System::kernel_version()?;
    let kernel = kernel.split('-').next().unwrap_or_default(); // without who has built it
    Ok(Machine {
        cpu: cpu.to_owned(),
        threads: std::thread::available_parallelism()?.get(),
        system: format!("{}, kernel {kernel}", System::long_os_version()?),
        programs,
    })
}

#[cfg(test)]
mod tests {
    use super::Options;
    use super::RUNS;
    use super::SECONDS;
    use super::command;
    use ladder::Ladder;

    fn options(lessons: &[&str], runs: u32, seconds: u64) -> Options {
        Options {
            lessons: lessons.iter().map(|name| (*name).to_owned()).collect(),
            runs,
            seconds,
            build: false,
        }
    }

    #[test]
    fn lessons_that_serve_can_be_chosen() -> anyhow::Result<()> {
        let ladder = Ladder::here()?;
        let chosen = |names: &[&str]| -> anyhow::Result<Vec<_>> {
            let chosen = options(names, RUNS, SECONDS).chosen(&ladder)?;
            Ok(chosen.iter().map(|lesson| lesson.name).collect())
        };
        assert_eq!(chosen(&[])?.first(), Some(&"e-http"));
        assert_eq!(chosen(&["e-redis", "http"])?, ["e-http", "e-redis"]);
        assert!(chosen(&["e-yaml"]).is_err());
        assert!(chosen(&["e-nothing"]).is_err());
        Ok(())
    }

    #[test]
    fn only_a_whole_run_is_kept() {
        assert!(options(&[], RUNS, SECONDS).is_whole());
        assert!(options(&[], 99, 600).is_whole());
        assert!(!options(&[], RUNS - 1, 600).is_whole());
        assert!(!options(&[], 99, SECONDS - 1).is_whole());
        assert!(!options(&["e-http"], 99, 600).is_whole());
    }

    #[test]
    fn the_command_is_what_was_typed() {
        let arguments = ["target/debug/bench", "--runs", "3"].map(str::to_owned);
        let typed = command(arguments.into_iter());
        assert_eq!(typed, "cargo lesson bench --runs 3");
    }
}
