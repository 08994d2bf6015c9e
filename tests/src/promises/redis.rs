//! The cache: what Redis does not do costs no answer, and never makes one wrong.

use crate::cache::Cache;
use crate::database::SECRET;
use crate::proxy::Network;
use crate::proxy::Proxy;
use crate::service::Service;
use crate::stage::Stage;
use anyhow::ensure;
use ladder::services::REDIS_ADDR;
use reqwest::Client;
use std::collections::HashMap;
use std::time::Duration;
use std::time::Instant;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// A reader never waits longer for a cache that has failed, and a little.
const SOON: Duration = Duration::from_millis(500);

/// How soon a service that is back has to be used again.
const BACK: Duration = Duration::from_secs(5);

/// Time for a service to try several times to reach a Redis that has failed.
const RETRIES: Duration = Duration::from_secs(2);

/// How often is looked for what is to come.
const STEP: Duration = Duration::from_millis(20);

/// The filter of a log that shows each request and each statement, whatever the program's own
/// crate is called.
pub(super) const ALL: &str = "debug,h2=info,hyper=info,hyper_util=info,tower=info,tonic=info";

/// A service whose cache is behind a proxy, with one user.
async fn behind_redis(stage: &Stage) -> anyhow::Result<(Proxy, Service, Client, String)> {
    let proxy = Proxy::before(REDIS_ADDR).await?;
    let url = proxy.instead(REDIS_ADDR, &stage.cache().await?.url())?;
    let flags = ["--redis-url", &url, "--log-filter", ALL];
    let service = stage.serve(&flags).await?;
    let user = service.create_gopher().await?;
    Ok((proxy, service, Client::new(), user))
}

/// Reads the user, and wants it soon.
async fn expect_read(client: &Client, url: &str) -> anyhow::Result<()> {
    let start = Instant::now();
    let read = client.get(url).send().await?;
    let (status, took) = (read.status(), start.elapsed());
    ensure!(status == 200, "{status} after {took:?}");
    ensure!(took < SOON, "a read took {took:?}");
    Ok(())
}

/// How often the service has asked the database for a user. A line that is logged after all
/// others shows that they have come.
pub(super) async fn asked(service: &Service, client: &Client) -> anyhow::Result<usize> {
    let nowhere = format!("/{:016x}", fastrand::u64(..));
    let url = format!("{}{nowhere}", service.http()?);
    client.get(url).send().await?;
    service.wait_until_said(&nowhere).await?;
    Ok(service.said("SELECT name, sex"))
}

/// Waits until a read asks no database: the cache is used.
async fn wait_until_cached(service: &Service, client: &Client, url: &str) -> anyhow::Result<()> {
    let start = Instant::now();
    while start.elapsed() < BACK {
        expect_read(client, url).await?;
        let before = asked(service, client).await?;
        expect_read(client, url).await?;
        if asked(service, client).await? == before {
            return Ok(());
        }
        sleep(STEP).await;
    }
    anyhow::bail!("not in {BACK:?}")
}

/// Waits until what was under way on these connections has come to Redis.
async fn wait_for_installs(
    cache: &Cache,
    connections: &HashMap<String, String>,
) -> anyhow::Result<()> {
    let start = Instant::now();
    loop {
        let now = cache.connections().await?;
        // One that has ended has nothing under way either.
        let installed = |id: &String| now.get(id).is_none_or(|command| command == "set");
        if connections.keys().all(installed) {
            return Ok(());
        }
        ensure!(start.elapsed() < BACK, "not in {BACK:?}: {now:?}");
        sleep(STEP).await;
    }
}

pub(crate) async fn a_cached_read_asks_no_database(stage: &Stage) -> anyhow::Result<()> {
    let service = stage.serve(&["--log-filter", ALL]).await?;
    let (client, user) = (Client::new(), service.create_gopher().await?);
    for _ in 0..3 {
        let read = client.get(&user).send().await?.text().await?;
        ensure!(
            read == r#"{"uid":1,"name":"gopher","sex":0}"#,
            "read {read}"
        );
    }
    let asked = asked(&service, &client).await?;
    ensure!(asked == 1, "three reads asked the database {asked} times");
    // After an update nobody reads the old user, from wherever.
    let update = client.put(&user).form(&[("name", "ferris"), ("sex", "1")]);
    update.send().await?.error_for_status()?;
    let read = client.get(&user).send().await?.text().await?;
    ensure!(
        read == r#"{"uid":1,"name":"ferris","sex":1}"#,
        "read {read}"
    );
    service.stop().await
}

