//! git, which does the diffing and merging. For what must not depend on the user's
//! configuration it is called plain, for what a reader looks at it is called as the user's.

use anyhow::Context;
use anyhow::anyhow;
use anyhow::bail;
use std::io::ErrorKind;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Stdio;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;

/// What a git hook sets, which would lead git away from the folder it is given.
const LED_ASTRAY: &[&str] = &["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"];

/// What changes how git shows a difference.
const OF_TASTE: &[&str] = &[
    "GIT_DIFF_OPTS",
    "GIT_EXTERNAL_DIFF",
    "GIT_CONFIG_PARAMETERS",
    "GIT_CONFIG_COUNT",
];

/// git in a folder, as its user has configured it.
pub(crate) fn git(folder: &Path) -> Command {
    let mut git = Command::new("git");
    git.current_dir(folder);
    for name in LED_ASTRAY {
        git.env_remove(name);
    }
    git
}

/// git in a scratch folder, the same for everybody: no configuration, no repository.
pub(crate) fn plain(folder: &Path) -> Command {
    let mut git = git(folder);
    for name in OF_TASTE {
        git.env_remove(name);
    }
    if let Some(parent) = folder.parent() {
        git.env("GIT_CEILING_DIRECTORIES", parent);
    }
    git.env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_ATTR_NOSYSTEM", "1")
        .env("LC_ALL", "C")
        .args(["-c", "core.autocrlf=false", "-c", "core.quotePath=false"])
        .args(["-c", "core.attributesFile=/dev/null"]);
    git
}

/// The difference of two folders in a scratch folder, the same for everybody.
///
/// # Errors
///
/// git is missing or fails.
pub(crate) fn diff(
    folder: &Path,
    arguments: &[&str],
    [from, to]: [&str; 2],
) -> anyhow::Result<Vec<u8>> {
    let mut git = plain(folder);
    git.args(["diff", "--no-index", "--no-color", "--no-ext-diff"])
        .args(["--no-textconv", "--no-prefix", "-M", "-l0"])
        .args(["--diff-algorithm=myers", "--indent-heuristic"])
        .arg("--inter-hunk-context=0")
        .args(arguments)
        .args(["--", from, to]);
    run(git, b"", &[0, 1])
}

/// Runs it to its end, and returns what it printed.
///
/// # Errors
///
/// git is missing, or ends with another code than these; the error is what it said.
pub(crate) fn run(mut git: Command, input: &[u8], codes: &[i32]) -> anyhow::Result<Vec<u8>> {
    git.stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = git.spawn().map_err(missing)?;
    let mut stdin = child.stdin.take().context("it is piped")?;
    // What is written is short, or read before anything is answered.
    match stdin.write_all(input) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => return Err(error.into()),
        _ => drop(stdin),
    }
    let output = child.wait_with_output()?;
    if !output
        .status
        .code()
        .is_some_and(|code| codes.contains(&code))
    {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("git: {}", said.lines().next().unwrap_or("it was killed"));
    }
    Ok(output.stdout)
}

/// Runs it on the user's terminal; nobody is told when the user does not read to the end.
///
/// # Errors
///
/// git is missing or fails.
pub(crate) fn show(mut git: Command) -> anyhow::Result<()> {
    let status = wait(&mut git)?;
    match status.code() {
        // 1: there is a difference; 141, or a signal: nobody reads on.
        Some(0 | 1 | 141) | None => Ok(()),
        Some(_) => bail!("git failed with {status}"),
    }
}

/// Waits for a command that has the terminal: Ctrl-C is its, too, and must not end this
/// process first, which has scratch files to remove.
///
/// # Errors
///
/// The command cannot be started.
#[tokio::main(flavor = "current_thread")]
pub(crate) async fn wait(command: &mut Command) -> anyhow::Result<ExitStatus> {
    let command = std::mem::replace(command, Command::new(""));
    // A signal that is listened to does not end a process.
    let _interrupt = signal(SignalKind::interrupt())?;
    let _terminate = signal(SignalKind::terminate())?;
    let _hangup = signal(SignalKind::hangup())?;
    let mut child = tokio::process::Command::from(command)
        .spawn()
        .map_err(missing)?;
    Ok(child.wait().await?)
}

fn missing(error: std::io::Error) -> anyhow::Error {
    match error.kind() {
        ErrorKind::NotFound => anyhow!("git is missing; install it with your package manager"),
        _ => anyhow!(error).context("git"),
    }
}
