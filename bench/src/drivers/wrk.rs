//! Load by HTTP for a time, made by wrk, which costs less than other generators: as many
//! requests in flight as there are connections.

use crate::drivers::answer::Load;
use crate::drivers::tool;
use crate::figures::call::Target;
use std::path::Path;

/// Makes wrk print what it has measured.
const SCRIPT: &str = include_str!("wrk.lua");

/// Calls for so many seconds. The script is kept in the folder.
pub(crate) async fn load(folder: &Path, target: Target, seconds: u64) -> anyhow::Result<Load> {
    let Target {
        call,
        address,
        connections,
    } = target;
    let script = folder.join("wrk.lua");
    std::fs::write(&script, SCRIPT)?;
    let mut wrk = tool::command("wrk")?;
    wrk.arg(format!("--connections={connections}"))
        .arg(format!("--threads={}", tool::threads(connections)))
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
    tool::json(&tool::run(&mut wrk).await?)
}

#[cfg(test)]
mod tests {
    use super::Load;
    use super::tool;

    const PRINTED: &str = r#"Running 1s test @ http://127.0.0.1:18999/ping
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     5.52ms   14.69ms  92.02ms   91.85%
    Req/Sec    44.68k    20.01k   72.24k    70.00%
  44483 requests in 1.01s, 7.98MB read
Requests/sec:  44140.91
Transfer/sec:      7.91MB
{"requests":44483,"bytes":8362804,"seconds":1.007750,"errors":{"connect":0,"status":1}}
"#;

    #[test]
    fn what_wrk_prints_is_read() -> anyhow::Result<()> {
        let load: Load = tool::json(PRINTED)?;
        assert_eq!((load.requests, load.bytes), (44483, 8_362_804));
        assert_eq!((load.seconds, load.errors["status"]), (1.00775, 1));
        assert!(tool::json::<Load>("").is_err());
        assert!(tool::json::<Load>("{}").is_err());
        Ok(())
    }
}
