//! More at a time than the service takes on: the rest is refused at once, and asked to come
//! again.

use super::calls::Calls;
use super::calls::Reply;
use super::calls::framed;
use super::calls::head;
use super::warm::FORM;
use super::warm::Warm;
use super::wire::Wire;
use super::wire::expect_status;
use super::wire::request;
use crate::stage::Stage;
use anyhow::Context;
use anyhow::ensure;
use nix::sys::resource::Resource;
use nix::sys::resource::getrlimit;
use nix::sys::resource::setrlimit;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tonic::Code;

/// How many requests, or calls, may be in flight.
const IN_FLIGHT: usize = 1024;

/// How many where it is set; more than warm a service up at the same time.
const FEW: usize = 64;

/// How many of them go over one connection of HTTP/2: as many as a client may begin before
/// it has heard how many it may.
const CALLS: usize = 64;

/// How many more are tried.
const OVER: usize = 16;

/// How soon one that is refused, or goes on, is answered; less than the 5 s after which one
/// that is in flight is given up.
const SOON: Duration = Duration::from_secs(3);

/// What all that are in flight may leave behind, in bytes.
const MORE: u64 = 32 << 20;

/// Lets this process, and those it starts, have as many connections as the system allows;
/// many shells give a process 1,024.
pub(super) fn raise_connections() -> anyhow::Result<()> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    // macOS allows less than it says.
    let most = most.min(10_000);
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    Ok(())
}

pub(crate) async fn over_1024_requests_in_flight_are_refused(stage: &Stage) -> anyhow::Result<()> {
    requests_over(stage, &[], IN_FLIGHT).await
}

pub(crate) async fn over_1024_calls_in_flight_are_refused(stage: &Stage) -> anyhow::Result<()> {
    calls_over(stage, &[], IN_FLIGHT).await
}

/// Each way in has its own.
pub(crate) async fn how_many_requests_are_in_flight_is_a_setting(
    stage: &Stage,
) -> anyhow::Result<()> {
    expect_flag(stage, "--limit-requests", "1024").await?;
    let few = FEW.to_string();
    let flags = ["--limit-requests", few.as_str()];
    requests_over(stage, &flags, FEW).await?;
    calls_over(stage, &flags, FEW).await
}

/// Wants a flag to be there, with this default.
pub(super) async fn expect_flag(stage: &Stage, flag: &str, default: &str) -> anyhow::Result<()> {
    let help = stage.run(&["--help"]).await?.stdout;
    let mut lines = help.lines().skip_while(|line| !line.contains(flag));
    ensure!(lines.next().is_some(), "it is fixed: there is no {flag}");
    let default = format!("[default: {default}]");
    let mut lines = lines.take_while(|line| !line.trim_start().starts_with("--"));
    let told = lines.any(|line| line.contains(&default));
    ensure!(told, "{flag} has no {default}: {help}");
    Ok(())
}

async fn requests_over(stage: &Stage, flags: &[&str], in_flight: usize) -> anyhow::Result<()> {
    raise_connections()?;
    let warm = Warm::serve(stage, flags).await?;
    let url = warm.service.http()?;
    // Each is in flight from its head on, until its body has come.
    let whole = request("POST /users", FORM, "name=&sex=0");
    let (head, body) = whole.split_at(whole.len() - 1);
    let (on, go_on) = watch::channel(());
    let mut wires = Vec::new();
    for _ in 0..in_flight + OVER {
        wires.push(Wire::connect(&url).await?);
    }
    let mut requests = JoinSet::new();
    for mut wire in wires {
        wire.send(head).await;
        let (body, mut go_on) = (body.to_vec(), go_on.clone());
        requests.spawn(async move {
            tokio::select! {
                answer = wire.answer() => return answer?.context("closed"),
                _ = go_on.changed() => {}
            }
            wire.send(body).await;
            wire.answer().await?.context("closed")
        });
    }
    let too_many = join(&mut requests, OVER).await?;
    on.send_replace(());
    for answer in too_many {
        answer.expect_problem(503, None).context("one too many")?;
    }
    for answer in join(&mut requests, in_flight).await? {
        let told = answer.expect_problem(400, Some("name"));
        told.context("one in flight")?;
    }
    warm.expect_little_more_memory(MORE).await?;
    expect_status(&url, request("GET /ping", FORM, ""), 200).await?;
    warm.service.stop().await
}

async fn calls_over(stage: &Stage, flags: &[&str], in_flight: usize) -> anyhow::Result<()> {
    let warm = Warm::serve(stage, flags).await?;
    let url = warm.service.grpc()?;
    let read = || head("/service.goms.User/ReadUser", &[]);
    let (on, go_on) = watch::channel(());
    let (mut connections, mut replies) = (Vec::new(), JoinSet::new());
    for number in 0..in_flight + OVER {
        if number % CALLS == 0 {
            connections.push(Calls::connect(&url).await?);
        }
        let calls = connections.last().context("no connection")?;
        let (mut call, mut go_on) = (calls.begin(read()?).await?, go_on.clone());
        replies.spawn(async move {
            tokio::select! {
                reply = &mut call.answer => return Reply::of(reply?).await,
                _ = go_on.changed() => {}
            }
            call.body.send_data(framed(&[]).into(), true)?;
            call.reply().await
        });
    }
    let too_many = join(&mut replies, OVER).await?;
    on.send_replace(());
    for reply in too_many {
        ensure!(
            reply.code == Some(Code::Unavailable),
            "one too many: {reply:?}"
        );
    }
    for reply in join(&mut replies, in_flight).await? {
        ensure!(
            reply.code == Some(Code::InvalidArgument),
            "in flight: {reply:?}"
        );
    }
    warm.expect_little_more_memory(MORE).await?;
    let reply = Calls::connect(&url)
        .await?
        .call(read()?, framed(&[]))
        .await?;
    ensure!(
        reply.code == Some(Code::InvalidArgument),
        "afterwards: {reply:?}"
    );
    warm.service.stop().await
}

/// Waits for so many of them to be answered.
async fn join<T: 'static>(
    asked: &mut JoinSet<anyhow::Result<T>>,
    number: usize,
) -> anyhow::Result<Vec<T>> {
    let mut answers = Vec::new();
    while answers.len() < number {
        let next = timeout(SOON, asked.join_next()).await;
        let next = next.with_context(|| format!("{} of {number} answered", answers.len()))?;
        answers.push(next.context("nobody is left")???);
    }
    Ok(answers)
}
