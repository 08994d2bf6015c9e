//! Clients that keep the service waiting: they say nothing, or not all, or never read.
//!
//! All wait at the same time, in one promise, because each takes half a minute.

use super::calls::framed;
use super::calls::head;
use super::limits::raise_connections;
use super::warm::FORM;
use super::warm::Warm;
use super::wire::Wire;
use super::wire::expect_status;
use super::wire::request;
use crate::proto::PingRequest;
use crate::service::Service;
use crate::stage::Stage;
use crate::store::Store;
use anyhow::Context;
use anyhow::ensure;
use bytes::Bytes;
use prost::Message;
use std::ops::Range;
use std::time::Duration;
use std::time::Instant;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio::time::timeout;

/// How many clients say nothing, on each port.
const SILENT: usize = 1000;

/// When one that says nothing, or does not read, is dropped, in seconds.
const DROPPED: Range<u64> = 27..36;

/// When a body that has not come is given up, in seconds.
const GIVEN_UP: Range<u64> = 4..8;

/// How much memory all the silent ones may leave behind, in bytes.
const SILENT_MEMORY: u64 = 64 << 20;

/// How much memory those who never read may take, in bytes.
const DEAF_MEMORY: u64 = 16 << 20;

/// How many calls one client makes whose answers it does not read: a connection has 200.
const CALLS: usize = 100;

type Clients = JoinSet<anyhow::Result<()>>;

pub(crate) async fn who_keeps_it_waiting_is_dropped_in_time(stage: &Stage) -> anyhow::Result<()> {
    raise_connections()?;
    let idle = &["--limit-idle", "30"][..];
    let flags = &[idle, stage.on(Store::Memory)].concat();
    let warm = Warm::serve(stage, flags).await?;
    let deaf = Warm::serve(stage, flags).await?;
    let mut clients = Clients::new();
    add_silent(&mut clients, &warm.service, stage).await?;
    add_slow(&mut clients, &warm.service)?;
    add_deaf(&mut clients, &deaf.service, stage)?;
    let start = Instant::now();
    while !clients.is_empty() {
        // Those who ask are answered all the time.
        for service in [&warm, &deaf].map(|warm| &warm.service) {
            let ping = request("GET /ping", FORM, "");
            let url = service.http()?;
            let answered = timeout(Duration::from_secs(2), expect_status(&url, ping, 200)).await;
            answered.context("others are kept out")??;
        }
        deaf.expect_little_more_memory(DEAF_MEMORY).await?;
        sleep(Duration::from_millis(500)).await;
        while let Some(client) = clients.try_join_next() {
            client??;
        }
        let waited = start.elapsed().as_secs();
        ensure!(waited < 60, "{} are not dropped", clients.len());
    }
    warm.expect_little_more_memory(SILENT_MEMORY).await?;
    warm.service.stop().await?;
    deaf.service.stop().await
}

/// Wants the connection to be closed at that time, without a word.
async fn expect_dropped(mut wire: Wire, who: &'static str) -> anyhow::Result<()> {
    let start = Instant::now();
    let closed = timeout(Duration::from_secs(50), wire.closes()).await;
    closed.with_context(|| format!("{who} is not dropped"))?;
    expect_in_time(start, DROPPED, who)
}

fn expect_in_time(start: Instant, bounds: Range<u64>, who: &str) -> anyhow::Result<()> {
    let took = start.elapsed();
    let seconds = took.as_secs();
    ensure!(bounds.contains(&seconds), "{who}: after {took:?}");
    Ok(())
}

