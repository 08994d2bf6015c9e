//! Breaks the lessons on purpose, one way at a time, in a copy of the workspace, and sees that
//! the suite notices. The ways stand in `tests/mutants.toml`.

use anyhow::Context;
use anyhow::bail;
use anyhow::ensure;
use ladder::Ladder;
use ladder::Needs;
use ladder::cargo;
use ladder::mutants::MUTANTS;
use ladder::mutants::Mutant;
use ladder::mutants::Mutants;
use ladder::sandbox::Sandbox;
use ladder::services;
use std::collections::BTreeSet;
use std::process::ExitCode;
use std::process::Output;
use std::time::Instant;
use tokio::process::Command;

/// How much is shown of what a test says: some say all that they have got.
const WIDTH: usize = 160;

/// A mutant, the lesson that it breaks, and the test that has to notice.
struct Case<'a> {
    mutant: &'a Mutant,
    lesson: &'static str,
    test: String,
}

/// Tries the mutants of these names, or all, and tells what each of them breaks.
///
/// # Errors
///
/// A mutant fits no lesson, a test is red without one, or a service does not come up. Mutants
/// that do not build or that their promise does not notice are told, and make the exit code 1.
pub(crate) fn mutants(ladder: &Ladder, names: &[String]) -> anyhow::Result<ExitCode> {
    let all = Mutants::read(&ladder.root)?.mutant;
    if let Some(name) = names
        .iter()
        .find(|name| all.iter().all(|it| it.name != **name))
    {
        bail!("there is no mutant {name}, see {MUTANTS}");
    }
    let chosen = |mutant: &&Mutant| names.is_empty() || names.contains(&mutant.name);
    let chosen: Vec<&Mutant> = all.iter().filter(chosen).collect();
    let missed = services::during(Needs::Redis, async |signals| {
        signals.or(try_all(ladder, &chosen)).await
    })?;
    println!(
        "{} of {} mutants were caught",
        chosen.len() - missed.len(),
        chosen.len()
    );
    for told in &missed {
        println!("{told}");
    }
    Ok(ExitCode::from(u8::from(!missed.is_empty())))
}

/// Tries them one after another and tells of each that its promise misses.
async fn try_all(ladder: &Ladder, mutants: &[&Mutant]) -> anyhow::Result<Vec<String>> {
    let copy = Sandbox::new("mutants")?;
    let cases = place(ladder, mutants, &copy).await?;
    // A test that is red anyway would catch everything.
    let tests: BTreeSet<&str> = cases.iter().map(|case| case.test.as_str()).collect();
    let tests: Vec<&str> = [&["--exact"], &*Vec::from_iter(tests)].concat();
    if let Some((test, line)) = failures(&suite(&copy, &tests).await?).first() {
        bail!("{test} is red without a mutant: {line}");
    }
    let mut missed = Vec::new();
    for Case {
        mutant,
        lesson,
        test,
    } in &cases
    {
        let name = &mutant.name;
        copy.renew()?;
        mutant.apply(&copy.folder.join(lesson))?;
        let start = Instant::now();
        let built = run(&copy, &["build", "--workspace", "--bin", lesson]).await?;
        if !built.status.success() {
            let said = String::from_utf8_lossy(&built.stderr);
            missed.push(format!("{name}: {lesson} does not build with it:\n{said}"));
            continue;
        }
        match failures(&suite(&copy, &["--exact", test]).await?).first() {
            Some((_, line)) => {
                println!(
                    "{name}: {test} is red, in {:.0?}\n    {line}",
                    start.elapsed()
                );
            }
            None => {
                let printed = suite(&copy, &[&format!("{lesson}::")]).await?;
                let others = failures(&printed);
                let others: Vec<&str> = others.iter().map(|(test, _)| test.as_str()).collect();
                let others = match others.is_empty() {
                    true => "and so is everything else there".to_owned(),
                    false => format!("but these are red: {}", others.join(" ")),
                };
                let told = format!("{name}: {test} is green, {others}");
                println!("{told}");
                missed.push(told);
            }
        }
    }
    copy.renew()?;
    Ok(missed)
}

/// Where each is tried: the suite knows which lesson keeps which promise.
async fn place<'a>(
    ladder: &Ladder,
    mutants: &[&'a Mutant],
    copy: &Sandbox,
) -> anyhow::Result<Vec<Case<'a>>> {
    let listed = suite(copy, &["--list", "--all"]).await?;
    let tests: BTreeSet<&str> = listed
        .lines()
        .filter_map(|it| it.strip_suffix(": test"))
        .collect();
    let place = |mutant: &&'a Mutant| {
        let test = |lesson| format!("{lesson}::{}", mutant.breaks);
        let lesson = mutant
            .lesson(ladder, |it| tests.contains(&*test(it.name)))?
            .name;
        Ok(Case {
            mutant,
            lesson,
            test: test(lesson),
        })
    };
    mutants.iter().map(place).collect()
}

/// Runs cargo in the copy, until it ends or is no longer waited for.
async fn run(copy: &Sandbox, arguments: &[&str]) -> anyhow::Result<Output> {
    let mut cargo = Command::from(cargo::cargo());
    cargo.args(arguments).current_dir(&copy.folder);
    cargo.env("CARGO_TARGET_DIR", &copy.build);
    cargo.kill_on_drop(true).output().await.context("cargo")
}

/// What the suite prints. It has to have run something: else it would be green for no reason.
async fn suite(copy: &Sandbox, arguments: &[&str]) -> anyhow::Result<String> {
    let ended = run(
        copy,
        &[&["test", "--package", "tests", "--"], arguments].concat(),
    )
    .await?;
    let printed = String::from_utf8_lossy(&ended.stdout).into_owned();
    let ran = printed
        .lines()
        .any(|it| it.ends_with(" ok") || it.ends_with(": test"));
    let said = String::from_utf8_lossy(&ended.stderr);
    ensure!(
        ran || !failures(&printed).is_empty(),
        "the suite runs nothing:\n{said}{printed}"
    );
    Ok(printed)
}

/// The tests that have failed, each with the first line of what it says.
fn failures(printed: &str) -> Vec<(String, String)> {
    let failed = |line: &str| {
        let test = line.strip_prefix("test ")?.strip_suffix(" ... FAILED")?;
        Some(test.trim().to_owned())
    };
    let said = |test: &str| {
        let head = format!("---- {test} ----");
        let mut lines = printed.lines().skip_while(|line| *line != head).skip(1);
        let line = lines.find(|line| !line.trim().is_empty());
        line.map(|line| line.chars().take(WIDTH).collect())
    };
    let tests = printed.lines().filter_map(failed);
    tests
        .map(|test| (test.clone(), said(&test).unwrap_or_default()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::failures;

    #[test]
    fn a_failure_is_told_by_its_first_line() {
        let red = "\nrunning 2 tests\ntest e-http::x  ... FAILED\ntest e-http::xy ... ok\n\
                   \nfailures:\n\n---- e-http::x ----\nread 1: refused\nas it was\n\n";
        assert_eq!(
            failures(red),
            [("e-http::x".to_owned(), "read 1: refused".to_owned())]
        );
        assert_eq!(failures("test e-http::x ... ok\n"), []);
    }
}
