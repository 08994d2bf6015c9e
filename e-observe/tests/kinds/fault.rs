//! Faults: what stands behind the service hangs, dies and comes back, by way of a proxy in the
//! test's own process.

use crate::common::MYSQL;
use crate::common::PATIENCE;
use crate::common::REDIS;
use crate::common::client;
use crate::common::database::Database;
use crate::common::proxy::Network;
use crate::common::proxy::Proxy;
use crate::common::redis;
use crate::common::service::Service;
use anyhow::ensure;
use reqwest::Client;
use std::time::Duration;
use std::time::Instant;
use tokio::time::sleep;

/// The service with a proxy before MySQL and one before Redis, and one user.
struct Stage {
    service: Service,
    mysql: Proxy,
    redis: Proxy,
    client: Client,
    _database: Database,
}

impl Stage {
    async fn new() -> anyhow::Result<Self> {
        let database = Database::create().await?;
        let (mysql, cache) = (Proxy::before(MYSQL).await?, Proxy::before(REDIS).await?);
        let (url, redis_url) = (database.by_way_of(mysql.addr), redis(cache.addr));
        let flags = ["--mysql-url", &url, "--redis-url", &redis_url];
        let service = Service::start(&flags).await?;
        let client = client()?;
        let stage = Self {
            service,
            mysql,
            redis: cache,
            client,
            _database: database,
        };
        assert_eq!(stage.create().await?, 201);
        assert_eq!(stage.read().await?, 200);
        Ok(stage)
    }

    async fn create(&self) -> anyhow::Result<u16> {
        let request = self.client.post(self.service.url("/users"));
        let answer = request.form(&[("name", "gopher"), ("sex", "0")]).send();
        Ok(answer.await?.status().as_u16())
    }

    async fn read(&self) -> anyhow::Result<u16> {
        let answer = self.client.get(self.service.url("/users/1")).send();
        Ok(answer.await?.status().as_u16())
    }

    async fn update(&self) -> anyhow::Result<u16> {
        let request = self.client.put(self.service.url("/users/1"));
        let answer = request.form(&[("name", "ferris"), ("sex", "1")]).send();
        Ok(answer.await?.status().as_u16())
    }

    /// Waits until creates are taken again.
    async fn recovers(&self) -> anyhow::Result<()> {
        let start = Instant::now();
        while self.create().await? != 201 {
            ensure!(start.elapsed() < PATIENCE, "it does not recover");
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_lost_mysql_is_503_until_it_is_back() -> anyhow::Result<()> {
    let stage = Stage::new().await?;
    for _ in 0..2 {
        stage.mysql.turn(Network::Down);
        assert_eq!(stage.create().await?, 503);
        assert_eq!(stage.read().await?, 200, "from the cache");
        stage.mysql.turn(Network::Up);
        stage.recovers().await?;
    }
    stage.service.stop().await
}

#[tokio::test]
async fn a_hung_mysql_is_told_and_forgotten() -> anyhow::Result<()> {
    let stage = Stage::new().await?;
    stage.mysql.turn(Network::Hung);
    let start = Instant::now();
    let status = stage.create().await?;
    assert!([503, 504].contains(&status), "{status}");
    assert!(
        start.elapsed() < Duration::from_secs(12),
        "after {:?}",
        start.elapsed()
    );
    stage.mysql.turn(Network::Up);
    stage.recovers().await?;
    stage.service.stop().await
}

#[tokio::test]
async fn a_lost_redis_costs_no_request() -> anyhow::Result<()> {
    let stage = Stage::new().await?;
    stage.redis.turn(Network::Down);
    for _ in 0..20 {
        assert_eq!(stage.read().await?, 200);
        assert_eq!(stage.update().await?, 204);
    }
    stage.redis.turn(Network::Up);
    stage.service.wait_until_said("cache: back").await?;
    assert_eq!(stage.read().await?, 200);
    stage.service.stop().await
}

/// The first call waits a moment for Redis; after that it is left alone.
#[tokio::test]
async fn a_hung_redis_is_left_alone() -> anyhow::Result<()> {
    let stage = Stage::new().await?;
    stage.redis.turn(Network::Hung);
    let start = Instant::now();
    for _ in 0..20 {
        assert_eq!(stage.read().await?, 200);
        assert_eq!(stage.update().await?, 204);
    }
    assert!(
        start.elapsed() < Duration::from_secs(4),
        "40 calls took {:?}",
        start.elapsed()
    );
    stage.redis.turn(Network::Up);
    stage.service.wait_until_said("cache: back").await?;
    stage.service.stop().await
}

/// A write that Redis did not hear of must not leave the old user in the cache.
#[tokio::test]
async fn a_write_while_redis_is_away_is_seen_when_it_is_back() -> anyhow::Result<()> {
    let stage = Stage::new().await?;
    stage.redis.turn(Network::Down);
    assert_eq!(stage.update().await?, 204);
    stage.redis.turn(Network::Up);
    stage.service.wait_until_said("cache: back").await?;
    let read = stage
        .client
        .get(stage.service.url("/users/1"))
        .send()
        .await?;
    assert_eq!(read.text().await?, r#"{"uid":1,"name":"ferris","sex":1}"#);
    stage.service.stop().await
}

#[tokio::test]
async fn a_start_without_mysql_fails_in_one_line() -> anyhow::Result<()> {
    let flags = ["--mysql-url", "mysql://user:unspeakable@127.0.0.1:1/goms"];
    let refused = Service::start(&flags)
        .await
        .err()
        .map(|error| error.to_string());
    let told = refused.unwrap_or_default();
    assert!(told.contains("cargo lesson services up"), "{told}");
    assert!(!told.contains("unspeakable"), "{told}");
    Ok(())
}
