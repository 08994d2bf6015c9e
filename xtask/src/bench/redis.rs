//! What Redis does alone, made by redis-benchmark: the read of one cached user.

use super::tool;
use crate::services::REDIS_PASSWORD;
use crate::services::REDIS_PORT;
use anyhow::Context;
use anyhow::ensure;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What the lesson keeps for a user.
const USER: &str = r#"{"uid":1,"name":"gopher","sex":0}"#;

/// For how long, in seconds, a run may need its key; then it is gone by itself.
const TTL: &str = "3600";

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where the lessons find it.
pub(crate) fn url() -> String {
    format!("redis://:{REDIS_PASSWORD}@127.0.0.1:{REDIS_PORT}")
}

/// The server's version.
pub(crate) async fn version() -> anyhow::Result<String> {
    let info = ask(&[&["INFO", "server"]]).await?;
    Ok(field(&info, "redis_version")?.to_owned())
}

/// A key of the run's own with a user under it.
pub(crate) async fn keep(key: &str) -> anyhow::Result<()> {
    let kept = ask(&[&["SETEX", key, TTL, USER], &["GET", key]]).await?;
    let right = format!("+OK\r\n${}\r\n{USER}\r\n", USER.len());
    ensure!(kept.contains(&right), "Redis does not keep a key");
    Ok(())
}

/// Removes the key.
pub(crate) async fn forget(key: &str) -> anyhow::Result<()> {
    ask(&[&["DEL", key]]).await.map(drop)
}

/// Reads the key so many times; returns reads/s.
///
/// # Errors
///
/// There was any error, or Redis has not found the key as often.
pub(crate) async fn load(key: &str, connections: u64, requests: u64) -> anyhow::Result<f64> {
    let before = hits().await?;
    let mut benchmark = tool::command("redis-benchmark")?;
    benchmark
        .args(["-h", "127.0.0.1", "-p", &REDIS_PORT.to_string()])
        .args(["-a", REDIS_PASSWORD, "-P", "1", "--csv"])
        .args(["-c", &connections.to_string(), "-n", &requests.to_string()])
        .args(["GET", key]);
    let rate = parse(&tool::run(&mut benchmark).await?)?;
    let found = hits().await? - before; // others may have found something, too
    ensure!(
        found >= requests,
        "{requests} reads were answered, but Redis has found only {found}"
    );
    Ok(rate)
}

/// How many reads have found something since Redis was started.
async fn hits() -> anyhow::Result<u64> {
    let info = ask(&[&["INFO", "stats"]]).await?;
    Ok(field(&info, "keyspace_hits")?.parse()?)
}

/// Sends commands and reads all that is answered.
async fn ask(commands: &[&[&str]]) -> anyhow::Result<String> {
    let mut request = encode(&["AUTH", REDIS_PASSWORD]);
    commands.iter().for_each(|words| request += &encode(words));
    request += &encode(&["QUIT"]); // Redis then ends the answer by closing
    let exchange = async {
        let mut stream = TcpStream::connect(("127.0.0.1", REDIS_PORT)).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        anyhow::Ok(answer)
    };
    timeout(PATIENCE, exchange)
        .await
        .context("Redis does not answer")?
}

fn encode(words: &[&str]) -> String {
    let mut command = format!("*{}\r\n", words.len());
    for word in words {
        command += &format!("${}\r\n{word}\r\n", word.len());
    }
    command
}

fn field<'a>(info: &'a str, name: &str) -> anyhow::Result<&'a str> {
    let mut lines = info.lines();
    let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    value.with_context(|| format!("Redis tells no {name}"))
}

/// The rate in redis-benchmark's CSV: the second of its columns.
fn parse(printed: &str) -> anyhow::Result<f64> {
    let wrong = || format!("redis-benchmark printed: {printed}");
    let mut lines = printed.lines().filter(|line| line.starts_with('"'));
    let column = |line: &str| Some(line.split("\",\"").nth(1)?.to_owned());
    let head = lines.next().and_then(column).with_context(wrong)?;
    ensure!(head == "rps", wrong());
    let rate = lines.next().and_then(column).with_context(wrong)?;
    rate.parse().with_context(wrong)
}

#[cfg(test)]
mod tests {
    use super::encode;
    use super::field;
    use super::parse;

    const PRINTED: &str = "\
\"test\",\"rps\",\"avg_latency_ms\",\"min_latency_ms\",\"p50_latency_ms\",\"p95_latency_ms\",\"p99_latency_ms\",\"max_latency_ms\"
\"GET goms_bench_1\",\"36968.57\",\"1.064\",\"0.056\",\"0.727\",\"3.231\",\"7.495\",\"21.055\"
";

    #[test]
    fn what_redis_benchmark_prints_is_read() -> anyhow::Result<()> {
        assert_eq!(parse(PRINTED)?, 36968.57);
        Ok(())
    }

    #[test]
    fn a_table_of_another_kind_is_refused() {
        assert!(parse("").is_err());
        assert!(parse(PRINTED.lines().next().unwrap_or_default()).is_err());
        assert!(parse(&PRINTED.replace("rps", "requests")).is_err());
        assert!(parse(&PRINTED.replace("36968.57", "many")).is_err());
    }

    #[test]
    fn info_is_read() -> anyhow::Result<()> {
        let info = "+OK\r\n$42\r\n# Stats\r\nkeyspace_hits:71\r\nkeyspace_misses:2\r\n\r\n+OK\r\n";
        assert_eq!(field(info, "keyspace_hits")?, "71");
        assert!(field(info, "keyspace").is_err());
        Ok(())
    }

    #[test]
    fn a_command_tells_its_lengths() {
        assert_eq!(encode(&["GET", "é"]), "*2\r\n$3\r\nGET\r\n$2\r\né\r\n");
    }
}
