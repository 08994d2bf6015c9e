//! The programs that make the load: those of the distribution, which others know and trust.

use anyhow::Context;
use anyhow::bail;
use anyhow::ensure;
use ladder::services::find;
use serde::de::DeserializeOwned;
use std::process::Stdio;
use tokio::process::Command;

/// Each program, the packages that have it on Debian and in Homebrew, and the flag that makes
/// it print its version.
const TOOLS: [[&str; 4]; 6] = [
    ["wrk", "wrk", "wrk", "-v"],
    ["h2load", "nghttp2-client", "nghttp2", "--version"],
    ["nghttp", "nghttp2-client", "nghttp2", "--version"],
    ["redis-benchmark", "redis-tools", "redis", "--version"],
    ["sysbench", "sysbench", "sysbench", "--version"],
    ["nginx", "nginx-light", "nginx", "-v"],
];

/// Checks that all are there; the error says how to install those that are not.
pub(crate) fn check() -> anyhow::Result<()> {
    let mut missing = TOOLS.to_vec();
    missing.retain(|[name, ..]| find(&[name]).is_none());
    if missing.is_empty() {
        return Ok(());
    }
    let column = |index: usize| {
        let mut words: Vec<_> = missing.iter().map(|tool| tool[index]).collect();
        words.dedup();
        words.join(" ")
    };
    let names = column(0);
    let line = if find(&["apt-get"]).is_some() {
        let packages = column(1);
        format!("sudo apt-get install -y --no-install-recommends {packages}")
    } else if find(&["brew"]).is_some() {
        format!("brew install {}", column(2))
    } else {
        bail!("programs are missing: {names}; install them with your package manager");
    };
    bail!("programs are missing: {names}; to install them, type: {line}");
}

/// The tools, each with its version.
pub(crate) async fn versions() -> anyhow::Result<Vec<String>> {
    let mut versions = Vec::new();
    // nghttp comes with h2load.
    for [name, .., flag] in TOOLS.iter().filter(|[name, ..]| *name != "nghttp") {
        // Some print it to standard error; wrk prints it with its usage, and fails.
        let output = command(name)?.arg(flag).output().await?;
        let text = [output.stdout, output.stderr].concat();
        versions.push(version(name, &String::from_utf8_lossy(&text)));
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
pub(crate) fn command(name: &str) -> anyhow::Result<Command> {
    let program = find(&[name]).with_context(|| format!("{name} is not installed"))?;
    let mut command = Command::new(program);
    command
        .stdin(Stdio::null())
        .process_group(0) // a Ctrl-C is for this process alone
        .kill_on_drop(true);
    Ok(command)
}

/// How many threads a load generator gets: half of the machine's, the service has the rest.
pub(crate) fn threads(connections: u64) -> u64 {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    (cores / 2).clamp(1, connections)
}

/// Runs a tool to its end and returns what it prints. If it fails, the error has the last line
/// that it said.
pub(crate) async fn run(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output().await;
    let name = command.as_std().get_program().display();
    let output = output.with_context(|| name.to_string())?;
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().last().unwrap_or("it said nothing");
    let status = output.status;
    ensure!(status.success(), "{name} failed with {status}: {last}");
    Ok(String::from_utf8(output.stdout)?)
}

/// What a script of ours makes a tool print: JSON, in the last line that begins like it.
pub(crate) fn json<T: DeserializeOwned>(printed: &str) -> anyhow::Result<T> {
    let line = printed.lines().rfind(|line| line.starts_with('{'));
    let line = line.with_context(|| format!("no figures were printed, but: {printed}"))?;
    serde_json::from_str(line).with_context(|| line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn versions_are_found() {
        for (printed, expected) in [
            ("wrk debian/4.1.0-3+b2 [epoll] Copyright", "x 4.1.0-3+b2"),
            ("h2load nghttp2/1.52.0\n", "x 1.52.0"),
            ("redis-benchmark 7.0.15\n", "x 7.0.15"),
            ("sysbench 1.0.20 (using system LuaJIT 2.1)", "x 1.0.20"),
            ("nginx version: nginx/1.22.1\n", "x 1.22.1"),
            ("", "x of unknown version"),
        ] {
            assert_eq!(version("x", printed), expected);
        }
    }
}
