//! The YAML store: what was acknowledged is in the file, whatever happens to the process
//! or to the disk.

use super::process::expect_failure;
use crate::answer::Answer;
use crate::service::Service;
use crate::service::create_gopher;
use crate::stage::AS_IT_IS;
use crate::stage::Stage;
use crate::store::Store;
use anyhow::Context;
use anyhow::ensure;
use nix::unistd::geteuid;
use reqwest::Client;
use std::fmt::Write;
use std::fs::OpenOptions;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;
use std::time::Instant;
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// A shell's way to run a program to which no disk gives more than 512 bytes a file.
const FULL_DISK: &str = "trap '' XFSZ; ulimit -f 1; exec \"$@\"";

/// The store's file, whole; 20 users are more than fit on a full disk.
fn twenty_users(stage: &Stage) -> anyhow::Result<String> {
    let mut text = String::from("last_uid: 20\npings:\n  http: 0\n  grpc: 0\nusers:\n");
    for uid in 1..=20 {
        writeln!(text, "- uid: {uid}\n  name: gopher\n  sex: 0")?;
    }
    std::fs::write(stage.folder().join("users.yaml"), &text)?;
    Ok(text)
}

fn file(stage: &Stage) -> anyhow::Result<String> {
    Ok(std::fs::read_to_string(stage.folder().join("users.yaml"))?)
}

/// This command, on this store.
fn command<'a>(stage: &Stage, words: &[&'a str]) -> Vec<&'a str> {
    [stage.on(Store::Yaml), words].concat()
}

async fn serve(stage: &Stage) -> anyhow::Result<Service> {
    stage.serve(stage.on(Store::Yaml)).await
}

pub(crate) async fn a_bad_file_is_refused_with_its_line(stage: &Stage) -> anyhow::Result<()> {
    for (text, line) in [
        ("users:\n- {uid: 1, name: \"\", sex: 0}\n", "line 2"),
        ("users:\n- {uid: 1, name: a, sex: 3}\n", "line 2"),
        ("users:\n- {uid: 0, name: a, sex: 0}\n", "line 2"),
        ("users:\n- {uid: 1, sex: 0}\n", "line 2"),
        ("users: []\nuser: []\n", "line 2"),
        ("users:\n- {uid: 1, name: a, sex: 0\n", "line "),
        ("users: [1\n", "line "),
        ("users: gopher\n", "line 1"),
        ("\n\n- gopher\n", "line 3"),
    ] {
        std::fs::write(stage.folder().join("users.yaml"), text)?;
        let output = stage.run(&command(stage, &["read", "1"])).await?;
        let told = expect_failure(&output, &["users.yaml: ", line]);
        told.with_context(|| format!("{text:?}"))?;
        ensure!(file(stage)? == text, "the file is changed");
    }
    Ok(())
}

pub(crate) async fn a_missing_folder_is_named(stage: &Stage) -> anyhow::Result<()> {
    let flags = ["--store", "yaml", "--yaml-file", "none/users.yaml"];
    let output = stage.run(&flags).await?;
    expect_failure(&output, &["none/users.yaml"])
}

pub(crate) async fn of_processes_that_start_together_one_gets_the_file(
    stage: &Stage,
) -> anyhow::Result<()> {
    let create = command(stage, &["create", "gopher", "0"]);
    let mut created = 0;
    for _ in 0..10 {
        let (one, two, three) = (stage.run(&create), stage.run(&create), stage.run(&create));
        let (one, two, three) = tokio::join!(one, two, three);
        for output in [one?, two?, three?] {
            if output.status.success() {
                created += 1;
            } else {
                expect_failure(&output, &["users.yaml.lock is held"])?;
            }
        }
    }
    let kept = file(stage)?.matches("uid: ").count();
    // `last_uid: ` is one more.
    ensure!(
        kept == created + 1,
        "{created} were created: {}",
        file(stage)?
    );
    Ok(())
}

