//! Many clients at once, and a stop in the midst of them.

use crate::answer::Answer;
use crate::proto::PingRequest;
use crate::proto::UserId;
use crate::proto::UserRecord;
use crate::proto::user_client::UserClient;
use crate::service::Service;
use crate::stage::Stage;
use crate::store::Store;
use anyhow::Context;
use anyhow::ensure;
use nix::sys::signal::Signal;
use reqwest::Client;
use serde_json::Value;
use serde_json::json;
use std::time::Duration;
use std::time::Instant;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tonic::Code;

/// Less than the 300 ms for which a service goes on accepting.
const MOMENT: Duration = Duration::from_millis(100);

/// How many clients.
pub(super) const CLIENTS: usize = 64;

/// Serves with a connection to the database for each client, where there is one: none of
/// them has to wait for another's, which on a slow machine may take too long.
pub(super) async fn roomy(stage: &Stage) -> anyhow::Result<Service> {
    match stage.lesson.has("e-mysql") {
        true => stage.serve(&["--mysql-connections", "64"]).await,
        false => stage.serve(&[]).await,
    }
}

/// Waits until all of them have ended well.
async fn all(mut clients: JoinSet<anyhow::Result<()>>) -> anyhow::Result<()> {
    while let Some(client) = clients.join_next().await {
        client??;
    }
    Ok(())
}

pub(crate) async fn each_client_reads_back_its_own_user(stage: &Stage) -> anyhow::Result<()> {
    let service = roomy(stage).await?;
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let (client, url) = (Client::new(), service.http()?);
        clients.spawn(async move {
            let mut user = json!({"name": format!("client {number}"), "sex": 0});
            let created = client.post(format!("{url}/users")).json(&user).send();
            let created: Value = created.await?.json().await?;
            user["uid"] = created["uid"].clone();
            let own = format!("{url}/users/{}", user["uid"]);
            for round in 0..20 {
                let read: Value = client.get(&own).send().await?.json().await?;
                ensure!(read == user, "read {read}, not {user}");
                if round < 10 {
                    continue; // a cache has time to be used
                }
                user["name"] = format!("client {number}.{round}").into();
                let updated = client.put(&own).json(&user).send().await?;
                ensure!(updated.status() == 204, "update: {}", updated.status());
            }
            Ok(())
        });
    }
    all(clients).await?;
    service.stop().await
}

pub(crate) async fn each_caller_reads_back_its_own_user(stage: &Stage) -> anyhow::Result<()> {
    let service = roomy(stage).await?;
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let url = service.grpc()?;
        clients.spawn(async move {
            let mut client = UserClient::connect(url).await?;
            let (uid, name, sex) = (0, format!("caller {number}"), 0);
            let mut user = UserRecord { uid, name, sex };
            user.uid = client.create_user(user.clone()).await?.into_inner().uid;
            for round in 0..20 {
                let uid = user.uid;
                let read = client.read_user(UserId { uid }).await?.into_inner();
                ensure!(read == user, "read {read:?}, not {user:?}");
                if round < 10 {
                    continue;
                }
                user.name = format!("caller {number}.{round}");
                client.update_user(user.clone()).await?;
            }
            Ok(())
        });
    }
    all(clients).await?;
    service.stop().await
}

pub(crate) async fn pings_by_grpc_are_counted_one_by_one(stage: &Stage) -> anyhow::Result<()> {
    let service = roomy(stage).await?;
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let url = service.grpc()?;
        clients.spawn(async move {
            let mut client = UserClient::connect(url).await?;
            for _ in 0..100 {
                client.ping(PingRequest::default()).await?;
            }
            Ok(())
        });
    }
    all(clients).await?;
    let mut client = UserClient::connect(service.grpc()?).await?;
    let reply = client.ping(PingRequest::default()).await?.into_inner();
    ensure!(reply.count == 6401, "{} pings were counted", reply.count);
    service.stop().await
}

/// 64 clients send requests one after another on connections that they keep; each that the
/// stop meets has its answer, and learns from it that the connection ends.
pub(crate) async fn what_was_sent_before_the_stop_is_answered(stage: &Stage) -> anyhow::Result<()> {
    let service = roomy(stage).await?;
    let address = service.http()?.trim_start_matches("http://").to_owned();
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let address = address.clone();
        clients.spawn(async move {
            let mut stream = TcpStream::connect(address).await?;
            let mut answers = 0;
            loop {
                stream
                    .write_all(b"GET /users?uid=1 HTTP/1.1\r\nhost: a\r\n\r\n")
                    .await?;
                let mut answer = [0; 4096];
                let length = stream.read(&mut answer).await?;
                let answer = String::from_utf8_lossy(&answer[..length]);
                ensure!(
                    answer.starts_with("HTTP/1.1 404"),
                    "after {answers}: {answer:?}"
                );
                answers += 1;
                if answer.contains("connection: close") {
                    return Ok(());
                }
            }
        });
    }
    sleep(Duration::from_millis(300)).await;
    service.signal(Signal::SIGTERM)?;
    all(clients).await?;
    service.ended_well().await
}

