//! Request heads: too large, malformed, of another protocol, with another method.

use super::warm::FORM;
use super::warm::Warm;
use super::wire::Wire;
use super::wire::expect_problem;
use super::wire::expect_status;
use super::wire::request;
use crate::stage::Stage;
use anyhow::Context;
use anyhow::ensure;
use std::time::Duration;

pub(crate) async fn a_bad_head_is_refused(stage: &Stage) -> anyhow::Result<()> {
    let warm = Warm::serve(stage, &[]).await?;
    let url = warm.service.http()?;
    let megabytes = "a".repeat(2 << 20);
    let long = "a".repeat(70_000);
    // Before e-limit hyper waits for 400 KB of a line that does not end.
    let endless = match stage.lesson.has("e-limit") {
        true => long.clone(),
        false => format!("{long}\r\n\r\n"),
    };
    for (head, statuses) in [
        (
            format!("GET /ping HTTP/1.1\r\nx: {megabytes}\r\n\r\n"),
            &[431][..],
        ),
        (
            format!("GET /ping HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(300_000)),
            &[431],
        ),
        (
            format!("GET /ping HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(101)),
            &[431],
        ),
        (format!("GET /{long} HTTP/1.1\r\n\r\n"), &[414, 431]),
        (
            format!("GET /ping?message={long} HTTP/1.1\r\n\r\n"),
            &[414, 431],
        ),
        (endless, &[400, 414, 431]),
    ] {
        let shown: String = head.chars().take(40).collect();
        let mut wire = Wire::connect(&url).await?;
        wire.send(&head).await;
        let answer = wire.answer().await.context(shown.clone())?;
        let answer = answer.with_context(|| format!("{shown:?}: closed, without a reason"))?;
        ensure!(statuses.contains(&answer.status), "{shown:?}: {answer:?}");
        // What follows a head that is not read to its end could be taken for a request.
        let rest = wire.rest(Duration::from_secs(5)).await?;
        ensure!(rest.is_empty(), "{shown:?}: then {rest:?}");
    }
    for line in [
        &b"GET"[..],
        b"GET /ping",
        b"GET /ping HTTP/9.9",
        b"GET  /ping HTTP/1.1",
        b"GET /ping HTTP/1.1 ",
        b"GET /pi ng HTTP/1.1",
        b"GET /\x00 HTTP/1.1",
        b"GET /\xff HTTP/1.1",
        b"GET http://[ HTTP/1.1",
        b"G\x00T /ping HTTP/1.1",
        b"{\"name\": \"a\"}",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /ping HTTP/1.1\r\nname",
        b"GET /ping HTTP/1.1\r\n: value",
        b"GET /ping HTTP/1.1\r\nname : value",
        b"GET /ping HTTP/1.1\r\nname: \x00",
        b"GET /ping HTTP/1.1\r\nx: y\r\n folded: z",
    ] {
        expect_status(&url, [line, b"\r\nhost: a\r\n\r\n"].concat(), 400).await?;
    }
    // A client that speaks HTTP/2 at once, and one that goes away in the middle.
    for head in [
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET /ping HTTP/1.1\r\nho",
        "",
    ] {
        if head.starts_with("PRI") && !stage.lesson.has("e-limit") {
            continue; // where another lesson needs HTTP/2, cargo gives it to `axum::serve` too
        }
        let mut wire = Wire::connect(&url).await?;
        wire.send(head).await;
        wire.finish().await;
        let answer = wire.answer().await.context(head)?;
        let status = answer.map_or(400, |answer| answer.status);
        ensure!(status == 400, "{head:?}: {status}");
    }
    warm.expect_unharmed().await
}

pub(crate) async fn a_method_is_refused_with_those_allowed(stage: &Stage) -> anyhow::Result<()> {
    let warm = Warm::serve(stage, &[]).await?;
    let url = warm.service.http()?;
    for (path, allowed) in [
        ("/ping", &["GET", "HEAD"][..]),
        ("/users", &["GET", "HEAD", "POST", "PUT"]),
        ("/users/1", &["DELETE", "GET", "HEAD", "PUT"]),
    ] {
        let methods = ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"];
        for method in methods.iter().filter(|method| !allowed.contains(method)) {
            let line = format!("{method} {path}");
            let answer = expect_problem(&url, request(&line, FORM, ""), 405, None).await?;
            let mut told: Vec<&str> = answer.header("allow").split(',').map(str::trim).collect();
            told.sort_unstable();
            ensure!(told == allowed, "{line}: Allow: {told:?}");
        }
    }
    for line in ["OPTIONS *", "CONNECT a:1", "PATCH /nowhere", "GET users"] {
        expect_problem(&url, request(line, FORM, ""), 404, None).await?;
    }
    // HEAD is GET without the body, errors included.
    for (path, status) in [("/ping", 200), ("/users/0", 400), ("/nowhere", 404)] {
        let mut wire = Wire::connect(&url).await?;
        wire.send(format!(
            "HEAD {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
        ))
        .await;
        let answer = wire.answer_to("HEAD").await?.context("closed")?;
        ensure!(answer.status == status, "HEAD {path}: {answer:?}");
        let rest = wire.rest(Duration::from_secs(5)).await?;
        ensure!(rest.is_empty(), "HEAD {path}: a body: {rest:?}");
    }
    warm.expect_unharmed().await
}

/// HTTP/1.0, which load balancers still ask with to see whether a service lives.
pub(crate) async fn an_old_client_is_answered(stage: &Stage) -> anyhow::Result<()> {
    let warm = Warm::serve(stage, &[]).await?;
    let url = warm.service.http()?;
    let mut wire = Wire::connect(&url).await?;
    wire.send("GET /ping HTTP/1.0\r\n\r\n").await;
    let answer = wire.answer().await?.context("closed")?;
    ensure!(answer.status == 200, "{answer:?}");
    // It waits for the end of the connection, as no other one was agreed on.
    wire.rest(Duration::from_secs(5)).await?;
    let mut wire = Wire::connect(&url).await?;
    for _ in 0..2 {
        wire.send("GET /ping HTTP/1.0\r\nconnection: keep-alive\r\n\r\n")
            .await;
        let answer = wire.answer().await?.context("closed")?;
        ensure!(answer.header("connection") == "keep-alive", "{answer:?}");
    }
    warm.expect_unharmed().await
}

/// To close one's own half of the connection is not to hang up.
pub(crate) async fn who_has_said_all_is_answered(stage: &Stage) -> anyhow::Result<()> {
    let service = stage.serve(&[]).await?;
    let url = service.http()?;
    for request in [
        b"GET /ping HTTP/1.1\r\nhost: a\r\n\r\n".to_vec(),
        request("POST /users", FORM, "name=gopher&sex=0"),
    ] {
        let mut wire = Wire::connect(&url).await?;
        wire.send(request).await;
        wire.finish().await;
        let answer = wire.answer().await?.context("closed")?;
        ensure!(matches!(answer.status, 200 | 201), "{answer:?}");
    }
    service.stop().await
}
