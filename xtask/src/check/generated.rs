//! What is generated: each lesson's `DIFF.md`, the table in the root README, and the numbers
//! of lines in the lessons'.

use super::whole::Complaint;
use super::whole::FIX;
use super::whole::Whole;
use crate::page::PAGE;
use crate::page::page;
use anyhow::Context;
use anyhow::anyhow;
use std::fmt::Write;
use std::thread;

/// How the table in the root README begins.
const TABLE: &str = "| lesson | concern | lines added |";

/// What stands in a page that is as it should be.
#[derive(Debug)]
struct Fresh {
    file: String,
    content: String,
}

/// Writes what is not as it should be, and returns its paths.
///
/// # Errors
///
/// git is missing, or a file cannot be written.
pub(super) fn write(whole: &Whole) -> anyhow::Result<Vec<String>> {
    let mut written = Vec::new();
    for Fresh { file, content } in fresh(whole)? {
        let path = whole.ladder.root.join(&file);
        if std::fs::read(&path).ok().as_deref() != Some(content.as_bytes()) {
            std::fs::write(&path, content).with_context(|| file.clone())?;
            written.push(file);
        }
    }
    Ok(written)
}

/// What is not as it should be.
///
/// # Errors
///
/// git is missing, or a file cannot be read.
pub(super) fn stale(whole: &Whole) -> anyhow::Result<Vec<Complaint>> {
    let mut complaints = Vec::new();
    for Fresh { file, content } in fresh(whole)? {
        let there = std::fs::read(whole.ladder.root.join(&file)).unwrap_or_default();
        if there != content.as_bytes() {
            let there = String::from_utf8_lossy(&there);
            let same = there.lines().zip(content.lines());
            let line = same.take_while(|(there, fresh)| there == fresh).count() + 1;
            complaints.push(Complaint {
                file,
                line,
                what: "it is generated, and out of date".to_owned(),
                fix: FIX.to_owned(),
            });
        }
    }
    Ok(complaints)
}

fn fresh(whole: &Whole) -> anyhow::Result<Vec<Fresh>> {
    let mut fresh = pages(whole)?;
    for step in &whole.steps {
        let file = format!("{}/README.md", step.lesson.name);
        let content = whole.text(&file)?;
        let content = breath(&content, step.added());
        fresh.push(Fresh { file, content });
    }
    let file = "README.md".to_owned();
    let content = table(&whole.text(&file)?, whole)?;
    fresh.push(Fresh { file, content });
    Ok(fresh)
}

/// The pages of all steps; at the same time, because each waits for git.
fn pages(whole: &Whole) -> anyhow::Result<Vec<Fresh>> {
    thread::scope(|scope| {
        let mut running = Vec::new();
        for (lesson, files, _) in whole.lessons() {
            let from = whole.ladder.before(lesson);
            let old = from.map_or(&[][..], |from| whole.files(from));
            let file = format!("{}/{PAGE}", lesson.name);
            running.push(scope.spawn(move || {
                let content = page(from, old, lesson, files)?;
                Ok(Fresh { file, content })
            }));
        }
        let done = running.into_iter().map(|page| page.join());
        done.map(|page| page.map_err(|_| anyhow!("a thread has panicked"))?)
            .collect()
    })
}

/// The README with the right number of lines in its first section.
fn breath(readme: &str, added: usize) -> String {
    let end = readme.find("\n## The pain").unwrap_or(readme.len());
    let (first, rest) = readme.split_at(end);
    let Some(number) = super::readme::lines_told(first) else {
        return readme.to_owned();
    };
    let before = first.get(..number.start).unwrap_or_default();
    let after = first.get(number.end..).unwrap_or_default();
    format!("{before}{added}{after}{rest}")
}

/// The root README with the right table.
///
/// # Errors
///
/// It has none.
fn table(readme: &str, whole: &Whole) -> anyhow::Result<String> {
    let start = readme.find(TABLE);
    let start = start.with_context(|| format!("README.md: no table begins with {TABLE}"))?;
    let (before, rest) = readme.split_at(start);
    let end = rest.find("\n\n").map_or(rest.len(), |end| end + 1);
    let after = rest.get(end..).unwrap_or_default();
    let mut table = format!("{TABLE} the one command: before → after |\n|---|---|---:|---|\n");
    for step in &whole.steps {
        let lesson = step.lesson;
        let (name, concern) = (lesson.name, lesson.concern);
        let (added, outcome) = (step.added(), &lesson.outcome);
        writeln!(
            table,
            "| [{name}]({name}/README.md) | {concern} | {added} | {outcome} |"
        )?;
    }
    Ok(format!("{before}{table}{after}"))
}
