//! Which trace a line belongs to, across processes.

use crate::proto::PingRequest;
use crate::proto::UserId;
use crate::proto::user_client::UserClient;
use crate::service::Service;
use crate::stage::Stage;
use anyhow::Context;
use anyhow::ensure;
use http::HeaderMap;
use reqwest::Client;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0b0902b7-01";

/// The lines of this trace that say this, in both logs.
async fn both(front: &Service, back: &Service, trace: &str, says: &str) -> anyhow::Result<()> {
    for (name, service) in [("front", front), ("back", back)] {
        service.wait_until_said(trace).await?;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let lines = service.lines(trace);
        let told = lines.iter().any(|line| line.contains(says));
        ensure!(told, "the {name} says no {says:?} of {trace}: {lines:?}");
    }
    Ok(())
}

pub(crate) async fn one_trace_goes_through_front_and_back(stage: &Stage) -> anyhow::Result<()> {
    let debug = ["--log-filter", "debug"];
    let back = stage.serve(&debug).await?;
    let upstream = back.grpc()?;
    let to_back = ["--store", "grpc", "--grpc-upstream", &upstream];
    let front = stage.serve(&[&debug[..], &to_back].concat()).await?;
    let user = front.create_gopher().await?;
    let client = Client::new();
    let ask = |url: String, parent: String, id: &'static str| {
        let asked = client.get(url).header("traceparent", parent);
        asked.header("x-request-id", id).send()
    };
    let read = ask(user.clone(), PARENT.to_owned(), "first.1").await?;
    let header = |name| read.headers().get(name).and_then(|it| it.to_str().ok());
    ensure!(header("x-request-id") == Some("first.1"), "{read:?}");
    ensure!(header("x-version").is_some(), "{read:?}");
    both(&front, &back, TRACE, "status=").await?;
    both(&front, &back, "first.1", TRACE).await?;
    // The statement runs on a task of its own, and so may its connection's login.
    let lines = back.lines(TRACE);
    ensure!(lines.iter().any(|it| it.contains("SELECT")), "{lines:?}");
    // It is asked again, for what is not there.
    ask(format!("{user}0000"), PARENT.to_owned(), "second").await?;
    both(&front, &back, "second", TRACE).await?;
    both(&front, &back, "second", "NotFound")
        .await
        .or_else(|_| {
            let lines = back.lines("second");
            ensure!(lines.iter().any(|it| it.contains("NotFound")), "{lines:?}");
            Ok(())
        })?;
    // And when nobody is behind.
    back.stop().await?;
    let other = PARENT.replace("4bf9", "5bf9");
    let failed = ask(user, other, "third").await?;
    ensure!(failed.status() == 503, "{failed:?}");
    front.wait_until_said("third").await?;
    let lines = front.lines("third");
    let told = |it: &String| it.contains("ERROR") && it.contains("5bf92f35");
    ensure!(lines.iter().any(told), "{lines:?}");
    front.stop().await
}

/// Malformed, doubled and too long ones; none of them is repeated.
pub(crate) async fn a_bad_trace_is_replaced(stage: &Stage) -> anyhow::Result<()> {
    let service = stage.serve(&["--log-filter", "debug"]).await?;
    let (client, url) = (Client::new(), format!("{}/ping", service.http()?));
    let bad = [
        String::new(),
        "00".to_owned(),
        PARENT.to_uppercase(),
        PARENT.replacen("00", "ff", 1),
        PARENT.replacen("00", "zz", 1),
        format!("{PARENT}-more"),
        format!(" {}", PARENT.replace('-', "_")),
        PARENT.replace(TRACE, &"0".repeat(32)),
        PARENT.replace("00f067aa0b0902b7", &"0".repeat(16)),
        PARENT.replace(TRACE, &TRACE[1..]),
        format!("{PARENT}{}", "0".repeat(4000)),
    ];
    for (number, parent) in bad.iter().enumerate() {
        let id = format!("bad-{number}");
        let asked = client.get(&url).header("x-request-id", &id);
        asked.header("traceparent", parent).send().await?;
        service.wait_until_said(&id).await?;
        let line = service.lines(&id).pop().context("no line")?;
        ensure!(trace_of(&line).is_some(), "{parent:?}: {line}");
        ensure!(!line.contains(&TRACE[1..]), "{parent:?} is taken: {line}");
    }
    let twice = client.get(&url).header("x-request-id", "twice");
    let twice = twice.header("traceparent", PARENT);
    let other = PARENT.replace("4bf9", "5bf9");
    twice.header("traceparent", other).send().await?;
    service.wait_until_said("twice").await?;
    let line = service.lines("twice").pop().context("no line")?;
    ensure!(!line.contains(&TRACE[4..]), "of two, one is taken: {line}");
    // A later version may say more, and is taken for what it says first.
    let later = format!("01-{TRACE}-00f067aa0b0902b7-03-more");
    let asked = client.get(&url).header("x-request-id", "later");
    asked.header("traceparent", later).send().await?;
    service.wait_until_said("later").await?;
    let line = service.lines("later").pop().context("no line")?;
    ensure!(trace_of(&line) == Some(TRACE), "{line}");
    for id in ["", "a b", "a\"b", "ä", &"x".repeat(65)] {
        let asked = client.get(&url).header("x-request-id", id).send().await?;
        let told = asked.headers().get("x-request-id").context("no id")?;
        ensure!(
            !told.is_empty() && told.as_bytes() != id.as_bytes(),
            "{told:?}"
        );
    }
    service.stop().await
}

