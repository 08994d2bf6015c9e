//! Callers that share a statement or a message: each gets its own answer.

use super::mysql::behind_mysql;
use super::mysql::open;
use super::redis::ALL;
use super::redis::asked;
use crate::answer::Answer;
use crate::proto::PingRequest;
use crate::proto::user_client::UserClient;
use crate::proxy::Network;
use crate::stage::Stage;
use anyhow::ensure;
use reqwest::Client;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tonic::Code;
use tonic::transport::Channel;

/// Time for requests to arrive and wait. They may be kept waiting for a second.
const ARRIVE: Duration = Duration::from_millis(250);

/// From when on sqlx takes a statement to be slow.
const SLOW: Duration = Duration::from_secs(1);

/// As it stands in a statement.
const GOPHER_IN_HEX: &str = "676f70686572";

/// How many come together.
const CALLERS: i64 = 17;

/// While two reads are under way, on a database that hangs, others come, though connections
/// are free: for users, two for each, and for nobody.
pub(crate) async fn readers_that_wait_share_a_statement(stage: &Stage) -> anyhow::Result<()> {
    let (proxy, service) = behind_mysql(stage, ALL).await?;
    open(stage, &service, 8).await?;
    let (client, http) = (Client::new(), service.http()?);
    let mut expected = Vec::new();
    for number in 0..CALLERS {
        let name = format!("gopher {number}");
        let create = client.post(format!("{http}/users"));
        let create = create.form(&[("name", name.as_str()), ("sex", "1")]).send();
        let created = Answer::of(create.await?.error_for_status()?).await?;
        let user = format!("{http}{}", created.header("location"));
        expected.push((format!("{user}000"), None));
        expected.push((user.clone(), Some(created.body.clone())));
        expected.push((user, Some(created.body)));
    }
    let before = asked(&service, &client).await?;
    proxy.turn(Network::Hung);
    let mut readers = JoinSet::new();
    for (url, user) in expected {
        let read = client.get(&url).send();
        readers.spawn(async move {
            let answer = Answer::of(read.await?).await?;
            match user {
                Some(user) => ensure!(answer.body == user, "{url}: {answer:?}, not {user}"),
                None => answer.expect_problem(404, None)?,
            }
            Ok(())
        });
    }
    sleep(2 * ARRIVE).await;
    proxy.turn(Network::Up);
    while let Some(read) = readers.join_next().await {
        read??;
    }
    let statements = asked(&service, &client).await? - before;
    ensure!(statements <= 4, "{statements} statements were run");
    service.stop().await
}

/// Creates users of these names at the same time; those that are created, with their uids.
async fn create(url: String, names: Vec<String>) -> anyhow::Result<BTreeMap<String, i64>> {
    let mut creates = JoinSet::new();
    for name in names {
        let create = Client::new().post(format!("{url}/users"));
        let create = create.form(&[("name", name.as_str()), ("sex", "0")]);
        creates.spawn(async move { anyhow::Ok((name, Answer::of(create.send().await?).await?)) });
    }
    let mut created = BTreeMap::new();
    while let Some(answer) = creates.join_next().await {
        let (name, answer) = answer??;
        match answer.status {
            201 => {
                let uid = answer.header("location").trim_start_matches("/users/");
                created.insert(name, uid.parse()?);
            }
            _ => answer.expect_problem(500, None)?,
        }
    }
    Ok(created)
}

