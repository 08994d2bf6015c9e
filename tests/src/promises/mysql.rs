//! The database: when it does not do what it should, clients learn so in time, and nothing
//! that was acknowledged is lost.

use crate::answer::Answer;
use crate::proto::PingRequest;
use crate::proto::UserId;
use crate::proto::user_client::UserClient;
use crate::proxy::Network;
use crate::proxy::Proxy;
use crate::service::Service;
use crate::stage::Stage;
use anyhow::ensure;
use ladder::services::MYSQL_ADDR;
use reqwest::Client;
use std::time::Duration;
use std::time::Instant;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tonic::Code;

/// How long a call may take that cannot be done: 1 s, and what a busy machine adds.
const AT_ONCE: Duration = Duration::from_millis(1500);

/// A service whose database is behind a proxy, and whose log is filtered.
pub(super) async fn behind_mysql(stage: &Stage, filter: &str) -> anyhow::Result<(Proxy, Service)> {
    let proxy = Proxy::before(MYSQL_ADDR).await?;
    let url = proxy.instead(MYSQL_ADDR, &stage.database().await?.url())?;
    let flags = ["--mysql-url", &url, "--log-filter", filter];
    Ok((proxy, stage.serve(&flags).await?))
}

/// Pings, and says how long it took.
async fn ping(client: &Client, service: &Service) -> anyhow::Result<(Answer, Duration)> {
    let start = Instant::now();
    let response = client
        .get(format!("{}/ping", service.http()?))
        .send()
        .await?;
    Ok((Answer::of(response).await?, start.elapsed()))
}

/// Wants an answer soon after the network is up again.
async fn wait_until_back(client: &Client, service: &Service) -> anyhow::Result<()> {
    let start = Instant::now();
    while ping(client, service).await?.0.status != 200 {
        ensure!(
            start.elapsed() < Duration::from_secs(2),
            "it does not come back"
        );
    }
    Ok(())
}

pub(crate) async fn without_mysql_calls_are_refused_at_once(stage: &Stage) -> anyhow::Result<()> {
    let (proxy, service) = behind_mysql(stage, "info").await?;
    let client = Client::new();
    ensure!(
        ping(&client, &service).await?.0.status == 200,
        "it does not work"
    );
    proxy.turn(Network::Down);
    for _ in 0..5 {
        let (answer, took) = ping(&client, &service).await?;
        answer.expect_problem(503, None)?;
        ensure!(took < Duration::from_millis(1200), "it took {took:?}");
    }
    let mut grpc = UserClient::connect(service.grpc()?).await?;
    let refused = grpc.read_user(UserId { uid: 1 }).await;
    let code = refused.err().map(|status| status.code());
    ensure!(code == Some(Code::Unavailable), "over gRPC: {code:?}");
    proxy.turn(Network::Up);
    wait_until_back(&client, &service).await?;
    service.stop().await
}

/// Makes the pool open so many connections, by as many updates that wait for one lock.
pub(super) async fn open(stage: &Stage, service: &Service, connections: i64) -> anyhow::Result<()> {
    let (client, user) = (Client::new(), service.create_gopher().await?);
    let mut lock = stage.database().await?.lock_users().await?;
    let mut updates = JoinSet::new();
    for _ in 0..connections {
        let update = client.put(&user).form(&[("name", "ferris"), ("sex", "1")]);
        updates.spawn(update.send());
    }
    lock.wait_for(connections).await?;
    lock.release().await?;
    while let Some(updated) = updates.join_next().await {
        updated??.error_for_status()?;
    }
    Ok(())
}

pub(crate) async fn a_hung_mysql_ends_in_504(stage: &Stage) -> anyhow::Result<()> {
    let (proxy, service) = behind_mysql(stage, "info").await?;
    let client = Client::new();
    let mut caller = UserClient::connect(service.grpc()?).await?;
    open(stage, &service, 2).await?;
    proxy.turn(Network::Hung);
    let read = caller.read_user(UserId { uid: 1 });
    let (pinged, called) = tokio::join!(ping(&client, &service), read);
    let (answer, took) = pinged?;
    answer.expect_problem(504, None)?;
    ensure!(took < Duration::from_secs(6), "it took {took:?}");
    let code = called.err().map(|status| status.code());
    ensure!(code == Some(Code::DeadlineExceeded), "by gRPC: {code:?}");
    proxy.turn(Network::Up);
    wait_until_back(&client, &service).await?;
    service.stop().await
}

/// All pings change one row. While that is locked, two wait for it, and the others for them.
pub(crate) async fn pings_that_wait_stop_nobody_else(stage: &Stage) -> anyhow::Result<()> {
    let service = stage.serve(&["--mysql-connections", "4"]).await?;
    service.create_gopher().await?;
    let mut lock = stage.database().await?.lock_pings().await?;
    let (client, mut pings) = (Client::new(), JoinSet::new());
    let url = format!("{}/ping", service.http()?);
    let mut ping = || pings.spawn(client.get(&url).send());
    ping();
    lock.wait_for(1).await?;
    ping();
    lock.wait_for(2).await?;
    for _ in 2..8 {
        sleep(Duration::from_millis(20)).await; // each could get a connection before the next comes
        ping();
    }
    let start = Instant::now();
    service.create_gopher().await?;
    ensure!(start.elapsed() < AT_ONCE, "{:?}", start.elapsed());
    lock.release().await?;
    let mut counted = 0;
    while let Some(pinged) = pings.join_next().await {
        let answer = Answer::of(pinged??).await?;
        match answer.status {
            200 => counted += 1,
            _ => answer.expect_problem(503, None)?,
        }
    }
    ensure!(counted >= 2, "only {counted} pings were answered");
    service.stop().await
}

