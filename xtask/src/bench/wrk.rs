//! Load by HTTP for a time, made by wrk, which costs less than other generators: as many
//! requests in flight as there are connections.

use super::answer::Load;
use super::measure::Target;
use super::tool;
use anyhow::Context;
use anyhow::ensure;
use serde::Deserialize;
use std::path::Path;

/// Makes wrk print what it has measured.
const SCRIPT: &str = include_str!("wrk.lua");

/// What the script prints.
#[derive(Deserialize)]
struct Printed {
    requests: u64,
    bytes: u64,
    us: f64,
    connect: u64,
    read: u64,
    write: u64,
    status: u64,
    timeout: u64,
}

/// Calls for so many seconds. The script is kept in the folder.
///
/// # Errors
///
/// There was an error of any kind, or an answer of 400 or above.
pub(crate) async fn load(folder: &Path, target: &Target<'_>, seconds: u64) -> anyhow::Result<Load> {
    let Target {
        address,
        call,
        connections,
        ..
    } = *target;
    let script = folder.join("wrk.lua");
    std::fs::write(&script, SCRIPT)?;
    let mut wrk = tool::command("wrk")?;
    wrk.arg(format!("--connections={connections}"))
        .arg(format!("--threads={}", threads(connections)))
        .arg(format!("--duration={seconds}s"))
        .arg("--timeout=10s")
        .arg("--script")
        .arg(script)
        .arg(format!("http://{address}{}", call.path()));
    let paths = call.paths();
    if let Some(form) = call.form() {
        wrk.args(["--", "form", form]);
    } else if paths.len() > 1 {
        wrk.args(["--", "paths"]).args(paths);
    }
    parse(&tool::run(&mut wrk).await?)
}

/// How many threads a load generator gets: half of the machine's, the service has the rest.
pub(crate) fn threads(connections: u64) -> u64 {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    (cores / 2).clamp(1, connections)
}

fn parse(printed: &str) -> anyhow::Result<Load> {
    let line = printed.lines().rfind(|line| line.starts_with('{'));
    let line = line.context("wrk printed no figures")?;
    let printed: Printed = serde_json::from_str(line).context("wrk")?;
    let Printed {
        requests,
        bytes,
        us,
        connect,
        read,
        write,
        status,
        timeout,
    } = printed;
    ensure!(
        status == 0,
        "{status} of {requests} answers were 400 or above"
    );
    ensure!(
        connect + read + write + timeout == 0,
        "{connect} connections failed, {read} reads, {write} writes, {timeout} timed out"
    );
    Ok(Load {
        requests,
        bytes,
        seconds: us / 1e6,
    })
}

#[cfg(test)]
mod tests {
    use super::parse;

    const PRINTED: &str = r#"Running 1s test @ http://127.0.0.1:18999/ping
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     5.52ms   14.69ms  92.02ms   91.85%
    Req/Sec    44.68k    20.01k   72.24k    70.00%
  44483 requests in 1.01s, 7.98MB read
Requests/sec:  44140.91
Transfer/sec:      7.91MB
{"requests":44483,"bytes":8362804,"us":1007750,"connect":0,"read":0,"write":0,"status":0,"timeout":0}
"#;

    #[test]
    fn what_wrk_prints_is_read() -> anyhow::Result<()> {
        let load = parse(PRINTED)?;
        assert_eq!((load.requests, load.bytes), (44483, 8_362_804));
        assert_eq!(load.seconds, 1.00775);
        Ok(())
    }

    #[test]
    fn any_error_is_refused() {
        for error in ["connect", "read", "write", "status", "timeout"] {
            let (before, after) = (format!("\"{error}\":0"), format!("\"{error}\":1"));
            assert!(parse(&PRINTED.replace(&before, &after)).is_err(), "{error}");
        }
        assert!(parse("").is_err());
        assert!(parse("{}").is_err());
    }
}
