//! Load of a number of calls, made by h2load of nghttp2, by HTTP/1.1 and by gRPC alike, so that
//! the times to an answer are taken in the same way. wrk's are not used: before a script sees
//! them, wrk adds answers that a steady client would have had.
//!
//! An error in gRPC is a status in the trailers, with no data. So the exact number of bytes
//! of data proves that all answers were right; by HTTP/1.1 that of all bytes.

use crate::drivers::answer::Load;
use crate::drivers::grpc;
use crate::drivers::tool;
use crate::figures::call::Target;
use anyhow::Context;
use anyhow::ensure;
use std::path::Path;

/// Calls so many times; fails on any error. `log` is the file for the times to all answers: to
/// write it costs the generator time, so a load with a log gives no honest rate.
pub(crate) async fn load(
    folder: &Path,
    target: Target,
    requests: u64,
    log: Option<&Path>,
) -> anyhow::Result<Load> {
    let Target {
        call,
        address,
        connections,
    } = target;
    let mut h2load = tool::command("h2load")?;
    if call.by_grpc() {
        h2load.args(grpc::request(folder, call)?);
    } else {
        h2load.arg("--h1");
    }
    if let Some(form) = call.form() {
        let file = folder.join("form");
        std::fs::write(&file, form)?;
        h2load.arg("--header=content-type: application/x-www-form-urlencoded");
        h2load.arg(format!("--data={}", file.display()));
    }
    h2load
        .arg(format!("--clients={connections}"))
        .arg(format!("--threads={}", tool::threads(connections)))
        .arg(format!("--requests={requests}"))
        .arg("--max-concurrent-streams=1");
    if let Some(log) = log {
        std::fs::write(log, "")?; // h2load adds to what is there
        h2load.arg(format!("--log-file={}", log.display()));
    }
    let urls = call.paths().into_iter();
    h2load.args(urls.map(|path| format!("http://{address}{path}")));
    let printed = tool::run(&mut h2load).await?;
    parse(&printed, requests, call.by_grpc())
}

fn parse(printed: &str, requests: u64, by_grpc: bool) -> anyhow::Result<Load> {
    let line = |start: &str| {
        let mut lines = printed.lines();
        let line = lines.find_map(|line| line.strip_prefix(start));
        line.with_context(|| format!("h2load printed no line of {start:?}"))
    };
    let done = line("requests: ")?;
    let all = format!(
        "{requests} total, {requests} started, {requests} done, {requests} succeeded, \
         0 failed, 0 errored, 0 timeout"
    );
    ensure!(done == all, "not all calls were answered: {done}");
    let rate = line("finished in ")?.split(", ").nth(1);
    let rate = rate.and_then(|rate| rate.strip_suffix(" req/s"));
    let rate: f64 = rate.context("h2load printed no rate")?.parse()?;
    let what = if by_grpc { ") data" } else { ") total" };
    let mut traffic = line("traffic: ")?.split(", ");
    let bytes = traffic.find_map(|part| Some(part.strip_suffix(what)?.rsplit_once('(')?.1));
    Ok(Load {
        requests,
        bytes: bytes.context("h2load printed no bytes")?.parse()?,
        seconds: requests as f64 / rate,
        ..Load::default()
    })
}

/// The median and the 99th percentile, in µs, of the times in a log of so many calls.
pub(crate) fn percentiles(log: &Path, requests: u64) -> anyhow::Result<(f64, f64)> {
    read(&std::fs::read_to_string(log)?, requests)
}

/// A line has the start, the status and the µs, by tabulators.
fn read(log: &str, requests: u64) -> anyhow::Result<(f64, f64)> {
    let times = log.lines().map(|line| {
        let (_, time) = line.rsplit_once('\t').context("h2load's log")?;
        Ok(time.parse::<u32>()?)
    });
    let mut times = times.collect::<anyhow::Result<Vec<_>>>()?;
    ensure!(
        times.len() as u64 == requests && requests > 0,
        "h2load's log is not whole"
    );
    times.sort_unstable();
    // By nearest rank: a time that was, and that so many do not exceed.
    let at = |percent: usize| f64::from(times[(times.len() * percent).div_ceil(100) - 1]);
    Ok((at(50), at(99)))
}

#[cfg(test)]
mod tests {
    use super::parse;
    use super::read;

    const PRINTED: &str = "\
starting benchmark...
spawning thread #0: 64 total client(s). 20000 total requests
Application protocol: h2c
progress: 100% done

finished in 737.52ms, 27117.87 req/s, 1.34MB/s
requests: 20000 total, 20000 started, 20000 done, 20000 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 20000 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 1015.44KB (1039812) total, 62.34KB (63840) headers (space savings 95.50%), 402.10KB (411748) data
                     min         max         mean         sd        +/- sd
time for request:       32us     12.24ms      1.81ms      1.32ms    86.09%
";

    #[test]
    fn what_h2load_prints_is_read() -> anyhow::Result<()> {
        let load = parse(PRINTED, 20_000, true)?;
        assert_eq!((load.requests, load.bytes), (20_000, 411_748));
        assert_eq!(load.seconds, 20_000.0 / 27_117.87);
        assert_eq!(parse(PRINTED, 20_000, false)?.bytes, 1_039_812);
        Ok(())
    }

    #[test]
    fn fewer_answers_than_calls_are_refused() {
        let refused = |printed: &str, calls| parse(printed, calls, true).is_err();
        assert!(refused(PRINTED, 20_001));
        assert!(refused(&PRINTED.replace("0 failed", "1 failed"), 20_000));
        assert!(refused(
            &PRINTED.replace("20000 done", "19999 done"),
            20_000
        ));
        assert!(refused("", 1));
    }

    #[test]
    fn times_are_read_from_the_log() -> anyhow::Result<()> {
        let log = "1795369118498516\t200\t854\n1795369118498543\t200\t875\n\
                   1795369118498571\t200\t856\n";
        assert_eq!(read(log, 3)?, (856.0, 875.0));
        assert!(read(log, 4).is_err());
        assert!(read("", 0).is_err());
        Ok(())
    }

    #[test]
    fn a_percentile_is_by_nearest_rank() -> anyhow::Result<()> {
        let log = |last| (1..=last).map(|time| format!("0\t200\t{time}\n"));
        assert_eq!(read(&log(100).collect::<String>(), 100)?, (50.0, 99.0));
        assert_eq!(read(&log(101).collect::<String>(), 101)?, (51.0, 100.0));
        assert_eq!(read(&log(1).collect::<String>(), 1)?, (1.0, 1.0));
        Ok(())
    }
}
