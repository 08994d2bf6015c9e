//! Bodies: too large, too short, and of a length on which two readers may not agree.

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

/// Far more than a body may have.
const LARGE: usize = 10 << 20;

/// The largest body.
const LARGEST: usize = 16 << 10;

/// The head of a request to create a user, up to the fields that say how long its body is.
fn head(fields: &str) -> String {
    format!("POST /users HTTP/1.1\r\nhost: a\r\ncontent-type: {FORM}\r\n{fields}\r\n\r\n")
}

pub(crate) async fn a_body_over_16_kib_is_refused(stage: &Stage) -> anyhow::Result<()> {
    let warm = Warm::serve(stage, &[]).await?;
    let url = warm.service.http()?;
    let body = |length: usize| {
        let body = "name=gopher&sex=0&padding=";
        format!("{body}{}", "a".repeat(length - body.len()))
    };
    expect_status(&url, request("POST /users", FORM, body(LARGEST)), 201).await?;
    expect_problem(
        &url,
        request("POST /users", FORM, body(LARGEST + 1)),
        413,
        None,
    )
    .await?;
    // The length alone is enough, no byte has to come, and none is asked for.
    let length = format!("content-length: {LARGE}");
    expect_problem(&url, head(&length), 413, None).await?;
    let expecting = format!("{length}\r\nexpect: 100-continue");
    expect_problem(&url, head(&expecting), 413, None).await?;
    expect_problem(&url, head(&length) + &"a".repeat(LARGE), 413, None).await?;
    // Without a length it is what has come, not more.
    let chunked = head("transfer-encoding: chunked");
    let chunk = |length: usize| format!("{length:x}\r\n{}\r\n", body(length));
    expect_status(&url, format!("{chunked}{}0\r\n\r\n", chunk(LARGEST)), 201).await?;
    expect_problem(&url, format!("{chunked}{}", chunk(LARGEST + 1)), 413, None).await?;
    let chunks = chunk(LARGEST / 2).repeat(LARGE / LARGEST);
    expect_problem(&url, format!("{chunked}{chunks}"), 413, None).await?;
    // No more do a great many of the smallest chunks get in, or what else they may carry.
    let small = format!("1;{}\r\na\r\n", "b".repeat(4096)).repeat(LARGE / 4096);
    let mut wire = Wire::connect(&url).await?;
    wire.send(format!("{chunked}{small}")).await;
    let answer = wire.answer().await?.context("closed")?;
    ensure!([400, 413].contains(&answer.status), "{answer:?}");
    warm.expect_unharmed().await
}

pub(crate) async fn a_body_that_breaks_off_is_refused(stage: &Stage) -> anyhow::Result<()> {
    let warm = Warm::serve(stage, &[]).await?;
    let url = warm.service.http()?;
    let whole = "name=gopher&sex=0";
    // What came could stand for itself, and must not: the rest may have changed it.
    for (fields, body) in [
        ("content-length: 18", whole.to_owned()),
        ("transfer-encoding: chunked", format!("11\r\n{whole}\r\n")),
        ("transfer-encoding: chunked", format!("11\r\n{whole}")),
        (
            "transfer-encoding: chunked",
            format!("11\r\n{whole}\r\n0\r\n"),
        ),
    ] {
        let mut wire = Wire::connect(&url).await?;
        wire.send(head(fields) + &body).await;
        wire.finish().await;
        let answer = wire.answer().await?;
        let status = answer.map_or(400, |answer| answer.status);
        ensure!(status == 400, "{fields}, {body:?}: {status}");
    }
    for chunks in [
        "zz\r\n",
        "-1\r\na\r\n",
        "\r\n\r\n",
        "1\r\nab\r\n0\r\n\r\n",
        "11\n",
        "ffffffffffffffffff\r\na",
        "fffffffffffffffe\r\na\u{0}",
    ] {
        let mut wire = Wire::connect(&url).await?;
        wire.send(head("transfer-encoding: chunked") + chunks).await;
        wire.finish().await;
        let answer = wire.answer().await?;
        let status = answer.map_or(400, |answer| answer.status);
        ensure!(status == 400, "{chunks:?}: {status}");
    }
    // None of them left a user behind.
    let made = expect_status(&url, request("POST /users", FORM, whole), 201).await?;
    let users = made.header("location").trim_start_matches("/users/");
    let users: usize = users.parse()?;
    let before = super::warm::CLIENTS * super::warm::ROUNDS;
    ensure!(users == before + 1, "{users} users, not {before} and one");
    warm.expect_unharmed().await
}

/// Where a proxy and the service disagree about the end of a request, the rest of it is
/// somebody's next request: request smuggling.
pub(crate) async fn one_request_is_never_taken_for_two(stage: &Stage) -> anyhow::Result<()> {
    let warm = Warm::serve(stage, &[]).await?;
    let url = warm.service.http()?;
    let smuggled = "DELETE /users/1 HTTP/1.1\r\nhost: a\r\n\r\n";
    let chunks = format!("0\r\n\r\n{smuggled}");
    let length = chunks.len();
    for (fields, body) in [
        (
            format!("content-length: {length}\r\ntransfer-encoding: chunked"),
            &chunks,
        ),
        (
            format!("transfer-encoding: chunked\r\ncontent-length: {length}"),
            &chunks,
        ),
        (
            format!("content-length: {length}\r\ntransfer-encoding:\tchunked"),
            &chunks,
        ),
        (
            format!("content-length: {length}\r\ntransfer-encoding: xchunked"),
            &chunks,
        ),
        (
            format!("content-length: {length}\r\ntransfer-encoding: chunked, identity"),
            &chunks,
        ),
        (
            format!("content-length: {length}\r\ntransfer-encoding : chunked"),
            &chunks,
        ),
        (
            format!("content-length: 0\r\ncontent-length: {length}"),
            &smuggled.to_owned(),
        ),
        (
            format!("content-length: {length}\r\ncontent-length: 0"),
            &smuggled.to_owned(),
        ),
        ("content-length: 0, 38".to_owned(), &smuggled.to_owned()),
        ("content-length: +0".to_owned(), &smuggled.to_owned()),
        ("content-length: -1".to_owned(), &smuggled.to_owned()),
        ("content-length: 0x0".to_owned(), &smuggled.to_owned()),
        ("content-length: ".to_owned(), &smuggled.to_owned()),
        (
            "content-length: 18446744073709551616".to_owned(),
            &smuggled.to_owned(),
        ),
    ] {
        let mut wire = Wire::connect(&url).await?;
        wire.send(head(&fields) + body).await;
        let answer = wire.answer().await.with_context(|| fields.clone())?;
        let answer = answer.with_context(|| format!("{fields:?}: closed"))?;
        ensure!(answer.status == 400, "{fields:?}: {answer:?}");
        let rest = wire.rest(Duration::from_secs(5)).await;
        let rest = rest.with_context(|| format!("{fields:?}: it stays open"))?;
        let rest = String::from_utf8_lossy(&rest);
        ensure!(rest.is_empty(), "{fields:?}: then {rest}");
    }
    expect_status(&url, request("GET /users/1", FORM, ""), 200).await?;
    warm.expect_unharmed().await
}
