//! The gRPC way in, and its client as a store.

use super::process::expect_failure;
use crate::answer::Answer;
use crate::proto::PingRequest;
use crate::proto::UserId;
use crate::proto::UserRecord;
use crate::proto::user_client::UserClient;
use crate::stage::Stage;
use anyhow::Context;
use anyhow::ensure;
use tonic::Code;
use tonic::Status;

fn user(uid: i64, name: &str, sex: i64) -> UserRecord {
    let name = name.to_owned();
    UserRecord { uid, name, sex }
}

fn expect_code<T>(result: Result<T, Status>, code: Code, says: &str) -> anyhow::Result<()> {
    let status = result
        .err()
        .with_context(|| format!("answered, not {code:?}"))?;
    ensure!(status.code() == code, "not {code:?}: {status}");
    ensure!(
        status.message().contains(says),
        "{says:?} is not in {status}"
    );
    Ok(())
}

pub(crate) async fn calls_create_read_update_and_delete(stage: &Stage) -> anyhow::Result<()> {
    for store in stage.stores() {
        let flags = stage.on(store);
        let service = stage.serve(flags).await?;
        let mut client = UserClient::connect(service.grpc()?).await?;
        let UserId { uid } = client.create_user(user(0, "gopher", 0)).await?.into_inner();
        for _ in 0..2 {
            let read = client.read_user(UserId { uid }).await?.into_inner();
            ensure!(read == user(uid, "gopher", 0), "read {read:?}");
        }
        client.update_user(user(uid, "Zoë", 9)).await?;
        let read = client.read_user(UserId { uid }).await?.into_inner();
        ensure!(read == user(uid, "Zoë", 9), "read {read:?}");
        client.delete_user(UserId { uid }).await?;
        expect_code(
            client.read_user(UserId { uid }).await,
            Code::NotFound,
            "no user",
        )?;
        expect_code(
            client.delete_user(UserId { uid }).await,
            Code::NotFound,
            "no user",
        )?;
        expect_code(
            client.update_user(user(uid, "a", 0)).await,
            Code::NotFound,
            "no user",
        )?;
        let bad = Code::InvalidArgument;
        expect_code(
            client.read_user(UserId { uid: 0 }).await,
            bad,
            "uid must be",
        )?;
        expect_code(
            client.create_user(user(0, "", 3)).await,
            bad,
            "name must be",
        )?;
        expect_code(
            client.create_user(user(0, "a", 3)).await,
            bad,
            "sex must be",
        )?;
        service.stop().await?;
    }
    Ok(())
}

pub(crate) async fn pings_are_counted_apart_from_http(stage: &Stage) -> anyhow::Result<()> {
    let service = stage.serve(&[]).await?;
    let mut client = UserClient::connect(service.grpc()?).await?;
    reqwest::get(format!("{}/ping", service.http()?))
        .await?
        .error_for_status()?;
    for count in 1..4 {
        let message = "hello".to_owned();
        let reply = client.ping(PingRequest { message }).await?.into_inner();
        ensure!(reply.message == "pong hello", "{reply:?}");
        ensure!(reply.count == count, "ping {count}: {reply:?}");
    }
    let reply = client.ping(PingRequest::default()).await?.into_inner();
    ensure!(reply.message == "pong NONE!", "{reply:?}");
    service.stop().await
}

pub(crate) async fn another_instance_serves_as_a_store(stage: &Stage) -> anyhow::Result<()> {
    let back = stage.serve(&[]).await?;
    let upstream = back.grpc()?;
    let flags = &["--store", "grpc", "--grpc-upstream", &upstream][..];
    let created = stage
        .run(&[flags, &["create", "gopher", "0"]].concat())
        .await?;
    ensure!(created.stdout == "uid=1 name=gopher sex=0\n", "{created:?}");
    let front = stage.serve(flags).await?;
    let read = reqwest::get(format!("{}/users/1", front.http()?))
        .await?
        .text()
        .await?;
    ensure!(
        read == r#"{"uid":1,"name":"gopher","sex":0}"#,
        "the front one read {read}"
    );
    let missing = reqwest::get(format!("{}/users/2", front.http()?)).await?;
    Answer::of(missing).await?.expect_problem(404, None)?;
    front.stop().await?;
    back.stop().await?;
    let read = stage.run(&[flags, &["read", "1"]].concat()).await?;
    expect_failure(&read, &["the store is not available"])
}

/// As it would with the addresses that it has by default.
pub(crate) async fn who_would_ask_itself_does_not_start(stage: &Stage) -> anyhow::Result<()> {
    let serving = ["--http-addr", "127.0.0.1:0", "--grpc-addr", "127.0.0.1:1"];
    let itself = ["--store", "grpc", "--grpc-upstream", "http://127.0.0.1:1"];
    let output = stage.run(&[serving, itself].concat()).await?;
    expect_failure(
        &output,
        &["this process would ask itself", "--grpc-upstream"],
    )
}