/// While two creates wait for a lock, others come, and last of them one that the database
/// will refuse. One waits so long that its statement is a slow one, which is no reason to log
/// whom it creates.
pub(crate) async fn creates_that_wait_are_done_together_or_not(
    stage: &Stage,
) -> anyhow::Result<()> {
    let service = stage.serve(&[]).await?;
    let (url, database) = (service.http()?, stage.database().await?);
    let names = |from: i64, to| -> Vec<String> {
        let numbers = from..to;
        numbers.map(|number| format!("gopher {number}")).collect()
    };
    let spawn = |from, to| tokio::spawn(create(url.clone(), names(from, to)));
    database.refuse(&format!("gopher {CALLERS}")).await?;
    let mut lock = database.lock_users().await?;
    let one = spawn(0, 1);
    lock.wait_for(1).await?;
    sleep(SLOW).await;
    let two = spawn(1, 2);
    lock.wait_for(2).await?;
    let others = spawn(2, CALLERS);
    sleep(ARRIVE).await;
    let last = spawn(CALLERS, CALLERS + 1);
    sleep(2 * ARRIVE).await;
    lock.release().await?;
    let mut created = one.await??;
    created.extend(two.await??);
    ensure!(created.len() == 2, "created: {created:?}");
    for none in [others.await??, last.await??] {
        ensure!(none.is_empty(), "created: {none:?}");
    }
    for number in CALLERS + 1..2 * CALLERS {
        created.extend(create(url.clone(), names(number, number + 1)).await?);
    }
    created.extend(create(url.clone(), names(2 * CALLERS, 9 * CALLERS)).await?);
    ensure!(created.len() as i64 == 1 + 8 * CALLERS, "{created:?}");
    let there = database.users().await?;
    ensure!(there == created, "there: {there:?}, told: {created:?}");
    ensure!(service.said(GOPHER_IN_HEX) == 0, "a name is logged");
    service.stop().await
}

async fn ping(mut client: UserClient<Channel>) -> Result<i64, tonic::Status> {
    let reply = client.ping(PingRequest::default()).await?;
    Ok(reply.into_inner().count)
}

/// While two pings wait for their row, others come; they share the next statement, and in its
/// middle one of them hangs up.
pub(crate) async fn who_hangs_up_leaves_the_others_their_answers(
    stage: &Stage,
) -> anyhow::Result<()> {
    let service = stage.serve(&[]).await?;
    let client = UserClient::connect(service.grpc()?).await?;
    let database = stage.database().await?;
    let mut lock = database.lock_pings().await?;
    let mut pings = JoinSet::new();
    pings.spawn(ping(client.clone()));
    lock.wait_for(1).await?;
    pings.spawn(ping(client.clone()));
    lock.wait_for(2).await?;
    let (one, next) = tokio::join!(
        async {
            sleep(ARRIVE).await;
            let one = pings.spawn(ping(client.clone()));
            for _ in 1..CALLERS {
                pings.spawn(ping(client.clone()));
            }
            sleep(ARRIVE).await;
            lock.release().await?;
            Ok::<_, anyhow::Error>(one)
        },
        database.lock_pings(), // waits behind the two pings, and the others behind it
    );
    let (one, mut next) = (one?, next?);
    sleep(ARRIVE).await;
    next.wait_for(1).await?;
    one.abort();
    sleep(ARRIVE).await;
    next.release().await?;
    let mut counts = BTreeSet::new();
    while let Some(ended) = pings.join_next().await {
        match ended {
            Ok(count) => ensure!(counts.insert(count?), "a count was told twice"),
            Err(error) => ensure!(error.is_cancelled(), "{error}"),
        }
    }
    ensure!(counts.len() as i64 == CALLERS + 1, "{counts:?}");
    let count = ping(client).await?;
    ensure!(
        count == CALLERS + 3,
        "{count} is the number after {counts:?}"
    );
    service.stop().await
}

/// Two pings wait for their row longer than others wait for their turn.
pub(crate) async fn a_ping_told_503_is_not_counted(stage: &Stage) -> anyhow::Result<()> {
    let service = stage.serve(&[]).await?;
    let client = UserClient::connect(service.grpc()?).await?;
    let mut lock = stage.database().await?.lock_pings().await?;
    let first = tokio::spawn(ping(client.clone()));
    lock.wait_for(1).await?;
    let second = tokio::spawn(ping(client.clone()));
    lock.wait_for(2).await?;
    let mut pings = JoinSet::new();
    for _ in 0..CALLERS {
        pings.spawn(ping(client.clone()));
    }
    while let Some(refused) = pings.join_next().await {
        let code = refused?.err().map(|status| status.code());
        ensure!(code == Some(Code::Unavailable), "a ping ended in {code:?}");
    }
    lock.release().await?;
    let counts = BTreeSet::from([first.await??, second.await??]);
    ensure!(counts == BTreeSet::from([1, 2]), "they are {counts:?}");
    let next = ping(client).await?;
    ensure!(next == 3, "the next ping is number {next}");
    service.stop().await
}
