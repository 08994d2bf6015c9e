//! An answer that is given before the whole request has come reaches a client that still
//! sends. Most client libraries read only when they have sent all; a connection that is closed
//! under them, with bytes on it that nobody has read, is reset, and takes the answer with it.

use super::limits::raise_connections;
use super::warm::FORM;
use super::wire::Wire;
use super::wire::request;
use crate::proto::PingRequest;
use crate::proto::user_client::UserClient;
use crate::stage::Stage;
use anyhow::Context;
use anyhow::ensure;
use reqwest::Client;
use std::time::Duration;
use std::time::Instant;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio::time::timeout;
use tonic::Code;

/// Far more than a body may have, and than the system keeps on its way.
const LARGE: usize = 5 << 20;

/// A body that is allowed.
const ALLOWED: usize = 15 << 10;

/// How many clients do the same at the same time.
const CLIENTS: usize = 8;

/// A moment in which an answer may already come, and the connection end.
const MOMENT: Duration = Duration::from_millis(30);

/// How long a body is withheld; less than the 5 s for which it is waited for.
const WITHHELD: Duration = Duration::from_secs(1);

/// How long a server may go on discarding what nobody asked for.
const DISCARDS: Duration = Duration::from_secs(8);

/// How soon those in flight are all there.
const SOON: Duration = Duration::from_secs(5);

/// A request, cut where its client pauses.
#[derive(Clone)]
struct Sent {
    what: &'static str,
    pieces: Vec<Vec<u8>>,
    pause: Duration,
    status: u16,
}

/// The head of a request that has a body of this length, with these fields.
fn head(fields: &str, length: u64) -> Vec<u8> {
    format!("POST /users HTTP/1.1\r\n{fields}content-length: {length}\r\n\r\n").into_bytes()
}

/// Such a head, and its body.
fn create(fields: &str, length: usize) -> (Vec<u8>, Vec<u8>) {
    let body = format!("name=gopher&sex=0&padding={}", "a".repeat(length));
    let body = body.into_bytes()[..length].to_vec();
    (head(fields, length as u64), body)
}

fn cases() -> Vec<Sent> {
    let good = format!("host: a\r\ncontent-type: {FORM}\r\n");
    let (head, body) = create(&good, LARGE);
    let whole = [&head[..], &body].concat();
    let pieces = |body: &[u8], size: usize| body.chunks(size).map(<[u8]>::to_vec).collect();
    let thirds: Vec<Vec<u8>> = pieces(&body, LARGE / 3 + 1);
    let chunk = [b"10000\r\n", &body[..0x10000], b"\r\n"].concat();
    let chunked = format!("POST /users HTTP/1.1\r\n{good}transfer-encoding: chunked\r\n\r\n");
    let chunked = [chunked.as_bytes(), &chunk.repeat(LARGE >> 16), b"0\r\n\r\n"].concat();
    let (plain, little) = create("host: a\r\ncontent-type: text/plain\r\n", ALLOWED);
    let (nowhere, _) = create(&format!("content-type: {FORM}\r\n"), LARGE);
    vec![
        Sent {
            what: "5 MB at once",
            pieces: vec![whole],
            pause: MOMENT,
            status: 413,
        },
        Sent {
            what: "5 MB in three pieces",
            pieces: [vec![head.clone()], thirds].concat(),
            pause: MOMENT,
            status: 413,
        },
        Sent {
            what: "5 MB that are withheld for a second",
            pieces: vec![head, body.clone()],
            pause: WITHHELD,
            status: 413,
        },
        Sent {
            what: "5 MB in chunks",
            pieces: vec![chunked],
            pause: MOMENT,
            status: 413,
        },
        Sent {
            what: "a body of a type that is not read, in pieces",
            pieces: [vec![plain], pieces(&little, ALLOWED / 3)].concat(),
            pause: MOMENT,
            status: 415,
        },
        Sent {
            what: "5 MB to no host",
            pieces: vec![[&nowhere[..], &body].concat()],
            pause: MOMENT,
            status: 400,
        },
    ]
}

/// Sends all before it reads anything, as most libraries do, and wants the whole answer and an
/// end that is no reset.
async fn send(url: &str, sent: Sent) -> anyhow::Result<()> {
    let Sent {
        what,
        pieces,
        pause,
        status,
    } = sent;
    let mut wire = Wire::connect(url).await?;
    for (number, piece) in pieces.iter().enumerate() {
        if number > 0 {
            sleep(pause).await;
        }
        let lost = || format!("{what}: piece {number} cannot be sent, the answer {status} is lost");
        wire.send_all(piece).await.with_context(lost)?;
    }
    let answer = wire.answer().await?;
    let answer = answer.with_context(|| format!("{what}: closed without an answer"))?;
    answer.expect_problem(status, None).context(what)?;
    wire.finish().await;
    let end = wire.ends(DISCARDS).await;
    end.with_context(|| format!("{what}: after the answer"))
}

pub(crate) async fn an_early_answer_reaches_who_still_sends(stage: &Stage) -> anyhow::Result<()> {
    let service = stage.serve(&[]).await?;
    let url = service.http()?;
    let mut clients = JoinSet::new();
    for case in cases() {
        for _ in 0..CLIENTS {
            let (url, case) = (url.clone(), case.clone());
            clients.spawn(async move { send(&url, case).await });
        }
    }
    while let Some(client) = clients.join_next().await {
        client??;
    }
    // A library's own client, with a connection that it would like to keep.
    let client = Client::new();
    for number in 0..CLIENTS {
        let create = client.post(format!("{url}/users"));
        let create = create.header("content-type", FORM);
        let answer = create.body("a".repeat(LARGE)).send().await;
        let answer = answer.with_context(|| format!("reqwest, {number}: 5 MB at once"))?;
        ensure!(answer.status() == 413, "reqwest, {number}: {answer:?}");
    }
    service.stop().await
}

