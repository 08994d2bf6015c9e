//! Clients that come again while the service stops.

use super::load::roomy;
use crate::stage::Stage;
use crate::store::Store;
use anyhow::Context;
use anyhow::bail;
use anyhow::ensure;
use nix::sys::signal::Signal;
use std::time::Duration;
use std::time::Instant;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio::time::sleep_until;
use tokio::time::timeout;

/// How many clients.
const CLIENTS: usize = 64;

/// How long a service goes on accepting after the signal, by default.
const DELAY: Duration = Duration::from_millis(300);

/// A moment after that.
const AFTER: Duration = Duration::from_millis(450);

/// Far more than an answer takes.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often it is tried until the machine is quick enough for the clients to come in time.
const TRIES: usize = 5;

const READ: &[u8] = b"GET /users?uid=1 HTTP/1.1\r\nhost: a\r\n\r\n";

/// 64 clients are told at the stop that their connections end, and make others at once. Just
/// then the service gets no processor for as long as it would have gone on accepting, as
/// happens in a container whose time is used up. Their connections exist: the system has made
/// them. So they are answered; to close the socket over them would be to reset them.
pub(crate) async fn who_comes_again_during_the_stop_is_not_reset(
    stage: &Stage,
) -> anyhow::Result<()> {
    for _ in 0..TRIES {
        let service = roomy(stage).await?;
        let address = service.http()?.trim_start_matches("http://").to_owned();
        let mut clients = Vec::new();
        for _ in 0..CLIENTS {
            clients.push(TcpStream::connect(&address).await?);
        }
        let start = tokio::time::Instant::now();
        service.signal(Signal::SIGTERM)?;
        until_told(clients).await?;
        service.signal(Signal::SIGSTOP)?;
        if start.elapsed() >= DELAY {
            service.signal(Signal::SIGCONT)?;
            service.ended_well().await?;
            continue; // too late: by now nobody is accepted any more
        }
        let again = come_again(&address).await;
        sleep_until(start + AFTER).await;
        service.signal(Signal::SIGCONT)?;
        expect_answers(again?).await?;
        return service.ended_well().await;
    }
    bail!("in {TRIES} stops not all were told in {DELAY:?} that their connections end")
}

/// A moment for a request to arrive where nobody takes it yet.
const ARRIVE: Duration = Duration::from_millis(100);

/// A client has the only place there is, and is idle; the request of another one waits in the
/// backlog. It was sent before the signal, so it is answered.
pub(crate) async fn who_waits_for_a_place_is_answered_at_the_stop(
    stage: &Stage,
) -> anyhow::Result<()> {
    let flags = [&["--limit-connections", "1"], stage.on(Store::Memory)].concat();
    let service = stage.serve(&flags).await?;
    let address = service.http()?.trim_start_matches("http://").to_owned();
    let mut idle = TcpStream::connect(&address).await?;
    ask(&mut idle).await?;
    let mut waiting = TcpStream::connect(&address).await?;
    waiting.write_all(READ).await?;
    sleep(ARRIVE).await;
    service.signal(Signal::SIGTERM)?;
    answer(&mut waiting).await?;
    service.ended_well().await
}

/// The rest of a head and a body; what comes before it is the first line and the host.
const REST: &str = "content-type: application/x-www-form-urlencoded\r\n\
    content-length: 17\r\n\r\nname=ferris&sex=1";

/// A moment at which the service no longer accepts and has taken leave of idle clients.
const LEAVING: Duration = Duration::from_millis(600);

/// Longer than the last answers may take to leave.
const LONG: Duration = Duration::from_millis(300);

/// Two clients change a user who is locked. The second one's head is whole only when the first
/// one has its answer: for a moment nothing is in flight, and that is not the end.
pub(crate) async fn what_begins_as_the_last_answer_leaves_is_answered(
    stage: &Stage,
) -> anyhow::Result<()> {
    let service = stage.serve(&[]).await?;
    let user = service.create_gopher().await?;
    let (address, path) = user
        .trim_start_matches("http://")
        .split_once('/')
        .context("a URL")?;
    let head = format!("PUT /{path} HTTP/1.1\r\nhost: a\r\n");
    let database = stage.database().await?;
    let mut lock = database.lock_users().await?;
    let mut first = TcpStream::connect(address).await?;
    first.write_all(format!("{head}{REST}").as_bytes()).await?;
    lock.wait_for(1).await?;
    let mut second = TcpStream::connect(address).await?;
    second.write_all(head.as_bytes()).await?;
    service.signal(Signal::SIGTERM)?;
    sleep(LEAVING).await;
    // The next lock waits behind the first client's update.
    let (released, next) = tokio::join!(
        async {
            lock.wait_for(2).await?;
            lock.release().await
        },
        database.lock_users(),
    );
    released?;
    let mut next = next?;
    expect_changed(&mut first).await?;
    second.write_all(REST.as_bytes()).await?;
    next.wait_for(1).await?;
    sleep(LONG).await;
    next.release().await?;
    expect_changed(&mut second).await?;
    service.ended_well().await
}

async fn expect_changed(client: &mut TcpStream) -> anyhow::Result<()> {
    let mut answer = Vec::new();
    let read = timeout(PATIENCE, client.read_buf(&mut answer)).await;
    read.context("no answer")??;
    let answer = String::from_utf8_lossy(&answer);
    ensure!(answer.starts_with("HTTP/1.1 204"), "not 204: {answer:?}");
    Ok(())
}

/// Asks on each connection until it is told that it ends.
async fn until_told(clients: Vec<TcpStream>) -> anyhow::Result<()> {
    let mut told = JoinSet::new();
    for mut client in clients {
        told.spawn(async move {
            let start = Instant::now();
            while !ask(&mut client).await?.contains("connection: close") {
                ensure!(start.elapsed() < PATIENCE, "it is not told that it ends");
            }
            Ok(())
        });
    }
    while let Some(client) = told.join_next().await {
        client??;
    }
    Ok(())
}

/// As many new connections, each with a request on it.
async fn come_again(address: &str) -> anyhow::Result<Vec<TcpStream>> {
    let mut again = Vec::new();
    for _ in 0..CLIENTS {
        let mut client = TcpStream::connect(address).await?;
        client.write_all(READ).await?;
        again.push(client);
    }
    Ok(again)
}

async fn expect_answers(clients: Vec<TcpStream>) -> anyhow::Result<()> {
    let mut lost = Vec::new();
    for mut client in clients {
        if let Err(error) = answer(&mut client).await {
            lost.push(format!("{error:#}"));
        }
    }
    let (number, first) = (lost.len(), lost.first());
    ensure!(
        lost.is_empty(),
        "of {CLIENTS} that came again during the stop {number} lost their request: {first:?}"
    );
    Ok(())
}

async fn ask(client: &mut TcpStream) -> anyhow::Result<String> {
    client.write_all(READ).await?;
    answer(client).await
}

async fn answer(client: &mut TcpStream) -> anyhow::Result<String> {
    let mut answer = [0; 4096];
    let read = timeout(PATIENCE, client.read(&mut answer)).await;
    let length = read.context("no answer")??;
    let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
    ensure!(answer.starts_with("HTTP/1.1 404"), "{answer:?}");
    Ok(answer)
}
