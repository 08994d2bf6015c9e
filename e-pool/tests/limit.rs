//! What a client may cost: bytes, time, and a place among the others.

mod common;

use common::call::Caller;
use common::service::Service;
use common::service::known;
use common::wire::CLOSED;
use common::wire::NOTHING;
use common::wire::PING;
use common::wire::Wire;
use common::wire::create;
use std::process::Command;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;
use tokio::time::timeout;

const MEMORY: [&str; 2] = ["--store", "memory"];

/// For what comes at once; less than the 5 s that a body, a handler and a call have.
const SOON: Duration = Duration::from_secs(3);

/// For what comes after these 5 s.
const LATE: Duration = Duration::from_secs(9);

/// For what must not come.
const NOT_YET: Duration = Duration::from_secs(2);

/// How many requests, calls or connections there may be in these tests, and one more.
const PLACES: &str = "8";
const TOO_MANY: usize = 9;

#[tokio::test]
async fn a_large_body() -> anyhow::Result<()> {
    let service = Service::up(&MEMORY).await?;
    let mut client = Wire::connect(&service.http).await?;
    let body = format!("name=gopher&sex=0&more={}", "x".repeat(20_000));
    client.send(create(body.len()) + &body).await?;
    let answer = client.answer(SOON).await;
    assert!(
        answer.starts_with("HTTP/1.1 413"),
        "a body over 16 KiB is refused: {answer}"
    );
    Ok(())
}

#[tokio::test]
async fn a_large_body_that_does_not_come() -> anyhow::Result<()> {
    let service = Service::up(&MEMORY).await?;
    let mut client = Wire::connect(&service.http).await?;
    client.send(create(20_000)).await?;
    let answer = client.answer(SOON).await;
    assert!(
        answer.starts_with("HTTP/1.1 413"),
        "a body that is too large is not waited for: {answer}"
    );
    Ok(())
}

#[tokio::test]
async fn a_late_body() -> anyhow::Result<()> {
    let service = Service::up(&MEMORY).await?;
    let mut client = Wire::connect(&service.http).await?;
    client.send(create(17)).await?;
    let answer = client.answer(LATE).await;
    assert!(
        answer.starts_with("HTTP/1.1 408"),
        "a body that does not come is given up after 5 s: {answer}"
    );
    Ok(())
}

#[tokio::test]
async fn a_slow_handler() -> anyhow::Result<()> {
    let service = Service::up(&["--store", "yaml"]).await?;
    let mut client = stuck(&service).await?;
    let answer = client.answer(LATE).await;
    assert!(
        answer.starts_with("HTTP/1.1 504"),
        "a handler that takes too long is given up after 5 s: {answer}"
    );
    Ok(())
}

#[tokio::test]
async fn a_client_that_closes_its_side() -> anyhow::Result<()> {
    let service = Service::up(&["--store", "yaml"]).await?;
    let mut client = stuck(&service).await?;
    client.0.shutdown().await?;
    let answer = client.answer(LATE).await;
    assert!(
        answer.starts_with("HTTP/1.1"),
        "a client that has said all is answered: {answer}"
    );
    Ok(())
}

#[tokio::test]
async fn too_many_requests() -> anyhow::Result<()> {
    let few = known(&[("--limit-requests", PLACES)]).await?;
    let service = Service::up(&[&MEMORY, &few[..]].concat()).await?;
    // Each is in flight until its body has come.
    let mut clients = JoinSet::new();
    for _ in 0..TOO_MANY {
        let mut client = Wire::connect(&service.http).await?;
        client.send(create(17)).await?;
        clients.spawn(async move { client.answer(SOON).await });
    }
    let first = clients.join_next().await.transpose()?.unwrap_or_default();
    assert!(
        first.starts_with("HTTP/1.1 503") && first.contains("retry-after: "),
        "one request too many is refused: {first}"
    );
    Ok(())
}

#[tokio::test]
async fn too_many_connections() -> anyhow::Result<()> {
    let few = known(&[("--limit-connections", PLACES)]).await?;
    let service = Service::start(&[&MEMORY, &few[..]].concat()).await?;
    let mut clients = Vec::new();
    for number in 1..=TOO_MANY {
        let mut client = Wire::connect(&service.http).await?;
        client.send(PING).await?;
        if number < TOO_MANY {
            let answer = client.answer(SOON).await;
            anyhow::ensure!(answer.starts_with("HTTP/1.1 200"), "{number}: {answer}");
        }
        clients.push(client);
    }
    let mut last = clients.swap_remove(TOO_MANY - 1);
    let answer = last.answer(NOT_YET).await;
    assert_eq!(answer, NOTHING, "one connection too many waits");
    clients.clear();
    let answer = last.answer(SOON).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "it is let in: {answer}");
    Ok(())
}

