//! The exercises of the READMEs. Each lesson's answer brings a test, which has to fail at the
//! lesson as it is, and to pass at the lesson with the answer.
//!
//! All answers are tried in one copy of the workspace, so that they are built by one command.

use crate::programs::program;
use crate::stage::Stage;
use crate::trial::RUNTIME;
use crate::trial::Trial;
use anyhow::Context;
use anyhow::anyhow;
use anyhow::ensure;
use ladder::Ladder;
use ladder::Lesson;
use ladder::cargo::cargo;
use ladder::exercise;
use ladder::group::Group;
use ladder::sandbox::Sandbox;
use libtest_mimic::Completion;
use serde_json::Value;
use std::collections::HashMap;
use std::path::Path;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::Duration;
use tokio::process::Command;
use tokio::time::timeout;

/// What the names of these trials begin with.
pub(crate) const PREFIX: &str = "exercise::";

/// Far more than any of them takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where the answers are built, and the test of each lesson there.
static BUILT: OnceLock<Result<Built, String>> = OnceLock::new();

struct Built {
    sandbox: Sandbox,
    tests: HashMap<String, PathBuf>,
}

/// A trial for each lesson.
pub(crate) fn trials(ladder: &'static Ladder) -> Vec<Trial> {
    let trial = |lesson: &'static Lesson| Trial {
        name: format!("{PREFIX}{}", lesson.name),
        needs: vec![lesson.name],
        tests: Vec::new(),
        run: Box::new(move || {
            let runtime = RUNTIME.as_ref().map_err(ToString::to_string)?;
            match runtime.block_on(solved(ladder, lesson)) {
                Ok(()) => Ok(Completion::Completed),
                Err(error) => Err(format!("{error:#}").into()),
            }
        }),
    };
    ladder.lessons.iter().map(trial).collect()
}

/// Builds the lessons with their answers, before the trials: they shall not wait for it, nor be
/// slowed down by it. If it fails, each of them says so.
pub(crate) fn build(ladder: &Ladder) {
    BUILT.get_or_init(|| build_all(ladder).map_err(|error| format!("{error:#}")));
}

fn build_all(ladder: &Ladder) -> anyhow::Result<Built> {
    let sandbox = Sandbox::edited("exercises", |folder| {
        for lesson in ladder.lessons {
            let applied = exercise::apply(folder, lesson.name);
            applied.with_context(|| exercise::answer(lesson.name))?;
        }
        // What the workspace has built of others' crates is used again. cargo tells packages
        // apart by name and version, and not by folder: so that it does not take a lesson of
        // the copy for the same one of the workspace, the copy has another version.
        let manifest = folder.join("Cargo.toml");
        let text = std::fs::read_to_string(&manifest)?;
        let other = text.replacen("\nversion = \"", "\nversion = \"9", 1);
        ensure!(other != text, "the workspace has no version");
        Ok(std::fs::write(&manifest, other)?)
    })?;
    let mut cargo = cargo();
    cargo.args(["test", "--workspace", "--no-run", "--test", "exercise"]);
    cargo.args(["--offline", "--message-format=json-render-diagnostics"]);
    cargo.current_dir(&sandbox.folder);
    cargo.env("CARGO_TARGET_DIR", &sandbox.build);
    cargo.env("CARGO_BUILD_BUILD_DIR", ladder::target()?);
    let built = cargo.stderr(Stdio::inherit()).output().context("cargo")?;
    ensure!(built.status.success(), "the answers do not build");
    let told = String::from_utf8(built.stdout)?;
    let tests = told.lines().filter_map(test).collect();
    Ok(Built { sandbox, tests })
}

/// The lesson whose test cargo tells of in this line, and where the test is.
fn test(line: &str) -> Option<(String, PathBuf)> {
    let artifact: Value = serde_json::from_str(line).ok()?;
    let manifest = Path::new(artifact["manifest_path"].as_str()?);
    let lesson = manifest.parent()?.file_name()?.to_str()?;
    let test = artifact["target"]["name"] == "exercise";
    let path = artifact["executable"].as_str().filter(|_| test)?;
    Some((lesson.to_owned(), path.into()))
}

/// Runs the test on the program with the answer, and on the lesson's own in its place.
async fn solved(ladder: &'static Ladder, lesson: &'static Lesson) -> anyhow::Result<()> {
    let built = BUILT.get().context("the answers are not built")?;
    let built = built.as_ref().map_err(|error| anyhow!("{error}"))?;
    let answer = built.sandbox.build.join("debug").join(lesson.name);
    let aside = answer.with_extension("answer");
    let with = run(ladder, lesson, built).await?;
    ensure!(with.0, "the answer does not pass its own test:\n{}", with.1);

    std::fs::rename(&answer, &aside)?;
    std::fs::copy(program(lesson.name)?, &answer)?;
    let without = run(ladder, lesson, built).await;
    std::fs::rename(&aside, &answer)?;
    let without = without?;
    ensure!(
        !without.0 && without.1.contains("test result: FAILED"),
        "the test does not need the answer:\n{}",
        without.1
    );
    Ok(())
}

/// Whether the test passes, and what it says; with a database of its own.
async fn run(
    ladder: &'static Ladder,
    lesson: &'static Lesson,
    built: &Built,
) -> anyhow::Result<(bool, String)> {
    let stage = Stage::new(ladder, lesson, PathBuf::new())?;
    let test = built.tests.get(lesson.name);
    let test = test.context("the answer brings no test")?;
    let mut test = Command::new(test);
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"GOMS__") {
            test.env_remove(name);
        }
    }
    test.envs(stage.environment(lesson).await?)
        .env_remove("RUST_BACKTRACE")
        .current_dir(built.sandbox.folder.join(lesson.name)) // as cargo does
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let test = test.spawn().context("the test")?;
    let _group = Group::of(test.id())?; // ends what a test that fails has left
    let ended = timeout(PATIENCE, test.wait_with_output()).await;
    stage.clear().await?;
    let ended = ended.context("the test hangs")??;
    let (stdout, stderr) = (&ended.stdout, &ended.stderr);
    let said = [stdout, stderr].map(|it| String::from_utf8_lossy(it).into_owned());
    Ok((ended.status.success(), said.concat()))
}
