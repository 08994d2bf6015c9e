//! What happens when MySQL or Redis does not do what it should.

use crate::cache::REDIS_ADDR;
use crate::database::MYSQL_ADDR;
use crate::proto::UserId;
use crate::proto::user_client::UserClient;
use crate::proxy::Network;
use crate::proxy::Proxy;
use crate::stage::Service;
use crate::stage::Stage;
use anyhow::ensure;
use reqwest::Client;
use reqwest::Response;
use std::time::Duration;
use std::time::Instant;
use tokio::time::sleep;
use tonic::Code;

/// A reader never waits longer for a cache that has failed, and a little.
const SOON: Duration = Duration::from_millis(500);

/// How soon a service that is back has to be used again.
const BACK: Duration = Duration::from_secs(5);

/// A service whose cache is behind a proxy, with one user.
async fn behind_redis(stage: &Stage) -> anyhow::Result<(Proxy, Service, Client, String)> {
    let proxy = Proxy::before(REDIS_ADDR).await?;
    let url = proxy.instead(REDIS_ADDR, &stage.cache().await?.url())?;
    let flags = ["--redis-url", &url, "--log-filter", "info,sqlx=debug"];
    let service = stage.serve(&flags).await?;
    let (client, users) = (Client::new(), format!("{}/users", service.http()?));
    let user = [("name", "gopher"), ("sex", "0")];
    client
        .post(&users)
        .form(&user)
        .send()
        .await?
        .error_for_status()?;
    Ok((proxy, service, client, format!("{users}/1")))
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
        sleep(Duration::from_millis(100)).await; // for the log
        if service.said("SELECT name, sex") == asked {
            return Ok(());
        }
    }
    anyhow::bail!("not in {BACK:?}")
}

async fn redis_fails(stage: &Stage, how: Network) -> anyhow::Result<()> {
    let (proxy, service, client, url) = behind_redis(stage).await?;
    is_used_again(&service, &client, &url).await?;
    proxy.turn(how);
    reads(&client, &url, SOON).await?;
    for _ in 0..50 {
        reads(&client, &url, Duration::from_millis(100)).await?;
    }
    let update = client.put(&url).form(&[("name", "ferris"), ("sex", "1")]);
    ensure!(update.send().await?.status() == 204, "an update fails");
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
    let (client, users) = (Client::new(), format!("{}/users", service.http()?));
    let user = [("name", "gopher"), ("sex", "0")];
    client
        .post(&users)
        .form(&user)
        .send()
        .await?
        .error_for_status()?;
    let url = format!("{users}/1");
    reads(&client, &url, SOON).await?;
    proxy.turn(Network::Up);
    is_used_again(&service, &client, &url).await?;
    service.stop().await
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

/// A service whose database is behind a proxy.
async fn behind_mysql(stage: &Stage) -> anyhow::Result<(Proxy, Service)> {
    let proxy = Proxy::before(MYSQL_ADDR).await?;
    let url = proxy.instead(MYSQL_ADDR, &stage.database().await?.url())?;
    let service = stage.serve(&["--mysql-url", &url]).await?;
    Ok((proxy, service))
}

/// Pings, and says how long it took.
async fn ping(client: &Client, service: &Service) -> anyhow::Result<(Response, Duration)> {
    let start = Instant::now();
    let response = client
        .get(format!("{}/ping", service.http()?))
        .send()
        .await?;
    Ok((response, start.elapsed()))
}

pub(crate) async fn without_mysql_calls_are_refused_at_once(stage: &Stage) -> anyhow::Result<()> {
    let (proxy, service) = behind_mysql(stage).await?;
    let client = Client::new();
    ensure!(
        ping(&client, &service).await?.0.status() == 200,
        "it does not work"
    );
    proxy.turn(Network::Down);
    for _ in 0..5 {
        let (response, took) = ping(&client, &service).await?;
        ensure!(
            response.status() == 503,
            "{} after {took:?}",
            response.status()
        );
        ensure!(
            response.headers().contains_key("retry-after"),
            "no Retry-After"
        );
        ensure!(took < Duration::from_millis(1200), "it took {took:?}");
    }
    let mut grpc = UserClient::connect(service.grpc()?).await?;
    let refused = grpc.read_user(UserId { uid: 1 }).await;
    let code = refused.err().map(|status| status.code());
    ensure!(code == Some(Code::Unavailable), "over gRPC: {code:?}");
    proxy.turn(Network::Up);
    let start = Instant::now();
    while ping(&client, &service).await?.0.status() != 200 {
        ensure!(
            start.elapsed() < Duration::from_secs(2),
            "it does not come back"
        );
    }
    service.stop().await
}

pub(crate) async fn a_hung_mysql_ends_in_504(stage: &Stage) -> anyhow::Result<()> {
    let (proxy, service) = behind_mysql(stage).await?;
    let client = Client::new();
    ensure!(
        ping(&client, &service).await?.0.status() == 200,
        "it does not work"
    );
    proxy.turn(Network::Hung);
    let (response, took) = ping(&client, &service).await?;
    ensure!(
        response.status() == 504,
        "{} after {took:?}",
        response.status()
    );
    ensure!(took < Duration::from_secs(6), "it took {took:?}");
    proxy.turn(Network::Up);
    let start = Instant::now();
    while ping(&client, &service).await?.0.status() != 200 {
        ensure!(
            start.elapsed() < Duration::from_secs(2),
            "it does not come back"
        );
    }
    service.stop().await
}

pub(crate) async fn replicas_that_start_together_migrate_once(stage: &Stage) -> anyhow::Result<()> {
    stage.database().await?;
    let (one, two, three) = tokio::join!(stage.serve(&[]), stage.serve(&[]), stage.serve(&[]));
    for (service, count) in [one?, two?, three?].into_iter().zip(1..) {
        let (response, _) = ping(&Client::new(), &service).await?;
        let text = response.text().await?;
        ensure!(
            text.contains(&format!("\"count\":{count}")),
            "{text}, not {count}"
        );
        service.stop().await?;
    }
    Ok(())
}