/// The time for a body is over when a client goes on with it.
pub(crate) async fn a_late_body_is_told_so_while_it_comes(stage: &Stage) -> anyhow::Result<()> {
    let service = stage.serve(&[]).await?;
    let (head, body) = create(&format!("host: a\r\ncontent-type: {FORM}\r\n"), ALLOWED);
    let mut wire = Wire::connect(&service.http()?).await?;
    wire.send_all(&head).await?;
    ensure!(wire.is_answered(2 * SOON).await, "it waits for ever");
    for (number, piece) in body.chunks(ALLOWED / 3).enumerate() {
        let lost = || format!("piece {number} cannot be sent, and 408 is lost");
        wire.send_all(piece).await.with_context(lost)?;
        sleep(MOMENT).await;
    }
    let answer = wire.answer().await?.context("closed without an answer")?;
    answer.expect_problem(408, None)?;
    wire.finish().await;
    wire.ends(DISCARDS).await.context("after the answer")?;
    service.stop().await
}

/// All places are taken; those who come too many send a body in three pieces.
pub(crate) async fn one_too_many_is_told_so_while_it_sends(stage: &Stage) -> anyhow::Result<()> {
    raise_connections()?;
    // By default it is 1,024, from the lesson on that brings a limit.
    let (flags, places) = match stage.lesson.has("e-limit") {
        true => (&["--limit-requests", "8"][..], 8),
        false => (&[][..], 1024),
    };
    let service = stage.serve(flags).await?;
    let url = service.http()?;
    let whole = request("POST /users", FORM, "name=&sex=0");
    let (first, _) = whole.split_at(whole.len() - 1);
    let mut inside = Vec::new();
    // Each keeps its place, so that the first one who is answered is one too many.
    loop {
        let mut wire = Wire::connect(&url).await?;
        wire.send_all(first).await?;
        let is_last = inside.len() >= places;
        if is_last && wire.is_answered(MOMENT).await {
            break;
        }
        inside.push(wire);
        let number = inside.len();
        ensure!(number < 2 * places, "{number} requests are in flight");
    }
    let (head, body) = create(&format!("host: a\r\ncontent-type: {FORM}\r\n"), ALLOWED);
    let thirds: Vec<Vec<u8>> = body.chunks(ALLOWED / 3).map(<[u8]>::to_vec).collect();
    let mut clients = JoinSet::new();
    for _ in 0..60 {
        let sent = Sent {
            what: "15 KB in three pieces, one request too many",
            pieces: [vec![head.clone()], thirds.clone()].concat(),
            pause: MOMENT,
            status: 503,
        };
        let url = url.clone();
        clients.spawn(async move { send(&url, sent).await });
    }
    while let Some(client) = clients.join_next().await {
        client??;
    }
    drop(inside);
    service.stop().await
}

/// To read on is a favour that has an end.
pub(crate) async fn who_never_stops_sending_is_cut_off(stage: &Stage) -> anyhow::Result<()> {
    let service = stage.serve(&[]).await?;
    let url = service.http()?;
    let memory = service.memory()?;
    let start = Instant::now();
    let mut clients = JoinSet::new();
    for slow in [false, true] {
        let mut wire = Wire::connect(&url).await?;
        clients.spawn(async move {
            let fields = format!("host: a\r\ncontent-type: {FORM}\r\n");
            wire.send(head(&fields, 1 << 40)).await;
            let piece = vec![b'a'; if slow { 1 } else { 1 << 16 }];
            while wire.send_all(&piece).await.is_ok() {
                if slow {
                    sleep(MOMENT).await;
                }
                ensure!(start.elapsed() < 2 * DISCARDS, "slow: {slow}: for ever");
            }
            Ok(())
        });
    }
    while let Some(client) = clients.join_next().await {
        client??;
    }
    let more = service.memory()?.saturating_sub(memory);
    ensure!(more < 8 << 20, "it keeps {more} bytes");
    service.stop().await
}

/// The same by gRPC, where an answer ends a stream and not the connection: others on it go on.
pub(crate) async fn an_early_answer_reaches_a_caller_who_still_sends(
    stage: &Stage,
) -> anyhow::Result<()> {
    let service = stage.serve(&[]).await?;
    let client = UserClient::connect(service.grpc()?).await?;
    let mut callers = JoinSet::new();
    for number in 0..CLIENTS {
        let mut client = client.clone();
        callers.spawn(async move {
            let message = "a".repeat(LARGE);
            let refused = client.ping(PingRequest { message }).await;
            let status = refused.err().context("5 MB are taken")?;
            ensure!(
                [Code::OutOfRange, Code::ResourceExhausted].contains(&status.code()),
                "call {number} of 5 MB: {status:?}"
            );
            for _ in 0..CLIENTS {
                let ping = client.ping(PingRequest::default());
                let answered = timeout(SOON, ping).await.context("it hangs")?;
                answered.context("a call on the same connection")?;
            }
            Ok(())
        });
    }
    while let Some(caller) = callers.join_next().await {
        caller??;
    }
    service.stop().await
}