/// Clients call one time after another on connections that they keep. Each call that was
/// made before the stop has its answer, and also each of a moment after it: not everybody
/// can have heard of it yet.
pub(crate) async fn calls_made_before_the_stop_are_answered(stage: &Stage) -> anyhow::Result<()> {
    let service = roomy(stage).await?;
    let (signalled, stopped) = watch::channel(None::<Instant>);
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (url, stopped) = (service.grpc()?, stopped.clone());
        clients.spawn(async move {
            let mut client = UserClient::connect(url).await?;
            loop {
                let start = Instant::now();
                let read = client.read_user(UserId { uid: 1 }).await;
                let status = read.err().context("there is a user 1")?;
                if status.code() != Code::NotFound {
                    let signal = stopped.borrow().context("before the signal")?;
                    ensure!(start > signal + MOMENT, "{:?}: {status}", start - signal);
                    return Ok(());
                }
            }
        });
    }
    sleep(Duration::from_millis(300)).await;
    let now = Instant::now();
    signalled.send_replace(Some(now));
    service.signal(Signal::SIGTERM)?;
    all(clients).await?;
    service.ended_well().await?;
    ensure!(
        now.elapsed() < Duration::from_secs(10),
        "{:?}",
        now.elapsed()
    );
    Ok(())
}

/// Each write takes its time, as the file is large, and they are done one after another:
/// most have not begun at the stop.
pub(crate) async fn writes_sent_before_the_stop_are_done(stage: &Stage) -> anyhow::Result<()> {
    let users = (1..=1500).map(|uid| format!("- {{uid: {uid}, name: gopher, sex: 0}}\n"));
    let users = format!("users:\n{}", users.collect::<String>());
    std::fs::write(stage.folder().join("users.yaml"), users)?;
    let flags = stage.on(Store::Yaml);
    let service = stage.serve(flags).await?;
    let address = service.http()?.trim_start_matches("http://").to_owned();
    let mut streams = Vec::new();
    for _ in 0..CLIENTS {
        let mut stream = TcpStream::connect(&address).await?;
        let create = "POST /users HTTP/1.1\r\nhost: a\r\ncontent-length: 17\r\n\
                      content-type: application/x-www-form-urlencoded\r\n\r\nname=gopher&sex=0";
        stream.write_all(create.as_bytes()).await?;
        streams.push(stream);
    }
    service.signal(Signal::SIGTERM)?;
    for (number, stream) in streams.iter_mut().enumerate() {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        ensure!(
            answer.starts_with("HTTP/1.1 201"),
            "write {number}: {answer:?}"
        );
    }
    service.ended_well().await?;
    let last = stage.run(&[flags, &["read", "1564"]].concat()).await?;
    ensure!(last.status.success(), "the last user is lost");
    Ok(())
}

/// 32 requests wait for a lock on their row when the stop comes, and get it after that.
pub(crate) async fn slow_requests_are_answered_after_the_stop(stage: &Stage) -> anyhow::Result<()> {
    let service = roomy(stage).await?;
    let (client, user) = (Client::new(), service.create_gopher().await?);
    let mut lock = stage.database().await?.lock_users().await?;

    let mut clients = JoinSet::new();
    for _ in 0..16 {
        let update = client.put(&user).form(&[("name", "ferris"), ("sex", "1")]);
        clients.spawn(async move {
            let status = update.send().await?.status();
            ensure!(status == 204, "over HTTP: {status}");
            Ok(())
        });
        let mut client = UserClient::connect(service.grpc()?).await?;
        clients.spawn(async move {
            let (uid, name, sex) = (1, "ferris".to_owned(), 1);
            client.update_user(UserRecord { uid, name, sex }).await?;
            Ok(())
        });
    }
    lock.wait_for(32).await?;
    let start = Instant::now();
    service.signal(Signal::SIGTERM)?;
    sleep(Duration::from_secs(1)).await;
    lock.release().await?;
    all(clients).await?;
    service.ended_well().await?;
    ensure!(
        start.elapsed() < Duration::from_secs(10),
        "{:?}",
        start.elapsed()
    );
    Ok(())
}

/// One request waits for a lock and has the only connection.
pub(crate) async fn an_exhausted_pool_is_told_within_a_second(stage: &Stage) -> anyhow::Result<()> {
    let service = stage.serve(&["--mysql-connections", "1"]).await?;
    let (client, user) = (Client::new(), service.create_gopher().await?);
    let mut lock = stage.database().await?.lock_users().await?;
    let update = client
        .put(&user)
        .form(&[("name", "ferris"), ("sex", "1")])
        .send();
    let update = tokio::spawn(update);
    lock.wait_for(1).await?;

    let mut grpc = UserClient::connect(service.grpc()?).await?;
    let start = Instant::now();
    let read = client.get(&user).send();
    let (read, called) = tokio::join!(read, grpc.read_user(UserId { uid: 1 }));
    Answer::of(read?).await?.expect_problem(503, None)?;
    let code = called.err().map(|status| status.code());
    ensure!(code == Some(Code::Unavailable), "over gRPC: {code:?}");
    ensure!(
        start.elapsed() < Duration::from_millis(1500),
        "{:?}",
        start.elapsed()
    );
    lock.release().await?;
    ensure!(update.await??.status() == 204, "the update is lost");
    service.stop().await
}