/// So do updates of users that somebody has locked.
pub(crate) async fn updates_that_wait_stop_no_reader(stage: &Stage) -> anyhow::Result<()> {
    let service = stage.serve(&["--mysql-connections", "4"]).await?;
    let (locked, other) = (
        service.create_gopher().await?,
        service.create_gopher().await?,
    );
    let mut lock = stage.database().await?.lock_users().await?;
    let client = Client::new();
    let mut updates = JoinSet::new();
    for _ in 0..8 {
        let update = client
            .put(&locked)
            .form(&[("name", "ferris"), ("sex", "1")]);
        updates.spawn(update.send());
    }
    lock.wait_for(2).await?;
    let start = Instant::now();
    let read = Answer::of(client.get(&other).send().await?).await?;
    ensure!(read.status == 200, "a reader is told {read:?}");
    ensure!(start.elapsed() < AT_ONCE, "{:?}", start.elapsed());
    lock.release().await?;
    let mut updated = 0;
    while let Some(update) = updates.join_next().await {
        let answer = Answer::of(update??).await?;
        match answer.status {
            204 => updated += 1,
            _ => answer.expect_problem(503, None)?,
        }
    }
    ensure!(updated >= 2, "only {updated} updates were made");
    service.stop().await
}

pub(crate) async fn replicas_that_start_together_migrate_once(stage: &Stage) -> anyhow::Result<()> {
    stage.database().await?;
    let (one, two, three) = tokio::join!(stage.serve(&[]), stage.serve(&[]), stage.serve(&[]));
    for (service, count) in [one?, two?, three?].into_iter().zip(1..) {
        let text = ping(&Client::new(), &service).await?.0.body;
        ensure!(
            text.contains(&format!("\"count\":{count}")),
            "{text}, not {count}"
        );
        service.stop().await?;
    }
    Ok(())
}

/// What a client has been told so far.
#[derive(Debug, Default)]
struct Told {
    /// The users that were created.
    created: Vec<String>,
    refused: usize,
    /// The last success.
    last: Option<Instant>,
}

/// Creates users until told to stop. An answer is a success or a 503, and never late.
async fn create_users(url: String, until: watch::Receiver<bool>) -> anyhow::Result<Told> {
    let mut told = Told::default();
    let client = Client::new();
    while !*until.borrow() {
        let start = Instant::now();
        let create = client.post(format!("{url}/users"));
        let create = create.form(&[("name", "gopher"), ("sex", "0")]);
        let answer = Answer::of(create.send().await?).await?;
        let took = start.elapsed();
        ensure!(took < AT_ONCE, "after {took:?}: {answer:?}");
        if answer.status == 201 {
            told.created.push(answer.header("location").to_owned());
            told.last = Some(Instant::now());
        } else {
            answer.expect_problem(503, None)?;
            told.refused += 1;
        }
    }
    Ok(told)
}

/// Calls until told to stop, in the same way.
async fn call_pings(url: String, until: watch::Receiver<bool>) -> anyhow::Result<i64> {
    let mut client = UserClient::connect(url).await?;
    let mut counted = 0;
    while !*until.borrow() {
        let start = Instant::now();
        match client.ping(PingRequest::default()).await {
            Ok(_) => counted += 1,
            Err(status) => ensure!(status.code() == Code::Unavailable, "{status}"),
        }
        let took = start.elapsed();
        ensure!(took < AT_ONCE, "by gRPC, after {took:?}");
    }
    Ok(counted)
}

/// MySQL goes away for two seconds under load, and comes back.
pub(crate) async fn a_lost_mysql_loses_nothing_acknowledged(stage: &Stage) -> anyhow::Result<()> {
    let (proxy, service) = behind_mysql(stage, "info").await?;
    let (end, until) = watch::channel(false);
    let (mut writers, mut callers) = (JoinSet::new(), JoinSet::new());
    for _ in 0..8 {
        writers.spawn(create_users(service.http()?, until.clone()));
        callers.spawn(call_pings(service.grpc()?, until.clone()));
    }
    sleep(Duration::from_millis(500)).await;
    proxy.turn(Network::Down);
    sleep(Duration::from_secs(2)).await;
    proxy.turn(Network::Up);
    sleep(Duration::from_secs(2)).await;
    let returned = Instant::now();
    sleep(Duration::from_millis(500)).await;
    end.send_replace(true);

    let mut counted = 0;
    while let Some(client) = callers.join_next().await {
        counted += client??;
    }
    let mut client = UserClient::connect(service.grpc()?).await?;
    let reply = client.ping(PingRequest::default()).await?.into_inner();
    ensure!(
        reply.count > counted,
        "{counted} pings were acknowledged: {reply:?}"
    );
    while let Some(client) = writers.join_next().await {
        let told = client??;
        ensure!(told.refused > 0, "it never lost its database");
        let back = told.last > Some(returned);
        ensure!(back, "it was not back in 2 s: {:?}", told.last);
        for user in told.created {
            let read = reqwest::get(format!("{}{user}", service.http()?)).await?;
            ensure!(read.status() == 200, "{user} is lost");
        }
    }
    service.stop().await
}
