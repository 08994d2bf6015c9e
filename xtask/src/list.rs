//! The ladder as a table: what each lesson adds, and how much of the one before it keeps.

use crate::ladder::Ladder;
use crate::ladder::Needs;
use crate::step::Step;
use crate::step::steps;
use comfy_table::CellAlignment;
use comfy_table::ContentArrangement;
use comfy_table::Table;
use serde::Serialize;
use std::io::Write;

/// Narrower, the table would be a column of single words.
const NARROW: u16 = 72;

/// A row, for scripts.
#[derive(Debug, Serialize)]
struct Row<'a> {
    number: usize,
    name: &'a str,
    concern: &'a str,
    /// Lines of the lesson before.
    before: usize,
    kept: usize,
    added: usize,
    removed: usize,
    purity: f64,
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
        let rows: Vec<Row> = steps.iter().enumerate().map(row).collect();
        serde_json::to_writer_pretty(&mut *out, &rows)?;
        writeln!(out)?;
        return Ok(());
    }
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["", "lesson", "concern", "+", "-", "purity", "adds", "needs"]);
    for (index, step) in steps.iter().enumerate() {
        let purity = format!("{:.3}", step.purity());
        let first = ladder.before(step.lesson).is_none();
        table.add_row([
            (index + 1).to_string(),
            step.lesson.name.to_owned(),
            step.lesson.concern.to_owned(),
            step.added.to_string(),
            step.removed.to_string(),
            if first { String::new() } else { purity },
            short(&step.adds().collect::<Vec<_>>()).join(" "),
            step.lesson.needs.name().to_owned(),
        ]);
    }
    for number in [0, 3, 4, 5] {
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

fn row<'a>((index, step): (usize, &'a Step)) -> Row<'a> {
    Row {
        number: index + 1,
        name: step.lesson.name,
        concern: step.lesson.concern,
        before: step.before,
        kept: step.before - step.removed,
        added: step.added,
        removed: step.removed,
        purity: step.purity(),
        adds: step.adds().collect(),
        needs: step.lesson.needs,
    }
}

/// The files, those of one folder as the folder.
fn short(files: &[&str]) -> Vec<String> {
    let mut short: Vec<String> = Vec::new();
    for file in files {
        let parent = file.rsplit_once('/').map(|(parent, _)| parent);
        let name = match parent {
            Some(parent) if parent != "src" => format!("{parent}/"),
            _ => (*file).to_owned(),
        };
        if !short.contains(&name) {
            short.push(name);
        }
    }
    short
}
