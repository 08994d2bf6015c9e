//! A lesson's program, built as its Dockerfile does: that is what runs in the end.

use crate::drivers::tool;
use anyhow::Context;
use anyhow::ensure;
use ladder::Lesson;
use ladder::cargo::cargo;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;
use std::process::Stdio;
use tokio::process::Command;

/// Builds it for release in this workspace, into this folder; returns the program.
pub(crate) async fn build(
    lesson: &Lesson,
    workspace: &Path,
    target: &Path,
) -> anyhow::Result<PathBuf> {
    let dockerfile = workspace.join(lesson.name).join("Dockerfile");
    let dockerfile = std::fs::read_to_string(dockerfile).context("Dockerfile")?;
    let flags = flags(&dockerfile).context("its Dockerfile sets no RUSTFLAGS")?;
    let mut cargo = Command::from(cargo());
    cargo
        .env("RUSTFLAGS", flags)
        .args(["build", "--release", "--locked", "--package", lesson.name])
        .args(["--target", "host-tuple"])
        .args(["--message-format", "json-render-diagnostics"])
        .arg("--target-dir")
        .arg(target)
        .current_dir(workspace)
        .stdout(Stdio::piped()) // not stderr, where it shows its progress
        .kill_on_drop(true);
    let built = cargo.spawn().context("cargo")?.wait_with_output().await?;
    ensure!(built.status.success(), "{} does not build", lesson.name);
    let told = String::from_utf8(built.stdout)?;
    let program = told.lines().find_map(|line| executable(line, lesson.name));
    program.with_context(|| format!("cargo has built no {}", lesson.name))
}

/// What the Dockerfile tells the compiler.
fn flags(dockerfile: &str) -> Option<&str> {
    let mut lines = dockerfile.lines();
    lines.find_map(|line| line.strip_prefix("ENV RUSTFLAGS=\"")?.strip_suffix('"'))
}

/// The program of this name, if cargo tells of it in this line.
fn executable(line: &str, name: &str) -> Option<PathBuf> {
    let artifact: Value = serde_json::from_str(line).ok()?;
    let path = artifact["executable"].as_str()?;
    (artifact["target"]["name"] == name).then(|| path.into())
}

/// How many crates go into its program, itself not counted, nor those that only build it.
pub(crate) async fn crates(lesson: &Lesson) -> anyhow::Result<usize> {
    let mut cargo = Command::from(cargo());
    cargo
        .args(["tree", "--locked", "--prefix", "none"])
        .args(["--edges", "normal,no-proc-macro"])
        .args(["--package", lesson.name])
        .kill_on_drop(true);
    let tree = tool::run(&mut cargo).await?;
    Ok(count(&tree))
}

/// The different packages of a tree, less its root.
fn count(tree: &str) -> usize {
    let lines = tree.lines().map(|line| line.trim_end_matches(" (*)"));
    let packages: BTreeSet<&str> = lines.filter(|line| !line.is_empty()).collect();
    packages.len().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::count;
    use super::executable;
    use super::flags;

    #[test]
    fn a_crate_is_counted_once() {
        let tree = "e-docker v0.1.0 (/goms/e-docker)\nanyhow v1.0.104\ntokio v1.54.1\n\
                    bytes v1.12.2\nmio v1.2.5\ntracing v0.1.44\ntokio v1.54.1 (*)\n";
        assert_eq!(count(tree), 5);
        assert_eq!(count("e-docker v0.1.0\n"), 0);
    }

    #[test]
    fn the_flags_of_a_dockerfile_are_found() {
        let dockerfile = "FROM rust AS build\nENV RUSTFLAGS=\"-C a -C b\"\nRUN cargo build\n";
        assert_eq!(flags(dockerfile), Some("-C a -C b"));
        assert_eq!(flags("FROM scratch\n"), None);
    }

    #[test]
    fn the_program_is_where_cargo_says() {
        let line =
            r#"{"reason":"compiler-artifact","target":{"name":"e-http"},"executable":"/e-http"}"#;
        assert_eq!(executable(line, "e-http"), Some("/e-http".into()));
        assert_eq!(executable(line, "e-grpc"), None);
        assert_eq!(executable("Compiling", "e-http"), None);
    }
}
