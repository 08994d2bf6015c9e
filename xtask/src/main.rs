//! `cargo lesson`: the tool for readers and maintainers of the ladder.

mod carry;
mod check;
mod diff;
mod excerpt;
mod export;
mod folder;
mod git;
mod list;
mod mutants;
mod name;
mod new;
mod page;
mod pain;
mod run;
mod step;
mod test;
#[cfg(test)]
mod tests;
mod why;

use clap::Parser;
use clap::Subcommand;
use ladder::Ladder;
use ladder::services;
use std::io::ErrorKind;
use std::io::IsTerminal;
use std::process::ExitCode;

/// Reads, runs and maintains the ladder of lessons
#[derive(Debug, Parser)]
#[command(name = "cargo lesson", bin_name = "cargo lesson")]
struct Arguments {
    #[command(subcommand)]
    task: Option<Task>,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// List the lessons: what each adds, and how much it keeps (the default)
    List {
        /// Print JSON, for scripts
        #[arg(long)]
        json: bool,
    },
    /// Show the step to a lesson, in your own git's colours and pager
    #[command(override_usage = "cargo lesson diff [OPTIONS] [FROM] TO")]
    Diff(diff::Arguments),
    /// Run a lesson's one command under the lesson before and under it, side by side
    Pain(pain::Arguments),
    /// Tell which lesson brought a line, and for what
    Why {
        /// The line, as in e-http/src/http.rs:30
        #[arg(value_name = "FILE:LINE")]
        line: String,
    },
    /// Run a lesson, with the services it needs, until Ctrl-C
    Run {
        /// The lesson [default: the newest, on its YAML store]
        lesson: Option<String>,
        /// Flags and commands for the lesson itself
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Run all tests of all lessons, on a real MySQL and Redis
    Test(test::Arguments),
    /// List which lesson keeps which promise
    Promises {
        /// Only these lessons
        lessons: Vec<String>,
        /// Print Markdown, for a page
        #[arg(long)]
        markdown: bool,
    },
    /// Break the lessons on purpose, one way at a time, and see that the tests notice
    Mutants {
        /// The mutants to try, by their names in tests/mutants.toml [default: all]
        names: Vec<String>,
    },
    /// Measure what each lesson costs, beside what its parts do alone
    #[command(disable_help_flag = true)]
    Bench {
        /// What `bench` understands; --help lists it
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Start and stop MySQL on 127.0.0.1:13306 and Redis on 127.0.0.1:16379
    Services {
        #[command(subcommand)]
        task: services::Task,
    },
    /// Carry a lesson's change into all later lessons, by three-way merge
    Carry(carry::Arguments),
    /// Make a lesson: copy the one that it follows, and put it into the tree
    New(new::Arguments),
    /// Export a lesson as a project of its own, outside this workspace
    Export(export::Arguments),
    /// Check that the ladder is what it says of itself; the tests begin with this
    Check {
        /// First renew what is generated: DIFF.md, the root README's table, the numbers of lines
        #[arg(long)]
        fix: bool,
    },
}

fn main() -> ExitCode {
    let task = Arguments::parse().task;
    perform(task.unwrap_or(Task::List { json: false })).unwrap_or_else(|error| {
        if is_unread(&error) {
            return ExitCode::SUCCESS;
        }
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn perform(task: Task) -> anyhow::Result<ExitCode> {
    let ladder = Ladder::here()?;
    let out = &mut anstream::stdout();
    let done = |()| ExitCode::SUCCESS;
    match task {
        Task::List { json } => list::list(&ladder, json, out).map(done),
        Task::Diff(arguments) => {
            let terminal = std::io::stdout().is_terminal();
            diff::show(&ladder, &arguments, terminal, out).map(done)
        }
        Task::Pain(arguments) => pain::pain(&ladder, &arguments, out).map(done),
        Task::Why { line } => why::why(&ladder, &line, out).map(done),
        Task::Run { lesson, arguments } => run::run(&ladder, lesson.as_deref(), &arguments),
        Task::Test(arguments) => test::test(&ladder, &arguments, out),
        Task::Promises { lessons, markdown } => test::promises(&ladder, &lessons, markdown),
        Task::Carry(arguments) => carry::carry(&ladder, &arguments, out),
        Task::New(arguments) => new::new(&ladder, &arguments, out).map(done),
        Task::Export(arguments) => export::export(&ladder, &arguments, out).map(done),
        Task::Check { fix } => check::check(&ladder, fix, out),
        Task::Mutants { names } => mutants::mutants(&ladder, &names),
        Task::Bench { arguments } => run::bench(&arguments),
        Task::Services { task } => services::task(task).map(done),
    }
}

/// Whether it is only that nobody reads on, as in `cargo lesson diff e-http | head`.
fn is_unread(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let io = cause
            .downcast_ref::<std::io::Error>()
            .map(std::io::Error::kind);
        let json = cause.downcast_ref::<serde_json::Error>();
        let json = json.and_then(serde_json::Error::io_error_kind);
        io.or(json) == Some(ErrorKind::BrokenPipe)
    })
}
