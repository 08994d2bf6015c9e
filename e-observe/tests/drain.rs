//! Every answer arrives: one that comes early, and the last ones before the service stops.

mod common;

use common::call::Caller;
use common::service::Service;
use common::service::known;
use common::wire::PING;
use common::wire::Wire;
use common::wire::create;
use nix::sys::signal::Signal;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio::time::timeout;

const MEMORY: [&str; 2] = ["--store", "memory"];

/// More than the system keeps for a service that does not read.
const LARGE: usize = 16 << 20;

/// For what comes at once; less than the 5 s that a body has.
const SOON: Duration = Duration::from_secs(3);

/// For what comes after these 5 s.
const LATE: Duration = Duration::from_secs(9);

/// For what the service closes at once, which nobody else can see.
const MOMENT: Duration = Duration::from_secs(1);

/// Between two requests of a client.
const PAUSE: Duration = Duration::from_millis(5);

/// How many clients: the service may well be lucky with a few.
const CLIENTS: usize = 64;

#[tokio::test]
async fn an_early_answer() -> anyhow::Result<()> {
    let service = Service::up(&MEMORY).await?;
    let mut client = Wire::connect(&service.http).await?;
    // Nobody needs the body to see that there is no such path, or that it is too large.
    client
        .send(create(LARGE).replace("/users", "/nowhere"))
        .await?;
    let answer = client.answer_after(&vec![b'x'; LARGE], LATE).await;
    let answer = answer.unwrap_or_else(|error| error.to_string());
    assert!(
        answer.starts_with("HTTP/1.1 4"),
        "an early answer reaches a client that still sends: {answer}"
    );
    Ok(())
}

#[tokio::test]
async fn an_answer_to_a_late_body() -> anyhow::Result<()> {
    let service = Service::up(&MEMORY).await?;
    let mut client = Wire::connect(&service.http).await?;
    // In chunks: more may come than a length of 16 KiB allows.
    let chunked = create(0).replace("content-length: 0", "transfer-encoding: chunked");
    client.send(chunked).await?;
    let chunk = format!("{LARGE:x}\r\n{}\r\n0\r\n\r\n", "x".repeat(LARGE));
    let answer = client.answer_after(chunk.as_bytes(), LATE).await;
    let answer = answer.unwrap_or_else(|error| error.to_string());
    assert!(
        answer.starts_with("HTTP/1.1 408"),
        "the answer to a late body reaches a client that goes on with it: {answer}"
    );
    Ok(())
}

#[tokio::test]
async fn a_kept_connection() -> anyhow::Result<()> {
    let (_service, mut client) = stopping().await?;
    client.send(PING).await?;
    let answer = client.answer(SOON).await;
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains("connection: close"),
        "a kept connection is not closed under its next request: {answer}"
    );
    Ok(())
}

#[tokio::test]
async fn a_new_connection() -> anyhow::Result<()> {
    let (service, _client) = stopping().await?;
    let answer = async {
        let mut client = Wire::connect(&service.http).await?;
        client.send(PING).await?;
        anyhow::Ok(client.answer(SOON).await)
    };
    let answer = answer.await.unwrap_or_else(|error| error.to_string());
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains("connection: close"),
        "for a moment the stop still lets clients in: {answer}"
    );
    Ok(())
}

#[tokio::test]
async fn a_new_call() -> anyhow::Result<()> {
    let (service, _client) = stopping().await?;
    let status = async { Caller::connect(&service.grpc).await?.ping("").await };
    let status = status.await.unwrap_or_else(|error| error.to_string());
    assert_eq!(status, "0", "for a moment the stop still takes calls");
    Ok(())
}

#[tokio::test]
async fn busy_clients() -> anyhow::Result<()> {
    let long = known(&[("--drain-delay", "3000")]).await?;
    let service = Service::start(&[&MEMORY, &long[..]].concat()).await?;
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let mut client = Wire::connect(&service.http).await?;
        client.send(PING).await?;
        let answer = client.answer(SOON).await;
        anyhow::ensure!(answer.starts_with("HTTP/1.1 200"), "not up: {answer}");
        clients.spawn(asks_until_told_to_leave(client));
    }
    service.signal(Signal::SIGTERM)?;
    let told = clients.join_all().await;
    let lost = told.iter().filter(|told| !**told).count();
    assert_eq!(lost, 0, "no client loses a request at the stop");
    Ok(())
}

#[tokio::test]
async fn a_silent_client() -> anyhow::Result<()> {
    let mut service = Service::start(&MEMORY).await?;
    let mut silent = Vec::new();
    for _ in 0..8 {
        let mut client = Wire::connect(&service.http).await?;
        client.send(&PING[..20]).await?;
        silent.push(client);
        service.is_up().await?; // so by now it has read what came before
    }
    service.signal(Signal::SIGTERM)?;
    let ended = timeout(SOON, service.ended()).await.is_ok();
    assert!(ended, "a client that says nothing holds up no stop");
    Ok(())
}

#[tokio::test]
async fn a_request_in_flight() -> anyhow::Result<()> {
    let short = known(&[("--drain-timeout", "1")]).await?;
    let mut service = Service::start(&[&MEMORY, &short[..]].concat()).await?;
    let mut client = Wire::connect(&service.http).await?;
    client.send(create(17)).await?;
    service.is_up().await?;
    service.signal(Signal::SIGTERM)?;
    let ended = timeout(SOON, service.ended()).await.is_ok();
    assert!(
        ended,
        "a request in flight holds up the stop for a bounded time"
    );
    Ok(())
}

/// Sends one request after another, with a pause as a client makes that has other things to do,
/// and says whether all were answered until one answer was the last.
async fn asks_until_told_to_leave(mut client: Wire) -> bool {
    loop {
        sleep(PAUSE).await;
        let sent = client.send(PING).await;
        let answer = client.answer(SOON).await;
        if sent.is_err() || !answer.starts_with("HTTP/1.1 200") {
            return false;
        }
        if answer.contains("connection: close") {
            return true;
        }
    }
}

/// A service that has been told to stop a moment ago, and a client that keeps its connection to
/// it. What the service closes at once it has closed by now.
async fn stopping() -> anyhow::Result<(Service, Wire)> {
    let long = known(&[("--drain-delay", "10000")]).await?;
    let service = Service::start(&[&MEMORY, &long[..]].concat()).await?;
    let mut client = Wire::connect(&service.http).await?;
    client.send(PING).await?;
    let answer = client.answer(SOON).await;
    anyhow::ensure!(answer.starts_with("HTTP/1.1 200"), "not up: {answer}");
    let caller = Caller::connect(&service.grpc).await?;
    anyhow::ensure!(caller.ping("").await? == "0", "gRPC is not up");
    service.signal(Signal::SIGTERM)?;
    service.wait_until_said("stopping").await?;
    sleep(MOMENT).await;
    Ok((service, client))
}
