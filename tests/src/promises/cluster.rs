//! A cluster that compares writes only when they are committed, as Galera does: the loser of
//! two that meet is told that it met a deadlock. It has been rolled back, so that to ask again
//! does nothing twice.

use super::session::behind;
use super::session::count;
use super::session::ping;
use crate::answer::Answer;
use crate::proto::PingRequest;
use crate::proto::user_client::UserClient;
use crate::sqlproxy::SqlProxy;
use crate::sqlproxy::Which;
use crate::stage::Stage;
use anyhow::Context;
use anyhow::ensure;
use ladder::services::MYSQL_ADDR;
use reqwest::Client;
use std::time::Duration;
use std::time::Instant;
use tokio::task::JoinSet;

/// The server's number for a deadlock.
const DEADLOCK: u16 = 1213;

const WRITES: &[&str] = &["INSERT", "UPDATE", "DELETE", "BEGIN; INSERT"];

/// How often in a row each statement loses.
const LOSSES: usize = 3;

/// How many clients ping at the same time, and how often.
const CLIENTS: usize = 8;
const PINGS: usize = 16;

pub(crate) async fn the_victim_of_a_deadlock_is_tried_again(stage: &Stage) -> anyhow::Result<()> {
    let proxy = SqlProxy::before(MYSQL_ADDR).await?;
    let service = behind(stage, &proxy, &[]).await?;
    let (client, url) = (Client::new(), service.http()?);
    let mut caller = UserClient::connect(service.grpc()?).await?;
    let users = format!("{url}/users");
    let user = format!("{users}/1");
    let form = [("name", "gopher"), ("sex", "0")];
    for (what, request, status) in [
        ("create", client.post(&users).form(&form), 201),
        ("update", client.put(&user).form(&form), 204),
        ("ping", client.get(format!("{url}/ping")), 200),
        ("delete", client.delete(&user), 204),
    ] {
        let before = proxy.refused();
        proxy.refuse(WRITES, DEADLOCK, Which::Next(LOSSES));
        let answer = Answer::of(request.send().await?).await?;
        let met = proxy.refused() - before;
        ensure!(
            answer.status == status,
            "a {what} that met {met} deadlocks: not {status}: {answer:?}"
        );
        ensure!(met == LOSSES, "a {what} met {met} deadlocks, not {LOSSES}");
    }
    proxy.refuse(WRITES, DEADLOCK, Which::Next(LOSSES));
    let called = caller.ping(PingRequest::default()).await;
    let reply = called.context("a ping by gRPC that met a deadlock")?;
    ensure!(reply.get_ref().count == 1, "by gRPC: {reply:?}");
    let next = count(&ping(&client, &service).await?)?;
    ensure!(next == 2, "of two pings the second is number {next}");
    service.stop().await
}

/// Every second statement loses.
pub(crate) async fn conflicts_lose_no_ping_and_count_none_twice(
    stage: &Stage,
) -> anyhow::Result<()> {
    let proxy = SqlProxy::before(MYSQL_ADDR).await?;
    let service = behind(stage, &proxy, &[]).await?;
    proxy.refuse(WRITES, DEADLOCK, Which::Odd(0));
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (client, url) = (Client::new(), format!("{}/ping", service.http()?));
        clients.spawn(async move {
            for number in 0..PINGS {
                let answer = Answer::of(client.get(&url).send().await?).await?;
                ensure!(answer.status == 200, "ping {number}: {answer:?}");
            }
            Ok(())
        });
    }
    while let Some(client) = clients.join_next().await {
        client??;
    }
    proxy.relent();
    let next = count(&ping(&Client::new(), &service).await?)?;
    let all = i64::try_from(CLIENTS * PINGS)?;
    ensure!(
        next == all + 1,
        "after {all} pings the next is number {next}"
    );
    service.stop().await
}

/// The client is told before its own patience ends.
pub(crate) async fn a_deadlock_that_does_not_end_is_told_as_503(
    stage: &Stage,
) -> anyhow::Result<()> {
    let proxy = SqlProxy::before(MYSQL_ADDR).await?;
    let service = behind(stage, &proxy, &[]).await?;
    proxy.refuse(WRITES, DEADLOCK, Which::All);
    let (client, start) = (Client::new(), Instant::now());
    let told = ping(&client, &service).await?.expect_problem(503, None);
    let took = start.elapsed();
    told.with_context(|| format!("a deadlock without end, after {took:?}"))?;
    ensure!(took < Duration::from_secs(5), "it took {took:?}");
    let tries = proxy.refused();
    // With pauses of up to 100 ms there are over 30; without any there would be thousands.
    ensure!((2..500).contains(&tries), "it was tried {tries} times");
    proxy.relent();
    let next = count(&ping(&client, &service).await?)?;
    ensure!(next == 1, "the ping that was refused was counted: {next}");
    service.stop().await
}
