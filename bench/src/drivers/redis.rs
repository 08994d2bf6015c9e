//! What Redis does alone, made by redis-benchmark: the read of one cached user.

use crate::drivers::tool;
use anyhow::Context;
use anyhow::ensure;
use ladder::services::REDIS_ADMIN;
use ladder::services::REDIS_PASSWORD;
use ladder::services::REDIS_PORT;
use redis::Client;
use redis::Commands;
use redis::FromRedisValue;
use redis::InfoDict;

/// What the lesson keeps for a user.
const USER: &str = r#"{"uid":100,"name":"gopher","sex":0}"#;

/// For how long, in seconds, a run may need its key; after that it is gone by itself.
const TTL: u64 = 3600;

/// A key of the run's own with a user under it, gone when this is.
pub(crate) struct Key {
    redis: Client,
    name: String,
}

impl Key {
    /// Makes it.
    pub(crate) fn keep() -> anyhow::Result<Self> {
        let mut redis = Client::open(REDIS_ADMIN)?;
        let name = format!("goms_bench_{}", std::process::id());
        redis.set_ex::<_, _, ()>(&name, USER, TTL)?;
        let kept: String = redis.get(&name)?;
        ensure!(kept == USER, "Redis does not keep a key: {kept}");
        Ok(Self { redis, name })
    }

    /// Reads it so many times; returns reads/s. Fails if Redis has not found the key as often.
    pub(crate) async fn load(&mut self, connections: u64, requests: u64) -> anyhow::Result<f64> {
        let before: u64 = self.info("keyspace_hits")?;
        let mut benchmark = tool::command("redis-benchmark")?;
        benchmark
            .args(["-h", "127.0.0.1", "-p", &REDIS_PORT.to_string()])
            .args(["-a", REDIS_PASSWORD, "-P", "1", "--csv"])
            .args(["-c", &connections.to_string(), "-n", &requests.to_string()])
            .args(["GET", &self.name]);
        let rate = parse(&tool::run(&mut benchmark).await?)?;
        let found = self.info::<u64>("keyspace_hits")? - before; // others may have found some, too
        ensure!(
            found >= requests,
            "{requests} reads were answered, but Redis has found only {found}"
        );
        Ok(rate)
    }

    /// The server's name and version.
    pub(crate) fn version(&mut self) -> anyhow::Result<String> {
        Ok(format!("Redis {}", self.info::<String>("redis_version")?))
    }

    /// What Redis tells of itself under this name.
    fn info<T: FromRedisValue>(&mut self, name: &str) -> anyhow::Result<T> {
        let info: InfoDict = redis::cmd("INFO").query(&mut self.redis)?;
        info.get(name)
            .with_context(|| format!("Redis tells no {name}"))
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        let _ = self.redis.del::<_, ()>(&self.name); // or else it goes later
    }
}

/// The rate in redis-benchmark's CSV: the second of its columns.
fn parse(printed: &str) -> anyhow::Result<f64> {
    let mut lines = printed.lines().filter(|line| line.starts_with('"'));
    let mut column = || lines.next()?.split("\",\"").nth(1);
    let (head, rate) = (column(), column());
    let rate = rate.filter(|_| head == Some("rps"));
    let rate = rate.and_then(|rate| rate.parse().ok());
    rate.with_context(|| format!("redis-benchmark printed: {printed}"))
}

#[cfg(test)]
mod tests {
    use super::parse;

    const PRINTED: &str = "\
\"test\",\"rps\",\"avg_latency_ms\",\"min_latency_ms\",\"p50_latency_ms\"
\"GET goms_bench_1\",\"36968.57\",\"1.064\",\"0.056\",\"0.727\"
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
}