/// What a busy machine adds to a read. One that waits for Redis waits 100 ms.
const NOISE: Duration = Duration::from_millis(2);

/// Reads cost at most twice what they cost a service that has no cache.
async fn expect_cheap_reads(stage: &Stage, client: &Client, url: &str) -> anyhow::Result<()> {
    let plain = stage.serve_in("unset GOMS__REDIS__URL; exec \"$@\"", &[]);
    let plain = plain.await?;
    let without = format!("{}/users/1", plain.http()?);
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..100 {
        for (url, times) in [url, &without].into_iter().zip(&mut times) {
            let start = Instant::now();
            expect_read(client, url).await?;
            times.push(start.elapsed());
        }
    }
    let [with, without] = times.map(|mut times| {
        times.sort();
        times[times.len() / 2]
    });
    let cheap = with < without * 2 + NOISE;
    ensure!(cheap, "{with:?} with, {without:?} without");
    plain.stop().await
}

async fn redis_fails(stage: &Stage, how: Network) -> anyhow::Result<()> {
    let (proxy, service, client, url) = behind_redis(stage).await?;
    let other = service.create_gopher().await?;
    wait_until_cached(&service, &client, &url).await?;
    proxy.turn(how);
    expect_read(&client, &url).await?;
    expect_cheap_reads(stage, &client, &url).await?;
    // Not the same one: what is updated is not cached for a while.
    let update = client.put(&other).form(&[("name", "ferris"), ("sex", "1")]);
    let update = update.send().await?;
    ensure!(update.status() == 204, "an update fails");
    proxy.turn(Network::Up);
    wait_until_cached(&service, &client, &url).await?;
    service.stop().await
}

pub(crate) async fn a_killed_redis_costs_no_read(stage: &Stage) -> anyhow::Result<()> {
    redis_fails(stage, Network::Down).await
}

pub(crate) async fn a_hung_redis_is_left_alone(stage: &Stage) -> anyhow::Result<()> {
    redis_fails(stage, Network::Hung).await
}

/// Callers with little time do not wait for the time-out that would tell.
pub(crate) async fn a_hung_redis_is_noticed_without_a_call(stage: &Stage) -> anyhow::Result<()> {
    let (proxy, service, _, _) = behind_redis(stage).await?;
    proxy.turn(Network::Hung);
    service.wait_until_said("cache: lost").await?;
    proxy.turn(Network::Up);
    service.wait_until_said("cache: back").await?;
    service.stop().await
}

pub(crate) async fn an_absent_redis_fails_no_start(stage: &Stage) -> anyhow::Result<()> {
    let proxy = Proxy::before(REDIS_ADDR).await?;
    proxy.turn(Network::Down);
    let url = proxy.instead(REDIS_ADDR, &stage.cache().await?.url())?;
    let flags = ["--redis-url", &url, "--log-filter", ALL];
    let service = stage.serve(&flags).await?;
    let (client, url) = (Client::new(), service.create_gopher().await?);
    expect_read(&client, &url).await?;
    proxy.turn(Network::Up);
    wait_until_cached(&service, &client, &url).await?;
    service.stop().await
}

/// The cached user stays in Redis while it takes no tombstone, and the user is updated.
async fn expect_no_stale_user(
    stage: &Stage,
    network: Network,
    others: usize,
) -> anyhow::Result<()> {
    let (proxy, service, client, url) = behind_redis(stage).await?;
    wait_until_cached(&service, &client, &url).await?;
    let expect_ferris = async || {
        let read = client.get(&url).send().await?.text().await?;
        ensure!(read.contains("ferris"), "stale: {read}");
        anyhow::Ok(())
    };
    proxy.turn(network);
    update_others(&service, &client, others).await?;
    let update = client.put(&url).form(&[("name", "ferris"), ("sex", "1")]);
    ensure!(update.send().await?.status() == 204, "an update fails");
    expect_ferris().await?;
    let start = Instant::now();
    while start.elapsed() < RETRIES {
        expect_ferris().await?; // while it tries again, and fails again
        sleep(STEP).await;
    }
    proxy.turn(Network::Up);
    let start = Instant::now();
    while service.said("cache: back") == 0 {
        ensure!(start.elapsed() < BACK, "not back in {BACK:?}");
        expect_ferris().await?;
        sleep(STEP).await;
    }
    expect_ferris().await?;
    service.stop().await
}

