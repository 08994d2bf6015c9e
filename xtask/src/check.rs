//! Holds the ladder to what it says of itself: each step is pure and adds what its name
//! promises, what is generated is fresh, and prose, code and settings agree.

mod agree;
mod circles;
mod commands;
mod exercise;
mod generated;
mod links;
mod patterns;
mod readme;
mod red;
mod versions;
mod whole;

use crate::step::Step;
use crate::step::is_bulk;
use ladder::Ladder;
use std::io::Write;
use std::process::ExitCode;
use whole::Complaint;
use whole::Whole;

/// The share of the followed lesson that has to stand unchanged.
const PURITY: f64 = 0.95;

/// How many lines a lesson of the spine may add under `src/`.
const SOURCE: usize = 450;

/// Tells everything that is wrong; with `fix`, first renews what is generated.
///
/// # Errors
///
/// git is missing, or a file cannot be read or written.
pub(crate) fn check(ladder: &Ladder, fix: bool, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    if fix {
        renew(ladder, out)?;
    }
    let whole = Whole::read(ladder)?;
    let complaints = complaints(&whole)?;
    for complaint in &complaints {
        writeln!(out, "{complaint}")?;
    }
    match complaints.len() {
        0 => {
            writeln!(
                out,
                "{} lessons: all that they say of themselves holds",
                ladder.lessons.len()
            )?;
            Ok(ExitCode::SUCCESS)
        }
        number => {
            writeln!(out, "problems: {number}")?;
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Renews what is generated, and tells which files.
///
/// # Errors
///
/// git is missing, or a file cannot be read or written.
pub(crate) fn renew(ladder: &Ladder, out: &mut dyn Write) -> anyhow::Result<()> {
    for path in generated::write(&Whole::read(ladder)?)? {
        writeln!(out, "{path}: written")?;
    }
    Ok(())
}

fn complaints(whole: &Whole) -> anyhow::Result<Vec<Complaint>> {
    let mut complaints = Vec::new();
    for step in &whole.steps {
        complaints.extend(pure(whole, step));
        complaints.extend(small(whole, step));
        complaints.extend(promised(step));
    }
    complaints.extend(circles::all(whole)?);
    complaints.extend(generated::stale(whole)?);
    complaints.extend(readme::all(whole)?);
    complaints.extend(red::all(whole)?);
    complaints.extend(exercise::all(whole)?);
    complaints.extend(links::broken(whole)?);
    complaints.extend(commands::all(whole)?);
    complaints.extend(patterns::all(whole)?);
    complaints.extend(versions::named(whole)?);
    complaints.extend(agree::all(whole)?);
    complaints.extend(needless(whole));
    complaints.sort();
    complaints.dedup();
    Ok(complaints)
}

/// A step keeps what it has to of the lesson that it follows; the complaint names the file
/// that loses most. What leaves the spine may replace code.
fn pure(whole: &Whole, step: &Step) -> Option<Complaint> {
    let lesson = step.lesson;
    let name = lesson.name;
    if lesson.side || step.purity() >= PURITY || whole.excused("purity", &[name]) {
        return None;
    }
    let worst = step.changes.iter().filter(|change| !is_bulk(&change.path));
    let worst = worst.max_by_key(|change| change.removed);
    let worst = worst.map_or("", |change| change.path.as_str());
    let (before, kept) = (lesson.after.unwrap_or_default(), step.purity());
    Some(Complaint {
        file: format!("{name}/{worst}"),
        line: 1,
        what: format!("keeps {kept:.3} of {before}, and must keep {PURITY}"),
        fix: format!("cargo lesson diff {name}"),
    })
}

/// One concern a step: what a reader is to take in at once has a bound.
fn small(whole: &Whole, step: &Step) -> Option<Complaint> {
    let (name, source) = (step.lesson.name, step.source());
    if step.lesson.side || source <= SOURCE || whole.excused("size", &[name]) {
        return None;
    }
    Some(Complaint {
        file: format!("{name}/src"),
        line: 1,
        what: format!(
            "{name} adds {source} lines under src/, and may add {SOURCE}: is it one concern?"
        ),
        fix: format!("cargo lesson diff {name} --stat"),
    })
}

/// An exception that nobody needs any more goes, so that it does not hide the next one.
fn needless(whole: &Whole) -> Vec<Complaint> {
    let used = whole.used.borrow();
    let needless = |rule: &str, name: &String| {
        let what = format!("the exception of {name} from the rule {rule} is no longer needed");
        Complaint::by_hand(ladder::TABLE, 1, what)
    };
    let mut complaints = Vec::new();
    for exception in &whole.ladder.exceptions {
        let names = exception.of.iter();
        let unused =
            names.filter(|name| !used.contains(&(exception.rule.clone(), (*name).clone())));
        complaints.extend(unused.map(|name| needless(&exception.rule, name)));
    }
    complaints
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
            fix: format!("cargo lesson diff {name} --stat"),
        })
        .collect()
}
