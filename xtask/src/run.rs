//! Runs a lesson as a reader would, with what it needs around it.

use crate::check::check;
use crate::ladder;
use crate::ladder::Ladder;
use crate::ladder::Lesson;
use crate::ladder::Needs;
use crate::services;
use crate::signals::Signals;
use anyhow::Context;
use nix::sys::signal::killpg;
use nix::unistd::Pid;
use std::io::Write;
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
    let built = cargo().args(["build", "--package", lesson.name]).status();
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
    services::during(needs, async |signals| {
        if arguments.is_empty() {
            introduce(lesson, embedded);
        }
        supervise(command, signals).await
    })
}

/// Checks the ladder, starts the services, runs all tests of the workspace, and stops what
/// was started.
///
/// # Errors
///
/// The ladder cannot be read, or a service does not come up, or does not stop.
pub(crate) fn test(
    ladder: &Ladder,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    // First, because it takes a second.
    if check(ladder, false, out)? != ExitCode::SUCCESS {
        return Ok(ExitCode::FAILURE);
    }
    let mut command = cargo();
    command.args(["test", "--workspace"]).args(arguments);
    services::during(Needs::Redis, async |signals| {
        supervise(command, signals).await
    })
}

/// cargo, without what it has set for this package: that would make it build others anew.
pub(crate) fn cargo() -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut cargo = Command::new(cargo);
    for (name, _) in std::env::vars_os() {
        if name
            .to_str()
            .is_some_and(|name| name.starts_with("CARGO_PKG_"))
        {
            cargo.env_remove(name);
        }
    }
    cargo.env_remove("CARGO_MANIFEST_DIR");
    cargo
}

/// Runs a command in a process group of its own and hands on each signal once: a terminal
/// sends Ctrl-C to the whole group, and a second signal would cut a lesson's draining short.
/// It goes to all that the command has started: cargo does not end a test that it runs.
async fn supervise(command: Command, mut signals: Signals) -> anyhow::Result<ExitCode> {
    let mut child = tokio::process::Command::from(command)
        .process_group(0)
        .spawn()?;
    let pid = child.id().context("it has just been started")?;
    let pid = Pid::from_raw(pid.try_into()?);
    loop {
        tokio::select! {
            status = child.wait() => {
                let code = status?.code().and_then(|code| u8::try_from(code).ok());
                return Ok(code.unwrap_or(1).into());
            }
            signal = signals.next() => killpg(pid, signal)?,
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
