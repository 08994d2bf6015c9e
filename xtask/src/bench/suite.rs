//! A whole run: rounds, each of which measures everything once. So the runs of a figure lie
//! minutes apart, and its spread has in it what the machine does meanwhile; what is compared
//! is measured in the same round.

use super::Options;
use super::build;
use super::lesson::Subject;
use super::machine::Machine;
use super::measure::Gauge;
use super::nginx::Proxy;
use super::parts::Parts;
use super::report::Report;
use super::safety;
use super::safety::Safety;
use crate::ladder;
use crate::ladder::Lesson;
use anyhow::Context;
use indicatif::ProgressBar;
use indicatif::ProgressFinish;
use indicatif::ProgressStyle;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;

/// Measures the lessons. What it has in the services is gone when it is dropped.
///
/// # Errors
///
/// A lesson does not build or start, or an answer was wrong.
pub(super) async fn report(
    options: &Options,
    lessons: &[&'static Lesson],
) -> anyhow::Result<Report> {
    let mut programs = Vec::new();
    for lesson in lessons {
        programs.push(build::build(lesson).await?);
    }
    // On the disk: many systems keep /tmp in memory, where the YAML store waits for nothing.
    let folder = TempDir::new_in(ladder::target()?)?;
    let mut parts = Parts::new(own(folder.path(), "parts")?).await?;
    // A look at one lesson, which may be changed just now, is about nothing else.
    let mut whole = lessons.iter().zip(&programs);
    let whole = whole.find(|(it, _)| options.lessons.is_empty() && it.name == safety::LESSON);
    let (mut proxy, mut safety) = match whole {
        Some((lesson, program)) => {
            let proxy = Proxy::new(own(folder.path(), "proxy")?);
            let folder = own(folder.path(), "safety")?;
            let safety = Safety::new(lesson, program.clone(), &folder).await?;
            (Some(proxy), Some(safety))
        }
        None => (None, None),
    };
    let mut subjects = Vec::new();
    for (lesson, program) in lessons.iter().zip(programs) {
        let folder = own(folder.path(), lesson.name)?;
        let subject = Subject::new(lesson, program, folder).await;
        subjects.push(subject.context(lesson.name)?);
    }
    let steps: usize = subjects.iter().map(Subject::steps).sum();
    let steps = steps + proxy.as_ref().map_or(0, Proxy::steps);
    let steps = steps + safety.as_ref().map_or(0, Safety::steps);
    let gauge = Gauge {
        seconds: options.seconds,
        folder: folder.path().to_owned(),
        bar: progress(u64::from(options.runs) * steps as u64)?,
    };

    for _ in 0..options.runs {
        for subject in &mut subjects {
            let measured = subject.round(&gauge, &mut parts).await;
            measured.context(subject.price.lesson)?;
        }
        if let Some(proxy) = &mut proxy {
            let measured = proxy.round(&gauge, &mut parts).await;
            measured.context("nginx as a proxy")?;
        }
        if let Some(safety) = &mut safety {
            safety.round(&gauge).await.context("what safety costs")?;
        }
    }
    drop(gauge);

    let mut prices = Vec::new();
    for (lesson, Subject { mut price, .. }) in lessons.iter().zip(subjects) {
        if options.build {
            price.build = Some(build::build_clean(lesson).await?);
        }
        prices.push(price);
    }
    Ok(Report {
        machine: Machine::this(&parts.version().await?).await?,
        command: command(std::env::args()),
        seconds: options.seconds,
        runs: options.runs,
        anchors: parts.anchors,
        proxy: proxy.map_or(Vec::new(), Proxy::costs),
        lessons: prices,
        safety: safety.map_or(Vec::new(), Safety::variants),
    })
}

/// What was typed.
fn command(arguments: impl Iterator<Item = String>) -> String {
    let arguments = arguments.skip(1); // this program, wherever cargo keeps it
    let words = ["cargo".to_owned(), "lesson".to_owned()].into_iter();
    words.chain(arguments).collect::<Vec<_>>().join(" ")
}

fn progress(steps: u64) -> anyhow::Result<ProgressBar> {
    let bar = ProgressBar::new(steps).with_finish(ProgressFinish::AndClear);
    bar.set_style(ProgressStyle::with_template(
        "{elapsed_precise} {bar:30} {pos}/{len} {msg}",
    )?);
    bar.enable_steady_tick(Duration::from_secs(1));
    Ok(bar)
}

/// A folder of its own.
///
/// # Errors
///
/// It cannot be made.
pub(super) fn own(folder: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let folder = folder.join(name);
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::command;

    #[test]
    fn the_command_is_what_was_typed() {
        let arguments = ["target/debug/xtask", "bench", "--runs", "3"].map(str::to_owned);
        let typed = command(arguments.into_iter());
        assert_eq!(typed, "cargo lesson bench --runs 3");
    }
}
