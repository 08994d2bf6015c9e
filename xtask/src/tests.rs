//! The tool on the real ladder, on a copy of it, and on small ladders with all that a real one
//! may come to have: binary files, links, modes, renames, line ends.

mod carry;
mod check;
mod diff;
mod list;
mod why;

use crate::folder::paths;
use crate::git::git;
use crate::git::run;
use crate::ladder::LESSONS;
use crate::ladder::Ladder;
use crate::ladder::Lesson;
use crate::ladder::Needs;
use crate::ladder::PURE;
use crate::ladder::Pain;
use anyhow::Context;
use std::path::Path;
use std::path::PathBuf;
use tempfile::TempDir;

/// The lessons of a small ladder.
const SMALL: &[Lesson] = &[lesson("e-one"), lesson("e-two"), lesson("e-three")];

const fn lesson(name: &'static str) -> Lesson {
    Lesson {
        name,
        concern: "little",
        needs: Needs::Nothing,
        adds: &[],
        outcome: "no → yes",
        pain: Pain {
            first: &[],
            command: "$lesson",
        },
        floor: PURE,
        big: false,
    }
}

/// A ladder of a test's own, in a repository.
struct Copy {
    folder: TempDir,
    ladder: Ladder,
}

impl Copy {
    /// A small ladder without files.
    fn small() -> anyhow::Result<Self> {
        let folder = TempDir::new()?;
        let root = folder.path().to_owned();
        let lessons = SMALL;
        let copy = Self {
            folder,
            ladder: Ladder { root, lessons },
        };
        copy.git(&["init", "--quiet"])?;
        copy.git(&["config", "user.name", "A"])?;
        copy.git(&["config", "user.email", "a@example.org"])?;
        copy.git(&["config", "core.autocrlf", "false"])?;
        Ok(copy)
    }

    /// The real ladder, as it stands.
    fn real() -> anyhow::Result<Self> {
        let mut copy = Self::small()?;
        copy.ladder.lessons = LESSONS;
        let real = real()?;
        for path in paths(&real.root, &["."])? {
            let (from, to) = (real.root.join(&path), copy.path(&path));
            if from.is_file() {
                std::fs::create_dir_all(to.parent().context("a folder")?)?;
                std::fs::copy(from, to)?;
            }
        }
        copy.commit()?;
        Ok(copy)
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn write(&self, path: &str, content: impl AsRef<[u8]>) -> anyhow::Result<()> {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().context("a folder")?)?;
        Ok(std::fs::write(path, content)?)
    }

    fn read(&self, path: &str) -> anyhow::Result<String> {
        std::fs::read_to_string(self.path(path)).context(path.to_owned())
    }

    /// Replaces the first of a text that has to be there.
    fn edit(&self, path: &str, old: &str, new: &str) -> anyhow::Result<()> {
        let text = self.read(path)?;
        anyhow::ensure!(text.contains(old), "{path} has no {old}");
        self.write(path, text.replacen(old, new, 1))
    }

    fn commit(&self) -> anyhow::Result<()> {
        self.git(&["add", "--all"])?;
        self.git(&["commit", "--quiet", "--message", "."])
    }

    fn git(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let mut git = git(self.folder.path());
        git.args(arguments);
        run(git, b"", &[0]).map(drop)
    }
}

/// The real ladder itself, only to be read.
fn real() -> anyhow::Result<Ladder> {
    Ladder::here()
}

/// What a command prints.
fn printed<T>(
    command: impl FnOnce(&mut dyn std::io::Write) -> anyhow::Result<T>,
) -> anyhow::Result<(T, String)> {
    let mut out = Vec::new();
    let done = command(&mut out)?;
    Ok((done, String::from_utf8(out)?))
}

/// The files below a folder, with their contents and whether they may be run.
fn files(folder: &Path) -> anyhow::Result<Vec<(PathBuf, Vec<u8>, bool)>> {
    use std::os::unix::fs::PermissionsExt;
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next)? {
            let path = entry?.path();
            let name = path.strip_prefix(folder)?.to_owned();
            if path.is_symlink() {
                let leads = std::fs::read_link(&path)?.into_os_string();
                files.push((name, leads.into_encoded_bytes(), false));
            } else if path.is_dir() {
                folders.push(path);
            } else {
                let program = path.metadata()?.permissions().mode() & 0o100 != 0;
                files.push((name, std::fs::read(&path)?, program));
            }
        }
    }
    files.sort();
    Ok(files)
}