/// Those who say nothing, or nothing more.
async fn add_silent(clients: &mut Clients, service: &Service, stage: &Stage) -> anyhow::Result<()> {
    let url = service.http()?;
    for _ in 0..SILENT {
        let wire = Wire::connect(&url).await?;
        clients.spawn(expect_dropped(wire, "one that says nothing"));
    }
    let mut kept = Wire::connect(&url).await?;
    kept.send(request("GET /ping", FORM, "")).await;
    kept.answer().await?.context("closed")?;
    clients.spawn(expect_dropped(kept, "one that says nothing more"));
    let mut half = Wire::connect(&url).await?;
    half.send("GET /ping HTTP/1.1\r\nhost: ").await;
    clients.spawn(expect_dropped(half, "one that stops in its head"));
    if !stage.lesson.has("e-grpc") {
        return Ok(());
    }
    let url = service.grpc()?;
    for _ in 0..SILENT {
        let wire = Wire::connect(&url).await?;
        clients.spawn(expect_dropped(wire, "one that says nothing by gRPC"));
    }
    for (bytes, who) in [
        (&b"PRI * HTTP/2.0\r\n"[..], "one that stops in the preface"),
        (
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
            "one that answers no ping of HTTP/2",
        ),
    ] {
        let mut wire = Wire::connect(&url).await?;
        wire.send(bytes).await;
        clients.spawn(expect_dropped(wire, who));
    }
    Ok(())
}

/// Those whose bytes come one by one, which is no silence.
fn add_slow(clients: &mut Clients, service: &Service) -> anyhow::Result<()> {
    let url = service.http()?;
    let post = "POST /users HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n";
    let start = "GET /ping HTTP/1.1\r\nx: ";
    for (bytes, each, status, bounds) in [
        (start, "a", None, DROPPED),
        (post, "a", Some(408), GIVEN_UP),
        (post, "", Some(408), GIVEN_UP),
    ] {
        let url = url.clone();
        clients.spawn(async move {
            let start = Instant::now();
            let mut wire = Wire::connect(&url).await?;
            wire.send(bytes).await;
            while !wire.is_answered(Duration::from_secs(1)).await {
                wire.send(each).await;
                ensure!(start.elapsed().as_secs() < 50, "{bytes:?}: not given up");
            }
            let answer = wire.answer().await?;
            let closed = answer.is_none();
            ensure!(closed == status.is_none(), "{bytes:?}: {answer:?}");
            if let (Some(answer), Some(status)) = (answer, status) {
                answer.expect_problem(status, None)?;
            }
            expect_in_time(start, bounds, bytes)
        });
    }
    Ok(())
}

/// Those who ask and never read an answer.
fn add_deaf(clients: &mut Clients, service: &Service, stage: &Stage) -> anyhow::Result<()> {
    let message = "a".repeat(12 * 1024);
    let ping = request(&format!("GET /ping?message={message}"), FORM, "");
    for _ in 0..4 {
        let (url, ping) = (service.http()?, ping.clone());
        clients.spawn(async move {
            let start = Instant::now();
            let mut wire = Wire::connect_deaf(&url).await?;
            let closed = timeout(Duration::from_secs(50), wire.flood(&ping)).await;
            closed.context("one that never reads is not dropped")?;
            expect_in_time(start, DROPPED, "one that never reads")
        });
    }
    if stage.lesson.has("e-grpc") {
        for _ in 0..2 {
            clients.spawn(never_read_by_grpc(service.grpc()?, message.clone()));
        }
    }
    Ok(())
}

/// Makes calls, then neither reads nor answers.
async fn never_read_by_grpc(url: String, message: String) -> anyhow::Result<()> {
    let stream = TcpStream::connect(url.trim_start_matches("http://")).await?;
    let mut builder = h2::client::Builder::new();
    // The service may send heads, and of their bodies nothing.
    builder.initial_window_size(0);
    let (requests, mut connection) = builder.handshake::<_, Bytes>(stream).await?;
    let body = Bytes::from(framed(&PingRequest { message }.encode_to_vec()));
    let calls = async {
        let mut calls = Vec::new();
        for _ in 0..CALLS {
            let mut requests = requests.clone().ready().await?;
            let request = head("/service.goms.User/Ping", &[])?;
            let (answer, mut sending) = requests.send_request(request, false)?;
            sending.send_data(body.clone(), true)?;
            // Kept, because to drop it cancels the call.
            calls.push((answer.await?, sending));
        }
        anyhow::Ok(calls)
    };
    let _calls = tokio::select! {
        calls = calls => calls?,
        ended = &mut connection => return ended.context("the calls end early"),
    };
    sleep(Duration::from_secs(33)).await;
    // It was closed meanwhile, or this goes on for ever.
    let ended = timeout(Duration::from_secs(1), connection).await;
    ended
        .map(drop)
        .context("one that never reads by gRPC is not dropped")
}
