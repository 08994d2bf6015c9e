//! A machine that refuses threads: at the start that is an error, later it costs a request, and
//! when it is over nothing is left of it.

use super::process::expect_failure;
use crate::answer::Answer;
use crate::stage::Stage;
use crate::store::Store;
use anyhow::Context;
use anyhow::ensure;
use nix::sys::resource::Resource;
use nix::sys::resource::getrlimit;
use nix::unistd::geteuid;
use reqwest::Client;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;
use std::time::Instant;
use tokio::process::Command;
use tokio::time::sleep;

/// How long a client waits for one answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long the service may need to be as before.
const BACK: Duration = Duration::from_secs(10);

/// A user whose threads can be counted: root's are not. Nobody else is this user, so that no
/// other test's threads count.
struct Somebody(String);

impl Somebody {
    fn new() -> Self {
        let uid = fastrand::u32(100_000..1_000_000);
        Self(match geteuid().is_root() {
            true => format!("setpriv --reuid={uid} --clear-groups"),
            false => String::new(),
        })
    }

    /// A shell's way to run a copy of the program as this user, by this command.
    fn shell(&self, stage: &Stage, by: &str) -> anyhow::Result<String> {
        let (folder, somebody) = (stage.folder(), &self.0);
        std::fs::set_permissions(folder, Permissions::from_mode(0o777))?;
        std::fs::copy(&stage.program, folder.join("program"))?;
        Ok(format!("shift; exec {somebody} {by} ./program \"$@\""))
    }

    /// Lets a process of this user have so many threads, and no more, from now on.
    async fn allow(&self, process: u32, threads: u64) -> anyhow::Result<()> {
        let prlimit = format!("{} prlimit --pid={process} --nproc={threads}:", self.0);
        let set = Command::new("/bin/sh").args(["-c", &prlimit]).status();
        let set = set.await.context("prlimit")?;
        ensure!(set.success(), "{prlimit}: {set}");
        Ok(())
    }
}

/// Only Linux can be told so of a process that runs.
pub(crate) async fn a_lack_of_threads_stops_no_later_write(stage: &Stage) -> anyhow::Result<()> {
    if cfg!(not(target_os = "linux")) {
        return Ok(());
    }
    let somebody = Somebody::new();
    let (usual, _) = getrlimit(Resource::RLIMIT_NPROC)?;
    let shell = somebody.shell(stage, "")?;
    let service = stage.serve_in(&shell, stage.on(Store::Yaml)).await?;
    let client = Client::builder().timeout(PATIENCE).build()?;
    let create = client.post(format!("{}/users", service.http()?));
    let create = create.form(&[("name", "gopher"), ("sex", "0")]);
    let create = async || {
        let create = create.try_clone().context("a body that is gone")?;
        match create.send().await {
            Ok(response) => anyhow::Ok(Some(Answer::of(response).await?)),
            Err(error) if error.is_timeout() => Ok(None),
            Err(error) => Err(error.into()),
        }
    };
    somebody.allow(service.id()?, 1).await?;
    // They may be made or not, as the threads that are there suffice or not.
    for _ in 0..2 {
        create().await?;
    }
    somebody.allow(service.id()?, usual).await?;
    let start = Instant::now();
    loop {
        let answer = create().await?;
        if answer.as_ref().is_some_and(|answer| answer.status == 201) {
            break;
        }
        let waited = start.elapsed();
        ensure!(
            waited < BACK,
            "there were no threads for a moment, and after {waited:?} no user is created: {answer:?}"
        );
        sleep(Duration::from_millis(50)).await;
    }
    service.stop().await
}

pub(crate) async fn a_start_without_threads_fails_in_one_line(stage: &Stage) -> anyhow::Result<()> {
    if cfg!(not(target_os = "linux")) {
        return Ok(());
    }
    let shell = Somebody::new().shell(stage, "prlimit --nproc=1:1")?;
    let output = stage.run_in(&shell, stage.on(Store::Yaml)).await?;
    expect_failure(&output, &["thread"])
}
