//! Connections cost something before anything is asked on them: how many there may be, and how
//! long one may say nothing, is a setting.

use super::calls::Calls;
use super::calls::framed;
use super::calls::head;
use super::limits::expect_flag;
use super::limits::raise_connections;
use super::warm::FORM;
use super::wire::Wire;
use super::wire::expect_status;
use super::wire::request;
use crate::stage::Stage;
use anyhow::Context;
use anyhow::ensure;
use std::time::Duration;
use std::time::Instant;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tonic::Code;

/// How long a connection may say nothing in these tests, in seconds: as short as can be, but
/// longer than a request may take.
const IDLE: u64 = 6;

/// Far more than an answer takes on a busy machine.
const SOON: Duration = Duration::from_secs(2);

/// Time for an answer to come that is not to come.
const NOT_YET: Duration = Duration::from_millis(300);

/// More silent connections than a process may have files by default.
const SILENT: usize = 1200;

/// The number of files that most shells allow a process until it asks for more.
const SOFT_LIMIT: &str = "ulimit -S -n 1024; exec \"$@\"";

fn ping() -> Vec<u8> {
    request("GET /ping", FORM, "")
}

/// A balancer keeps a connection for 60 s, and sends a request on it whenever it likes: the
/// service must not close it first.
pub(crate) async fn how_long_a_connection_may_be_silent_is_a_setting(
    stage: &Stage,
) -> anyhow::Result<()> {
    expect_flag(stage, "--limit-idle", "75").await?;
    let idle = IDLE.to_string();
    let service = stage.serve(&["--limit-idle", &idle]).await?;
    let url = service.http()?;
    let start = Instant::now();
    let new = Wire::connect(&url).await?;
    let mut half = Wire::connect(&url).await?;
    half.send("GET /ping HTTP/1.1\r\nhost: ").await;
    let mut kept = Wire::connect(&url).await?;
    kept.send(ping()).await;
    kept.answer().await?.context("closed")?;
    let call = Wire::connect(&service.grpc()?).await?;
    let mut clients = JoinSet::new();
    for (mut wire, who) in [
        (new, "one that says nothing"),
        (half, "one that stops in its head"),
        (kept, "one that says nothing more"),
        (call, "one that says nothing by gRPC"),
    ] {
        clients.spawn(async move {
            let closed = timeout(Duration::from_secs(IDLE + 4), wire.closes()).await;
            closed.with_context(|| format!("{who} is not dropped"))?;
            let took = start.elapsed();
            let early = Duration::from_secs(IDLE).saturating_sub(NOT_YET);
            ensure!(took >= early, "{who} is dropped after {took:?}");
            Ok(())
        });
    }
    // A new one that asks in time is answered all the while.
    let mut late = Wire::connect(&url).await?;
    tokio::time::sleep(Duration::from_secs(IDLE - 2)).await;
    late.send(ping()).await;
    late.answer()
        .await?
        .context("it is dropped before its time")?;
    while let Some(client) = clients.join_next().await {
        client??;
    }
    service.stop().await
}

pub(crate) async fn silent_heads_shut_nobody_out(stage: &Stage) -> anyhow::Result<()> {
    raise_connections()?;
    let service = stage.serve_in(SOFT_LIMIT, &[]).await?;
    let url = service.http()?;
    let mut silent = Vec::new();
    for number in 0..SILENT {
        let wire = timeout(SOON, Wire::connect(&url)).await;
        let mut wire =
            wire.with_context(|| format!("{number} silent heads shut everybody else out"))??;
        wire.send("GET /ping HTTP/1.1\r\nhost: ").await;
        silent.push(wire);
    }
    let answered = timeout(SOON, expect_status(&url, ping(), 200)).await;
    answered.with_context(|| format!("{SILENT} silent heads shut everybody else out"))??;
    service.create_gopher().await?; // what needs a file besides its connection
    drop(silent); // how long a stop waits for half a head is another question
    service.stop().await
}

/// Those who come when all places are taken wait for one; nobody is turned away.
pub(crate) async fn connections_over_their_number_wait(stage: &Stage) -> anyhow::Result<()> {
    expect_flag(stage, "--limit-connections", "4096").await?;
    let service = stage.serve(&["--limit-connections", "8"]).await?;
    let url = service.http()?;
    let mut inside = Vec::new();
    for _ in 0..8 {
        let mut wire = Wire::connect(&url).await?;
        wire.send(ping()).await;
        wire.answer().await?.context("closed")?;
        inside.push(wire);
    }
    let mut outside = Wire::connect(&url).await?;
    outside.send(ping()).await;
    ensure!(
        !outside.is_answered(NOT_YET).await,
        "a ninth connection is served beside eight"
    );
    // Each listener has its own.
    let calls = Calls::connect(&service.grpc()?).await?;
    let read = head("/service.goms.User/ReadUser", &[])?;
    let reply = calls.call(read, framed(&[])).await?;
    ensure!(
        reply.code == Some(Code::InvalidArgument),
        "by gRPC: {reply:?}"
    );
    inside.pop();
    ensure!(
        outside.is_answered(SOON).await,
        "a place is free, and the one that waits does not get it"
    );
    let answer = outside.answer().await?.context("closed")?;
    ensure!(answer.status == 200, "{answer:?}");
    service.stop().await
}
