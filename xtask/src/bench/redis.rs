//! What Redis does alone, made by redis-benchmark: the read of one cached user.

use super::tool;
use crate::services::REDIS_PASSWORD;
use crate::services::REDIS_PORT;
use anyhow::Context;
use anyhow::ensure;

/// What the lesson keeps for a user.
const USER: &str = r#"{"uid":100,"name":"gopher","sex":0}"#;

/// For how long, in seconds, a run may need its key; then it is gone by itself.
const TTL: &str = "3600";

/// A key of the run's own with a user under it, gone when this is.
pub(crate) struct Key {
    name: String,
}

impl Key {
    /// Makes it.
    ///
    /// # Errors
    ///
    /// Redis does not keep it.
    pub(crate) fn keep() -> anyhow::Result<Self> {
        let name = format!("goms_bench_{}", std::process::id());
        let key = Self { name };
        ask(&["SETEX", &key.name, TTL, USER])?;
        let kept = ask(&["GET", &key.name])?;
        ensure!(kept.trim_end() == USER, "Redis does not keep a key: {kept}");
        Ok(key)
    }

    /// Reads it so many times; returns reads/s.
    ///
    /// # Errors
    ///
    /// There was any error, or Redis has not found the key as often.
    pub(crate) async fn load(&self, connections: u64, requests: u64) -> anyhow::Result<f64> {
        let before = hits()?;
        let mut benchmark = tool::command("redis-benchmark")?;
        benchmark
            .args(["-h", "127.0.0.1", "-p", &REDIS_PORT.to_string()])
            .args(["-a", REDIS_PASSWORD, "-P", "1", "--csv"])
            .args(["-c", &connections.to_string(), "-n", &requests.to_string()])
            .args(["GET", &self.name]);
        let rate = parse(&tool::run(&mut benchmark).await?)?;
        let found = hits()? - before; // others may have found something, too
        ensure!(
            found >= requests,
            "{requests} reads were answered, but Redis has found only {found}"
        );
        Ok(rate)
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        let _ = ask(&["DEL", &self.name]); // else it goes later
    }
}

/// The server's version.
///
/// # Errors
///
/// It does not answer.
pub(crate) fn version() -> anyhow::Result<String> {
    let info = ask(&["INFO", "server"])?;
    Ok(field(&info, "redis_version")?.to_owned())
}

/// How many reads have found something since Redis was started.
fn hits() -> anyhow::Result<u64> {
    let info = ask(&["INFO", "stats"])?;
    Ok(field(&info, "keyspace_hits")?.parse()?)
}

/// What Redis answers to a command, by its own client, which comes with redis-benchmark.
fn ask(words: &[&str]) -> anyhow::Result<String> {
    let mut client = tool::command("redis-cli")?;
    let client = client
        .as_std_mut()
        .args(["-h", "127.0.0.1", "-p", &REDIS_PORT.to_string()])
        .args(words)
        .env("REDISCLI_AUTH", REDIS_PASSWORD);
    let output = client.output().context("redis-cli")?;
    ensure!(output.status.success(), "Redis does not answer");
    Ok(String::from_utf8(output.stdout)?)
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
        let info = "# Stats\r\nkeyspace_hits:71\r\nkeyspace_misses:2\r\n";
        assert_eq!(field(info, "keyspace_hits")?, "71");
        assert!(field(info, "keyspace").is_err());
        Ok(())
    }
}