#[tokio::test]
async fn silent_connections() -> anyhow::Result<()> {
    let idle = known(&[("--limit-idle", "6")]).await?;
    let service = Service::up(&[&MEMORY, &idle[..]].concat()).await?;
    let connect = || Wire::connect(&service.http);
    let (mut new, mut half, mut kept) = (connect().await?, connect().await?, connect().await?);
    half.send(&PING[..20]).await?;
    kept.send(PING).await?;
    kept.answer(SOON).await;
    let answers = tokio::join!(new.answer(LATE), half.answer(LATE), kept.answer(LATE));
    assert_eq!(
        <[String; 3]>::from(answers),
        [CLOSED; 3],
        "a connection that brings no request is closed"
    );
    Ok(())
}

#[tokio::test]
async fn open_files() -> anyhow::Result<()> {
    let few = known(&[("--limit-connections", "200")]).await?;
    let flags = [&MEMORY, &few[..]].concat();
    let service = Service::start_after("ulimit -Sn 64", &flags).await?;
    service.is_up().await?;
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(Wire::connect(&service.http).await?);
    }
    let mut client = Wire::connect(&service.http).await?;
    client.send(PING).await?;
    let answer = client.answer(SOON).await;
    assert!(
        answer.starts_with("HTTP/1.1 200"),
        "silent clients leave files for others: {answer}"
    );
    Ok(())
}

#[tokio::test]
async fn a_large_message() -> anyhow::Result<()> {
    let service = Service::up(&MEMORY).await?;
    let caller = Caller::connect(&service.grpc).await?;
    anyhow::ensure!(caller.ping("small").await? == "0", "gRPC is not up");
    let status = caller.ping(&"x".repeat(20_000)).await?;
    assert!(
        [RESOURCE_EXHAUSTED, OUT_OF_RANGE].contains(&&*status),
        "a message over 16 KiB is refused: {status}"
    );
    Ok(())
}

#[tokio::test]
async fn a_deadline() -> anyhow::Result<()> {
    let service = Service::up(&MEMORY).await?;
    let caller = Caller::connect(&service.grpc).await?;
    let call = caller.begin("Ping", "200m").await?;
    assert_eq!(
        call.status().await?,
        DEADLINE_EXCEEDED,
        "a call past its caller's deadline is told so"
    );
    Ok(())
}

#[tokio::test]
async fn a_slow_call() -> anyhow::Result<()> {
    let service = Service::up(&MEMORY).await?;
    let caller = Caller::connect(&service.grpc).await?;
    let call = caller.begin("Ping", "").await?;
    let status = timeout(LATE, call.status()).await;
    let status = status.unwrap_or_else(|_| Ok(NOTHING.to_owned()))?;
    assert_eq!(
        status, DEADLINE_EXCEEDED,
        "a call without a deadline is given up after 5 s"
    );
    Ok(())
}

#[tokio::test]
async fn too_many_calls() -> anyhow::Result<()> {
    let few = known(&[("--limit-requests", PLACES)]).await?;
    let service = Service::up(&[&MEMORY, &few[..]].concat()).await?;
    let caller = Caller::connect(&service.grpc).await?;
    let mut calls = JoinSet::new();
    for _ in 0..TOO_MANY {
        let call = caller.begin("Ping", "").await?;
        calls.spawn(timeout(SOON, call.status()));
    }
    let first = calls.join_next().await.transpose()?;
    let first = first.and_then(Result::ok).transpose()?;
    assert_eq!(
        first.as_deref(),
        Some(UNAVAILABLE),
        "one call too many is refused"
    );
    Ok(())
}

/// The statuses of gRPC.
const DEADLINE_EXCEEDED: &str = "4";
const RESOURCE_EXHAUSTED: &str = "8";
const OUT_OF_RANGE: &str = "11";
const UNAVAILABLE: &str = "14";

/// A client whose request the YAML store cannot end: it opens its file, which is a pipe now, and
/// waits for somebody who reads.
async fn stuck(service: &Service) -> anyhow::Result<Wire> {
    let pipe = service.folder().join("users.yaml.new");
    let made = Command::new("mkfifo").arg(pipe).status()?;
    anyhow::ensure!(made.success(), "mkfifo: {made}");
    let mut client = Wire::connect(&service.http).await?;
    client.send(create(17) + "name=gopher&sex=0").await?;
    Ok(client)
}
