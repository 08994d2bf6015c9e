//! The programs that are tried: built, and found where cargo says that they are. Beside this
//! one they need not be, as it may have been built in another profile or folder.

use anyhow::Context;
use anyhow::ensure;
use ladder::cargo;
use ladder::cargo::cargo;
use serde_json::Value;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::path::Path;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::OnceLock;

static PROGRAMS: OnceLock<HashMap<String, PathBuf>> = OnceLock::new();
static TESTS: OnceLock<HashMap<String, PathBuf>> = OnceLock::new();

/// Builds these programs, because `cargo test` alone builds none of other packages. What they
/// depend on is chosen for the whole workspace: built one by one, they would each need theirs
/// with other features.
pub(crate) fn build(names: &BTreeSet<&str>) -> anyhow::Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    let mut cargo = cargo();
    cargo.args(["build", "--workspace"]);
    cargo.args(names.iter().flat_map(|name| ["--bin", name]));
    cargo.arg("--message-format=json-render-diagnostics");
    let built = cargo.stderr(Stdio::inherit()).output().context("cargo")?;
    ensure!(built.status.success(), "the lessons do not build");
    let told = String::from_utf8(built.stdout)?;
    PROGRAMS.get_or_init(|| told.lines().filter_map(executable).collect());
    Ok(())
}

/// Builds the programs of the lessons' own tests that these arguments of `cargo test` select, as
/// a trial may take less time than that. It comes last: the lessons' programs are built once
/// more for it, perhaps with other features, and nobody is to replace one while it is tried.
pub(crate) fn build_tests(selected: &BTreeSet<String>) -> anyhow::Result<()> {
    let mut tests = HashMap::new();
    for arguments in selected {
        let mut build = cargo::build_tests(arguments);
        build.arg("--message-format=json-render-diagnostics");
        let built = build.stderr(Stdio::inherit()).output().context("cargo")?;
        ensure!(built.status.success(), "{arguments}: no build");
        let told = String::from_utf8(built.stdout)?;
        let of_tests = told.lines().filter(|it| it.contains(r#""test":true},"#));
        let last = of_tests.filter_map(executable).next_back();
        tests.extend(last.map(|(_, path)| (arguments.clone(), path)));
    }
    TESTS.get_or_init(|| tests);
    Ok(())
}

/// Where the program of the tests is that these arguments select.
pub(crate) fn test(arguments: &str) -> anyhow::Result<&'static Path> {
    let path = TESTS.get().and_then(|tests| tests.get(arguments));
    let path = path.with_context(|| format!("cargo has built no test {arguments}"))?;
    Ok(path)
}

/// The program that cargo tells of in this line, if it does.
fn executable(line: &str) -> Option<(String, PathBuf)> {
    let artifact: Value = serde_json::from_str(line).ok()?;
    let name = artifact["target"]["name"].as_str()?;
    let path = artifact["executable"].as_str()?;
    Some((name.to_owned(), path.into()))
}

/// Where the program of this name is.
pub(crate) fn program(name: &str) -> anyhow::Result<&'static Path> {
    let path = PROGRAMS.get().and_then(|programs| programs.get(name));
    let path = path.with_context(|| format!("cargo has built no {name}"))?;
    Ok(path)
}
