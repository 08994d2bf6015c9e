//! What HTTP demands of a server, and libraries leave to it: one host for each request, and no
//! coding that it cannot read. Where a proxy and the service read one head in two ways, a
//! request can be smuggled past the proxy.

use super::calls::Calls;
use super::calls::framed;
use super::calls::head;
use super::warm::FORM;
use super::warm::JSON;
use super::warm::Warm;
use super::wire::Wire;
use super::wire::expect_problem;
use super::wire::expect_status;
use super::wire::request;
use crate::stage::Stage;
use anyhow::Context;
use anyhow::ensure;
use serde_json::Value;

const USER: &str = "name=gopher&sex=0";

pub(crate) async fn a_request_needs_one_valid_host(stage: &Stage) -> anyhow::Result<()> {
    let warm = Warm::serve(stage, &[]).await?;
    let url = warm.service.http()?;
    let ping = |fields: &str| format!("GET /ping HTTP/1.1\r\n{fields}\r\n");
    for fields in [
        "",
        "x: y\r\n",
        "host: a\r\nhost: b\r\n",
        "host: a\r\nhost: a\r\n",
        "host: a b\r\n",
        "host: a/b\r\n",
        "host: a?b\r\n",
        "host: http://a\r\n",
        "host: u@a\r\n",
        "host: a, b\r\n",
        "host: a:b\r\n",
        "host: a:1:2\r\n",
        "host: a:65536\r\n",
        "host: :80\r\n",
        "host: [::1\r\n",
        "host: []\r\n",
        "host: a:+1\r\n",
        "host: \u{e9}\r\n",
    ] {
        let told = expect_problem(&url, ping(fields), 400, None).await;
        told.with_context(|| format!("a request with {fields:?} for its host"))?;
    }
    for fields in [
        "host: a\r\n",
        "HOST: A.b-c:8080\r\n",
        "host: 127.0.0.1:1\r\n",
        "host: [::1]:80\r\n",
        "host: [::1]\r\n",
        "host:\tlocalhost \r\n",
    ] {
        expect_status(&url, ping(fields), 200).await?;
    }
    // HTTP/1.0 knows no host, and a proxy's form of a request names it once more.
    expect_status(&url, "GET /ping HTTP/1.0\r\n\r\n", 200).await?;
    let absolute = "GET http://a/ping HTTP/1.1\r\nhost: a\r\n\r\n";
    expect_status(&url, absolute, 200).await?;
    warm.expect_unharmed().await
}

pub(crate) async fn a_content_coding_is_refused(stage: &Stage) -> anyhow::Result<()> {
    let warm = Warm::serve(stage, &[]).await?;
    let url = warm.service.http()?;
    let create = |coding: &str, body: &[u8]| {
        let create = request("POST /users", FORM, body);
        let coded = format!("HTTP/1.1\r\ncontent-encoding: {coding}\r\n");
        let text = String::from_utf8_lossy(&create).replacen("HTTP/1.1\r\n", &coded, 1);
        // The body may be no text.
        let head = text.split_once("\r\n\r\n").map_or("", |(head, _)| head);
        [head.as_bytes(), b"\r\n\r\n", body].concat()
    };
    for coding in [
        "gzip",
        "GZIP",
        "br",
        "deflate",
        "x",
        "gzip, identity",
        "identity\r\ncontent-encoding: gzip",
    ] {
        for body in [USER.as_bytes(), b"\x1f\x8b\x08\0\0\0\0\0\0\x03"] {
            let told = expect_problem(&url, create(coding, body), 415, None).await;
            told.with_context(|| format!("Content-Encoding: {coding}"))?;
        }
    }
    for coding in ["identity", "Identity"] {
        expect_status(&url, create(coding, USER.as_bytes()), 201).await?;
    }
    warm.expect_unharmed().await
}

