//! A lesson in ten seconds: its one command under the lesson before, and under it.

mod container;
mod docker;
mod job;
mod side;

use anstyle::Style;
use anyhow::Context;
use anyhow::ensure;
use comfy_table::ContentArrangement;
use comfy_table::Table;
use indicatif::ProgressBar;
use ladder::Ladder;
use ladder::Lesson;
use ladder::Needs;
use ladder::cargo;
use ladder::cargo::cargo;
use ladder::services;
use side::Play;
use side::Side;
use std::io::Write;
use std::time::Duration;

/// Narrower than this, two columns cannot be read.
const NARROW: u16 = 80;

/// So many lines are shown of what was said.
const LONG: usize = 40;

/// What is shown.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The lesson
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    lesson: Option<String>,
    /// Do so for all lessons, one after the other
    #[arg(long)]
    all: bool,
}

/// Builds what is needed, starts the services, runs both sides, and takes all of it away
/// again, after Ctrl-C, too.
///
/// # Errors
///
/// There is no such lesson, it does not build, or a service does not come up.
pub(crate) fn pain(
    ladder: &Ladder,
    arguments: &Arguments,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let lessons: Vec<&'static Lesson> = match &arguments.lesson {
        Some(name) => vec![ladder.find(name)?],
        None => ladder.lessons.iter().collect(),
    };
    build(ladder, &lessons)?;
    let needs = lessons.iter().map(|lesson| lesson.needs).max();
    services::during(needs.unwrap_or(Needs::Nothing), async |signals| {
        signals.or(show_all(ladder, &lessons, out)).await
    })
}

fn build(ladder: &Ladder, lessons: &[&'static Lesson]) -> anyhow::Result<()> {
    let mut build = cargo();
    build.current_dir(&ladder.root).arg("build").arg("--quiet");
    let before = lessons.iter().filter_map(|lesson| ladder.before(lesson));
    for lesson in lessons.iter().copied().chain(before) {
        build.args(["--package", lesson.name]);
    }
    let built = build.status().context("cargo")?;
    ensure!(built.success(), "the lessons do not build");
    // A test would otherwise be built while somebody waits for what it says.
    for lesson in lessons {
        let Some(test) = lesson.command.strip_prefix("cargo test ") else {
            continue;
        };
        let selected = test.split(" -- ").next().unwrap_or(test);
        for side in ladder.before(lesson).iter().chain([lesson]) {
            let selected = selected.replace("$lesson", side.name);
            let mut build = cargo::build_tests(&selected);
            let built = build.current_dir(&ladder.root).status();
            ensure!(built.context("cargo")?.success(), "{selected}: no build");
        }
    }
    Ok(())
}

/// Shows one lesson after the other.
async fn show_all(
    ladder: &Ladder,
    lessons: &[&'static Lesson],
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    // On standard error, and only on a terminal.
    let progress = ProgressBar::new_spinner();
    progress.enable_steady_tick(Duration::from_millis(100));
    let number = lessons.len();
    for (index, lesson) in lessons.iter().enumerate() {
        let shown = show(ladder, lesson, |under| {
            let count = index + 1;
            progress.set_message(format!("{count}/{number}: {}, under {under}", lesson.name));
        });
        let text = shown.await?;
        progress.suspend(|| out.write_all(text.as_bytes()))?;
        out.flush()?;
    }
    progress.finish_and_clear();
    Ok(())
}

/// Both sides of a lesson, side by side.
async fn show(
    ladder: &Ladder,
    lesson: &'static Lesson,
    tell: impl Fn(&str),
) -> anyhow::Result<String> {
    let (before, play) = match ladder.before(lesson) {
        None => {
            tell("preparation");
            docker::play(ladder, lesson)?
        }
        Some(before) => {
            let program = |lesson: &'static Lesson| -> anyhow::Result<Side> {
                let path = ladder::target()?.join("debug").join(lesson.name);
                Side::of(ladder, lesson, &path)
            };
            let sides = [program(before)?, program(lesson)?];
            (before.name, Play::of(lesson, sides))
        }
    };
    let [old, new] = &play.sides;
    tell(before);
    let old = old.run(&play.first, &play.command).await?;
    tell(lesson.name);
    let new = new.run(&play.first, &play.command).await?;

    let bold = Style::new().bold();
    let mut text = format!("{bold}{}, {}{bold:#}\n", lesson.name, lesson.concern);
    for line in play.note.iter().chain(&play.first).chain([&play.command]) {
        text.push_str(&format!("  {line}\n"));
    }
    text.push('\n');
    text.push_str(&table([before, lesson.name], [&old, &new]));
    text.push('\n');
    Ok(text)
}

/// The end of a text that is too long for a table; there a test has its result.
fn end(said: &str) -> String {
    let lines: Vec<&str> = said.lines().collect();
    match lines.len().checked_sub(LONG) {
        None | Some(0) => said.to_owned(),
        Some(left_out) => {
            let rest = lines[left_out..].join("\n");
            format!("… ({left_out} lines)\n{rest}")
        }
    }
}

/// What was said under each, and in what time.
fn table(names: [&str; 2], outcomes: [&side::Outcome; 2]) -> String {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::UTF8_FULL_CONDENSED);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    let size = terminal_size::terminal_size_of(std::io::stdout());
    let width = size.map_or(NARROW, |(width, _)| width.0);
    table.set_width(width.max(NARROW));
    table.set_header(names);
    table.add_row(outcomes.map(|outcome| end(&outcome.said)));
    table.add_row(outcomes.map(|outcome| format!("{:.2} s", outcome.took.as_secs_f64())));
    format!("{}\n", table.trim_fmt())
}
