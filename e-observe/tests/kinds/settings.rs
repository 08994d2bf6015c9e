//! Settings: where each value may come from, and what is said about a bad one.

use crate::common::PATIENCE;
use crate::common::service::PROGRAM;
use crate::common::service::command;
use anyhow::Context;
use std::path::Path;
use tempfile::TempDir;
use tokio::time::timeout;

/// The URL of a cache. Its password must never be shown.
const CACHE: &str = "redis://:unspeakable@localhost:6379";

#[tokio::test]
async fn a_flag_beats_a_variable_beats_a_file_beats_the_default() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let variable = ("GOMS__REDIS__TTL", "2");
    assert_shown(&folder, &[], &[], "ttl: 60 ").await?;
    write(&folder, "redis.yaml", "ttl: 1\n")?;
    assert_shown(&folder, &[], &[], "ttl: 1 ").await?;
    assert_shown(&folder, &[variable], &[], "ttl: 2 ").await?;
    assert_shown(&folder, &[variable], &["--redis-ttl", "3"], "ttl: 3 ").await
}

#[tokio::test]
async fn an_empty_value_switches_an_optional_setting_off() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    write(&folder, "redis.yaml", &format!("url: {CACHE}\n"))?;
    assert_shown(&folder, &[], &[], "url: Some(redis://localhost:6379)").await?;
    let empty = ("GOMS__REDIS__URL", "");
    assert_shown(&folder, &[empty], &[], "Redis { url: None").await?;
    let flags = ["--redis-url", CACHE];
    let shown = "url: Some(redis://localhost:6379)";
    assert_shown(&folder, &[empty], &flags, shown).await?;
    write(&folder, "redis.yaml", "url:\n")?;
    assert_shown(&folder, &[], &[], "Redis { url: None").await
}

#[tokio::test]
async fn the_files_are_in_the_folder_that_a_flag_or_a_variable_names() -> anyhow::Result<()> {
    let (folder, other) = (TempDir::new()?, TempDir::new()?);
    write(&folder, "redis.yaml", "ttl: 1\n")?;
    write(&other, "redis.yaml", "ttl: 2\n")?;
    let dir = other.path().join("configs").display().to_string();
    let variable = ("GOMS__CONF__DIR", dir.as_str());
    assert_shown(&folder, &[], &["--conf-dir", &dir], "ttl: 2 ").await?;
    assert_shown(&folder, &[variable], &[], "ttl: 2 ").await
}

#[tokio::test]
async fn a_file_without_a_setting_changes_nothing() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    write(&folder, "grpc.yaml", "")?;
    write(&folder, "http.yaml", "# addr: nowhere\n")?;
    write(&folder, ".redis.yaml", "nonsense")?; // an editor's
    write(&folder, "notes.txt", "nonsense")?;
    assert_shown(&folder, &[], &[], "ttl: 60 ").await
}