pub(crate) async fn an_update_without_redis_is_made_up_for(stage: &Stage) -> anyhow::Result<()> {
    expect_no_stale_user(stage, Network::Down, 0).await?;
    expect_no_stale_user(stage, Network::Hung, 0).await
}

pub(crate) async fn a_full_redis_makes_no_user_stale(stage: &Stage) -> anyhow::Result<()> {
    expect_no_stale_user(stage, Network::RefusingTombstones, 0).await
}

/// So many updates come meanwhile, of users that nobody knows, that a service cannot remember
/// all whose tombstones are missing.
pub(crate) async fn too_many_missed_tombstones_make_no_user_stale(
    stage: &Stage,
) -> anyhow::Result<()> {
    expect_no_stale_user(stage, Network::Down, MANY).await
}

/// Updates as many users that nobody knows.
async fn update_others(service: &Service, client: &Client, others: usize) -> anyhow::Result<()> {
    let mut updates = JoinSet::new();
    for number in 0..others {
        if updates.len() == AT_A_TIME
            && let Some(update) = updates.join_next().await
        {
            update??;
        }
        let url = format!("{}/users/{}", service.http()?, 1_000_000 + number);
        let update = client.put(url).form(&[("name", "nobody"), ("sex", "1")]);
        updates.spawn(update.send());
    }
    while let Some(update) = updates.join_next().await {
        update??;
    }
    Ok(())
}

/// More users than a service remembers, and how many are updated at a time.
const MANY: usize = 10_100;
const AT_A_TIME: usize = 8;

/// The password is changed in Redis while the service runs, and before it starts.
pub(crate) async fn a_refused_password_costs_no_read(stage: &Stage) -> anyhow::Result<()> {
    let (_proxy, service, client, url) = behind_redis(stage).await?;
    wait_until_cached(&service, &client, &url).await?;
    let cache = stage.cache().await?;
    cache.take("another").await?;
    expect_read(&client, &url).await?;
    let late = stage.serve(&["--log-filter", ALL]).await?;
    let by_late = format!("{}/users/1", late.http()?);
    for url in [&url, &by_late] {
        expect_cheap_reads(stage, &client, url).await?;
    }
    sleep(RETRIES).await; // they try again, and are refused again
    cache.take(SECRET).await?;
    wait_until_cached(&service, &client, &url).await?;
    wait_until_cached(&late, &client, &by_late).await?;
    service.stop().await?;
    late.stop().await
}

/// One replica has read the old user from the database and is held before it can cache it;
/// another one updates the user; then the first one goes on.
pub(crate) async fn a_stale_user_is_never_cached(stage: &Stage) -> anyhow::Result<()> {
    let (proxy, reader, client, url) = behind_redis(stage).await?;
    let cache = stage.cache().await?;
    let connections = cache.connections().await?;
    ensure!(!connections.is_empty(), "Redis does not know the reader");
    let writer = stage.serve(&[]).await?;
    proxy.turn(Network::HoldingSets);
    expect_read(&client, &url).await?; // its install is on the way, and held
    let written = format!("{}/users/1", writer.http()?);
    let update = client
        .put(&written)
        .form(&[("name", "ferris"), ("sex", "1")]);
    ensure!(update.send().await?.status() == 204, "an update fails");
    proxy.turn(Network::Up);
    wait_for_installs(cache, &connections).await?;
    for url in [&written, &url] {
        let read = client.get(url).send().await?.text().await?;
        ensure!(read.contains("ferris"), "stale: {read}");
    }
    reader.stop().await?;
    writer.stop().await
}
