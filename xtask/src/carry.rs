//! Takes a change made in one lesson through all that follow it, on every branch, by
//! three-way merge: this is what makes copies bearable.
//!
//! The change is merged from the nearest lesson on the way that already has it, because that
//! is the likeliest copy, and else from where it was made. A conflict is left to a person,
//! once: the copies behind it wait until it is carried on from there.

mod edit;
mod merge;
mod revision;

use crate::folder::File;
use crate::folder::is_aside;
use crate::folder::read;
use crate::name::Renaming;
use anyhow::bail;
use edit::Edit;
use edit::Files;
use ladder::Ladder;
use ladder::Lesson;
use merge::Outcome;
use std::collections::BTreeSet;
use std::io::Write;
use std::process::ExitCode;

/// What is carried.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The lesson that has the change
    lesson: String,
    /// The revision that the change is compared with
    #[arg(long, default_value = "HEAD", value_name = "REVISION")]
    base: String,
    /// Only say what would be done
    #[arg(long)]
    check: bool,
    /// Change lessons that have uncommitted work of their own, too
    #[arg(long)]
    force: bool,
}

/// One file's change, as each lesson that has it has made it, and where it is stuck.
#[derive(Debug)]
struct Course {
    made: Vec<(&'static Lesson, Edit)>,
    stuck: Vec<&'static Lesson>,
}

/// Carries, and tells file by file what is done.
///
/// # Errors
///
/// There is no such lesson or revision, or a file cannot be read or written.
pub(crate) fn carry(
    ladder: &Ladder,
    arguments: &Arguments,
    out: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    let lesson = ladder.find(&arguments.lesson)?;
    let base = base(ladder, &arguments.base, lesson)?;
    let edits = edit::edits(&base, &read(ladder, lesson)?)?;
    if edits.is_empty() {
        let (name, base) = (lesson.name, &arguments.base);
        writeln!(
            out,
            "{name} is as it is in {base}: there is nothing to carry"
        )?;
        return Ok(ExitCode::SUCCESS);
    }
    let unresolved = edits.iter().filter_map(|edit| edit.after.as_ref());
    let mut unresolved = unresolved.filter_map(|file| Some((file, *file.marks().first()?)));
    if let Some((file, line)) = unresolved.next() {
        let name = lesson.name;
        bail!(
            "{name}/{}:{line}: there are marks of a conflict; resolve it first",
            file.path
        );
    }
    let course = |edit| Course {
        made: vec![(lesson, edit)],
        stuck: Vec::new(),
    };
    let mut courses: Vec<Course> = edits.into_iter().map(course).collect();
    let mut whole = true;
    for later in ladder.later(lesson) {
        whole &= carry_to(ladder, later, arguments, &mut courses, out)?;
    }
    if !whole {
        return Ok(ExitCode::FAILURE);
    }
    if !arguments.check {
        writeln!(out, "now type: cargo lesson check --fix")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What the lesson's change was made to: its files in a revision, or, where it is newer than
/// that, those of the lesson that it was copied from.
fn base(ladder: &Ladder, name: &str, lesson: &Lesson) -> anyhow::Result<Vec<File>> {
    let files = revision::read(ladder, name, lesson)?;
    match ladder.before(lesson).filter(|_| files.is_empty()) {
        None => Ok(files),
        Some(copied) => {
            let renaming = Renaming::new(copied.name, lesson.name);
            let files = revision::read(ladder, name, copied)?;
            Ok(files.iter().map(|file| file.renamed(&renaming)).collect())
        }
    }
}

/// Carries all files' changes to one lesson; tells whether all of it is done.
fn carry_to(
    ladder: &Ladder,
    lesson: &'static Lesson,
    arguments: &Arguments,
    courses: &mut [Course],
    out: &mut dyn Write,
) -> anyhow::Result<bool> {
    let committed = by_path(revision::read(ladder, "HEAD", lesson)?);
    let present = by_path(read(ladder, lesson)?);
    let mut outcomes = outcomes(lesson, &committed, courses)?;
    let own = own(&committed, &present, &after(&committed, &outcomes));
    if let Some(path) = own.first() {
        if !arguments.force {
            let name = lesson.name;
            writeln!(
                out,
                "{name}/{path}: {name} has uncommitted work of its own; commit it, or add --force"
            )?;
            return Ok(false);
        }
        outcomes = self::outcomes(lesson, &present, courses)?;
    }
    let mut whole = true;
    for (course, outcome) in courses.iter_mut().zip(outcomes) {
        writeln!(out, "{}", outcome.told(lesson, &present))?;
        match &outcome {
            Outcome::Conflict { .. } => course.stuck.push(lesson),
            Outcome::Waits { .. } => {}
            Outcome::Done(edit) => {
                // What it is made to is what is committed, even where it is made already.
                let before = edit.before.as_ref().map(|file| file.path.as_str());
                let after = edit.after.as_ref().map(|file| file.path.as_str());
                let before = before.or(after).and_then(|path| committed.get(path));
                let after = edit.after.clone();
                if before != after.as_ref() {
                    let before = before.cloned();
                    course.made.push((lesson, Edit { before, after }));
                }
            }
        }
        whole &= matches!(outcome, Outcome::Done(_));
        if !arguments.check {
            outcome.write(&ladder.folder(lesson))?;
        }
    }
    Ok(whole)
}

/// What becomes of each file's change in a lesson with these files.
fn outcomes(
    lesson: &'static Lesson,
    files: &Files,
    courses: &[Course],
) -> anyhow::Result<Vec<Outcome>> {
    let outcome = |course: &Course| {
        let mut nearest = None;
        // Other branches have made it in their own way.
        let on_the_way = course.made.iter().filter(|(from, _)| lesson.has(from.name));
        for (from, edit) in on_the_way.rev() {
            let outcome = merge::merge(from, edit, lesson, files)?;
            if matches!(outcome, Outcome::Done(_)) {
                return Ok(outcome);
            }
            nearest = nearest.or(Some(outcome));
        }
        let path = course
            .made
            .first()
            .map(|(from, edit)| edit.path_in(from, lesson));
        let path = path.unwrap_or_default();
        let mut stuck = course.stuck.iter();
        Ok(match (stuck.find(|it| lesson.has(it.name)), nearest) {
            (None, Some(conflict)) => conflict,
            (stuck, _) => Outcome::Waits {
                path,
                before: stuck.map_or("", |lesson| lesson.name),
            },
        })
    };
    courses.iter().map(outcome).collect()
}

/// The files as they are then.
fn after(files: &Files, outcomes: &[Outcome]) -> Files {
    let mut files = files.clone();
    for outcome in outcomes {
        let (gone, written) = outcome.change();
        if let Some(path) = gone {
            files.remove(path);
        }
        if let Some(file) = written {
            files.insert(file.path.clone(), file.clone());
        }
    }
    files
}

/// The paths that are neither as committed nor as carried.
fn own(committed: &Files, present: &Files, carried: &Files) -> Vec<String> {
    let paths: BTreeSet<&String> = committed.keys().chain(present.keys()).collect();
    let own = paths.into_iter().filter(|path| {
        let now = present.get(*path);
        !is_aside(path) && now != committed.get(*path) && now != carried.get(*path)
    });
    own.cloned().collect()
}

fn by_path(files: Vec<File>) -> Files {
    let pairs = files.into_iter().map(|file| (file.path.clone(), file));
    pairs.collect()
}
