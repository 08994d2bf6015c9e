//! The first lesson's pain, which has no lesson before: `docker stop`, or the same by hand
//! where there is no Docker.

use super::container::Container;
use super::container::docker;
use super::side::Play;
use super::side::Side;
use anyhow::ensure;
use ladder::Ladder;
use ladder::Lesson;
use std::process::Command;
use std::process::Stdio;

/// A process that ignores SIGTERM, as process 1 of a container does that does not handle it.
const DEAF: &str = "#!/usr/bin/env bash\ntrap '' TERM\necho serving\nexec sleep 60\n";

/// The image of which any program is such a process.
const DEAF_IMAGE: &str = "debian:bookworm-slim";

/// What Docker does to stop a container.
const BY_HAND: &str = "kill $pid; for i in {1..100}; do kill -0 $pid || break; sleep 0.1; \
                       done 2>/dev/null; kill -KILL $pid 2>/dev/null && echo killed || echo stopped";

/// What stands for the lesson before, and the play.
///
/// # Errors
///
/// The image cannot be built.
pub(super) fn play(ladder: &Ladder, lesson: &Lesson) -> anyhow::Result<(&'static str, Play)> {
    if docker(&["version"]) {
        with_docker(ladder, lesson)
    } else {
        by_hand(ladder, lesson)
    }
}

fn by_hand(ladder: &Ladder, lesson: &Lesson) -> anyhow::Result<(&'static str, Play)> {
    let mut deaf = Side::new("deaf".to_owned())?;
    deaf.program("deaf", DEAF)?;
    let program = ladder::target()?.join("debug").join(lesson.name);
    let note =
        "There is no Docker here. What `docker stop` does, by hand: SIGTERM, ten seconds, SIGKILL.";
    let play = Play {
        first: vec!["$lesson &".to_owned()],
        command: BY_HAND.to_owned(),
        sides: [deaf, Side::of(ladder, lesson, &program)?],
        note: Some(note.to_owned()),
    };
    Ok(("a process that ignores SIGTERM", play))
}

fn with_docker(ladder: &Ladder, lesson: &Lesson) -> anyhow::Result<(&'static str, Play)> {
    let mut build = Command::new("docker");
    build.current_dir(&ladder.root).args(["build", "--quiet"]);
    let file = format!("{}/Dockerfile", lesson.name);
    build.args(["--file", &file, "--tag", lesson.name, "."]);
    let built = build.stdout(Stdio::null()).status()?;
    ensure!(built.success(), "the image cannot be built");
    // It may have to be fetched, which is not to be counted.
    ensure!(
        docker(&["run", "--rm", DEAF_IMAGE, "true"]),
        "{DEAF_IMAGE} cannot be fetched"
    );
    let container = |image: &str, number: u32| -> anyhow::Result<Side> {
        let name = format!("{}-{}-{number}", lesson.name, std::process::id());
        let mut side = Side::new(image.to_owned())?;
        side.container(Container { name });
        Ok(side)
    };
    let sides = [
        container(&format!("{DEAF_IMAGE} sleep 60"), 1)?,
        container(lesson.name, 2)?,
    ];
    Ok(("sleep 60", Play::of(lesson, sides)))
}
