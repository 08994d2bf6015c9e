//! Calls and messages that are wrong, and deadlines.

use super::calls::Calls;
use super::calls::Reply;
use super::calls::framed;
use super::calls::head;
use super::warm::Warm;
use super::wire::Wire;
use crate::proto::PingRequest;
use crate::proto::UserId;
use crate::proto::UserRecord;
use crate::stage::Stage;
use anyhow::Context;
use anyhow::ensure;
use prost::Message;
use std::time::Duration;
use std::time::Instant;
use tokio::task::JoinSet;
use tonic::Code;

const PING: &str = "/service.goms.User/Ping";
const CREATE: &str = "/service.goms.User/CreateUser";
const READ: &str = "/service.goms.User/ReadUser";
const UPDATE: &str = "/service.goms.User/UpdateUser";
const DELETE: &str = "/service.goms.User/DeleteUser";
const REFLECT: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

/// What a message that is too large may be answered with.
const TOO_LARGE: &[Code] = &[Code::OutOfRange, Code::ResourceExhausted];

fn user(uid: i64, name: &str, sex: i64) -> Vec<u8> {
    let name = name.to_owned();
    UserRecord { uid, name, sex }.encode_to_vec()
}

fn expect_code(what: &str, reply: &Reply, codes: &[Code]) -> anyhow::Result<()> {
    let found = reply.code.is_some_and(|code| codes.contains(&code));
    ensure!(found, "{what}: not {codes:?}: {reply:?}");
    ensure!(reply.message.len() < 1024, "{what}: a long answer");
    Ok(())
}

pub(crate) async fn a_bad_message_is_refused(stage: &Stage) -> anyhow::Result<()> {
    let warm = Warm::serve(stage, &[]).await?;
    let calls = Calls::connect(&warm.service.grpc()?).await?;
    let long = "a".repeat(16 << 10);
    let large = "a".repeat(10 << 20);
    let ping = |message: &str| {
        let message = message.to_owned();
        PingRequest { message }.encode_to_vec()
    };
    let invalid = &[Code::InvalidArgument][..];
    let uid = |uid: i64| UserId { uid }.encode_to_vec();
    for (method, message, codes) in [
        (READ, vec![], invalid),
        (READ, uid(-1), invalid),
        (READ, uid(1 << 53), invalid),
        (READ, uid(i64::MAX), invalid),
        (READ, uid(i64::MIN), invalid),
        (READ, uid((1 << 53) - 1), &[Code::NotFound]),
        (DELETE, vec![], invalid),
        (CREATE, vec![], invalid),
        (CREATE, user(0, "", 0), invalid),
        (CREATE, user(0, "a\0", 0), invalid),
        (CREATE, user(0, &"é".repeat(19), 0), invalid),
        (CREATE, user(0, &long[..16_000], 0), invalid),
        (CREATE, user(0, "a", 3), invalid),
        (CREATE, user(0, "a", i64::MIN), invalid),
        (UPDATE, user(0, "a", 0), invalid),
        (UPDATE, user(1 << 53, "a", 0), invalid),
        // From here on it is no message: cut off, of wrong types, not UTF-8, at random.
        (READ, b"\x08".to_vec(), invalid),
        (
            READ,
            b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01".to_vec(),
            invalid,
        ),
        (READ, b"\x0a\x01\x02".to_vec(), invalid),
        (READ, b"\x09\x02\0\0\0\0\0\0\0".to_vec(), invalid),
        (READ, b"\x00".to_vec(), invalid),
        (READ, b"\x0b\x0b\x0b\x0b".to_vec(), invalid),
        (READ, b"\x0b".repeat(8000), invalid),
        (PING, b"\x0a\x01\xff".to_vec(), invalid),
        (PING, b"\x0a\xff\xff\xff\xff\x0f".to_vec(), invalid),
        (PING, b"\x0a\x05a".to_vec(), invalid),
        (CREATE, b"\x12\x02\xc3\x28".to_vec(), invalid),
        (CREATE, b"\x12\x01a\x18".to_vec(), invalid),
        (CREATE, b"{\"name\": \"a\", \"sex\": 1}".to_vec(), invalid),
        (PING, ping(&long), TOO_LARGE),
        (PING, ping(&large), TOO_LARGE),
        (CREATE, user(0, &large, 0), TOO_LARGE),
        // tonic-reflection ends what it cannot read without a word.
        (REFLECT, ping(&large), &[Code::Ok]),
    ] {
        let shown = format!("{method} {:?}", &message[..message.len().min(20)]);
        let reply = calls.call(head(method, &[])?, framed(&message)).await;
        expect_code(&shown, &reply.with_context(|| shown.clone())?, codes)?;
    }
    // What nobody asked for is ignored, and the last of two is meant: protobuf's own rules.
    let unknown = [user(0, "b", 1), user(0, "a", 2), b"\x7a\x01a".to_vec()].concat();
    let reply = calls.call(head(CREATE, &[])?, framed(&unknown)).await?;
    expect_code("unknown fields", &reply, &[Code::Ok])?;
    warm.expect_unharmed().await
}

