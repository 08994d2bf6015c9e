//! Which lesson keeps which promise, as a table.

use crate::promises::ALL;
use crate::promises::Promise;
use ladder::Ladder;
use ladder::Lesson;

/// How the table is written.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Format {
    /// For a terminal.
    Text,
    /// For a page.
    Markdown,
}

/// Prints the table, of the lessons of these names or of all.
///
/// # Errors
///
/// There is no such lesson.
pub(crate) fn print(ladder: &Ladder, names: &[String], format: Format) -> anyhow::Result<()> {
    let mut lessons: Vec<&Lesson> = Vec::new();
    for name in names {
        lessons.push(ladder.find(name)?);
    }
    if lessons.is_empty() {
        lessons.extend(ladder.lessons);
    }
    let lines = match format {
        Format::Text => text(ladder, &lessons),
        Format::Markdown => markdown(ladder, &lessons),
    };
    println!("{}", lines.join("\n"));
    Ok(())
}

/// What the lesson has to do with the promise.
fn mark(ladder: &Ladder, promise: &Promise, lesson: &Lesson) -> &'static str {
    match promise.is_kept_by(ladder, lesson) {
        false => " ",
        true if promise.broken_on(lesson).is_some() => "✗",
        true if promise.since == lesson.name => "●",
        true => "·",
    }
}

const LEGEND: &str = "● brought here, · kept, ✗ known to be broken";

/// A column is two characters wide; the names stand above each other, like stairs.
fn text(ladder: &Ladder, lessons: &[&Lesson]) -> Vec<String> {
    let stair = |(step, lesson): (usize, &&Lesson)| format!("{}{}", "│ ".repeat(step), lesson.name);
    let mut lines: Vec<String> = lessons.iter().enumerate().map(stair).collect();
    for promise in ALL {
        let marks: Vec<&str> = lessons.iter().map(|it| mark(ladder, promise, it)).collect();
        lines.push(format!("{}  {}", marks.join(" "), promise.name));
    }
    lines.extend([String::new(), LEGEND.to_owned()]);
    lines.extend(broken(lessons));
    lines
}

fn markdown(ladder: &Ladder, lessons: &[&Lesson]) -> Vec<String> {
    let row = |first: &str, cells: Vec<&str>| format!("| {first} | {} |", cells.join(" | "));
    let mut lines = vec![
        row("promise", lessons.iter().map(|it| it.name).collect()),
        row("---", vec![":-:"; lessons.len()]),
    ];
    for promise in ALL {
        let marks = lessons.iter().map(|it| mark(ladder, promise, it)).collect();
        lines.push(row(&format!("`{}`", promise.name), marks));
    }
    lines.extend([String::new(), LEGEND.to_owned()]);
    lines.extend(broken(lessons).map(|line| format!("- {line}")));
    lines
}

/// The reasons of those that are known to be broken.
fn broken(lessons: &[&Lesson]) -> impl Iterator<Item = String> {
    lessons.iter().flat_map(|lesson| {
        let all = ALL.iter().map(|it| (it.name, it.broken_on(lesson)));
        all.filter_map(|(name, reason)| Some(format!("{}::{name}: {}", lesson.name, reason?)))
    })
}
