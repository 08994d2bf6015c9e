//! The ladder as a tree: what each lesson adds, and how much of the one that it follows it
//! keeps.

use crate::step::Step;
use crate::step::steps;
use comfy_table::CellAlignment;
use comfy_table::ContentArrangement;
use comfy_table::Table;
use ladder::Ladder;
use ladder::Lesson;
use ladder::Needs;
use serde::Serialize;
use std::io::Write;

/// Narrower, the table would be a column of single words.
const NARROW: u16 = 80;

/// A row, for scripts.
#[derive(Debug, Serialize)]
struct Row<'a> {
    name: &'a str,
    /// The lesson that it follows.
    after: Option<&'a str>,
    /// Whether it leaves the spine.
    side: bool,
    /// Whether no lesson follows it.
    end: bool,
    concern: &'a str,
    /// Lines that are added, under `src/` and in all.
    source: usize,
    added: usize,
    removed: usize,
    /// The share of the followed lesson's program that stands unchanged, and of all its lines.
    purity: f64,
    purity_of_all: f64,
    adds: Vec<&'a str>,
    needs: Needs,
}

/// Prints the ladder, as a table or as JSON.
///
/// # Errors
///
/// git is missing, a lesson cannot be read, or nobody reads what is printed.
pub(crate) fn list(ladder: &Ladder, json: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    let steps = steps(ladder)?;
    if json {
        let rows: Vec<Row> = steps.iter().map(|step| row(ladder, step)).collect();
        serde_json::to_writer_pretty(&mut *out, &rows)?;
        writeln!(out)?;
        return Ok(());
    }
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header([
        "lesson", "concern", "src", "+", "-", "purity", "of all", "adds", "needs",
    ]);
    for (branch, lesson) in tree(ladder) {
        let Some(step) = steps.iter().find(|step| step.lesson.name == lesson.name) else {
            continue;
        };
        let purity = |purity: f64| match lesson.after {
            Some(_) => format!("{purity:.3}"),
            None => String::new(),
        };
        table.add_row([
            format!("{branch}{}", lesson.name),
            lesson.concern.to_owned(),
            step.source().to_string(),
            step.added().to_string(),
            step.removed().to_string(),
            purity(step.purity()),
            purity(step.purity_of_all()),
            short(&step.adds().collect::<Vec<_>>()).join(" "),
            lesson.needs.name().to_owned(),
        ]);
    }
    for number in 2..7 {
        if let Some(column) = table.column_mut(number) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let size = terminal_size::terminal_size_of(std::io::stdout());
    if let Some((terminal_size::Width(width), _)) = size {
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(width.max(NARROW));
    }
    for line in table.lines() {
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// The lessons as they are drawn: the spine straight down, and what leaves it behind a branch,
/// right below the lesson that it follows.
pub(crate) fn tree(ladder: &Ladder) -> Vec<(String, &'static Lesson)> {
    let mut drawn = Vec::new();
    if let Some(first) = ladder.lessons.first() {
        draw(ladder, first, "", &mut drawn);
    }
    drawn
}

/// Draws a lesson, behind a lead, and all that follow it.
fn draw(
    ladder: &Ladder,
    lesson: &'static Lesson,
    lead: &str,
    drawn: &mut Vec<(String, &'static Lesson)>,
) {
    let mut followers: Vec<&'static Lesson> = ladder.followers(lesson).collect();
    // The one that goes straight on.
    let on = followers.iter().position(|it| it.side == lesson.side);
    let on = on.map(|at| followers.remove(at));
    drawn.push((lead.to_owned(), lesson));
    for (index, side) in followers.iter().enumerate() {
        let last = on.is_none() && index + 1 == followers.len();
        let (branch, below) = if last {
            ("└─ ", "   ")
        } else {
            ("├─ ", "│  ")
        };
        let first = drawn.len();
        draw(ladder, side, &format!("{lead}{below}"), drawn);
        if let Some((drawn, _)) = drawn.get_mut(first) {
            *drawn = format!("{lead}{branch}");
        }
    }
    if let Some(on) = on {
        draw(ladder, on, lead, drawn);
    }
}

fn row<'a>(ladder: &Ladder, step: &'a Step) -> Row<'a> {
    let lesson = step.lesson;
    Row {
        name: lesson.name,
        after: lesson.after,
        side: lesson.side,
        end: ladder.is_end(lesson),
        concern: lesson.concern,
        source: step.source(),
        added: step.added(),
        removed: step.removed(),
        purity: step.purity(),
        purity_of_all: step.purity_of_all(),
        adds: step.adds().collect(),
        needs: lesson.needs,
    }
}

/// The files without unit tests, those of one folder as the folder.
fn short(files: &[&str]) -> Vec<String> {
    let mut short: Vec<String> = Vec::new();
    for file in files.iter().filter(|file| !file.ends_with("/tests.rs")) {
        let parent = file.rsplit_once('/').map(|(parent, _)| parent);
        let name = match parent {
            Some(parent) if parent != "src" => format!("{parent}/"),
            _ => (*file).to_owned(),
        };
        if !short.contains(&name) {
            short.push(name);
        }
    }
    let all = short.clone();
    let inside = |name: &str, folder: &String| {
        folder.ends_with('/') && name != folder && name.starts_with(folder.as_str())
    };
    short.retain(|name| !all.iter().any(|folder| inside(name, folder)));
    short
}
