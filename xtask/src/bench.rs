//! `cargo lesson bench`: the price of each step, measured and plotted.
//!
//! The load is made by programs that others know, on databases of the run's own, and what
//! the parts do alone is measured in the same run. A wrong answer ends it: there is no
//! figure of a service that errs.

mod answer;
mod build;
mod call;
mod figure;
mod goals;
mod grpc;
mod h2load;
mod http;
mod lesson;
mod machine;
mod measure;
mod nginx;
mod page;
mod parts;
mod plot;
mod process;
mod redis;
mod report;
mod safety;
#[cfg(test)]
mod sample;
mod service;
mod suite;
mod sysbench;
mod tool;
mod wrk;

use crate::ladder::Ladder;
use crate::ladder::Lesson;
use crate::ladder::Needs;
use crate::services;
use anyhow::ensure;
use clap::Args;
use clap::value_parser;
use report::Report;
use std::path::Path;
use std::process::ExitCode;

/// How many runs make a figure that is fit to be kept, and how long, in seconds, each is.
const RUNS: u32 = 5;
const SECONDS: u64 = 2;

/// By how much what a part does alone may differ from before a load to after it; if more,
/// the machine was busy.
const UNSTEADINESS: f64 = 0.3;

/// What is told to be measured.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The lessons; without any, all that serve, and the figures go to docs/price.md
    lessons: Vec<String>,
    /// How many rounds, each with a run of every load; fewer than by default are not kept
    #[arg(long, value_name = "N", default_value_t = RUNS, value_parser = value_parser!(u32).range(1..=99))]
    runs: u32,
    /// How long a run takes, in seconds; shorter ones than by default are not kept
    #[arg(long, value_name = "S", default_value_t = SECONDS, value_parser = value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Also build each lesson from nothing, which takes minutes
    #[arg(long)]
    build: bool,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

/// Measures the lessons, prints the figures, and keeps those of a whole run.
///
/// # Errors
///
/// A tool is missing, a lesson or a service does not come up, or an answer was wrong.
pub(crate) fn bench(ladder: &Ladder, options: &Options) -> anyhow::Result<ExitCode> {
    let lessons = chosen(ladder, &options.lessons)?;
    tool::check()?;
    // What is dropped takes its things away: programs, databases, a key.
    let report = services::during(Needs::Redis, async |signals| {
        signals.or(suite::report(options, &lessons)).await
    })?;
    if options.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        println!("{}", page::tables(&report));
    }
    let unsteadiness = report.unsteadiness();
    if !is_whole(options) {
        eprintln!(
            "docs/price.md stays as it is: it is of all lessons, and of at least {RUNS} runs of \
             {SECONDS} s"
        );
    } else if unsteadiness > UNSTEADINESS {
        eprintln!(
            "docs/price.md stays as it is: what a part does alone differed by {:.0} % within the \
             seconds around a load, so the machine was busy with something else; measure when \
             it is not",
            unsteadiness * 100.0
        );
    } else {
        keep(&ladder.root.join("docs"), &report)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether its figures are fit to be kept.
fn is_whole(options: &Options) -> bool {
    options.lessons.is_empty() && options.runs >= RUNS && options.seconds >= SECONDS
}

/// The lessons of these names, in reading order; all that serve, if none is named.
fn chosen(ladder: &Ladder, names: &[String]) -> anyhow::Result<Vec<&'static Lesson>> {
    let mut named = Vec::new();
    for name in names {
        let lesson = ladder.find(name)?;
        let serves = lesson.has("e-http");
        ensure!(serves, "{name} does not serve yet; e-http is the first");
        named.push(lesson.name);
    }
    let chosen = |lesson: &&Lesson| match named[..] {
        [] => lesson.has("e-http"),
        _ => named.contains(&lesson.name),
    };
    Ok(ladder.lessons.iter().filter(chosen).collect())
}

/// Writes the page and its plots.
fn keep(docs: &Path, report: &Report) -> anyhow::Result<()> {
    std::fs::create_dir_all(docs)?;
    for (name, text) in [
        ("price.svg", plot::price(report)?),
        ("load.svg", plot::load(report)?),
        ("price.md", page::page(report)),
    ] {
        let path = docs.join(name);
        std::fs::write(&path, text)?;
        eprintln!("wrote {}", path.display());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Options;
    use super::chosen;
    use super::is_whole;
    use crate::ladder::Ladder;

    fn named(names: &[&str]) -> anyhow::Result<Vec<&'static str>> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let chosen = chosen(&Ladder::here()?, &names)?;
        Ok(chosen.iter().map(|lesson| lesson.name).collect())
    }

    #[test]
    fn lessons_that_serve_can_be_chosen() -> anyhow::Result<()> {
        assert_eq!(named(&[])?.first(), Some(&"e-http"));
        assert_eq!(named(&["e-redis", "http"])?, ["e-http", "e-redis"]);
        assert!(named(&["e-yaml"]).is_err());
        assert!(named(&["e-nothing"]).is_err());
        Ok(())
    }

    #[test]
    fn only_a_whole_run_is_kept() {
        let whole = |lessons: &[&str], runs, seconds| {
            is_whole(&Options {
                lessons: lessons.iter().map(|name| (*name).to_owned()).collect(),
                runs,
                seconds,
                build: false,
                json: false,
            })
        };
        assert!(whole(&[], super::RUNS, super::SECONDS));
        assert!(whole(&[], 99, 600));
        assert!(!whole(&[], super::RUNS - 1, 600));
        assert!(!whole(&[], 99, super::SECONDS - 1));
        assert!(!whole(&["e-http"], 99, 600));
    }
}
