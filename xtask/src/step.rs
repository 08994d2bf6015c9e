//! The step to a lesson from the one that it follows: which files differ, by how many lines,
//! and how much of the followed one stands unchanged.

use crate::folder::File;
use crate::folder::read_all;
use crate::git::diff;
use crate::name::Renaming;
use anyhow::Context;
use anyhow::anyhow;
use ladder::Ladder;
use ladder::Lesson;
use std::collections::BTreeMap;
use std::path::Path;
use std::thread;
use tempfile::TempDir;

/// A step of the ladder.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) lesson: &'static Lesson,
    /// Lines of the lesson that it follows.
    pub(crate) before: Lines,
    /// The files that differ, in reading order.
    pub(crate) changes: Vec<Change>,
}

/// How many lines a lesson has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lines {
    pub(crate) all: usize,
    /// Without tests, manifests and the like: see [`is_bulk`].
    pub(crate) program: usize,
}

/// A file that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// Its path inside the lesson.
    pub(crate) path: String,
    pub(crate) status: Status,
    pub(crate) added: usize,
    pub(crate) removed: usize,
}

/// What has happened to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Changed,
    New,
    Gone,
    /// From another path.
    Renamed(String),
}

/// Files that say how the parts are put together: whoever reads them first knows the rest.
const WIRING: &[&str] = &[
    "Cargo.toml",
    "build.rs",
    "Dockerfile",
    "src/main.rs",
    "src/lib.rs",
    "src/flag.rs",
];

impl Step {
    /// The share of the followed lesson's program that stands unchanged, from 0 to 1.
    pub(crate) fn purity(&self) -> f64 {
        let program = self.changes.iter().filter(|change| !is_bulk(&change.path));
        share(
            program.map(|change| change.removed).sum(),
            self.before.program,
        )
    }

    /// The same of all its lines, tests and manifests among them.
    pub(crate) fn purity_of_all(&self) -> f64 {
        share(self.removed(), self.before.all)
    }

    /// How many lines are added.
    pub(crate) fn added(&self) -> usize {
        self.changes.iter().map(|change| change.added).sum()
    }

    /// How many lines are added under `src/`, unit tests not counted.
    pub(crate) fn source(&self) -> usize {
        let source = |change: &&Change| change.path.starts_with("src/") && !is_bulk(&change.path);
        let source = self.changes.iter().filter(source);
        source.map(|change| change.added).sum()
    }

    /// How many lines of the followed lesson are changed or gone.
    pub(crate) fn removed(&self) -> usize {
        self.changes.iter().map(|change| change.removed).sum()
    }

    /// The paths of its new files, in reading order.
    pub(crate) fn adds(&self) -> impl Iterator<Item = &str> {
        let new = |change: &&Change| change.status == Status::New;
        self.changes.iter().filter(new).map(|it| it.path.as_str())
    }
}

/// The share that is left, from 0 to 1.
fn share(removed: usize, before: usize) -> f64 {
    let lines = |lines: usize| f64::from(u32::try_from(lines).unwrap_or(u32::MAX));
    if before == 0 {
        return 1.0;
    }
    1.0 - lines(removed) / lines(before)
}

/// Whether a file is of the kind whose bulk would hide that the program was rewritten: tests,
/// what they compare with, and manifests.
pub(crate) fn is_bulk(path: &str) -> bool {
    let folders = ["tests/", "k8s/", "istio/"];
    folders.iter().any(|folder| path.starts_with(folder))
        || path == "api/openapi.yaml"
        || path.ends_with(".snap")
        || path.ends_with("/tests.rs")
}

/// All steps of a ladder, in its order; the first one starts with nothing.
///
/// # Errors
///
/// git is missing, or a lesson cannot be read.
pub(crate) fn steps(ladder: &Ladder) -> anyhow::Result<Vec<Step>> {
    steps_of(ladder, &read_all(ladder)?)
}

