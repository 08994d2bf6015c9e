//! Proof that the proofs can fail: each patch in `tests/mutants` breaks a lesson in a way
//! that a promise guards against. It is applied to a copy of the workspace, and there the
//! test that it names has to go red.

use crate::ladder;
use crate::ladder::Needs;
use crate::run;
use crate::sandbox::Patch;
use crate::sandbox::Sandbox;
use crate::sandbox::patches;
use crate::services;
use anyhow::Context;
use anyhow::bail;
use anyhow::ensure;
use std::collections::BTreeSet;
use std::process::ExitCode;
use std::process::Output;
use std::time::Instant;
use tokio::process;

/// Tries the mutants of these names, or all, and tells which test caught each.
///
/// # Errors
///
/// A patch names no test or does not apply, a mutant does not build, a test is red without
/// one, or a service does not come up. Mutants that nothing catches are told, and make the
/// exit code 1.
pub(crate) fn mutants(names: &[String]) -> anyhow::Result<ExitCode> {
    let all = read_all()?;
    if let Some(name) = names
        .iter()
        .find(|name| all.iter().all(|mutant| mutant.name != **name))
    {
        bail!("there is no mutant {name}, see tests/mutants");
    }
    let chosen = |mutant: &&Patch| names.is_empty() || names.contains(&mutant.name);
    let chosen: Vec<&Patch> = all.iter().filter(chosen).collect();

    let survivors = services::during(Needs::Redis, async |signals| {
        signals.or(try_all(&chosen)).await
    })?;
    for mutant in &survivors {
        println!(
            "{}: nothing caught it, {} is green",
            mutant.name, mutant.about
        );
    }
    println!(
        "{} of {} mutants were caught",
        chosen.len() - survivors.len(),
        chosen.len()
    );
    Ok(ExitCode::from(u8::from(!survivors.is_empty())))
}

/// All mutants; what each is about is the test that it must turn red, as
/// `e-redis::a_stale_user_is_never_cached`.
fn read_all() -> anyhow::Result<Vec<Patch>> {
    patches(&ladder::root()?.join("tests/mutants"), "breaks: ")
}

/// Tries them one after another and returns those that survive.
async fn try_all<'a>(mutants: &[&'a Patch]) -> anyhow::Result<Vec<&'a Patch>> {
    let copy = Sandbox::new("mutants")?;
    build(&copy).await.context("without a mutant")?;
    // A test that is red anyway would catch everything.
    let tests: BTreeSet<&str> = mutants.iter().map(|it| it.about.as_str()).collect();
    for test in tests {
        if let Some(line) = failure(&copy, test).await? {
            bail!("{test} is red without a mutant: {line}");
        }
    }
    let mut survivors = Vec::new();
    for mutant in mutants {
        let (name, breaks) = (&mutant.name, &mutant.about);
        copy.renew()?;
        copy.apply(mutant)?;
        let start = Instant::now();
        build(&copy).await.context(name.clone())?;
        match failure(&copy, breaks).await? {
            Some(line) => {
                println!("{name}: {breaks} is red, in {:.0?}", start.elapsed());
                println!("    {line}");
            }
            None => survivors.push(*mutant),
        }
    }
    Ok(survivors)
}

/// Runs cargo in the copy, until it ends or is no longer waited for.
async fn cargo(copy: &Sandbox, arguments: &[&str]) -> anyhow::Result<Output> {
    let mut cargo = process::Command::from(run::cargo());
    cargo.args(arguments).current_dir(&copy.folder);
    cargo.env("CARGO_TARGET_DIR", &copy.build);
    cargo.kill_on_drop(true).output().await.context("cargo")
}

async fn build(copy: &Sandbox) -> anyhow::Result<()> {
    let built = cargo(copy, &["build", "--workspace"]).await?;
    let said = String::from_utf8_lossy(&built.stderr);
    ensure!(built.status.success(), "it does not build:\n{said}");
    Ok(())
}

/// The first line that a test fails with; none, if it is green.
async fn failure(copy: &Sandbox, test: &str) -> anyhow::Result<Option<String>> {
    let arguments = ["test", "--package", "tests", "--", "--exact", test];
    let tested = cargo(copy, &arguments).await?;
    verdict(test, &String::from_utf8_lossy(&tested.stdout))
}

/// The same, of what the suite has printed.
fn verdict(test: &str, printed: &str) -> anyhow::Result<Option<String>> {
    let line = printed.lines().find(|line| line.starts_with("test e-"));
    match line.and_then(|line| line.rsplit(' ').next()) {
        Some("FAILED") => {
            let mut lines = printed.lines();
            lines.find(|line| line.starts_with("---- "));
            let said = lines.find(|line| !line.trim().is_empty());
            Ok(Some(said.unwrap_or("it said nothing").to_owned()))
        }
        Some("ok") => Ok(None),
        _ => bail!("there is no test {test}"),
    }
}

#[cfg(test)]
mod tests {
    use super::read_all;
    use super::verdict;
    use crate::sandbox::tests::all_apply;

    /// That they are caught is `make mutants`; that they still fit is known at once.
    #[test]
    fn every_mutant_applies() -> anyhow::Result<()> {
        let mutants = read_all()?;
        assert!(mutants.len() > 20, "there are {}", mutants.len());
        all_apply(&mutants)
    }

    #[test]
    fn a_failure_is_told_by_its_first_line() -> anyhow::Result<()> {
        let red = "\nrunning 1 test\ntest e-http::x ... FAILED\n\nfailures:\n\n\
                   ---- e-http::x ----\nread 1: refused\nas it was\n\n";
        assert_eq!(verdict("x", red)?.as_deref(), Some("read 1: refused"));
        assert_eq!(verdict("x", "test e-http::x ... ok\n")?, None);
        assert!(verdict("x", "running 0 tests\n").is_err());
        Ok(())
    }
}
