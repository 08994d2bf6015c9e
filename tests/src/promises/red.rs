//! What a lesson cannot keep yet stands in its `tests/`, ignored with the lesson that brings it
//! and the rule: `#[ignore = "e-limit: a body over 16 KiB is refused"]`. Such a test says
//! something only if it is red, and for no other reason.

use crate::programs::test;
use crate::stage::Stage;
use anyhow::Context;
use anyhow::ensure;
use ladder::Ladder;
use ladder::Lesson;
use std::path::Path;
use std::process::Output;
use std::process::Stdio;
use std::sync::Arc;
use tokio::process::Command;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// The promise below, which is about tests and not about a program.
pub(crate) const NAME: &str = "its_red_tests_are_red_for_their_reason";

/// How many run at a time: most of them only wait.
const AT_A_TIME: usize = 8;

/// The programs of tests that have red ones, as arguments of `cargo test`.
pub(crate) fn programs(ladder: &Ladder, lesson: &Lesson) -> Vec<String> {
    let folder = ladder.folder(lesson).join("tests");
    let files = folder.read_dir().into_iter().flatten().flatten();
    let mut programs = Vec::new();
    for path in files.map(|file| file.path()) {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        if let Some(name) = path.file_stem().filter(|_| text.contains("#[ignore")) {
            programs.push(format!("-p {} --test {}", lesson.name, name.display()));
        }
    }
    programs
}

pub(crate) async fn its_red_tests_are_red_for_their_reason(stage: &Stage) -> anyhow::Result<()> {
    let places = Arc::new(Semaphore::new(AT_A_TIME));
    let mut running = JoinSet::new();
    for program in programs(stage.ladder, stage.lesson) {
        let program = test(&program)?;
        let listed = run(program, &["--list", "--ignored"]).await?;
        let listed = String::from_utf8(listed.stdout)?;
        for name in listed.lines().filter_map(|it| it.strip_suffix(": test")) {
            let (name, places) = (name.to_owned(), places.clone());
            running.spawn(async move {
                let _place = places.acquire().await?;
                is_red(program, &name).await.context(name)
            });
        }
    }
    while let Some(red) = running.join_next().await {
        red??;
    }
    Ok(())
}

/// Wants the test to fail, and its panic to name the rule that its reason names.
async fn is_red(program: &Path, name: &str) -> anyhow::Result<()> {
    let skipped = run(program, &["--exact", name]).await?;
    let skipped = String::from_utf8(skipped.stdout)?;
    let (_, reason) = skipped.split_once(" ... ignored, ").context("no reason")?;
    let reason = reason.lines().next().unwrap_or_default();
    let (_, rule) = reason.split_once(": ").context("no lesson: no rule")?;
    let output = run(program, &["--exact", "--ignored", name]).await?;
    let said = String::from_utf8(output.stdout)?;
    ensure!(!output.status.success(), "it holds: {rule}");
    let panic = said
        .split_once("panicked at ")
        .map_or("", |(_, panic)| panic);
    let panic = panic.split("The service's log").next().unwrap_or_default();
    ensure!(
        panic.contains(rule),
        "it fails, but not by {rule:?}: {said}"
    );
    Ok(())
}

async fn run(program: &Path, arguments: &[&str]) -> anyhow::Result<Output> {
    let mut test = Command::new(program);
    test.args(arguments).env("RUST_BACKTRACE", "0");
    test.stdin(Stdio::null()).kill_on_drop(true);
    Ok(test.output().await?)
}
