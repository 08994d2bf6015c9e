//! The tool on the real ladder, on a copy of it, and on small ladders with all that a real one
//! may come to have: binary files, links, modes, renames, line ends.

mod carry;
mod check;
mod diff;
mod export;
mod list;
mod new;
mod why;

use crate::folder::paths;
use crate::git::git;
use crate::git::run;
use anyhow::Context;
use ladder::Ladder;
use std::path::Path;
use std::path::PathBuf;
use tempfile::TempDir;

/// The lessons of a small ladder, each with the one that it follows.
const SMALL: &[(&str, &str)] = &[("e-one", ""), ("e-two", "e-one"), ("e-three", "e-two")];

/// The same with a lesson that leaves the line.
const FORKED: &[(&str, &str)] = &[
    ("e-one", ""),
    ("e-two", "e-one"),
    ("e-three", "e-two"),
    ("e-aside", "e-two"),
];

fn table(lessons: &[(&str, &str)]) -> String {
    let entry = |(name, after): &(&str, &str)| {
        let after = match *after {
            "" => String::new(),
            after => format!("after = \"{after}\"\n"),
        };
        let side = if *name == "e-aside" {
            "side = true\n"
        } else {
            ""
        };
        let rest = "concern = \"little\"\noutcome = \"no → yes\"\ncommand = \"$lesson\"\n";
        format!("[[lesson]]\nname = \"{name}\"\n{after}{side}{rest}")
    };
    lessons.iter().map(entry).collect::<Vec<_>>().join("\n")
}

/// A ladder of a test's own, in a repository.
struct Copy {
    folder: TempDir,
    ladder: Ladder,
}

impl Copy {
    /// A small ladder without files.
    fn small() -> anyhow::Result<Self> {
        Self::of(&table(SMALL))
    }

    /// One with a side lesson.
    fn forked() -> anyhow::Result<Self> {
        Self::of(&table(FORKED))
    }

    fn of(table: &str) -> anyhow::Result<Self> {
        let folder = TempDir::new()?;
        std::fs::create_dir(folder.path().join("ladder"))?;
        std::fs::write(folder.path().join(ladder::TABLE), table)?;
        let ladder = Ladder::read(folder.path())?;
        let copy = Self { folder, ladder };
        copy.write("README.md", "| lesson | concern | lines added |\n\n")?;
        for lesson in copy.ladder.lessons {
            copy.write(&format!("{}/README.md", lesson.name), "# A lesson\n")?;
        }
        copy.git(&["init", "--quiet"])?;
        copy.git(&["config", "user.name", "A"])?;
        copy.git(&["config", "user.email", "a@example.org"])?;
        copy.git(&["config", "core.autocrlf", "false"])?;
        Ok(copy)
    }

    /// The real ladder, as it stands.
    fn real() -> anyhow::Result<Self> {
        let real = real()?;
        let copy = Self::of(&std::fs::read_to_string(real.root.join(ladder::TABLE))?)?;
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
