//! `cargo lesson`: the tool for readers and maintainers of the ladder.

mod ladder;
mod mutants;
mod run;
mod services;

use clap::Parser;
use clap::Subcommand;
use std::process::ExitCode;

/// The ladder of lessons, and the services they need.
#[derive(Debug, Parser)]
#[command(name = "cargo lesson", bin_name = "cargo lesson")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Run a lesson, with the services it needs, until Ctrl-C
    Run {
        /// The lesson; without one, the newest, on its YAML store
        lesson: Option<String>,
        /// Flags and commands of the lesson itself
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Run all tests of all lessons, on a real MySQL and Redis
    Test {
        /// Arguments of `cargo test`, such as a lesson's name: -- e-http
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Break the lessons on purpose, in a copy, and see that the tests notice
    Mutants {
        /// The names of patches in tests/mutants; without any, all of them
        names: Vec<String>,
    },
    /// Start and stop MySQL on 127.0.0.1:13306 and Redis on 127.0.0.1:16379
    Services {
        #[command(subcommand)]
        task: services::Task,
    },
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Run { lesson, arguments } => run::run(lesson.as_deref(), &arguments),
        Task::Test { arguments } => run::test(&arguments),
        Task::Mutants { names } => mutants::mutants(&names),
        Task::Services { task } => services::task(task).map(|()| ExitCode::SUCCESS),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
