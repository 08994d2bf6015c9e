//! One black-box suite for all lessons. Each promise at each lesson that keeps it is a test of
//! its own name, `e-http::commands_create_read_update_and_delete`.
//!
//! A promise is tried at the lesson that brings it and at the end of every branch: what two
//! lessons have in common is mostly the same lines. `--all` tries it everywhere, and a filter
//! that names a lesson tries all that this lesson keeps. The suite builds the lessons itself;
//! MySQL and Redis have to be up, as `cargo lesson services up` starts them.

mod answer;
mod cache;
mod database;
mod exercise;
mod figures;
mod itself;
mod model;
mod programs;
mod promises;
#[allow(missing_docs, unreachable_pub)]
mod proto;
mod proxy;
mod readme;
mod service;
mod sqlproxy;
mod stage;
mod store;
mod table;
mod transcript;
mod trial;

use clap::Parser;
use ladder::Ladder;
use libtest_mimic::Trial;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::PoisonError;

#[derive(Debug, Parser)]
struct Options {
    #[command(flatten)]
    harness: libtest_mimic::Arguments,
    /// More such strings; a test is run if its name contains any of them
    #[arg(value_name = "FILTER")]
    filters: Vec<String>,
    /// Try every promise at every lesson that keeps it
    #[arg(long)]
    all: bool,
    /// Try the promises of a lesson on this program instead of the lesson's own
    #[arg(long, value_name = "PATH", requires = "lesson")]
    program: Option<PathBuf>,
    /// The lesson that the program is to keep the promises of
    #[arg(long = "as", value_name = "LESSON", requires = "program")]
    lesson: Option<String>,
    /// Only print which lesson keeps which promise; FILTERs are lessons
    #[arg(long, value_name = "text|markdown", value_enum, num_args = 0..=1, default_missing_value = "text")]
    promises: Option<table::Format>,
}

fn main() -> ExitCode {
    run(Options::parse()).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn run(mut options: Options) -> anyhow::Result<ExitCode> {
    // Every trial refers to it, to the end.
    let ladder: &Ladder = Box::leak(Box::new(Ladder::here()?));
    let mut filters = Vec::from_iter(options.harness.filter.take());
    filters.append(&mut options.filters);
    if let Some(format) = options.promises {
        table::print(ladder, &filters, format)?;
        return Ok(ExitCode::SUCCESS);
    }
    let exact = options.harness.exact;
    let by_name = |name: &str| {
        let fits = |filter: &String| {
            if exact {
                name == filter
            } else {
                name.contains(filter)
            }
        };
        filters.is_empty() || filters.iter().any(fits)
    };
    let mut trials = match (&options.program, &options.lesson) {
        (Some(program), Some(lesson)) => trial::of_program(ladder, program, lesson)?,
        _ => trial::of_lessons(ladder, |trial| {
            options.all || trial.is_usual() || filters.iter().any(|it| trial.is_of(it))
        }),
    };
    if options.program.is_none() {
        trials.extend(itself::trials(ladder));
        // Not with the lesson's own name: whoever is changing a lesson asks for its promises.
        let named = |filter: &String| filter.starts_with("exercise");
        if filters.is_empty() || filters.iter().any(named) {
            trials.extend(exercise::trials(ladder));
        }
    }
    trials.retain(|trial| by_name(&trial.name));
    if !options.harness.list {
        programs::build(&trials.iter().flat_map(|it| it.needs.clone()).collect())?;
        programs::build_tests(&trials.iter().flat_map(|it| it.tests.clone()).collect())?;
        if trials
            .iter()
            .any(|it| it.name.starts_with(exercise::PREFIX))
        {
            exercise::build(ladder);
        }
    }
    let failed: &Mutex<_> = Box::leak(Box::new(Mutex::new(BTreeSet::new())));
    let trials = trials.into_iter().map(|trial| trial.noted_in(failed));
    let ended = libtest_mimic::run(&options.harness, trials.collect::<Vec<Trial>>());
    let failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
    if !failed.is_empty() {
        println!("{}", again(&options, &failed));
    }
    Ok(ended.exit_code())
}

/// What failed, and how to run just that again.
fn again(options: &Options, failed: &BTreeSet<String>) -> String {
    let mut command = String::from("cargo test -p tests --");
    if let (Some(program), Some(lesson)) = (&options.program, &options.lesson) {
        command.push_str(&format!(" --program '{}' --as {lesson}", program.display()));
    }
    let names: Vec<&str> = failed.iter().map(String::as_str).collect();
    let names = names.join(" ");
    format!("To run just this again:\n\n    {command} --exact {names}\n")
}
