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
use std::time::Instant;

/// A patch, and the test that it must turn red.
#[derive(Debug)]
struct Mutant {
    name: String,
    patch: PathBuf,
    /// `e-redis::a_stale_user_is_never_cached`
    breaks: String,
}

/// Tries the mutants of these names, or all, and tells which test caught each.
///
/// # Errors
///
/// A patch names no test or does not apply, a mutant does not build, or a service does not
/// come up. Mutants that nothing catches are told, and make the exit code 1.
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

    let started = services::up(Needs::Redis)?;
    let folder = ladder::target()?.join("mutants");
    let survivors = try_all(&root, &folder, &chosen);
    services::down(&started)?;
    let survivors = survivors?;
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
fn try_all<'a>(
    root: &Path,
    folder: &Path,
    mutants: &[&'a Mutant],
) -> anyhow::Result<Vec<&'a Mutant>> {
    let copy = folder.join("copy");
    let build = folder.join("build");
    let mut survivors = Vec::new();
    for mutant in mutants {
        renew(root, &copy)?;
        apply(&copy, mutant)?;
        let start = Instant::now();
        if caught(&copy, &build, mutant)? {
            println!(
                "{}: {} is red, in {:.0?}",
                mutant.name,
                mutant.breaks,
                start.elapsed()
            );
        } else {
            survivors.push(*mutant);
        }
    }
    Ok(survivors)
}

/// Makes the copy equal to the workspace. What is equal already is left alone, so that
/// cargo does not build it again.
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
    for file in files {
        let (from, to) = (root.join(file), copy.join(file));
        let Ok(new) = std::fs::read(&from) else {
            continue; // deleted, and not yet committed
        };
        if std::fs::read(&to).ok().as_ref() != Some(&new) {
            std::fs::create_dir_all(to.parent().unwrap_or(copy))?;
            std::fs::write(to, new)?;
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

/// Whether the test goes red in the copy.
fn caught(copy: &Path, build: &Path, mutant: &Mutant) -> anyhow::Result<bool> {
    let in_copy = |arguments: &[&str]| {
        let mut cargo = cargo();
        cargo.args(arguments).current_dir(copy);
        cargo.env("CARGO_TARGET_DIR", build);
        cargo.output().context("cargo")
    };
    let built = in_copy(&["build", "--workspace"])?;
    let said = String::from_utf8_lossy(&built.stderr);
    ensure!(
        built.status.success(),
        "{} does not build:\n{said}",
        mutant.name
    );
    let test = [
        "test",
        "--package",
        "tests",
        "--",
        "--exact",
        &mutant.breaks,
    ];
    let tested = in_copy(&test)?;
    let said = String::from_utf8_lossy(&tested.stdout);
    let line = said.lines().find(|line| line.starts_with("test e-"));
    match line.and_then(|line| line.rsplit(' ').next()) {
        Some("FAILED") => Ok(true),
        Some("ok") => Ok(false),
        _ => bail!("{}: there is no test {}", mutant.name, mutant.breaks),
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
}
