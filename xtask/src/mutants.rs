//! Proof that the proofs can fail: each patch in `tests/mutants` breaks a lesson in a way
//! that a promise guards against. It is applied to a copy of the workspace, and there the
//! test that it names has to go red.

use crate::ladder;
use crate::ladder::Needs;
use crate::run::cargo;
use crate::services;
use anyhow::Context;
use anyhow::bail;
use anyhow::ensure;
use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::ExitCode;
use std::process::Output;
use std::time::Instant;
use tokio::process;

/// A patch, and the test that it must turn red.
#[derive(Debug)]
struct Mutant {
    name: String,
    patch: PathBuf,
    /// `e-redis::a_stale_user_is_never_cached`
    breaks: String,
}

/// A copy of the workspace, and where what it builds is kept.
struct Sandbox {
    folder: PathBuf,
    build: PathBuf,
}

/// Tries the mutants of these names, or all, and tells which test caught each.
///
/// # Errors
///
/// A patch names no test or does not apply, a mutant does not build, a test is red without
/// one, or a service does not come up. Mutants that nothing catches are told, and make the
/// exit code 1.
pub(crate) fn mutants(names: &[String]) -> anyhow::Result<ExitCode> {
    let root = ladder::root()?;
    let all = read_all(&root.join("tests/mutants"))?;
    if let Some(name) = names
        .iter()
        .find(|name| all.iter().all(|mutant| mutant.name != **name))
    {
        bail!("there is no mutant {name}, see tests/mutants");
    }
    let chosen = |mutant: &&Mutant| names.is_empty() || names.contains(&mutant.name);
    let chosen: Vec<&Mutant> = all.iter().filter(chosen).collect();

    let folder = ladder::target()?.join("mutants");
    let survivors = services::during(Needs::Redis, async |signals| {
        signals.or(try_all(&root, &folder, &chosen)).await
    })?;
    for mutant in &survivors {
        println!(
            "{}: nothing caught it, {} is green",
            mutant.name, mutant.breaks
        );
    }
    println!(
        "{} of {} mutants were caught",
        chosen.len() - survivors.len(),
        chosen.len()
    );
    Ok(ExitCode::from(u8::from(!survivors.is_empty())))
}

/// Reads all patches of the folder.
///
/// # Errors
///
/// One does not say what it breaks.
fn read_all(folder: &Path) -> anyhow::Result<Vec<Mutant>> {
    let mut mutants = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let patch = entry?.path();
        let text = std::fs::read_to_string(&patch)?;
        let breaks = text
            .lines()
            .next()
            .and_then(|line| line.strip_prefix("breaks: "));
        let breaks = breaks.with_context(|| format!("{}: no `breaks: TEST`", patch.display()))?;
        let name = patch.file_stem().unwrap_or_default();
        mutants.push(Mutant {
            name: name.to_string_lossy().into_owned(),
            breaks: breaks.to_owned(),
            patch,
        });
    }
    mutants.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(mutants)
}

/// Tries them one after another and returns those that survive.
async fn try_all<'a>(
    root: &Path,
    folder: &Path,
    mutants: &[&'a Mutant],
) -> anyhow::Result<Vec<&'a Mutant>> {
    let copy = Sandbox {
        folder: folder.join("copy"),
        build: folder.join("build"),
    };
    renew(root, &copy.folder)?;
    copy.build().await.context("without a mutant")?;
    // A test that is red anyway would catch everything.
    let tests: BTreeSet<&str> = mutants.iter().map(|it| it.breaks.as_str()).collect();
    for test in tests {
        if let Some(line) = copy.failure(test).await? {
            bail!("{test} is red without a mutant: {line}");
        }
    }
    let mut survivors = Vec::new();
    for mutant in mutants {
        let Mutant { name, breaks, .. } = mutant;
        renew(root, &copy.folder)?;
        apply(&copy.folder, mutant)?;
        let start = Instant::now();
        copy.build().await.context(name.clone())?;
        match copy.failure(breaks).await? {
            Some(line) => {
                println!("{name}: {breaks} is red, in {:.0?}", start.elapsed());
                println!("    {line}");
            }
            None => survivors.push(*mutant),
        }
    }
    Ok(survivors)
}

