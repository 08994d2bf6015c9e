//! A process whose store would be itself, by whatever name it calls itself.

use super::process::expect_failure;
use crate::stage::AS_IT_IS;
use crate::stage::Stage;
use crate::store::Store;
use anyhow::Context;
use anyhow::ensure;
use std::net::TcpListener;
use std::time::Duration;
use tokio::time::timeout;

/// Much longer than a start takes.
const START: Duration = Duration::from_secs(5);

pub(crate) async fn who_would_ask_itself_by_another_name_does_not_start(
    stage: &Stage,
) -> anyhow::Result<()> {
    for (listens, name) in [
        ("127.0.0.1", "localhost"),
        ("127.0.0.1", "LOCALHOST"),
        ("127.0.0.1", "127.1"),
        ("0.0.0.0", "127.0.0.1"),
        ("0.0.0.0", "localhost"),
    ] {
        let port = TcpListener::bind((listens, 0))?.local_addr()?.port();
        let (listens, asks) = (format!("{listens}:{port}"), format!("http://{name}:{port}"));
        let flags = [
            "--http-addr",
            "127.0.0.1:0",
            "--grpc-addr",
            &listens,
            "--store",
            "grpc",
            "--grpc-upstream",
            &asks,
        ];
        let mut command = stage.command_in(AS_IT_IS, &flags).await?;
        let ended = timeout(START, command.spawn()?.wait_with_output()).await;
        let serves = || format!("it listens on {listens}, would ask {asks}, and serves");
        let output = stage.heard(ended.with_context(serves)??)?;
        let told = expect_failure(
            &output,
            &["this process would ask itself", "--grpc-upstream"],
        );
        told.with_context(|| format!("on {listens}, asking {asks}"))?;
    }
    // Another instance may well have another port of the same machine.
    let back = stage.serve(stage.on(Store::Memory)).await?;
    let upstream = back.grpc()?.replace("127.0.0.1", "localhost");
    let flags = ["--store", "grpc", "--grpc-upstream", &upstream];
    let front = stage.serve(&flags).await;
    let front = front.with_context(|| format!("{upstream} is another instance"))?;
    ensure!(front.grpc()? != back.grpc()?, "one port for two");
    front.stop().await?;
    back.stop().await
}
