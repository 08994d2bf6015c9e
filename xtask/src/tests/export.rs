//! `cargo lesson export`. That a project builds and keeps its promises is tried by the gate.

use super::real;
use crate::export::Arguments;
use crate::export::export;
use crate::name::Renaming;
use clap::Parser;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    arguments: Arguments,
}

fn run(lesson: &str, folder: &Path, name: &str) -> anyhow::Result<()> {
    let folder = folder.to_string_lossy();
    let line = Line::try_parse_from(["export", lesson, &folder, "--name", name])?;
    export(&real()?, &line.arguments, &mut Vec::new())
}

#[test]
fn every_lesson_becomes_a_project_of_its_own() -> anyhow::Result<()> {
    for lesson in real()?.lessons {
        let folder = TempDir::new()?;
        let folder = folder.path().join("project");
        run(lesson.name, &folder, "user-service")?;
        // The lock is whole, and the manifest needs no workspace.
        let mut cargo = Command::new("cargo");
        cargo.args(["metadata", "--locked", "--offline", "--format-version=1"]);
        let output = cargo.current_dir(&folder).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {said}", lesson.name);
        let workflow = std::fs::read_to_string(folder.join(".github/workflows/ci.yml"))?;
        assert!(workflow.contains("RUSTUP_TOOLCHAIN: \"1."), "{workflow}");
        for (path, _, _) in super::files(&folder)? {
            let content = std::fs::read(folder.join(&path))?;
            let text = String::from_utf8_lossy(&content);
            let told = path != Path::new("README.md") && text.contains("cargo lesson");
            assert!(
                !told,
                "{}: {} needs this workspace",
                lesson.name,
                path.display()
            );
            let renamed = Renaming::new(lesson.name, "x").content(&content);
            assert!(
                renamed == content,
                "{}: {} names it",
                lesson.name,
                path.display()
            );
        }
    }
    Ok(())
}

#[test]
fn what_cannot_be_exported_is_told_in_a_line() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    std::fs::write(folder.path().join("mine"), "")?;
    let inside = real()?.root.join("mine");
    for (folder, name, told) in [
        (
            folder.path(),
            "user-service",
            "is not empty; name another folder",
        ),
        (
            &inside,
            "user-service",
            "is inside this workspace; name a folder outside it",
        ),
        (
            Path::new("/nowhere"),
            "User",
            "User cannot be a crate's name",
        ),
    ] {
        let error = run("e-http", folder, name)
            .err()
            .map(|error| error.to_string());
        assert!(
            error.as_ref().is_some_and(|it| it.contains(told)),
            "{error:?}"
        );
    }
    Ok(())
}
