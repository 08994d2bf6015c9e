//! The programs that make the load: those of the distribution, that others know and trust.

use crate::services::find;
use anyhow::Context;
use anyhow::bail;
use anyhow::ensure;
use std::path::PathBuf;
use std::process::Output;
use std::process::Stdio;
use tokio::process::Command;

/// A program, and the packages that have it on Debian and in Homebrew.
struct Tool {
    name: &'static str,
    debian: &'static str,
    homebrew: &'static str,
    /// The flag that makes it print its version.
    version: &'static str,
}

const TOOLS: [Tool; 6] = [
    tool("wrk", "wrk", "wrk", "-v"),
    tool("h2load", "nghttp2-client", "nghttp2", "--version"),
    tool("nghttp", "nghttp2-client", "nghttp2", "--version"),
    tool("redis-benchmark", "redis-tools", "redis", "--version"),
    tool("sysbench", "sysbench", "sysbench", "--version"),
    tool("nginx", "nginx-light", "nginx", "-v"),
];

const fn tool(
    name: &'static str,
    debian: &'static str,
    homebrew: &'static str,
    version: &'static str,
) -> Tool {
    Tool {
        name,
        debian,
        homebrew,
        version,
    }
}

/// Checks that all are there.
///
/// # Errors
///
/// Some are not; the error is the line to type.
pub(crate) fn check() -> anyhow::Result<()> {
    let missing: Vec<&Tool> = TOOLS
        .iter()
        .filter(|tool| find(&[tool.name]).is_none())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = missing.iter().map(|tool| tool.name).collect();
    let line = |start: &str, package: fn(&Tool) -> &'static str| {
        let mut packages: Vec<_> = missing.iter().map(|tool| package(tool)).collect();
        packages.dedup();
        format!("{start} {}", packages.join(" "))
    };
    let line = if find(&["apt-get"]).is_some() {
        let start = "sudo apt-get install -y --no-install-recommends";
        line(start, |tool| tool.debian)
    } else if find(&["brew"]).is_some() {
        line("brew install", |tool| tool.homebrew)
    } else {
        bail!(
            "install {} with your package manager and try again",
            names.join(", ")
        );
    };
    bail!("{} not installed; type: {line}", names.join(", "));
}

/// The tools, each with its version.
///
/// # Errors
///
/// One of them is not there.
pub(crate) async fn versions() -> anyhow::Result<Vec<String>> {
    let mut versions = Vec::new();
    for tool in TOOLS.iter().filter(|tool| tool.name != "nghttp") {
        // Some print it to standard error, wrk with a usage and an exit code of 1.
        let output = command(tool.name)?.arg(tool.version).output().await?;
        let text = [output.stdout, output.stderr].concat();
        versions.push(version(tool.name, &String::from_utf8_lossy(&text)));
    }
    Ok(versions)
}

/// The version in what a tool prints: the first word with a digit and a dot in it.
fn version(name: &str, printed: &str) -> String {
    let words = printed.split(|c: char| c.is_whitespace() || c == '/');
    let version = words
        .map(|word| word.trim_matches(|c: char| !c.is_ascii_alphanumeric()))
        .find(|word| word.contains('.') && word.contains(|c: char| c.is_ascii_digit()));
    format!("{name} {}", version.unwrap_or("of unknown version"))
}

/// A tool to be run, which ends with this process.
///
/// # Errors
///
/// It is not there.
pub(crate) fn command(name: &str) -> anyhow::Result<Command> {
    let program: PathBuf = find(&[name]).with_context(|| format!("{name} is not installed"))?;
    let mut command = Command::new(program);
    command
        .stdin(Stdio::null())
        .process_group(0) // a Ctrl-C is ours alone
        .kill_on_drop(true);
    Ok(command)
}

/// Runs a tool to its end and returns what it prints.
///
/// # Errors
///
/// It fails; the error has the last line that it said.
pub(crate) async fn run(command: &mut Command) -> anyhow::Result<String> {
    let Output {
        status,
        stdout,
        stderr,
    } = run_raw(command).await?;
    let said = String::from_utf8_lossy(&stderr);
    let last = said.lines().last().unwrap_or("it said nothing");
    let name = command.as_std().get_program().display();
    ensure!(status.success(), "{name} failed with {status}: {last}");
    Ok(String::from_utf8(stdout)?)
}

/// Runs a tool to its end, whatever that is.
///
/// # Errors
///
/// It cannot be run.
pub(crate) async fn run_raw(command: &mut Command) -> anyhow::Result<Output> {
    let output = command.output().await;
    output.with_context(|| command.as_std().get_program().display().to_string())
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn versions_are_found() {
        for (printed, expected) in [
            (
                "wrk debian/4.1.0-3+b2 [epoll] Copyright (C) 2012 Will Glozer\n",
                "x 4.1.0-3+b2",
            ),
            ("h2load nghttp2/1.52.0\n", "x 1.52.0"),
            ("redis-benchmark 7.0.15\n", "x 7.0.15"),
            (
                "sysbench 1.0.20 (using system LuaJIT 2.1.0-beta3)\n",
                "x 1.0.20",
            ),
            ("nginx version: nginx/1.22.1\n", "x 1.22.1"),
            ("", "x of unknown version"),
        ] {
            assert_eq!(version("x", printed), expected);
        }
    }
}