pub(crate) async fn a_bad_call_is_refused(stage: &Stage) -> anyhow::Result<()> {
    let warm = Warm::serve(stage, &[]).await?;
    let calls = Calls::connect(&warm.service.grpc()?).await?;
    let good = framed(&[]);
    let unimplemented = &[Code::Unimplemented][..];
    for method in [
        "/service.goms.User/Nothing",
        "/service.goms.User/ping",
        "/service.goms.User",
        "/service.goms.Nobody/Ping",
        "/service.goms.User/Ping/",
        "/",
        "/users/1",
    ] {
        let reply = calls.call(head(method, &[])?, good.clone()).await?;
        expect_code(method, &reply, unimplemented)?;
    }
    let invalid = &[Code::InvalidArgument][..];
    let packed = &[Code::InvalidArgument, Code::Unimplemented][..];
    for (headers, body, codes) in [
        (&[][..], b"\x01\0\0\0\0".to_vec(), invalid),
        (&[], b"\x02\0\0\0\0".to_vec(), invalid),
        (&[], b"\0\0\0\0\x05\x0a\x01a".to_vec(), invalid),
        (&[], b"\0\0\0".to_vec(), invalid),
        (&[], vec![], invalid),
        (&[], b"\0\xff\xff\xff\xff".to_vec(), TOO_LARGE),
        (
            &[("grpc-encoding", "gzip")],
            b"\x01\0\0\0\x01a".to_vec(),
            packed,
        ),
        (
            &[("grpc-encoding", "x")],
            b"\x01\0\0\0\x01a".to_vec(),
            packed,
        ),
    ] {
        let reply = calls.call(head(PING, headers)?, body.clone()).await;
        let shown = format!("{headers:?} {body:?}");
        expect_code(&shown, &reply.with_context(|| shown.clone())?, codes)?;
    }
    let reply = calls.call(head(PING, &[])?, good.repeat(10_000)).await?;
    expect_code("a call that does not end", &reply, TOO_LARGE)?;
    // Only the first message is meant, where one is due.
    let reply = calls.call(head(PING, &[])?, good.repeat(2)).await?;
    expect_code("two messages", &reply, &[Code::Ok])?;
    // tonic reads any type as its own; it is only not to choke on one.
    for media_type in ["", "application/json", "a\u{e9}"] {
        let headers = [("content-type", media_type)];
        let reply = calls.call(head(PING, &headers)?, good.clone()).await?;
        ensure!(
            [200, 415].contains(&reply.http),
            "{media_type:?}: {reply:?}"
        );
    }
    let large = "a".repeat(100 << 10);
    let huge = head(PING, &[("x", &large)])?;
    let refused = calls.call(huge, good.clone()).await;
    ensure!(
        refused.as_ref().map_or(true, |reply| reply.http == 431),
        "metadata of 100 KiB: {refused:?}"
    );
    // The port of gRPC is none for HTTP/1.
    let mut wire = Wire::connect(&warm.service.grpc()?).await?;
    wire.send("GET /ping HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let rest = wire.rest(Duration::from_secs(5)).await?;
    ensure!(!rest.starts_with(b"HTTP/1"), "HTTP/1 is answered: {rest:?}");
    let calls = Calls::connect(&warm.service.grpc()?).await?;
    let reply = calls.call(head(PING, &[])?, good).await?;
    expect_code("afterwards", &reply, &[Code::Ok])?;
    warm.expect_unharmed().await
}

pub(crate) async fn a_callers_deadline_is_kept(stage: &Stage) -> anyhow::Result<()> {
    let warm = Warm::serve(stage, &[]).await?;
    let calls = Calls::connect(&warm.service.grpc()?).await?;
    let mut waiting = JoinSet::new();
    // The message is held back, so that only the deadline can end the call.
    for (deadline, least, most) in [
        ("1n", 0, 1000),
        ("0S", 0, 1000),
        ("99u", 0, 1000),
        ("300m", 300, 1300),
        ("1S", 1000, 2000),
        // One that is malformed is none, and the service's own, 5 s, holds.
        ("99999999H", 5000, 7000),
        ("", 5000, 7000),
        ("5", 5000, 7000),
        ("1x", 5000, 7000),
        ("-1S", 5000, 7000),
        ("1.5S", 5000, 7000),
        ("000000001S", 5000, 7000),
        ("n", 5000, 7000),
        ("é", 5000, 7000),
    ] {
        let start = Instant::now();
        let call = calls.begin(head(PING, &[("grpc-timeout", deadline)])?);
        let call = call.await?;
        waiting.spawn(async move {
            let reply = call.reply().await.context(deadline)?;
            let took = start.elapsed();
            expect_code(deadline, &reply, &[Code::DeadlineExceeded])?;
            let bounds = Duration::from_millis(least)..Duration::from_millis(most);
            ensure!(bounds.contains(&took), "{deadline:?}: it took {took:?}");
            Ok(())
        });
    }
    while let Some(call) = waiting.join_next().await {
        call??;
    }
    warm.expect_unharmed().await
}
