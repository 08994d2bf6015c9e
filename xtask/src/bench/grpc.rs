//! Load by gRPC, made by h2load, and one answer, read by nghttp: both of nghttp2.
//!
//! An error in gRPC is a status in the trailers, with no data. So the exact number of bytes
//! of data proves that all answers were right.

use super::answer::Answer;
use super::answer::Grows;
use super::answer::Load;
use super::call::Call;
use super::tool;
use super::wrk::threads;
use anyhow::Context;
use anyhow::ensure;
use prost::Message;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use tokio::process::Command;

/// Of e-grpc's `api/user.proto`.
#[derive(Clone, PartialEq, Message)]
struct PingReply {
    #[prost(string, tag = "1")]
    message: String,
    #[prost(sint64, tag = "2")]
    count: i64,
}

#[derive(Clone, PartialEq, Message)]
struct UserId {
    #[prost(sint64, tag = "1")]
    uid: i64,
}

#[derive(Clone, PartialEq, Message)]
struct UserRecord {
    #[prost(sint64, tag = "1")]
    uid: i64,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(sint64, tag = "3")]
    sex: i64,
}

/// Asks once, and compares the answer whole.
///
/// # Errors
///
/// There is no answer, or a wrong one.
pub(crate) async fn ask(folder: &Path, address: SocketAddr, call: Call) -> anyhow::Result<Answer> {
    let mut nghttp = client("nghttp", folder, call)?;
    nghttp.args(["--timeout=10", "--header=:method: POST"]);
    nghttp.arg(format!("http://{address}{}", call.path()));
    let output = tool::run_raw(&mut nghttp).await?;
    answer(call, &output.stdout)
}

fn answer(call: Call, data: &[u8]) -> anyhow::Result<Answer> {
    let wrong = || format!("a wrong answer to {}: {data:?}", call.title());
    let message = data.get(5..).with_context(wrong)?;
    let (number, right) = match call {
        Call::GrpcPing => {
            let reply = PingReply::decode(message).with_context(wrong)?;
            let right = PingReply {
                message: "pong NONE!".to_owned(),
                count: reply.count,
            };
            (u64::try_from(reply.count)?, frame(&right)?)
        }
        _ => {
            let right = UserRecord {
                uid: 1,
                name: "gopher".to_owned(),
                sex: 0,
            };
            (0, frame(&right)?)
        }
    };
    ensure!(data == right, wrong());
    Ok(Answer {
        number,
        bytes: data.len() as u64,
        grows: Grows::Varint,
    })
}

/// A message as it is sent: not compressed, its length, itself.
fn frame(message: &impl Message) -> anyhow::Result<Vec<u8>> {
    let mut frame = vec![0];
    frame.extend(u32::try_from(message.encoded_len())?.to_be_bytes());
    frame.extend(message.encode_to_vec());
    Ok(frame)
}

/// A client that sends the call's message.
fn client(name: &str, folder: &Path, call: Call) -> anyhow::Result<Command> {
    let message = match call {
        Call::GrpcPing => frame(&())?,
        _ => frame(&UserId { uid: 1 })?,
    };
    let file = folder.join("message");
    std::fs::write(&file, message)?;
    let mut client = tool::command(name)?;
    client
        .args([
            "--header=content-type: application/grpc",
            "--header=te: trailers",
        ])
        .arg(format!("--data={}", file.display()));
    Ok(client)
}

/// Calls so many times. `log` is the file of all times to an answer; to write it costs the
/// generator time, so without one there are no percentiles, and with one no honest rate.
///
/// # Errors
///
/// There was an error of any kind.
pub(crate) async fn load(
    folder: &Path,
    address: SocketAddr,
    call: Call,
    connections: u64,
    requests: u64,
    log: Option<PathBuf>,
) -> anyhow::Result<Load> {
    let mut h2load = client("h2load", folder, call)?;
    h2load
        .arg(format!("--clients={connections}"))
        .arg(format!("--threads={}", threads(connections)))
        .arg(format!("--requests={requests}"))
        .arg("--max-concurrent-streams=1");
    if let Some(log) = &log {
        h2load.arg(format!("--log-file={}", log.display()));
    }
    h2load.arg(format!("http://{address}{}", call.path()));
    let load = parse(&tool::run(&mut h2load).await?, requests)?;
    let Some(log) = log else {
        return Ok(load);
    };
    let (p50, p99) = percentiles(&std::fs::read_to_string(&log)?, requests)?;
    std::fs::remove_file(log)?;
    Ok(Load { p50, p99, ..load })
}

fn parse(printed: &str, requests: u64) -> anyhow::Result<Load> {
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
    let data = line("traffic: ")?.rsplit_once(" headers ");
    let data = data.and_then(|(_, data)| data.split_once('(')?.1.split_once('('));
    let data = data.and_then(|(_, data)| data.strip_suffix(") data"));
    Ok(Load {
        requests,
        bytes: data.context("h2load printed no bytes of data")?.parse()?,
        seconds: requests as f64 / rate,
        p50: f64::NAN,
        p99: f64::NAN,
    })
}

/// The median and the 99th percentile of h2load's log: start, status and µs, by tabulators.
fn percentiles(log: &str, requests: u64) -> anyhow::Result<(f64, f64)> {
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
    let at = |percent: usize| f64::from(times[(times.len() - 1) * percent / 100]);
    Ok((at(50), at(99)))
}

#[cfg(test)]
mod tests {
    use super::Call;
    use super::answer;
    use super::parse;
    use super::percentiles;

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
        let load = parse(PRINTED, 20_000)?;
        assert_eq!((load.requests, load.bytes), (20_000, 411_748));
        assert_eq!(load.seconds, 20_000.0 / 27_117.87);
        Ok(())
    }

    #[test]
    fn fewer_answers_than_calls_are_refused() {
        assert!(parse(PRINTED, 20_001).is_err());
        assert!(parse(&PRINTED.replace("0 failed", "1 failed"), 20_000).is_err());
        assert!(parse(&PRINTED.replace("20000 done", "19999 done"), 20_000).is_err());
        assert!(parse("", 1).is_err());
    }

    #[test]
    fn times_are_read_from_the_log() -> anyhow::Result<()> {
        let log = "1795369118498516\t200\t854\n1795369118498543\t200\t875\n\
                   1795369118498571\t200\t856\n";
        assert_eq!(percentiles(log, 3)?, (856.0, 856.0));
        assert!(percentiles(log, 4).is_err());
        assert!(percentiles("", 0).is_err());
        Ok(())
    }

    #[test]
    fn an_answer_is_compared_whole() -> anyhow::Result<()> {
        let ping = b"\0\0\0\0\x10\x0a\x0apong NONE!\x10\x84\xf1\x04";
        assert_eq!(answer(Call::GrpcPing, ping)?.number, 40_002);
        let user = b"\0\0\0\0\x0a\x08\x02\x12\x06gopher";
        assert_eq!(answer(Call::GrpcRead, user)?.bytes, 15);
        assert!(answer(Call::GrpcRead, &user[..14]).is_err());
        assert!(answer(Call::GrpcRead, b"").is_err());
        assert!(answer(Call::GrpcRead, b"\x01\0\0\0\x0a\x08\x02\x12\x06gopher").is_err());
        assert!(
            answer(
                Call::GrpcPing,
                b"\0\0\0\0\x10\x0a\x0apong nine!\x10\x84\xf1\x04"
            )
            .is_err()
        );
        Ok(())
    }
}
