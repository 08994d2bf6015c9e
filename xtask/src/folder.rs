//! What a lesson's folder holds, as git sees it: tracked files, and those that git would
//! track, whatever is committed.

use crate::git::git;
use crate::git::run;
use crate::name::Renaming;
use anyhow::Context;
use ladder::Ladder;
use ladder::Lesson;
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::symlink;
use std::path::Path;

/// A file of a lesson.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct File {
    /// Its path inside the lesson.
    pub(crate) path: String,
    pub(crate) kind: Kind,
    /// Its content; of a link, where it leads.
    pub(crate) content: Vec<u8>,
}

/// What git keeps of a file's mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Plain,
    Program,
    Link,
}

impl File {
    /// Whether git takes it for binary.
    pub(crate) fn is_binary(&self) -> bool {
        self.content.iter().take(8000).any(|byte| *byte == 0)
    }

    /// Whether it is a symbolic link.
    pub(crate) fn is_link(&self) -> bool {
        self.kind == Kind::Link
    }

    /// Whether it is left out of what counts: prose, what is generated, locks.
    pub(crate) fn is_aside(&self) -> bool {
        is_aside(&self.path)
    }

    /// The lines on which marks of a conflict begin.
    pub(crate) fn marks(&self) -> Vec<usize> {
        let lines = self.content.split(|byte| *byte == b'\n').enumerate();
        let marked = lines.filter(|(_, line)| line.starts_with(b"<<<<<<< "));
        marked.map(|(index, _)| index + 1).collect()
    }

    /// The file of the same place in another lesson.
    pub(crate) fn renamed(&self, renaming: &Renaming) -> Self {
        let content = match self.is_binary() {
            true => self.content.clone(),
            false => renaming.content(&self.content),
        };
        let (path, kind) = (renaming.path(&self.path), self.kind);
        Self {
            path,
            kind,
            content,
        }
    }

    /// Writes it under a folder, over what is there.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub(crate) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let path = folder.join(&self.path);
        let write = || -> std::io::Result<()> {
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent)?;
            }
            if path.is_symlink() || self.kind == Kind::Link && path.exists() {
                std::fs::remove_file(&path)?;
            }
            if self.kind == Kind::Link {
                return symlink(String::from_utf8_lossy(&self.content).as_ref(), &path);
            }
            std::fs::write(&path, &self.content)?;
            let mode = path.metadata()?.permissions().mode();
            let wanted = match self.kind {
                Kind::Program => mode | 0o111,
                _ => mode & !0o111,
            };
            if mode != wanted {
                std::fs::set_permissions(&path, PermissionsExt::from_mode(wanted))?;
            }
            Ok(())
        };
        write().with_context(|| path.display().to_string())
    }
}

/// Whether a path is left out of what counts.
pub(crate) fn is_aside(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    ["README.md", "DIFF.md"].contains(&name) || name.ends_with(".lock")
}

/// The files of one lesson, by path.
///
/// # Errors
///
/// git is missing, or a file cannot be read.
pub(crate) fn read(ladder: &Ladder, lesson: &Lesson) -> anyhow::Result<Vec<File>> {
    files(ladder, lesson, &paths(&ladder.root, &[lesson.name])?)
}

/// The files of all lessons, in the ladder's order.
///
/// # Errors
///
/// git is missing, or a file cannot be read.
pub(crate) fn read_all(ladder: &Ladder) -> anyhow::Result<Vec<Vec<File>>> {
    let names: Vec<&str> = ladder.lessons.iter().map(|lesson| lesson.name).collect();
    // git is asked once: it is what takes the time.
    let paths = paths(&ladder.root, &names)?;
    let read = |lesson| files(ladder, lesson, &paths);
    ladder.lessons.iter().map(read).collect()
}

fn files(ladder: &Ladder, lesson: &Lesson, paths: &BTreeSet<String>) -> anyhow::Result<Vec<File>> {
    let folder = ladder.folder(lesson);
    let inside = paths.iter().filter_map(|path| within(path, lesson.name));
    let files = inside.map(|path| file(&folder, path));
    let files: Vec<Option<File>> = files.collect::<anyhow::Result<_>>()?;
    Ok(files.into_iter().flatten().collect())
}

/// The paths that git tracks or would track, relative to the folder. In a tree that is no
/// repository, an unpacked archive: all files.
///
/// # Errors
///
/// git is missing, or a folder cannot be read.
pub(crate) fn paths(root: &Path, below: &[&str]) -> anyhow::Result<BTreeSet<String>> {
    let mut list = git(root);
    list.args(["ls-files", "-z", "--cached", "--others"])
        .args(["--exclude-standard", "--"])
        .args(below);
    let listed = run(list, b"", &[0, 128])?;
    let listed = String::from_utf8(listed).context("a path that is not UTF-8")?;
    let mut paths: BTreeSet<String> = listed.split_terminator('\0').map(str::to_owned).collect();
    if paths.is_empty() {
        for folder in below {
            walk(root, folder, &mut paths)?;
        }
    }
    Ok(paths)
}

fn walk(root: &Path, path: &str, paths: &mut BTreeSet<String>) -> anyhow::Result<()> {
    let full = root.join(path);
    if full.is_symlink() || !full.is_dir() {
        if full.is_symlink() || full.exists() {
            paths.insert(path.to_owned());
        }
        return Ok(());
    }
    for entry in std::fs::read_dir(&full)? {
        let name = entry?.file_name();
        let name = name.to_str().context("a path that is not UTF-8")?;
        if ![".git", "target"].contains(&name) {
            walk(root, &format!("{path}/{name}"), paths)?;
        }
    }
    Ok(())
}

fn within<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    path.strip_prefix(folder)?.strip_prefix('/')
}

/// A file that is there; one that git tracks may have been deleted.
fn file(folder: &Path, path: &str) -> anyhow::Result<Option<File>> {
    let full = folder.join(path);
    let Ok(metadata) = full.symlink_metadata() else {
        return Ok(None);
    };
    let (kind, content) = if metadata.is_symlink() {
        let leads = std::fs::read_link(&full)?;
        (Kind::Link, leads.into_os_string().into_encoded_bytes())
    } else if metadata.is_file() {
        let content = std::fs::read(&full).with_context(|| full.display().to_string())?;
        let program = metadata.permissions().mode() & 0o100 != 0;
        (if program { Kind::Program } else { Kind::Plain }, content)
    } else {
        return Ok(None);
    };
    let path = path.to_owned();
    Ok(Some(File {
        path,
        kind,
        content,
    }))
}
