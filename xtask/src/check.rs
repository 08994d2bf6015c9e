//! Holds the ladder to what it says of itself: each step is pure and adds what its name
//! promises, what is generated is fresh, and prose, code and settings agree.

mod agree;

mod generated;
mod links;

mod readme;
mod versions;

use crate::folder::File;
use crate::folder::read_all;
use crate::ladder::Ladder;
use crate::ladder::Lesson;
use crate::step::Step;
use crate::step::steps_of;
use anyhow::Context;
use std::fmt::Display;
use std::fmt::Formatter;
use std::io::Write;
use std::process::ExitCode;

/// The ladder as it stands, read once for all checks.
#[derive(Debug)]
struct Whole<'a> {
    ladder: &'a Ladder,
    /// The files of each lesson.
    folders: Vec<Vec<File>>,
    steps: Vec<Step>,
}

/// What is wrong, where, and the command that mends it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Complaint {
    /// Relative to the root.
    file: String,
    line: usize,
    what: String,
    mend: String,
}

/// The command that mends what is generated.
const FIX: &str = "cargo lesson check --fix";

impl Complaint {
    /// What only a person can mend.
    fn by_hand(file: &str, line: usize, what: String) -> Self {
        let mend = format!("$EDITOR +{line} {file}");
        Self {
            file: file.to_owned(),
            line,
            what,
            mend,
        }
    }
}

impl Display for Complaint {
    fn fmt(&self, out: &mut Formatter) -> std::fmt::Result {
        let Self {
            file,
            line,
            what,
            mend,
        } = self;
        write!(out, "{file}:{line}: {what}; type: {mend}")
    }
}

impl<'a> Whole<'a> {
    fn read(ladder: &'a Ladder) -> anyhow::Result<Self> {
        let folders = read_all(ladder)?;
        let steps = steps_of(ladder, &folders)?;
        Ok(Self {
            ladder,
            folders,
            steps,
        })
    }

    /// The lessons with their files and steps.
    fn lessons(&self) -> impl Iterator<Item = (&'static Lesson, &[File], &Step)> {
        let files = self.folders.iter().map(Vec::as_slice);
        let lessons = self.ladder.lessons.iter().zip(files).zip(&self.steps);
        lessons.map(|((lesson, files), step)| (lesson, files, step))
    }

    /// A file of the root folder, as text.
    fn text(&self, path: &str) -> anyhow::Result<String> {
        std::fs::read_to_string(self.ladder.root.join(path)).with_context(|| path.to_owned())
    }
}

/// Tells everything that is wrong; with `fix`, first generates anew what is generated.
///
/// # Errors
///
/// git is missing, or a file cannot be read or written.
pub(crate) fn check(ladder: &Ladder, fix: bool, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    if fix {
        for path in generated::write(&Whole::read(ladder)?)? {
            writeln!(out, "{path}: written")?;
        }
    }
    let whole = Whole::read(ladder)?;
    let complaints = complaints(&whole)?;
    for complaint in &complaints {
        writeln!(out, "{complaint}")?;
    }
    match complaints.len() {
        0 => {
            writeln!(out, "{} lessons stand as they say", ladder.lessons.len())?;
            Ok(ExitCode::SUCCESS)
        }
        number => {
            writeln!(out, "{number} to mend")?;
            Ok(ExitCode::FAILURE)
        }
    }
}

fn complaints(whole: &Whole) -> anyhow::Result<Vec<Complaint>> {
    let mut complaints = Vec::new();
    for step in &whole.steps {
        complaints.extend(pure(whole.ladder, step));
        complaints.extend(promised(step));
    }
    complaints.extend(generated::stale(whole)?);
    complaints.extend(readme::all(whole)?);
    complaints.extend(links::broken(whole)?);
    complaints.extend(versions::named(whole)?);
    complaints.extend(agree::all(whole)?);
    complaints.sort();
    complaints.dedup();
    Ok(complaints)
}

/// A step keeps what its lesson's floor asks for; the complaint names the file that loses
/// most.
fn pure(ladder: &Ladder, step: &Step) -> Option<Complaint> {
    let (lesson, floor) = (step.lesson, &step.lesson.floor);
    let name = lesson.name;
    let table = "xtask/src/ladder/lessons.rs";
    if floor.purity < crate::ladder::PURE.purity && floor.reason.is_none_or(str::is_empty) {
        let what = format!("{name} has a floor of its own and no reason for it");
        return Some(Complaint::by_hand(table, 1, what));
    }
    if step.purity() >= floor.purity {
        return None;
    }
    let before = ladder.before(lesson).map_or("", |before| before.name);
    let worst = step.changes.iter().max_by_key(|change| change.removed);
    let worst = worst.map_or("", |change| change.path.as_str());
    let (kept, least) = (step.purity(), floor.purity);
    Some(Complaint {
        file: format!("{name}/{worst}"),
        line: 1,
        what: format!("of {before} {kept:.3} stands unchanged, and {least} has to"),
        mend: format!("cargo lesson diff {name}"),
    })
}

/// A step adds what its lesson's name promises.
fn promised(step: &Step) -> Vec<Complaint> {
    let added = |path: &str| {
        step.adds().any(|added| {
            let rest = added.strip_prefix(path);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    };
    let name = step.lesson.name;
    let missing = step.lesson.adds.iter().filter(|path| !added(path));
    missing
        .map(|path| Complaint {
            file: format!("{name}/{path}"),
            line: 1,
            what: format!("{name} promises to add it, and does not"),
            mend: format!("cargo lesson diff {name} --stat"),
        })
        .collect()
}