/// Whom its owner lets read it is not for a change of a user to decide.
pub(crate) async fn the_file_keeps_its_permissions(stage: &Stage) -> anyhow::Result<()> {
    twenty_users(stage)?;
    let path = stage.folder().join("users.yaml");
    std::fs::set_permissions(&path, Permissions::from_mode(0o600))?;
    let create = command(stage, &["create", "gopher", "0"]);
    ensure!(stage.run(&create).await?.status.success(), "a create fails");
    let mode = std::fs::metadata(&path)?.permissions().mode() & 0o777;
    ensure!(mode == 0o600, "it has {mode:o}");
    Ok(())
}

/// The file's other name, a link to it, leads to the same lock and stays a link.
pub(crate) async fn a_link_is_followed(stage: &Stage) -> anyhow::Result<()> {
    let file = twenty_users(stage)?;
    let (path, target) = ("users.yaml", "folder/target.yaml");
    let (path, target) = (stage.folder().join(path), stage.folder().join(target));
    std::fs::create_dir(stage.folder().join("folder"))?;
    std::fs::rename(&path, &target)?;
    std::os::unix::fs::symlink("folder/target.yaml", &path)?;
    let create = command(stage, &["create", "gopher", "0"]);
    ensure!(stage.run(&create).await?.status.success(), "a create fails");
    ensure!(path.is_symlink(), "the link is replaced");
    let written = std::fs::read_to_string(&target)?;
    ensure!(written.len() > file.len(), "the target is as it was");
    let lock = stage.folder().join("folder/target.yaml.lock");
    ensure!(lock.exists(), "the lock is not the target's");
    Ok(())
}

pub(crate) async fn a_killed_command_loses_no_user(stage: &Stage) -> anyhow::Result<()> {
    let create = command(stage, &["create", "gopher", "0"]);
    let mut acknowledged = Vec::new();
    let start = Instant::now();
    stage.run(&create).await?;
    let whole = start.elapsed();
    for step in 0..60 {
        let mut command = stage.command_in(AS_IT_IS, &create).await?;
        let mut child = command.spawn()?;
        sleep(whole * step / 50).await;
        child.start_kill()?;
        let output = stage.heard(child.wait_with_output().await?)?;
        let uid = output.stdout.strip_prefix("uid=");
        acknowledged.extend(uid.and_then(|rest| rest.split(' ').next().map(str::to_owned)));
    }
    let number = acknowledged.len();
    ensure!(
        (1..60).contains(&number),
        "{number} of 60 were not cut short"
    );
    for uid in acknowledged {
        let read = stage.run(&command(stage, &["read", &uid])).await?;
        ensure!(read.status.success(), "user {uid} is lost");
    }
    Ok(())
}

/// Eight clients create users without a pause, until the service is killed among them.
pub(crate) async fn a_killed_service_loses_no_user(stage: &Stage) -> anyhow::Result<()> {
    let mut acknowledged = Vec::new();
    for _ in 0..3 {
        let service = serve(stage).await?;
        let url = service.http()?;
        let mut clients = JoinSet::new();
        for _ in 0..8 {
            let (client, url) = (Client::new(), url.clone());
            clients.spawn(async move {
                let mut created = Vec::new();
                while let Ok(user) = create_gopher(&client, &url).await {
                    created.push(user);
                }
                created
            });
        }
        sleep(Duration::from_millis(300)).await;
        service.die().await?;
        while let Some(created) = clients.join_next().await {
            acknowledged.extend(created?);
        }
    }
    ensure!(
        acknowledged.len() > 8,
        "{} were created",
        acknowledged.len()
    );
    let service = serve(stage).await?;
    let url = service.http()?;
    for user in acknowledged {
        let read = reqwest::get(format!("{url}{user}")).await?;
        ensure!(read.status() == 200, "{user} is lost");
    }
    service.stop().await
}

