//! Files in the folder of settings, and settings that are left empty.

use super::process::expect_failure;
use super::redis::ALL;
use super::redis::asked;
use crate::stage::Output;
use crate::stage::Stage;
use anyhow::Context;
use anyhow::ensure;
use reqwest::Client;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

/// What a command says that has read its settings and found nobody.
const NOBODY: &str = "there is no user 1";

/// The folder of settings, empty.
fn folder(stage: &Stage) -> anyhow::Result<PathBuf> {
    let folder = stage.folder().join("configs");
    std::fs::create_dir(&folder)?;
    Ok(folder)
}

/// A command that ends at once, on a store that needs nothing.
async fn read(stage: &Stage) -> anyhow::Result<Output> {
    let unset = ["GOMS__MYSQL__URL", "GOMS__REDIS__URL"];
    let memory = [("GOMS__STORE", "memory")];
    stage.run_without(&unset, &memory, &["read", "1"]).await
}

/// Someone has commented all out, or has made the file to fill it later.
pub(crate) async fn a_file_without_settings_is_no_error(stage: &Stage) -> anyhow::Result<()> {
    let file = folder(stage)?.join("http.yaml");
    for text in [
        "",
        "\n",
        "# addr: 127.0.0.1:1\n",
        "\n# one\n\n  # two\n",
        "---\n",
        "# no end of line",
    ] {
        std::fs::write(&file, text)?;
        let told = expect_failure(&read(stage).await?, &[NOBODY]);
        told.with_context(|| format!("a file of settings with no setting in it, {text:?}"))?;
    }
    Ok(())
}

/// Emacs locks a file by a link to nowhere, macOS writes what it knows about a file into
/// another one beside it, and others keep an old version.
pub(crate) async fn what_others_leave_beside_the_files_is_not_read(
    stage: &Stage,
) -> anyhow::Result<()> {
    let folder = folder(stage)?;
    symlink("gopher@host.4711:1700000000", folder.join(".#http.yaml"))?;
    for name in ["._http.yaml", ".http.yml", "http.yaml~", ".http.yaml.swp"] {
        std::fs::write(folder.join(name), b"\x00\x05\x16\x07\xff: [")?;
    }
    let told = expect_failure(&read(stage).await?, &[NOBODY]);
    told.context("files that are hidden, or have another ending")?;
    // Beside them the file itself is read.
    std::fs::write(folder.join("http.yaml"), "addr: nowhere\n")?;
    expect_failure(&read(stage).await?, &["configs/http.yaml:1: "])
}

pub(crate) async fn a_file_that_ends_in_yml_is_refused(stage: &Stage) -> anyhow::Result<()> {
    let file = folder(stage)?.join("http.yml");
    for text in ["addr: 127.0.0.1:1\n", "", "addr: nowhere\n"] {
        std::fs::write(&file, text)?;
        let output = read(stage).await?;
        let ignored = output.stderr.contains(NOBODY);
        ensure!(!ignored, "configs/http.yml is ignored without a word");
        expect_failure(&output, &["configs/http.yml", "rename", ".yaml"])?;
    }
    Ok(())
}

/// In the place of a container's setting one can only put another, never take it away.
pub(crate) async fn an_empty_variable_switches_the_cache_off(stage: &Stage) -> anyhow::Result<()> {
    let url = stage.cache().await?.url();
    std::fs::write(folder(stage)?.join("redis.yaml"), format!("url: {url}\n"))?;
    let shell = "export GOMS__REDIS__URL=; exec \"$@\"";
    let service = stage.serve_in(shell, &["--log-filter", ALL]).await;
    let service = service.context("GOMS__REDIS__URL= is to switch the cache off")?;
    let (client, user) = (Client::new(), service.create_gopher().await?);
    for _ in 0..3 {
        client.get(&user).send().await?.error_for_status()?;
    }
    let asked = asked(&service, &client).await?;
    ensure!(asked == 3, "three reads asked the database {asked} times");
    service.stop().await
}

/// The same of a setting without which the service cannot work.
pub(crate) async fn an_empty_variable_names_no_database(stage: &Stage) -> anyhow::Result<()> {
    let empty = [("GOMS__MYSQL__URL", "")];
    let output = stage.run_without(&[], &empty, &["read", "1"]).await?;
    expect_failure(&output, &["no database is named", "--mysql-url"])
}
