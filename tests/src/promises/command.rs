//! The operator's way in.

use super::process::expect_failure;
use crate::stage::Stage;
use crate::store::Store;
use anyhow::ensure;

/// Runs a command on a store and wants this line on standard output.
async fn expect_printed(
    stage: &Stage,
    store: Store,
    command: &[&str],
    line: &str,
) -> anyhow::Result<()> {
    let arguments = [stage.on(store), command].concat();
    let output = stage.run(&arguments).await?;
    ensure!(
        output.status.success(),
        "{command:?} ended with {}",
        output.status
    );
    ensure!(
        output.stdout == format!("{line}\n"),
        "{command:?} printed {:?}",
        output.stdout
    );
    Ok(())
}

pub(crate) async fn a_user_is_created_and_printed(stage: &Stage) -> anyhow::Result<()> {
    for store in stage.stores() {
        expect_printed(
            stage,
            store,
            &["create", "gopher", "0"],
            "uid=1 name=gopher sex=0",
        )
        .await?;
    }
    Ok(())
}

pub(crate) async fn a_bad_argument_is_refused_in_one_line(stage: &Stage) -> anyhow::Result<()> {
    for (command, rule) in [
        (&["create", "", "0"][..], "name must be 1 to 18 characters"),
        (
            &["create", "1234567890123456789", "0"],
            "name must be 1 to 18 characters",
        ),
        (
            &["create", "a\u{7}b", "0"],
            "name must be 1 to 18 characters",
        ),
        (&["create", "gopher", "3"], "sex must be 0, 1, 2 or 9"),
        (&["create", "gopher", "male"], "sex must be 0, 1, 2 or 9"),
        (&["read", "0"], "uid must be a whole number"),
        (&["read", "9007199254740992"], "uid must be a whole number"),
        (&["read", "x"], "uid must be a whole number"),
        (&["read", "7"], "there is no user 7"),
        (&["update", "7", "gopher", "0"], "there is no user 7"),
        (&["delete", "7"], "there is no user 7"),
    ] {
        expect_failure(&stage.run(command).await?, &[rule])?;
    }
    Ok(())
}

pub(crate) async fn commands_create_read_update_and_delete(stage: &Stage) -> anyhow::Result<()> {
    for store in stage.durable() {
        expect_printed(
            stage,
            store,
            &["create", "gopher", "0"],
            "uid=1 name=gopher sex=0",
        )
        .await?;
        expect_printed(
            stage,
            store,
            &["create", "Zoë", "9"],
            "uid=2 name=Zoë sex=9",
        )
        .await?;
        expect_printed(stage, store, &["read", "1"], "uid=1 name=gopher sex=0").await?;
        expect_printed(
            stage,
            store,
            &["update", "1", "ferris", "1"],
            "uid=1 name=ferris sex=1",
        )
        .await?;
        expect_printed(stage, store, &["read", "1"], "uid=1 name=ferris sex=1").await?;
        expect_printed(stage, store, &["delete", "2"], "uid=2 name=Zoë sex=9").await?;
        let read = [stage.on(store), &["read", "2"]].concat();
        expect_failure(&stage.run(&read).await?, &["there is no user 2"])?;
        // A deleted user's uid is not given again.
        expect_printed(
            stage,
            store,
            &["create", "next", "2"],
            "uid=3 name=next sex=2",
        )
        .await?;
    }
    Ok(())
}

pub(crate) async fn a_second_process_is_kept_out(stage: &Stage) -> anyhow::Result<()> {
    let flags = stage.on(Store::Yaml);
    let service = stage.serve(flags).await?;
    let read = [flags, &["read", "1"]].concat();
    expect_failure(&stage.run(&read).await?, &["users.yaml.lock is held"])?;
    service.stop().await?;
    expect_failure(&stage.run(&read).await?, &["there is no user 1"])
}

pub(crate) async fn two_replicas_share_their_users(stage: &Stage) -> anyhow::Result<()> {
    let first = stage.serve(&[]).await?;
    let second = stage.serve(&[]).await?;
    first.create_gopher().await?;
    let read = reqwest::get(format!("{}/users/1", second.http()?)).await?;
    let read = read.text().await?;
    ensure!(
        read == r#"{"uid":1,"name":"gopher","sex":0}"#,
        "the second one read {read}"
    );
    first.stop().await?;
    second.stop().await
}
