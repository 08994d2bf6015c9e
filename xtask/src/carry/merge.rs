//! One file's change, merged into another lesson's copy of the file.

use super::edit::Edit;
use super::edit::Files;
use crate::folder::File;
use crate::git;
use crate::name::Renaming;
use ladder::Lesson;
use std::path::Path;
use tempfile::TempDir;

/// What becomes of a change in another lesson.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It is made there, or was before.
    Done(Edit),
    /// It cannot be made by a tool.
    Conflict {
        path: String,
        /// Why, if there are no marks in the file to tell.
        why: Option<&'static str>,
        /// The file with marks.
        marked: Option<File>,
    },
    /// It is made when it has been made in a lesson before.
    Waits { path: String, before: &'static str },
}

/// Merges a lesson's edit into another's files.
///
/// # Errors
///
/// git is missing.
pub(super) fn merge(
    from: &Lesson,
    edit: &Edit,
    to: &Lesson,
    files: &Files,
) -> anyhow::Result<Outcome> {
    let path = edit.path_in(from, to);
    let edit = edit.renamed(&Renaming::new(from.name, to.name));
    let there = |file: &Option<File>| file.as_ref().and_then(|file| files.get(&file.path));
    let (old, new) = (there(&edit.before), there(&edit.after));
    let conflict = |why| Outcome::Conflict {
        path: path.clone(),
        why: Some(why),
        marked: None,
    };
    match (&edit.before, &edit.after) {
        (None, Some(after)) => match new {
            None => Ok(Outcome::Done(edit)),
            Some(ours) => three_way(from, to, None, ours, after),
        },
        (before, None) => match (old, before) {
            (None, _) => Ok(Outcome::Done(edit)),
            (Some(ours), Some(before)) if ours == before => Ok(Outcome::Done(edit)),
            _ => Ok(conflict("it is deleted there, and differs here")),
        },
        (Some(before), Some(after)) => match (old, new) {
            _ if before.path == after.path && old.is_none() => Ok(conflict(
                "it is changed there, and there is no such file here",
            )),
            (Some(_), Some(_)) if before.path != after.path => {
                Ok(conflict("it is renamed there, and both files are here"))
            }
            (Some(ours), _) | (None, Some(ours)) => three_way(from, to, Some(before), ours, after),
            (None, None) => Ok(conflict("it is renamed there, and neither file is here")),
        },
    }
}

/// Merges what became of a file in two lessons.
fn three_way(
    from: &Lesson,
    to: &Lesson,
    before: Option<&File>,
    ours: &File,
    after: &File,
) -> anyhow::Result<Outcome> {
    let done = |content: Vec<u8>| {
        let changed = before.is_some_and(|before| before.kind != after.kind);
        let kind = if changed { after.kind } else { ours.kind };
        let path = after.path.clone();
        let after = Some(File {
            path,
            kind,
            content,
        });
        let before = Some(ours.clone());
        Outcome::Done(Edit { before, after })
    };
    let old = before.map(|before| before.content.as_slice());
    if ours.content == after.content || old == Some(&after.content) {
        return Ok(done(ours.content.clone()));
    }
    if old == Some(&ours.content) {
        return Ok(done(after.content.clone()));
    }
    let apart = |file: &File| file.is_binary() || file.is_link();
    if [ours, after].into_iter().any(apart) {
        return Ok(Outcome::Conflict {
            path: after.path.clone(),
            why: Some("it differs, and is no text to be merged"),
            marked: None,
        });
    }
    let merged = File {
        content: merged(from, to, old.unwrap_or_default(), ours, after)?,
        ..ours.clone()
    };
    if merged.marks().is_empty() {
        return Ok(done(merged.content));
    }
    let path = ours.path.clone();
    let marked = Some(merged);
    Ok(Outcome::Conflict {
        path,
        why: None,
        marked,
    })
}

/// Three texts merged, with marks where they conflict.
fn merged(
    from: &Lesson,
    to: &Lesson,
    before: &[u8],
    ours: &File,
    after: &File,
) -> anyhow::Result<Vec<u8>> {
    let scratch = TempDir::new()?;
    let texts = [("ours", ours.content.as_slice()), ("before", before)];
    for (name, text) in texts
        .into_iter()
        .chain([("after", after.content.as_slice())])
    {
        std::fs::write(scratch.path().join(name), text)?;
    }
    let mut git = git::plain(scratch.path());
    git.args(["merge-file", "-p"])
        .args(["-L", to.name])
        .args(["-L", &format!("{}, before", from.name)])
        .args(["-L", from.name])
        .args(["ours", "before", "after"]);
    // It ends with the number of conflicts.
    let codes: Vec<i32> = (0..128).collect();
    git::run(git, b"", &codes)
}

impl Outcome {
    /// The path that is gone, and the file that is written.
    pub(super) fn change(&self) -> (Option<&str>, Option<&File>) {
        match self {
            Self::Done(Edit { before, after }) => {
                let path = |file: &Option<File>| file.as_ref().map(|file| file.path.clone());
                let moved = path(before) != path(after);
                let gone = before.as_ref().filter(|_| moved);
                (gone.map(|file| file.path.as_str()), after.as_ref())
            }
            Self::Conflict { marked, .. } => (None, marked.as_ref()),
            Self::Waits { .. } => (None, None),
        }
    }

    /// Makes it so.
    ///
    /// # Errors
    ///
    /// A file cannot be written.
    pub(super) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let (gone, written) = self.change();
        if let Some(path) = gone
            && folder.join(path).exists()
        {
            std::fs::remove_file(folder.join(path))?;
        }
        written.map_or(Ok(()), |file| file.write(folder))
    }

    /// A line about it.
    pub(super) fn told(&self, lesson: &Lesson, present: &Files) -> String {
        let name = lesson.name;
        match self {
            Self::Done(edit) => {
                let (gone, written) = self.change();
                let path = written.map_or(gone.unwrap_or_default(), |file| &file.path);
                let same = written.is_none_or(|file| present.get(&file.path) == Some(file))
                    && gone.is_none_or(|path| !present.contains_key(path));
                let what = match (&edit.before, &edit.after) {
                    _ if same => "is so already",
                    (None, _) => "new",
                    (_, None) => "deleted",
                    (Some(before), Some(after)) if before.path != after.path => "renamed",
                    _ => "changed",
                };
                format!("{name}/{path}: {what}")
            }
            Self::Conflict { path, why, marked } => {
                let lines = marked.as_ref().map(File::marks);
                let line = lines.and_then(|lines| lines.first().copied()).unwrap_or(1);
                let why = why.map(|why| format!(", {why}")).unwrap_or_default();
                format!(
                    "{name}/{path}:{line}: conflict{why}; resolve it, then type: cargo lesson carry {name}"
                )
            }
            Self::Waits { path, before } => format!("{name}/{path}: waits for {before}"),
        }
    }
}