/// A coding that was not undone leaves a body that is read as what it is not. A number that is
/// not one is no sign that a client went away.
pub(crate) async fn a_transfer_coding_is_refused(stage: &Stage) -> anyhow::Result<()> {
    let warm = Warm::serve(stage, &[]).await?;
    let url = warm.service.http()?;
    let create = |codings: &str, body: &str| {
        let head = format!("POST /users HTTP/1.1\r\nhost: a\r\ncontent-type: {FORM}\r\n");
        format!("{head}transfer-encoding: {codings}\r\n\r\n{body}")
    };
    let body = format!("{:x}\r\n{USER}\r\n0\r\n\r\n", USER.len());
    for codings in [
        "gzip, chunked",
        "GZIP,chunked",
        "identity, chunked",
        "x, chunked",
        "chunked\r\ntransfer-encoding: chunked",
    ] {
        let mut wire = Wire::connect(&url).await?;
        wire.send(create(codings, &body)).await;
        let answer = wire.answer().await?;
        let answer = answer.with_context(|| format!("{codings}: closed"))?;
        ensure!(
            [400, 501].contains(&answer.status),
            "Transfer-Encoding: {codings}: {answer:?}"
        );
    }
    expect_status(&url, create("chunked", &body), 201).await?;
    let broken = broken_off(&url, &create("chunked", "11\r\nname=")).await?;
    for chunk in ["zz\r\n", "-1\r\na\r\n", "11 bytes\r\n", "\r\n\r\n"] {
        let bad = expect_problem(&url, create("chunked", chunk), 400, None).await?;
        let body: Value = serde_json::from_str(&bad.body)?;
        let detail = body["detail"].as_str().unwrap_or_default();
        ensure!(
            !detail.contains("connection broke") && !detail.contains("did not come"),
            "a chunk of {chunk:?}, and the service says: {detail:?}; {broken:?} of one that breaks off"
        );
    }
    warm.expect_unharmed().await
}

/// What is said of a body that breaks off, if anything is.
async fn broken_off(url: &str, request: &str) -> anyhow::Result<Option<String>> {
    let mut wire = Wire::connect(url).await?;
    wire.send(request).await;
    wire.finish().await;
    Ok(wire.answer().await?.map(|answer| answer.body))
}

/// JSON has one kind of number; how it is written depends on the language of the client.
pub(crate) async fn a_whole_number_of_json_is_read_as_one(stage: &Stage) -> anyhow::Result<()> {
    let warm = Warm::serve(stage, &[]).await?;
    let url = warm.service.http()?;
    let update = |uid: &str, sex: &str| {
        let body = format!(r#"{{"uid":{uid},"name":"a","sex":{sex}}}"#);
        request("PUT /users", JSON, body)
    };
    for (uid, sex) in [("1.0", "1"), ("1e0", "1"), ("1", "1.0"), ("10e-1", "1E+0")] {
        expect_status(&url, update(uid, sex), 204).await?;
    }
    for (uid, whole) in [
        ("67108865.0", "67108865"),
        ("6.7108865e7", "67108865"),
        ("9007199254740991.0", "9007199254740991"),
    ] {
        let answer = expect_problem(&url, update(uid, "0"), 404, None).await?;
        ensure!(answer.body.contains(whole), "uid {uid}: {answer:?}");
    }
    for (uid, sex, field) in [
        ("1.5", "0", "uid"),
        ("0.0", "0", "uid"),
        ("-1.0", "0", "uid"),
        ("9007199254740992.0", "0", "uid"),
        ("9007199254740993.0", "0", "uid"),
        ("1e16", "0", "uid"),
        ("1e300", "0", "uid"),
        (r#""1.0""#, "0", "uid"),
        (r#""1e0""#, "0", "uid"),
        ("1", "0.5", "sex"),
        ("1", "3.0", "sex"),
        ("1", r#""1.0""#, "sex"),
    ] {
        expect_problem(&url, update(uid, sex), 400, Some(field)).await?;
    }
    let form = request("PUT /users", FORM, "uid=1.0&name=a&sex=0");
    expect_problem(&url, form, 400, Some("uid")).await?;
    warm.expect_unharmed().await
}

pub(crate) async fn a_call_of_another_content_type_is_refused(stage: &Stage) -> anyhow::Result<()> {
    let warm = Warm::serve(stage, &[]).await?;
    let calls = Calls::connect(&warm.service.grpc()?).await?;
    let ping = async |media_type: &str| {
        let head = head("/service.goms.User/Ping", &[("content-type", media_type)])?;
        let reply = calls.call(head, framed(&[])).await;
        reply.with_context(|| format!("a call of content type {media_type:?}"))
    };
    for media_type in [
        "",
        "application/json",
        "text/plain",
        "application/grpcx",
        "application/grpc+json",
        "application/grpc-web",
    ] {
        let reply = ping(media_type).await?;
        ensure!(reply.http == 415, "{media_type:?}: not 415: {reply:?}");
    }
    for media_type in ["application/grpc", "application/grpc+proto"] {
        let reply = ping(media_type).await?;
        ensure!(
            reply.code == Some(tonic::Code::Ok),
            "{media_type:?}: {reply:?}"
        );
    }
    warm.expect_unharmed().await
}