/// Makes the copy equal to the workspace. What is equal already is left alone, so that
/// cargo does not build it again; what is no longer there is removed.
fn renew(root: &Path, copy: &Path) -> anyhow::Result<()> {
    let files = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root)
        .output()
        .context("git")?;
    ensure!(files.status.success(), "{} is no clone", root.display());
    let files = String::from_utf8(files.stdout)?;
    let files: BTreeSet<&str> = files.split_terminator('\0').collect();
    let mut kept = BTreeSet::new();
    std::fs::create_dir_all(copy)?;
    for file in files {
        let (from, to) = (root.join(file), copy.join(file));
        let Ok(new) = std::fs::read(&from) else {
            continue; // deleted, and not yet committed
        };
        if std::fs::read(&to).ok().as_ref() != Some(&new) {
            std::fs::create_dir_all(to.parent().unwrap_or(copy))?;
            std::fs::write(&to, new)?;
        }
        kept.insert(to);
    }
    prune(copy, &kept)
}

/// Removes what is in the folder and not among these, and folders that are empty then.
fn prune(folder: &Path, kept: &BTreeSet<PathBuf>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() && !path.is_symlink() {
            prune(&path, kept)?;
            if path.read_dir()?.next().is_none() {
                std::fs::remove_dir(path)?;
            }
        } else if !kept.contains(&path) {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}

fn apply(copy: &Path, mutant: &Mutant) -> anyhow::Result<()> {
    let applied = Command::new("git")
        .arg("apply")
        .arg(&mutant.patch)
        .env("GIT_CEILING_DIRECTORIES", copy.parent().unwrap_or(copy))
        .current_dir(copy)
        .output()
        .context("git")?;
    let said = String::from_utf8_lossy(&applied.stderr);
    let line = said.lines().next().unwrap_or_default();
    ensure!(
        applied.status.success(),
        "{} does not apply: {line}",
        mutant.name
    );
    Ok(())
}

impl Sandbox {
    /// Runs cargo in it, until it ends or is no longer waited for.
    async fn cargo(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        let mut cargo = process::Command::from(cargo());
        cargo.args(arguments).current_dir(&self.folder);
        cargo.env("CARGO_TARGET_DIR", &self.build);
        cargo.kill_on_drop(true).output().await.context("cargo")
    }

    async fn build(&self) -> anyhow::Result<()> {
        let built = self.cargo(&["build", "--workspace"]).await?;
        let said = String::from_utf8_lossy(&built.stderr);
        ensure!(built.status.success(), "it does not build:\n{said}");
        Ok(())
    }

    /// The first line that a test fails with; none, if it is green.
    async fn failure(&self, test: &str) -> anyhow::Result<Option<String>> {
        let arguments = ["test", "--package", "tests", "--", "--exact", test];
        let tested = self.cargo(&arguments).await?;
        verdict(test, &String::from_utf8_lossy(&tested.stdout))
    }
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
    use super::*;

    /// That they are caught is `make mutants`; that they still fit is known at once.
    #[test]
    fn every_mutant_applies() -> anyhow::Result<()> {
        let root = ladder::root()?;
        let mutants = read_all(&root.join("tests/mutants"))?;
        assert!(mutants.len() > 20, "there are {}", mutants.len());
        for mutant in mutants {
            let mut git = Command::new("git");
            git.args(["apply", "--check"])
                .arg(&mutant.patch)
                .current_dir(&root);
            assert!(git.status()?.success(), "{} does not apply", mutant.name);
        }
        Ok(())
    }

    #[test]
    fn a_copy_becomes_equal_again() -> anyhow::Result<()> {
        let (root, copy) = (tempfile::TempDir::new()?, tempfile::TempDir::new()?);
        let git = Command::new("git")
            .arg("init")
            .current_dir(&root)
            .output()?;
        assert!(git.status.success());
        std::fs::create_dir(root.path().join("e-x"))?;
        for file in ["one", "e-x/two"] {
            std::fs::write(root.path().join(file), file)?;
        }
        renew(root.path(), copy.path())?;
        let copied = |file| std::fs::read_to_string(copy.path().join(file)).ok();
        assert_eq!(copied("e-x/two").as_deref(), Some("e-x/two"));

        std::fs::remove_file(root.path().join("e-x/two"))?;
        std::fs::write(copy.path().join("one"), "broken")?;
        renew(root.path(), copy.path())?;
        assert_eq!(copied("one").as_deref(), Some("one"));
        assert!(!copy.path().join("e-x").exists());
        Ok(())
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