pub(crate) async fn a_full_disk_leaves_the_old_file(stage: &Stage) -> anyhow::Result<()> {
    let old = twenty_users(stage)?;
    let create = command(stage, &["create", "gopher", "0"]);
    let output = stage.run_in(FULL_DISK, &create).await?;
    expect_failure(&output, &["the store is not available: File too large"])?;
    ensure!(file(stage)? == old, "the file is {}", file(stage)?);
    let output = stage.run(&create).await?;
    ensure!(output.stdout == "uid=21 name=gopher sex=0\n", "{output:?}");
    Ok(())
}

/// Users can be read and none changed, and the file stays as it was.
async fn expect_writes_refused(stage: &Stage, url: &str, old: &str) -> anyhow::Result<()> {
    let client = Client::new();
    let user = format!("{url}/users/1");
    let form = [("name", "ferris"), ("sex", "1")];
    for write in [
        client.post(format!("{url}/users")).form(&form),
        client.put(&user).form(&form),
        client.delete(&user),
    ] {
        let answer = Answer::of(write.send().await?).await?;
        answer.expect_problem(503, None)?;
    }
    let read = client.get(&user).send().await?.text().await?;
    ensure!(
        read == r#"{"uid":1,"name":"gopher","sex":0}"#,
        "read {read}"
    );
    ensure!(file(stage)? == old, "the file is {}", file(stage)?);
    Ok(())
}

pub(crate) async fn a_full_disk_refuses_writes_and_nothing_else(
    stage: &Stage,
) -> anyhow::Result<()> {
    let old = twenty_users(stage)?;
    let service = stage.serve_in(FULL_DISK, stage.on(Store::Yaml)).await?;
    expect_writes_refused(stage, &service.http()?, &old).await?;
    service.stop().await
}

/// On a disk that hangs, writes wait for their turn; those that were told 504 meanwhile are
/// not made when it goes on.
pub(crate) async fn a_write_that_was_given_up_is_not_made(stage: &Stage) -> anyhow::Result<()> {
    let service = serve(stage).await?;
    // Who opens a pipe to write waits for a reader.
    let fresh = stage.folder().join("users.yaml.new");
    let made = Command::new("mkfifo").arg(&fresh).status().await?;
    ensure!(made.success(), "mkfifo: {made}");
    let (client, mut creates) = (Client::new(), JoinSet::new());
    for _ in 0..20 {
        let create = client.post(format!("{}/users", service.http()?));
        creates.spawn(create.form(&[("name", "gopher"), ("sex", "0")]).send());
    }
    while let Some(created) = creates.join_next().await {
        Answer::of(created??).await?.expect_problem(504, None)?;
    }
    // By another name, so that only the write that waits for it fails.
    let pipe = stage.folder().join("pipe");
    std::fs::rename(&fresh, &pipe)?;
    let reader = OpenOptions::new().read(true).write(true).open(&pipe)?;
    let created = service.create_gopher().await?;
    drop(reader);
    ensure!(created.ends_with("/users/1"), "created {created}");
    service.stop().await
}

pub(crate) async fn a_folder_that_cannot_be_written_refuses_writes(
    stage: &Stage,
) -> anyhow::Result<()> {
    let old = twenty_users(stage)?;
    let folder = stage.folder();
    let mode = |mode| std::fs::set_permissions(folder, Permissions::from_mode(mode));
    mode(0o777)?;
    // No folder is read-only to root, and not every folder lets others in.
    std::fs::copy(&stage.program, folder.join("program"))?;
    let shell = match geteuid().is_root() {
        true => "shift; exec setpriv --reuid=65534 --clear-groups ./program \"$@\"",
        false => AS_IT_IS,
    };
    let service = stage.serve_in(shell, stage.on(Store::Yaml)).await?;
    mode(0o555)?;
    expect_writes_refused(stage, &service.http()?, &old).await?;
    mode(0o777)?;
    let created = service.create_gopher().await?;
    ensure!(created.ends_with("/users/21"), "created {created}");
    service.stop().await
}