#[tokio::test]
async fn a_bad_file_is_told_with_its_line() -> anyhow::Result<()> {
    for (file, text, told) in [
        ("http.yaml", "# Where\naddr: 1\n", "http.yaml:2: invalid"),
        (
            "http.yaml",
            "port: 1\n",
            "http.yaml:1: there is no setting http-port",
        ),
        (
            "http.yaml",
            "addr: [1]\n",
            "http.yaml:1: http-addr takes one value",
        ),
        (
            "http.yaml",
            "addr: 1\naddr: 2\n",
            "a setting is written twice",
        ),
        (
            "http.yaml",
            "{addr: 1}\n",
            "http.yaml:1: write each setting as",
        ),
        (
            "http.yaml",
            "- addr\n",
            "http.yaml:1: expected lines of the form",
        ),
        ("http.yaml", "ok\n\taddr: 1\n", "http.yaml:"),
        (
            "http.yml",
            "addr: 127.0.0.1:0\n",
            "http.yml: rename it to *.yaml",
        ),
        (
            "goms.yaml",
            "store: paper\n",
            "goms.yaml:1: must be one of: memory, yaml",
        ),
        (
            "goms.yaml",
            "http-addr: 127.0.0.1:0\n",
            "there is no setting http-addr",
        ),
        (
            "conf.yaml",
            "dir: configs\n",
            "there is no setting conf-dir",
        ),
        (
            "redis.yaml",
            "ttl: 60\nurl: unspeakable\n",
            "redis.yaml:2: the value of",
        ),
        (
            "redis.yaml",
            "redis://:unspeakable@localhost: 1\n",
            "there is no setting of this",
        ),
    ] {
        let folder = TempDir::new()?;
        write(&folder, file, text)?;
        assert_refused(&folder, &[], told).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_bad_variable_is_told_by_its_name() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    for (variable, value, told) in [
        (
            "GOMS__HTTP__PORT",
            "1",
            "GOMS__HTTP__PORT: there is no such setting",
        ),
        ("GOMS__HTTP__ADDR", "nowhere", "GOMS__HTTP__ADDR: invalid"),
        ("GOMS__HTTP__ADDR", "", "GOMS__HTTP__ADDR: "),
        (
            "GOMS__STORE",
            "paper",
            "GOMS__STORE: must be one of: memory, yaml",
        ),
        (
            "GOMS__MYSQL__URL",
            "unspeakable",
            "GOMS__MYSQL__URL: the value of",
        ),
    ] {
        assert_refused(&folder, &[(variable, value)], told).await?;
    }
    let (good, bad) = (
        ("GOMS__GRPC__ADDR", "127.0.0.1:0"),
        ("GOMS__HTTP__ADDR", "nowhere"),
    );
    assert_refused(&folder, &[good, bad], "error: GOMS__HTTP__ADDR: ").await
}

#[tokio::test]
async fn help_comes_whatever_else_is_wrong() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    write(&folder, "http.yaml", "nonsense")?;
    let (code, said) = start(folder.path(), &[("GOMS__NOTHING", "1")], &["--help"]).await?;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("--http-addr"), "{said}");
    Ok(())
}

/// Writes a configuration file.
fn write(folder: &TempDir, name: &str, text: &str) -> anyhow::Result<()> {
    let configs = folder.path().join("configs");
    std::fs::create_dir_all(&configs)?;
    Ok(std::fs::write(configs.join(name), text)?)
}

/// Asserts that the log shows this among the settings.
async fn assert_shown(
    folder: &TempDir,
    variables: &[(&str, &str)],
    flags: &[&str],
    shown: &str,
) -> anyhow::Result<()> {
    // A command ends by itself, and this one finds nobody.
    let command = ["--store", "memory", "--log-filter", "debug", "read", "1"];
    let (_, said) = start(folder.path(), variables, &[flags, &command].concat()).await?;
    let settings = said.lines().find(|line| line.contains("Settings {"));
    let settings = settings.with_context(|| said.clone())?;
    assert!(settings.contains(shown), "not {shown}: {settings}");
    assert!(!said.contains("unspeakable"), "{said}");
    Ok(())
}

/// Asserts that the program does not start, and says this in one line.
async fn assert_refused(
    folder: &TempDir,
    variables: &[(&str, &str)],
    told: &str,
) -> anyhow::Result<()> {
    let (code, said) = start(folder.path(), variables, &["read", "1"]).await?;
    assert_eq!(code, Some(1), "{told}: {said}");
    assert_eq!(said.lines().count(), 1, "{told}: {said}");
    assert!(said.contains(told), "not {told}: {said}");
    assert!(!said.contains("unspeakable"), "{said}");
    Ok(())
}

/// Runs the program to its end. Returns the exit code, and all that it has printed.
async fn start(
    folder: &Path,
    variables: &[(&str, &str)],
    flags: &[&str],
) -> anyhow::Result<(Option<i32>, String)> {
    let mut command = command(PROGRAM, folder, flags);
    command.envs(variables.iter().copied());
    let output = timeout(PATIENCE, command.output()).await;
    let output = output.context("it does not end")??;
    let said = String::from_utf8([output.stdout, output.stderr].concat())?;
    Ok((output.status.code(), said))
}
