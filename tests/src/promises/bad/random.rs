//! What nobody has thought of: good input made bad at random.
//!
//! The seed of a run stands in what a failed test tells; `GOMS_TEST_SEED` repeats it, each
//! connection with the very same input.

use super::calls::Calls;
use super::calls::framed;
use super::calls::head;
use super::mutation::mutate;
use super::samples::composed;
use super::samples::good_messages;
use super::samples::good_requests;
use super::samples::session;
use super::warm::Warm;
use super::wire::Wire;
use crate::stage::Stage;
use anyhow::Context;
use anyhow::ensure;
use fastrand::Rng;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tonic::Code;

/// How many clients there are at a time.
const CLIENTS: u64 = 32;

/// How many requests and calls they make together.
const IN_ALL: u64 = 10_000;

/// How long a client waits for an answer to what may be half a request.
const WHILE: Duration = Duration::from_millis(30);

/// How long the service may take to hear that the client has gone.
const SOON: Duration = Duration::from_secs(8);

/// What may be answered to whatever comes, while the store works.
const STATUSES: &[u16] = &[
    100, 200, 201, 204, 400, 404, 405, 408, 413, 414, 415, 431, 501,
];

/// Where the service of later lessons keeps users; e-mysql's on its way to it would be the
/// same as e-redis'.
fn flags(stage: &Stage) -> &'static [&'static str] {
    match stage.lesson.has("e-redis") {
        true => &[],
        false => &["--store", "memory"],
    }
}

/// The seed, from the environment or a new one.
fn seed(stage: &Stage) -> anyhow::Result<u64> {
    let seed = match std::env::var("GOMS_TEST_SEED") {
        Ok(seed) => seed.parse().context("GOMS_TEST_SEED")?,
        Err(_) => fastrand::u64(..),
    };
    stage
        .transcript
        .say(&format!("GOMS_TEST_SEED={seed} repeats this"));
    Ok(seed)
}

/// How many requests, or calls, each client makes.
fn each(stage: &Stage) -> u64 {
    let ways_in = if stage.lesson.has("e-grpc") { 2 } else { 1 };
    (IN_ALL / ways_in).div_ceil(CLIENTS)
}

/// What the client of this number draws from.
fn rng(seed: u64, client: u64) -> Rng {
    let mut rng = Rng::with_seed(seed);
    (0..=client).map(|_| rng.fork()).last().unwrap_or(rng)
}

/// Runs a client of each number; what went wrong is told with the seed.
async fn run<F>(seed: u64, client: impl Fn(Rng) -> F) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        clients.spawn(client(rng(seed, number)));
    }
    while let Some(client) = clients.join_next().await {
        client?.with_context(|| format!("GOMS_TEST_SEED={seed} repeats this"))?;
    }
    Ok(())
}

pub(crate) async fn random_requests_break_nothing(stage: &Stage) -> anyhow::Result<()> {
    let seed = seed(stage)?;
    let warm = Warm::serve(stage, flags(stage)).await?;
    let url = warm.service.http()?;
    let each = each(stage);
    run(seed, |rng| requests_at_random(url.clone(), each, rng)).await?;
    warm.expect_unharmed().await
}

async fn requests_at_random(url: String, each: u64, mut rng: Rng) -> anyhow::Result<()> {
    let good = good_requests();
    for _ in 0..each {
        let is_composed = rng.bool();
        let mut input = match is_composed {
            true => composed(&mut rng),
            false => good[rng.usize(0..good.len())].clone(),
        };
        if !is_composed || rng.bool() {
            mutate(&mut rng, &mut input, &good);
        }
        let done = expect_answers(&url, &input).await;
        done.with_context(|| format!("{:?}", input.escape_ascii().to_string()))?;
    }
    Ok(())
}

/// Each answer is one that there may be, and the end of the input is the end of it all.
async fn expect_answers(url: &str, input: &[u8]) -> anyhow::Result<()> {
    let mut wire = Wire::connect(url).await?;
    wire.send(input).await;
    if !wire.is_answered(WHILE).await {
        wire.finish().await;
    }
    let mut method = if input.starts_with(b"HEAD ") {
        "HEAD"
    } else {
        "GET"
    };
    while let Some(answer) = timeout(SOON, wire.answer_to(method))
        .await
        .context("it hangs")??
    {
        ensure!(STATUSES.contains(&answer.status), "{answer:?}");
        if answer.status != 100 {
            method = "GET";
            wire.finish().await;
        }
    }
    Ok(())
}

pub(crate) async fn random_calls_break_nothing(stage: &Stage) -> anyhow::Result<()> {
    let seed = seed(stage)?;
    let warm = Warm::serve(stage, flags(stage)).await?;
    let url = warm.service.grpc()?;
    let each = each(stage);
    run(seed, |rng| calls_at_random(url.clone(), each, rng)).await?;
    warm.expect_unharmed().await
}

async fn calls_at_random(url: String, each: u64, mut rng: Rng) -> anyhow::Result<()> {
    let good = good_messages();
    let messages: Vec<Vec<u8>> = good.iter().map(|(_, message)| message.clone()).collect();
    let session = vec![session()];
    let calls = Calls::connect(&url).await?;
    for _ in 0..each {
        let (method, mut message) = good[rng.usize(0..good.len())].clone();
        let kind = rng.u8(0..8);
        if kind == 0 {
            // The bytes of HTTP/2 itself.
            let mut bytes = session[0].clone();
            mutate(&mut rng, &mut bytes, &session);
            let done = expect_end(&url, &bytes).await;
            done.with_context(|| format!("{:?}", bytes.escape_ascii().to_string()))?;
            continue;
        }
        if kind > 2 {
            mutate(&mut rng, &mut message, &messages);
        }
        let mut body = framed(&message);
        if kind < 5 {
            mutate(&mut rng, &mut body, &messages);
        }
        let reply = calls.call(head(method, &[])?, body.clone()).await;
        let fine = reply.and_then(|reply| {
            let code = reply.code.context("no status")?;
            ensure!(may_be(code), "{reply:?}");
            Ok(())
        });
        fine.with_context(|| format!("{method} {:?}", body.escape_ascii().to_string()))?;
    }
    Ok(())
}

/// Whether a call may end so while the store works.
fn may_be(code: Code) -> bool {
    use Code::*;
    matches!(
        code,
        Ok | InvalidArgument | NotFound | OutOfRange | ResourceExhausted
    )
}

/// What comes back is frames, and the end of the input is the end of it all.
async fn expect_end(url: &str, input: &[u8]) -> anyhow::Result<()> {
    let mut wire = Wire::connect(url).await?;
    wire.send(input).await;
    let _ = wire.is_answered(WHILE).await;
    wire.finish().await;
    let come = wire.rest(SOON).await?;
    let mut rest = &come[..];
    while let [a, b, c, kind, _, _, _, _, _, after @ ..] = rest {
        let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
        ensure!(*kind < 10 && length <= 16 << 10, "no frame: {rest:?}");
        // The last one may be cut off, as we have gone.
        rest = after.get(length..).unwrap_or_default();
    }
    Ok(())
}
