//! The cache: what Redis does not do costs no answer, and never makes one wrong.

use crate::cache::REDIS_ADDR;
use crate::database::SECRET;
use crate::proxy::Network;
use crate::proxy::Proxy;
use crate::service::Service;
use crate::stage::Stage;
use anyhow::ensure;
use reqwest::Client;
use std::time::Duration;
use std::time::Instant;
use tokio::time::sleep;

/// A reader never waits longer for a cache that has failed, and a little.
const SOON: Duration = Duration::from_millis(500);

/// How long a line may take from the service to here.
const FOR_THE_LOG: Duration = Duration::from_millis(100);

/// How soon a service that is back has to be used again.
const BACK: Duration = Duration::from_secs(5);

/// A service whose cache is behind a proxy, with one user.
async fn behind_redis(stage: &Stage) -> anyhow::Result<(Proxy, Service, Client, String)> {
    let proxy = Proxy::before(REDIS_ADDR).await?;
    let url = proxy.instead(REDIS_ADDR, &stage.cache().await?.url())?;
    let flags = ["--redis-url", &url, "--log-filter", "info,sqlx=debug"];
    let service = stage.serve(&flags).await?;
    let user = service.create_gopher().await?;
    Ok((proxy, service, Client::new(), user))
}

/// Reads the user, and wants it soon.
async fn reads(client: &Client, url: &str, within: Duration) -> anyhow::Result<()> {
    let start = Instant::now();
    let read = client.get(url).send().await?;
    let (status, took) = (read.status(), start.elapsed());
    ensure!(status == 200, "{status} after {took:?}");
    ensure!(took < within, "a read took {took:?}");
    Ok(())
}

/// Waits until a read asks no database: the cache is used.
async fn is_used_again(service: &Service, client: &Client, url: &str) -> anyhow::Result<()> {
    let start = Instant::now();
    while start.elapsed() < BACK {
        reads(client, url, SOON).await?;
        let asked = service.said("SELECT name, sex");
        reads(client, url, SOON).await?;
        sleep(FOR_THE_LOG).await;
        if service.said("SELECT name, sex") == asked {
            return Ok(());
        }
    }
    anyhow::bail!("not in {BACK:?}")
}

