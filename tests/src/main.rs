//! One black-box suite for all lessons. Each lesson × promise is a test of its own name,
//! `e-http::commands_create_read_update_delete`; a later lesson keeps every promise of the
//! earlier ones.
//!
//! It needs MySQL and Redis, as `cargo lesson services up` starts them, and builds the
//! lessons itself. `cargo test --package tests e-http` runs those of one lesson.

mod answer;
mod cache;
mod database;
mod ladder;
mod programs;
mod promises;
mod proxy;
mod readme;
mod service;
mod stage;
mod transcript;

use libtest_mimic::Arguments;
use libtest_mimic::Failed;
use libtest_mimic::Trial;
use stage::Stage;
use std::process::ExitCode;
use std::sync::LazyLock;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::time::timeout;

/// The contract's client.
#[allow(missing_docs, unreachable_pub)]
mod proto {
    tonic::include_proto!("service.goms");
}

/// Far more than any promise takes.
const PATIENCE: Duration = Duration::from_secs(120);

static RUNTIME: LazyLock<std::io::Result<Runtime>> = LazyLock::new(Runtime::new);

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    if !arguments.list
        && let Err(error) = programs::build()
    {
        eprintln!("error: {error:#}");
        return ExitCode::FAILURE;
    }
    let promises = promises::all();
    let trials = ladder::LESSONS.iter().flat_map(|lesson| {
        let kept = promises.iter().filter(|promise| lesson.has(promise.since));
        kept.map(move |promise| {
            let name = format!("{}::{}", lesson.name, promise.name);
            let run = promise.run;
            Trial::test(name, move || keep(lesson, run))
        })
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

/// Runs one promise; if it is broken, tells what the lesson's processes said. Besides, what
/// they said has to keep what is promised of each.
fn keep(lesson: &'static ladder::Lesson, run: promises::Run) -> Result<(), Failed> {
    let runtime = RUNTIME.as_ref().map_err(ToString::to_string)?;
    runtime.block_on(async {
        let stage = Stage::new(lesson).map_err(|error| format!("{error:#}"))?;
        let kept = timeout(PATIENCE, run(&stage)).await;
        let kept = kept.unwrap_or_else(|_| Err(anyhow::anyhow!("it hangs")));
        stage.transcript.complete().await;
        let kept = kept.and(stage.clear().await);
        let kept = kept.and_then(|()| stage.transcript.check());
        kept.map_err(|error| format!("{error:#}\n\n{}", stage.transcript.text()).into())
    })
}
