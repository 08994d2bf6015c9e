//! The first lesson's pain, which has no lesson before: `docker stop`, or the same by hand
//! where there is no Docker.

use super::side::Play;
use super::side::Side;
use crate::ladder;
use crate::ladder::Ladder;
use anyhow::Context;
use anyhow::ensure;
use std::process::Command;
use std::process::Stdio;

/// A process that ignores SIGTERM, as process 1 of a container does that does not handle it.
const DEAF: &str = "#!/usr/bin/env bash\ntrap '' TERM\necho serving\nexec sleep 60\n";

/// What Docker does to stop a container.
const BY_HAND: &str = "kill $pid; for i in {1..100}; do kill -0 $pid || break; sleep 0.1; \
                       done 2>/dev/null; kill -KILL $pid 2>/dev/null && echo killed || echo stopped";

/// A container, gone when this is.
#[derive(Debug)]
pub(super) struct Container {
    pub(super) name: String,
}

impl Drop for Container {
    fn drop(&mut self) {
        docker(&["rm", "--force", &self.name]);
    }
}

/// What stands for the lesson before, and the play.
///
/// # Errors
///
/// The image cannot be built.
pub(super) fn play(ladder: &Ladder) -> anyhow::Result<(&'static str, Play)> {
    if docker(&["version"]) {
        with_docker(ladder)
    } else {
        by_hand(ladder)
    }
}

fn by_hand(ladder: &Ladder) -> anyhow::Result<(&'static str, Play)> {
    let mut deaf = Side::new("deaf".to_owned())?;
    deaf.program("deaf", DEAF)?;
    let first = ladder.lessons.first().context("there is no lesson")?;
    let program = ladder::target()?.join("debug").join(first.name);
    let note =
        "There is no Docker here. What `docker stop` does, by hand: SIGTERM, ten seconds, SIGKILL.";
    let play = Play {
        first: vec!["$lesson &".to_owned()],
        command: BY_HAND.to_owned(),
        sides: [deaf, Side::of(first, &program)?],
        note: Some(note.to_owned()),
    };
    Ok(("a process that ignores SIGTERM", play))
}

fn with_docker(ladder: &Ladder) -> anyhow::Result<(&'static str, Play)> {
    let mut build = Command::new("docker");
    build.current_dir(&ladder.root).args(["build", "--quiet"]);
    build.args(["--file", "e-docker/Dockerfile", "--tag", "e-docker", "."]);
    let built = build.stdout(Stdio::null()).status()?;
    ensure!(built.success(), "the image cannot be built");
    let container = |image: &str, number: u32| -> anyhow::Result<Side> {
        let name = format!("e-docker-{}-{number}", std::process::id());
        let mut side = Side::new(image.to_owned())?;
        side.container(Container { name });
        Ok(side)
    };
    let play = Play {
        first: vec!["docker run --rm --detach --name $name $lesson".to_owned()],
        command: "docker stop $name".to_owned(),
        sides: [
            container("debian:bookworm-slim sleep 60", 1)?,
            container("e-docker", 2)?,
        ],
        note: None,
    };
    Ok(("sleep 60", play))
}

/// Whether Docker does it.
fn docker(arguments: &[&str]) -> bool {
    let mut docker = Command::new("docker");
    docker.args(arguments).stdin(Stdio::null());
    docker.stdout(Stdio::null()).stderr(Stdio::null());
    docker.status().is_ok_and(|status| status.success())
}