pub(crate) async fn a_cached_read_asks_no_database(stage: &Stage) -> anyhow::Result<()> {
    let service = stage.serve(&["--log-filter", "info,sqlx=debug"]).await?;
    let (client, user) = (Client::new(), service.create_gopher().await?);
    for _ in 0..3 {
        let read = client.get(&user).send().await?.text().await?;
        ensure!(
            read == r#"{"uid":1,"name":"gopher","sex":0}"#,
            "read {read}"
        );
    }
    sleep(FOR_THE_LOG).await;
    let asked = service.said("SELECT name, sex");
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

/// Reads cost at most twice what they cost a service that has no cache.
async fn cost_nothing_more(stage: &Stage, client: &Client, url: &str) -> anyhow::Result<()> {
    let plain = stage.serve_in("unset GOMS__REDIS__URL; exec \"$@\"", &[]);
    let plain = plain.await?;
    let without = format!("{}/users/1", plain.http()?);
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..100 {
        for (url, times) in [url, &without].into_iter().zip(&mut times) {
            let start = Instant::now();
            reads(client, url, SOON).await?;
            times.push(start.elapsed());
        }
    }
    let [with, without] = times.map(|mut times| {
        times.sort();
        times[times.len() / 2]
    });
    ensure!(with < without * 2, "{with:?} with, {without:?} without");
    plain.stop().await
}

async fn redis_fails(stage: &Stage, how: Network) -> anyhow::Result<()> {
    let (proxy, service, client, url) = behind_redis(stage).await?;
    let other = service.create_gopher().await?;
    is_used_again(&service, &client, &url).await?;
    proxy.turn(how);
    reads(&client, &url, SOON).await?;
    cost_nothing_more(stage, &client, &url).await?;
    // Not the same one: what is updated is not cached for a while.
    let update = client.put(&other).form(&[("name", "ferris"), ("sex", "1")]);
    let update = update.send().await?;
    ensure!(update.status() == 204, "an update fails");
    proxy.turn(Network::Up);
    is_used_again(&service, &client, &url).await?;
    service.stop().await
}

pub(crate) async fn a_killed_redis_costs_no_read(stage: &Stage) -> anyhow::Result<()> {
    redis_fails(stage, Network::Down).await
}

pub(crate) async fn a_hung_redis_is_left_alone(stage: &Stage) -> anyhow::Result<()> {
    redis_fails(stage, Network::Hung).await
}

pub(crate) async fn an_absent_redis_fails_no_start(stage: &Stage) -> anyhow::Result<()> {
    let proxy = Proxy::before(REDIS_ADDR).await?;
    proxy.turn(Network::Down);
    let url = proxy.instead(REDIS_ADDR, &stage.cache().await?.url())?;
    let flags = ["--redis-url", &url, "--log-filter", "info,sqlx=debug"];
    let service = stage.serve(&flags).await?;
    let (client, url) = (Client::new(), service.create_gopher().await?);
    reads(&client, &url, SOON).await?;
    proxy.turn(Network::Up);
    is_used_again(&service, &client, &url).await?;
    service.stop().await
}

/// The cached user stays in Redis while the service cannot reach it, and updates the user.
pub(crate) async fn an_update_without_redis_is_made_up_for(stage: &Stage) -> anyhow::Result<()> {
    let (proxy, service, client, url) = behind_redis(stage).await?;
    is_used_again(&service, &client, &url).await?;
    for (network, name) in [(Network::Down, "ferris"), (Network::Hung, "crab")] {
        proxy.turn(network);
        let backs = service.said("cache: back");
        let update = client.put(&url).form(&[("name", name), ("sex", "1")]);
        ensure!(update.send().await?.status() == 204, "an update fails");
        proxy.turn(Network::Up);
        let start = Instant::now();
        while service.said("cache: back") == backs {
            ensure!(start.elapsed() < BACK, "not back in {BACK:?}");
            let read = client.get(&url).send().await?.text().await?;
            ensure!(read.contains(name), "stale: {read}");
        }
        let read = client.get(&url).send().await?.text().await?;
        ensure!(read.contains(name), "stale: {read}");
    }
    service.stop().await
}

/// The password is changed in Redis while the service runs, and before it starts.
pub(crate) async fn a_refused_password_costs_no_read(stage: &Stage) -> anyhow::Result<()> {
    let (_proxy, service, client, url) = behind_redis(stage).await?;
    is_used_again(&service, &client, &url).await?;
    let cache = stage.cache().await?;
    cache.take("another").await?;
    reads(&client, &url, SOON).await?;
    let late = stage.serve(&["--log-filter", "info,sqlx=debug"]).await?;
    let by_late = format!("{}/users/1", late.http()?);
    for url in [&url, &by_late] {
        cost_nothing_more(stage, &client, url).await?;
    }
    cache.take(SECRET).await?;
    is_used_again(&service, &client, &url).await?;
    is_used_again(&late, &client, &by_late).await?;
    service.stop().await?;
    late.stop().await
}

/// One replica has read the old user from the database and is held before it can cache it;
/// another one updates the user; then the first one goes on.
pub(crate) async fn a_stale_user_is_never_cached(stage: &Stage) -> anyhow::Result<()> {
    let (proxy, reader, client, url) = behind_redis(stage).await?;
    let writer = stage.serve(&[]).await?;
    proxy.turn(Network::HoldingSets);
    reads(&client, &url, SOON).await?; // its install is on the way, and held
    let written = format!("{}/users/1", writer.http()?);
    let update = client
        .put(&written)
        .form(&[("name", "ferris"), ("sex", "1")]);
    ensure!(update.send().await?.status() == 204, "an update fails");
    proxy.turn(Network::Up);
    sleep(Duration::from_millis(200)).await; // the held install arrives
    for url in [&written, &url] {
        let read = client.get(url).send().await?.text().await?;
        ensure!(read.contains("ferris"), "stale: {read}");
    }
    reader.stop().await?;
    writer.stop().await
}
