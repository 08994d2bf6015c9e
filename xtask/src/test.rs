//! All tests: the ladder's own check, those of each crate, and the suite, which drives the
//! lessons' programs from outside.

use crate::check::check;
use crate::run::supervise;
use anyhow::Context;
use ladder::Ladder;
use ladder::Lesson;
use ladder::Needs;
use ladder::cargo::cargo;
use ladder::services;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::ExitCode;

/// The lesson that brings the lessons' own tests.
const TESTS: &str = "e-test";

/// What is tested.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Try every promise and every test at every lesson, not only where it begins and branches end
    #[arg(long)]
    all: bool,
    /// Try a lesson's promises on this program instead, whatever it is called
    #[arg(long, value_name = "PATH", requires = "lesson", conflicts_with = "all")]
    program: Option<PathBuf>,
    /// The lesson whose promises it is asked for
    #[arg(long = "as", value_name = "LESSON", requires = "program")]
    lesson: Option<String>,
    /// Run only tests of the suite whose names contain one of these, as in -- e-http pings
    #[arg(last = true, value_name = "FILTER")]
    filters: Vec<String>,
}

/// Checks the ladder, starts the services, runs the tests of each crate and the suite, and stops
/// what was started. Neither failure keeps the rest from being tested. A filter or a program
/// leaves only the suite.
///
/// # Errors
///
/// There is no such lesson or program, or a service does not come up, or does not stop.
pub(crate) fn test(
    ladder: &Ladder,
    arguments: &Arguments,
    out: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    let mut suite = suite(ladder);
    let mut needs = Needs::Redis;
    if arguments.all {
        suite.arg("--all");
    }
    if let (Some(program), Some(lesson)) = (&arguments.program, &arguments.lesson) {
        let lesson = ladder.find(lesson)?;
        needs = lesson.needs;
        suite.arg("--program").arg(absolute(program)?);
        suite.args(["--as", lesson.name]);
    }
    suite.args(&arguments.filters);
    let mut commands = vec![suite];
    let mut failed = Vec::new();
    if arguments.program.is_none() && arguments.filters.is_empty() {
        // First, because it takes a second.
        if check(ladder, false, out)? != ExitCode::SUCCESS {
            failed.push("cargo lesson check".to_owned());
        }
        commands.insert(0, crates(ladder, arguments.all));
    }
    services::during(needs, async |mut signals| {
        for command in commands {
            let shown = shown(&command);
            let ended = supervise(command, &mut signals).await?;
            if ended.code != 0 {
                failed.push(shown);
            }
            if ended.signalled {
                break;
            }
        }
        Ok(())
    })?;
    if failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(
        out,
        "\nThese failed; the output above says why, and how to run just that again:\n"
    )?;
    for command in failed {
        writeln!(out, "    {command}")?;
    }
    Ok(ExitCode::FAILURE)
}

/// Prints which lesson keeps which promise, of these lessons or of all; the suite knows.
///
/// # Errors
///
/// cargo cannot be run.
pub(crate) fn promises(
    ladder: &Ladder,
    lessons: &[String],
    markdown: bool,
) -> anyhow::Result<ExitCode> {
    let mut suite = suite(ladder);
    suite.arg(if markdown {
        "--promises=markdown"
    } else {
        "--promises=text"
    });
    let ended = suite.args(lessons).status().context("cargo")?;
    Ok(ExitCode::from(u8::from(!ended.success())))
}

/// The tests that the crates have themselves. From e-test on each lesson has those of the one
/// that it follows, so that it is enough to run them there and where branches end, if not all
/// are wanted.
fn crates(ladder: &Ladder, all: bool) -> Command {
    let mut crates = cargo();
    crates.current_dir(&ladder.root);
    crates.args(["test", "--workspace", "--no-fail-fast"]);
    crates.args(["--exclude", "tests"]);
    let between = |it: &&Lesson| it.has(TESTS) && it.name != TESTS && !ladder.is_end(it);
    for lesson in ladder.lessons.iter().filter(|it| !all && between(it)) {
        crates.args(["--exclude", lesson.name]);
    }
    crates
}

/// The suite, from any folder.
fn suite(ladder: &Ladder) -> Command {
    let mut suite = cargo();
    suite.current_dir(&ladder.root);
    suite.args(["test", "--quiet", "--package", "tests", "--"]);
    suite
}

/// cargo runs the suite in another folder than this one.
fn absolute(program: &Path) -> anyhow::Result<PathBuf> {
    let path = program.canonicalize();
    path.with_context(|| format!("there is no program {}", program.display()))
}

/// A command of cargo, as one types it.
fn shown(command: &Command) -> String {
    let arguments = command.get_args().map(|it| it.to_string_lossy());
    let words: Vec<_> = [std::borrow::Cow::from("cargo")]
        .into_iter()
        .chain(arguments)
        .collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::crates;
    use super::shown;
    use ladder::Ladder;

    #[test]
    fn lessons_that_only_carry_tests_are_left_out() -> anyhow::Result<()> {
        let ladder = Ladder::here()?;
        let left_out = |all| {
            let command = shown(&crates(&ladder, all));
            let words: Vec<&str> = command.split(" --exclude ").skip(1).collect();
            words.join(" ")
        };
        assert_eq!(left_out(false), "tests e-limit e-drain e-pool");
        assert_eq!(left_out(true), "tests");
        Ok(())
    }
}
