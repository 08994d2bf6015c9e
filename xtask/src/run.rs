//! Runs a lesson as a reader would, with what it needs around it.

use crate::git;
use anyhow::Context;
use ladder::Ladder;
use ladder::Lesson;
use ladder::Needs;
use ladder::cargo::cargo;
use ladder::services;
use ladder::signals::Signals;
use nix::sys::signal::killpg;
use nix::unistd::Pid;
use std::process::Command;
use std::process::ExitCode;

/// Builds the lesson, starts the services it needs, runs it until it ends, and stops the
/// services that were started for it. Without a lesson: the newest, on its YAML store.
///
/// # Errors
///
/// There is no such lesson, it does not build, or a service does not come up.
pub(crate) fn run(
    ladder: &Ladder,
    lesson: Option<&str>,
    arguments: &[String],
) -> anyhow::Result<ExitCode> {
    let embedded = lesson.is_none();
    let lesson = lesson.map_or_else(|| ladder.newest(), |name| ladder.find(name))?;
    let built = cargo()
        .current_dir(&ladder.root)
        .args(["build", "--package", lesson.name])
        .status();
    if !built.context("cargo")?.success() {
        return Ok(ExitCode::FAILURE);
    }
    let needs = if embedded {
        Needs::Nothing
    } else {
        lesson.needs
    };
    let store = if embedded {
        &["--store", "yaml"][..]
    } else {
        &[]
    };
    let program = ladder::target()?.join("debug").join(lesson.name);
    let mut command = Command::new(program);
    command.args(store).args(arguments);
    services::during(needs, async |mut signals| {
        if arguments.is_empty() {
            introduce(lesson, embedded);
        }
        Ok(supervise(command, &mut signals).await?.code.into())
    })
}

/// Measures, in a program of its own: most readers never build what that takes.
///
/// # Errors
///
/// cargo cannot be run.
pub(crate) fn bench(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let mut bench = cargo();
    bench.args(["run", "--quiet", "--package", "bench", "--"]);
    // In its group and with its terminal: Ctrl-C is for it, and it puts away what it started.
    let ended = git::wait(bench.args(arguments))?;
    let code = ended.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.unwrap_or(1).into())
}

/// How a command has ended.
pub(crate) struct Ended {
    pub(crate) code: u8,
    /// Whether it was asked to.
    pub(crate) signalled: bool,
}

/// Runs a command in a process group of its own and hands on each signal once: a terminal
/// sends Ctrl-C to the whole group, and a second signal would cut a lesson's draining short.
/// It goes to all that the command has started: cargo does not end a test that it runs.
pub(crate) async fn supervise(command: Command, signals: &mut Signals) -> anyhow::Result<Ended> {
    let mut child = tokio::process::Command::from(command)
        .process_group(0)
        .spawn()?;
    let pid = child.id().context("it has just been started")?;
    let pid = Pid::from_raw(pid.try_into()?);
    let mut signalled = false;
    loop {
        tokio::select! {
            status = child.wait() => {
                let code = status?.code().and_then(|code| u8::try_from(code).ok());
                return Ok(Ended { code: code.unwrap_or(1), signalled });
            }
            signal = signals.next() => {
                signalled = true;
                killpg(pid, signal)?;
            }
        }
    }
}

/// Tells what can be done with the lesson while it runs.
fn introduce(lesson: &Lesson, embedded: bool) {
    let name = lesson.name;
    println!();
    println!("{name}: {}. Ctrl-C stops it.", lesson.concern);
    println!();
    if lesson.has("e-http") {
        println!("In another terminal:");
        println!();
        println!("  curl -i -d name=gopher -d sex=0 http://127.0.0.1:8080/users");
        println!("  curl http://127.0.0.1:8080/users/1");
        println!("  curl 'http://127.0.0.1:8080/ping?message=hello'");
    }
    if lesson.has("e-grpc") {
        println!("  cargo run -qp {name} -- --store grpc read 1");
        println!(
            "  grpcurl -plaintext -d '{{\"uid\": 1}}' 127.0.0.1:50051 service.goms.User/ReadUser"
        );
    }
    if lesson.has("e-module") && !lesson.has("e-http") {
        println!("Serving, it has no way in yet. After Ctrl-C:");
        println!();
        println!("  cargo run -qp {name} -- create gopher 0");
    }
    if embedded {
        println!();
        println!("The users are in users.yaml. On MySQL and Redis: make run LESSON={name}");
    }
    println!();
}
