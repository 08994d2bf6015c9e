//! A copy of the workspace in which patches are tried. It lies under the target folder and
//! stays there, so that not all of it has to be built again.

use anyhow::Context;
use anyhow::ensure;
use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

/// A copy of the workspace, and where what it builds is kept.
#[derive(Debug)]
pub struct Sandbox {
    root: PathBuf,
    /// The copy.
    pub folder: PathBuf,
    /// cargo's folder of build output for it.
    pub build: PathBuf,
}

impl Sandbox {
    /// The one of this name, as [`Sandbox::renew`] makes it.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn new(name: &str) -> anyhow::Result<Self> {
        let folder = crate::target()?.join(name);
        let sandbox = Self {
            root: crate::root()?,
            folder: folder.join("copy"),
            build: folder.join("build"),
        };
        sandbox.renew()?;
        Ok(sandbox)
    }

    /// The one of this name, as [`Sandbox::new`] makes it, and then edited in the folder that is
    /// given. What was edited in the same way the last time is not built again.
    ///
    /// # Errors
    ///
    /// It cannot be written, or the edit's own.
    pub fn edited(
        name: &str,
        edit: impl FnOnce(&Path) -> anyhow::Result<()>,
    ) -> anyhow::Result<Self> {
        let folder = crate::target()?.join(name);
        let (next, copy) = (folder.join("next"), folder.join("copy"));
        let root = crate::root()?;
        renew(&root, &next)?;
        edit(&next)?;
        let mut files = BTreeSet::new();
        walk(&next, &mut |path| {
            files.extend(path.strip_prefix(&next).map(Path::to_owned));
        })?;
        mirror(&next, &files, &copy)?;
        let build = folder.join("build");
        Ok(Self {
            root,
            folder: copy,
            build,
        })
    }

    /// Makes it equal to the workspace.
    ///
    /// # Errors
    ///
    /// It cannot be written, or the workspace is no clone.
    pub fn renew(&self) -> anyhow::Result<()> {
        renew(&self.root, &self.folder)
    }
}

/// Makes the copy equal to the workspace.
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
    let files = files.split_terminator('\0').map(PathBuf::from);
    mirror(root, &files.collect(), copy)
}

/// Makes one folder equal to these files of another. What is equal already is left alone, so
/// that cargo does not build it again; what is not among these is removed.
fn mirror(from: &Path, files: &BTreeSet<PathBuf>, to: &Path) -> anyhow::Result<()> {
    let mut kept = BTreeSet::new();
    std::fs::create_dir_all(to)?;
    for file in files {
        let (from, to_file) = (from.join(file), to.join(file));
        let Ok(new) = std::fs::read(&from) else {
            continue; // deleted, and not yet committed
        };
        if std::fs::read(&to_file).ok().as_ref() != Some(&new) {
            std::fs::create_dir_all(to_file.parent().unwrap_or(to))?;
            std::fs::write(&to_file, new)?;
        }
        kept.insert(to_file);
    }
    prune(to, &kept)
}

/// Visits the files in a folder, and in those inside it.
fn walk(folder: &Path, visit: &mut impl FnMut(&Path)) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        match path.is_dir() && !path.is_symlink() {
            true => walk(&path, visit)?,
            false => visit(&path),
        }
    }
    Ok(())
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
mod tests {
    use super::renew;
    use std::process::Command;

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
