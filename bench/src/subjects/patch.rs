//! A patch of the lessons that takes something out of them.

use anyhow::Context;
use anyhow::ensure;
use ladder::sandbox::Sandbox;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

/// What begins a patch's first line, which goes on with what the patch takes out.
const KEY: &str = "without: ";

/// A patch, and what it takes out.
pub(crate) struct Patch {
    path: PathBuf,
    pub(crate) about: String,
}

/// All patches in the folder, by name.
pub(crate) fn read(folder: &Path) -> anyhow::Result<Vec<Patch>> {
    let mut patches = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let text = std::fs::read_to_string(&path)?;
        let about = text.lines().next().and_then(|line| line.strip_prefix(KEY));
        let about = about.with_context(|| format!("{} does not begin with {KEY}", path.display()));
        let about = about?.to_owned();
        patches.push(Patch { path, about });
    }
    patches.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(patches)
}

impl Patch {
    /// Applies it to the sandbox, which becomes equal to the workspace first.
    pub(crate) fn apply(&self, sandbox: &Sandbox) -> anyhow::Result<()> {
        sandbox.renew()?;
        self.git(&sandbox.folder, &[])
    }

    fn git(&self, folder: &Path, flags: &[&str]) -> anyhow::Result<()> {
        let mut git = Command::new("git");
        git.arg("apply").args(flags).arg(&self.path);
        // Else git takes the sandbox for a folder of the clone around it, and skips all files.
        if let Some(ceiling) = folder.parent() {
            git.env("GIT_CEILING_DIRECTORIES", ceiling);
        }
        let applied = git.current_dir(folder).output().context("git")?;
        let said = String::from_utf8_lossy(&applied.stderr);
        let line = said.lines().next().unwrap_or_default();
        let (name, applied) = (self.path.display(), applied.status.success());
        ensure!(applied, "{name} does not apply; make it anew: {line}");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn each_patch_applies_to_the_workspace() -> anyhow::Result<()> {
        let root = ladder::root()?;
        for patch in read(&root.join("bench/without"))? {
            patch.git(&root, &["--check"])?;
        }
        Ok(())
    }
}