/// The same, of files that are already read.
///
/// # Errors
///
/// git is missing or fails.
pub(crate) fn steps_of(ladder: &Ladder, folders: &[Vec<File>]) -> anyhow::Result<Vec<Step>> {
    let scratch = TempDir::new()?;
    std::fs::create_dir(scratch.path().join("nothing"))?;
    let mut lines = BTreeMap::from([("nothing", Lines::default())]);
    let mut pairs = Vec::new();
    for (lesson, files) in ladder.lessons.iter().zip(folders) {
        lines.insert(lesson.name, compared(lesson, files, scratch.path())?);
        let before = lesson.after.unwrap_or("nothing");
        pairs.push((
            lesson,
            (before, lines.get(before).copied().unwrap_or_default()),
        ));
    }
    // One git a step; at the same time, because each takes longer to start than to work.
    thread::scope(|scope| {
        let measured = |(lesson, before): (&'static Lesson, _)| {
            let scratch = scratch.path();
            scope.spawn(move || measure(scratch, before, lesson))
        };
        let running: Vec<_> = pairs.into_iter().map(measured).collect();
        let done = running.into_iter().map(|step| step.join());
        done.map(|step| step.map_err(|_| anyhow!("a thread has panicked"))?)
            .collect()
    })
}

/// Writes what counts of a lesson, its own name taken out; returns the number of lines.
fn compared(lesson: &Lesson, files: &[File], scratch: &Path) -> anyhow::Result<Lines> {
    let folder = scratch.join(lesson.name);
    std::fs::create_dir(&folder)?;
    let renaming = Renaming::placeholder(lesson.name);
    let counts = |file: &&File| !file.is_aside() && !file.is_binary() && !file.is_link();
    let mut lines = Lines::default();
    for file in files.iter().filter(counts) {
        let mut renamed = file.renamed(&renaming);
        if folder.join(&renamed.path).exists() {
            renamed.path.clone_from(&file.path); // two spellings of one path: both are kept
        }
        let count = count(&renamed.content);
        lines.all += count;
        lines.program += if is_bulk(&file.path) { 0 } else { count };
        renamed.write(&folder)?;
    }
    Ok(lines)
}

fn count(content: &[u8]) -> usize {
    content.split_inclusive(|byte| *byte == b'\n').count()
}

fn measure(
    scratch: &Path,
    (before, lines): (&str, Lines),
    lesson: &'static Lesson,
) -> anyhow::Result<Step> {
    Ok(Step {
        lesson,
        before: lines,
        changes: changes(scratch, [before, lesson.name])?,
    })
}

/// The files in which two folders of a scratch folder differ, in reading order.
///
/// # Errors
///
/// git is missing or fails.
pub(crate) fn changes(scratch: &Path, folders: [&str; 2]) -> anyhow::Result<Vec<Change>> {
    let listed = diff(scratch, &["--numstat", "-z"], folders)?;
    let listed = String::from_utf8(listed).context("a path that is not UTF-8")?;
    let mut fields = listed.split_terminator('\0');
    let mut changes = Vec::new();
    while let Some(field) = fields.next() {
        let mut parts = field.splitn(3, '\t');
        let mut part = || {
            parts
                .next()
                .context("git answers in a form that is not known")
        };
        // A dash stands for a binary file.
        let (added, removed) = (part()?.parse().unwrap_or(0), part()?.parse().unwrap_or(0));
        let path = part()?;
        let (old, new) = match path {
            "" => (fields.next(), fields.next()),
            path => (Some(path), Some(path)),
        };
        let old = old.context("the old path")?;
        let new = new.context("the new path")?;
        let (path, status) = status(old, new, folders);
        changes.push(Change {
            path,
            status,
            added,
            removed,
        });
    }
    changes.sort_by_cached_key(rank);
    Ok(changes)
}

fn status(old: &str, new: &str, [from, to]: [&str; 2]) -> (String, Status) {
    let inside = |path: &str, folder: &str| {
        let path = path.strip_prefix(folder)?.strip_prefix('/')?;
        Some(path.to_owned())
    };
    match (inside(old, from), inside(new, to)) {
        (Some(old), Some(new)) if old != new => (new, Status::Renamed(old)),
        (Some(_), Some(new)) => (new, Status::Changed),
        (Some(old), None) => (old, Status::Gone),
        (None, new) => (new.unwrap_or_default(), Status::New),
    }
}

/// Where a file stands in reading order: wiring first, changed files before new ones, and
/// last what is left aside.
fn rank(change: &Change) -> (bool, bool, usize, String) {
    let path = change.path.as_str();
    let wiring = WIRING.iter().position(|wiring| *wiring == path);
    let aside = crate::folder::is_aside(path);
    let new = change.status == Status::New;
    (aside, new, wiring.unwrap_or(WIRING.len()), path.to_owned())
}
