//! A copy of the workspace in which patches are tried. It lies under the target folder and
//! stays there, so that not all of it has to be built again.

use crate::ladder;
use anyhow::Context;
use anyhow::ensure;
use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

/// A copy of the workspace, and where what it builds is kept.
pub(crate) struct Sandbox {
    root: PathBuf,
    pub(crate) folder: PathBuf,
    pub(crate) build: PathBuf,
}

/// A patch, and what the first line says of it.
#[derive(Debug)]
pub(crate) struct Patch {
    pub(crate) name: String,
    path: PathBuf,
    pub(crate) about: String,
}

impl Sandbox {
    /// The one of this name, as [`Sandbox::renew`] makes it.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub(crate) fn new(name: &str) -> anyhow::Result<Self> {
        let folder = ladder::target()?.join(name);
        let sandbox = Self {
            root: ladder::root()?,
            folder: folder.join("copy"),
            build: folder.join("build"),
        };
        sandbox.renew()?;
        Ok(sandbox)
    }

    /// Makes it equal to the workspace.
    ///
    /// # Errors
    ///
    /// It cannot be written, or the workspace is no clone.
    pub(crate) fn renew(&self) -> anyhow::Result<()> {
        renew(&self.root, &self.folder)
    }

    /// Applies a patch to it.
    ///
    /// # Errors
    ///
    /// It does not apply.
    pub(crate) fn apply(&self, patch: &Patch) -> anyhow::Result<()> {
        let ceiling = self.folder.parent().unwrap_or(&self.folder);
        let applied = Command::new("git")
            .arg("apply")
            .arg(&patch.path)
            .env("GIT_CEILING_DIRECTORIES", ceiling)
            .current_dir(&self.folder)
            .output()
            .context("git")?;
        let said = String::from_utf8_lossy(&applied.stderr);
        let line = said.lines().next().unwrap_or_default();
        let applied = applied.status.success();
        ensure!(applied, "{} does not apply: {line}", patch.name);
        Ok(())
    }
}

/// Reads all patches of the folder, by name. Each says after the key, in its first line,
/// what it is about.
///
/// # Errors
///
/// One does not say it.
pub(crate) fn patches(folder: &Path, key: &str) -> anyhow::Result<Vec<Patch>> {
    let mut patches = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let text = std::fs::read_to_string(&path)?;
        let about = text.lines().next().and_then(|line| line.strip_prefix(key));
        let about = about.with_context(|| format!("{}: no `{key}…`", path.display()))?;
        let name = path.file_stem().unwrap_or_default();
        patches.push(Patch {
            name: name.to_string_lossy().into_owned(),
            about: about.to_owned(),
            path,
        });
    }
    patches.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(patches)
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

#[cfg(test)]
pub(crate) mod tests {
    use super::Patch;
    use super::renew;
    use crate::ladder;
    use std::process::Command;

    /// Fails if one of the patches does not apply to the workspace as it is.
    pub(crate) fn all_apply(patches: &[Patch]) -> anyhow::Result<()> {
        for patch in patches {
            let mut git = Command::new("git");
            git.args(["apply", "--check"])
                .arg(&patch.path)
                .current_dir(ladder::root()?);
            assert!(git.status()?.success(), "{} does not apply", patch.name);
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
}
