//! "Build it", the exercise of a lesson. Its answer is a patch, which also brings the test that
//! fails until the exercise is done.

use anyhow::Context;
use anyhow::bail;
use std::path::Path;
use std::process::Command;

/// The answer of the lesson of this name. It and the paths in it are relative to the workspace.
pub fn answer(lesson: &str) -> String {
    format!("tests/exercises/{lesson}.patch")
}

/// The test that it brings, relative to the lesson's folder.
pub const TEST: &str = "tests/exercise.rs";

/// Applies the answer of the lesson of this name, in the workspace or a copy of it.
///
/// # Errors
///
/// It does not fit, or git is missing.
pub fn apply(root: &Path, lesson: &str) -> anyhow::Result<()> {
    git_apply(root, lesson, &[])
}

/// Sees whether the answer fits the lesson, and changes nothing.
///
/// # Errors
///
/// As [`apply`].
pub fn check(root: &Path, lesson: &str) -> anyhow::Result<()> {
    git_apply(root, lesson, &["--check"])
}

fn git_apply(root: &Path, lesson: &str, options: &[&str]) -> anyhow::Result<()> {
    let mut git = Command::new("git");
    git.arg("apply").args(options).arg(answer(lesson));
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"] {
        git.env_remove(name); // a hook has set them
    }
    // In a folder of a repository git would leave out what is not below that folder.
    if let Some(parent) = root.parent() {
        git.env("GIT_CEILING_DIRECTORIES", parent);
    }
    let applied = git.current_dir(root).output().context("git")?;
    if !applied.status.success() {
        let said = String::from_utf8_lossy(&applied.stderr);
        let line = said.lines().next().unwrap_or("it says nothing");
        bail!("{}", line.trim_start_matches("error: "));
    }
    Ok(())
}