/// Whatever the answer is, by HTTP and by gRPC.
pub(crate) async fn every_answer_has_its_id_and_version(stage: &Stage) -> anyhow::Result<()> {
    let service = stage.serve(&[]).await?;
    let (client, url) = (Client::new(), service.http()?);
    let user = service.create_gopher().await?;
    for (request, status) in [
        (client.get(&user), 200),
        (client.delete(format!("{url}/ping")), 405),
        (client.get(format!("{url}/nothing")), 404),
        (client.get(&user).header("host", ""), 400),
        (
            client.post(format!("{url}/users")).body(vec![0; 1 << 20]),
            413,
        ),
        (client.delete(&user), 204),
    ] {
        let answer = request.header("x-request-id", "mine").send().await?;
        ensure!(answer.status() == status, "{answer:?}");
        let headers = answer.headers();
        let has = headers.contains_key("x-version") && headers["x-request-id"] == "mine";
        ensure!(has, "{answer:?}");
    }
    let mut caller = UserClient::connect(service.grpc()?).await?;
    let ponged = caller.ping(PingRequest::default()).await?;
    let missing = caller.read_user(UserId { uid: 1 << 50 }).await;
    let missing = missing.err().context("there is such a user")?;
    for metadata in [ponged.metadata(), missing.metadata()] {
        let has = ["x-version", "x-request-id"].map(|it| metadata.contains_key(it));
        ensure!(has == [true; 2], "{metadata:?}");
    }
    service.stop().await
}

/// The trace's id on a line.
fn trace_of(line: &str) -> Option<&str> {
    let (_, after) = line.split_once("trace_id=")?;
    let id = after.get(..32)?;
    id.bytes().all(|it| it.is_ascii_hexdigit()).then_some(id)
}

/// Into the metadata of the call, with a span of its own and the caller's state.
pub(crate) async fn the_callers_trace_is_handed_on(stage: &Stage) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let upstream = format!("http://{}", listener.local_addr()?);
    let to_back = ["--store", "grpc", "--grpc-upstream", &upstream];
    let service = stage.serve(&to_back).await?;
    let mut calls = calls(listener);
    let long = format!("a={}", "x".repeat(600));
    for (parent, state, expected) in [
        (PARENT, "a=1,b=2", Some("a=1,b=2")),
        (PARENT, long.as_str(), None),
        ("00-bad", "a=1", None),
    ] {
        let asked = Client::new().get(format!("{}/users/1", service.http()?));
        let asked = asked.header("traceparent", parent);
        let asked = asked
            .header("tracestate", state)
            .header("x-request-id", "7");
        let status = asked.send().await?.status();
        let headers = timeout(Duration::from_secs(5), calls.recv()).await;
        let headers = headers.ok().flatten().context("nobody calls")?;
        ensure!(status == 503, "{status}");
        let header = |name| headers.get(name).and_then(|it| it.to_str().ok());
        let handed = header("traceparent").context("no traceparent")?;
        let parts: Vec<&str> = handed.split('-').collect();
        let fits = parts.len() == 4 && parts[1].len() == 32 && parts[2].len() == 16;
        ensure!(fits, "{handed}");
        let goes_on = parts[1] == TRACE && parts[3] == "01" && !parent.contains(parts[2]);
        ensure!(
            goes_on == (parent == PARENT),
            "{parent} is handed on as {handed}"
        );
        ensure!(header("tracestate") == expected, "{headers:?}");
        ensure!(header("x-request-id") == Some("7"), "{headers:?}");
    }
    service.stop().await
}

/// What a front sends with its calls, each of which is answered by an error. All come on one
/// connection: while one ends, a call on it may be lost.
fn calls(listener: TcpListener) -> mpsc::UnboundedReceiver<HeaderMap> {
    let (told, calls) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await?;
        let mut connection = h2::server::handshake(stream).await?;
        while let Some(call) = connection.accept().await {
            let (request, mut answer) = call?;
            let refused = http::Response::builder()
                .header("grpc-status", "14")
                .header("content-type", "application/grpc")
                .body(())?;
            answer.send_response(refused, true)?;
            told.send(request.headers().clone())?;
        }
        anyhow::Ok(())
    });
    calls
}
