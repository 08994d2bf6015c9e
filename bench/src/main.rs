//! `cargo lesson bench`: the price of each step, measured and plotted.
//!
//! The load is made by programs that others know, on databases of the run's own, and what
//! the parts do alone is measured in the same run. A wrong answer ends it: there is no
//! figure of a service that errs.
//!
//! Its modules lie in layers. Each uses only those of earlier layers in this list, and some of
//! its own layer, never in a circle:
//!
//! - figures: what is asked, what comes of it, and what is wanted of that
//! - drivers: the programs that ask, and the proof that every answer was right
//! - servers: what is asked, as processes: the lessons' programs, and nginx
//! - gauges: a measurement of a call, and of what the parts do alone
//! - subjects: what a round measures: a lesson, a proxy, what safety costs
//! - suite: a run of many rounds, and the report that it gives
//! - docs: the report as text and as plots

mod figures {
    pub(crate) mod call;
    pub(crate) mod figure;
    pub(crate) mod goals;
    pub(crate) mod report;
}
mod drivers {
    pub(crate) mod answer;
    pub(crate) mod grpc;
    pub(crate) mod h2load;
    pub(crate) mod http;
    pub(crate) mod redis;
    pub(crate) mod sysbench;
    pub(crate) mod tool;
    pub(crate) mod wrk;
}
mod servers {
    pub(crate) mod build;
    pub(crate) mod nginx;
    pub(crate) mod program;
    pub(crate) mod server;
}
mod gauges {
    pub(crate) mod gauge;
    pub(crate) mod parts;
}
mod subjects {
    pub(crate) mod lesson;
    pub(crate) mod proxy;
    pub(crate) mod safety;
}
mod suite;
mod docs {
    pub(crate) mod page;
    pub(crate) mod plot;
    #[cfg(test)]
    pub(crate) mod sample;
}

use clap::Parser;
use docs::page;
use docs::plot;
use drivers::tool;
use figures::report::Report;
use ladder::Ladder;
use ladder::Needs;
use ladder::services;
use std::path::Path;
use std::process::ExitCode;
use suite::Options;
use suite::RUNS;
use suite::SECONDS;

/// By how much what a part does alone may differ from before a load to after it; if it is
/// more, the machine was busy.
const UNSTEADINESS: f64 = 0.3;

/// Measure what each lesson costs, beside what its parts do alone
#[derive(Debug, Parser)]
#[command(name = "cargo lesson bench", bin_name = "cargo lesson bench")]
struct Arguments {
    #[command(flatten)]
    options: Options,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    match bench(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Measures the lessons, prints the figures, and keeps those of a whole run.
fn bench(Arguments { options, json }: &Arguments) -> anyhow::Result<()> {
    let ladder = Ladder::here()?;
    let lessons = options.chosen(&ladder)?;
    tool::check()?;
    // What is dropped takes its things away: programs, databases, a key.
    let report = services::during(Needs::Redis, async |signals| {
        signals.or(suite::report(&ladder, options, &lessons)).await
    })?;
    if *json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        println!("{}", page::tables(&report));
    }
    let unsteadiness = report.unsteadiness();
    if !options.is_whole() {
        eprintln!(
            "docs/ stays as it is: it is of all lessons, and of at least {RUNS} rounds with runs \
             of {SECONDS} s"
        );
    } else if unsteadiness > UNSTEADINESS {
        eprintln!(
            "docs/ stays as it is: what a part does alone differed by {:.0} % from right before a \
             load to right after it, so the machine was busy with something else; measure again \
             when it is not",
            unsteadiness * 100.0
        );
    } else {
        keep(&ladder.root.join("docs"), &report)?;
    }
    Ok(())
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
