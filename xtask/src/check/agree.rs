//! What stands in several files agrees: the list of lessons, the toolchain, the ports.

use super::Complaint;
use super::Whole;
use super::versions;
use crate::services;
use anyhow::Context;
use serde::Deserialize;
use std::collections::BTreeMap;

const WORKFLOW: &str = ".github/workflows/ci.yml";
const SUITE: &str = "tests/src/ladder.rs";

#[derive(Deserialize)]
struct Workflow {
    jobs: Jobs,
}

#[derive(Deserialize)]
struct Jobs {
    build: Build,
}

#[derive(Deserialize)]
struct Build {
    strategy: Strategy,
}

#[derive(Deserialize)]
struct Strategy {
    matrix: BTreeMap<String, Vec<String>>,
}

/// All that does not agree.
///
/// # Errors
///
/// A file cannot be read.
pub(super) fn all(whole: &Whole) -> anyhow::Result<Vec<Complaint>> {
    let mut complaints = lessons(whole)?;
    complaints.extend(toolchain(whole)?);
    complaints.extend(services(whole)?);
    complaints.extend(exposed(whole)?);
    Ok(complaints)
}

/// The lessons are the same in the workflow, in the suite, and on the disk.
fn lessons(whole: &Whole) -> anyhow::Result<Vec<Complaint>> {
    let names: Vec<&str> = whole.ladder.lessons.iter().map(|it| it.name).collect();
    let mut complaints = Vec::new();
    let mut compare = |file: &str, line: usize, there: &[String]| {
        if there != names {
            let what = format!("the lessons are {}", names.join(", "));
            complaints.push(Complaint::by_hand(file, line, what));
        }
    };
    let workflow = whole.text(WORKFLOW)?;
    let parsed: Workflow = serde_yaml::from_str(&workflow).context(WORKFLOW)?;
    let matrix = parsed.jobs.build.strategy.matrix.get("lesson");
    compare(
        WORKFLOW,
        line(&workflow, "lesson:"),
        matrix.map_or(&[], Vec::as_slice),
    );

    let suite = whole.text(SUITE)?;
    let named = suite.split("name: \"").skip(1);
    let named: Vec<String> = named
        .filter_map(|rest| rest.split_once('"'))
        .map(|(name, _)| name.to_owned())
        .collect();
    compare(SUITE, line(&suite, "LESSONS"), &named);

    for entry in std::fs::read_dir(&whole.ladder.root)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let lesson = name.starts_with("e-") && entry.path().join("Cargo.toml").is_file();
        if lesson && whole.ladder.position(&name).is_none() {
            let what = format!("there is a lesson {name}, too");
            complaints.push(Complaint::by_hand("xtask/src/ladder/lessons.rs", 1, what));
        }
    }
    Ok(complaints)
}

/// One version of Rust, wherever it is named.
fn toolchain(whole: &Whole) -> anyhow::Result<Vec<Complaint>> {
    let rust = versions::rust(whole)?;
    let mut complaints = Vec::new();
    let images = whole.ladder.lessons.iter();
    let images = images.map(|lesson| (format!("{}/Dockerfile", lesson.name), "FROM rust:", "-"));
    let workflows = [WORKFLOW, ".github/workflows/mutants.yml"];
    let workflows = workflows.map(|file| (file.to_owned(), "RUSTUP_TOOLCHAIN: \"", "\""));
    for (file, before, after) in images.chain(workflows) {
        let text = whole.text(&file)?;
        if !text.contains(&format!("{before}{rust}{after}")) {
            let what = format!("Rust is {rust}, as Cargo.toml says");
            complaints.push(Complaint::by_hand(&file, line(&text, before), what));
        }
    }
    Ok(complaints)
}

/// The services' ports, wherever they are named.
fn services(whole: &Whole) -> anyhow::Result<Vec<Complaint>> {
    let [mysql, redis] = services::ports().map(|port| format!("127.0.0.1:{port}"));
    let newest = whole.ladder.newest()?.name;
    let mut named: Vec<(String, &str)> = vec![
        ("tests/src/database.rs".to_owned(), &mysql),
        ("tests/src/cache.rs".to_owned(), &redis),
    ];
    for file in ["compose.yaml", "Makefile", "xtask/src/main.rs"] {
        named.push((file.to_owned(), &mysql));
        named.push((file.to_owned(), &redis));
    }
    for (lesson, files, _) in whole.lessons() {
        for (path, address) in [
            ("configs/mysql.yaml", &mysql),
            ("configs/redis.yaml", &redis),
        ] {
            if files.iter().any(|file| file.path == path) {
                named.push((format!("{}/{path}", lesson.name), address));
            }
        }
    }
    let mut complaints = Vec::new();
    for (file, address) in named {
        let text = whole.text(&file)?;
        if !text.contains(address) {
            let what = format!("the service listens on {address}, for {newest} and all others");
            complaints.push(Complaint::by_hand(&file, line(&text, "127.0.0.1:1"), what));
        }
    }
    Ok(complaints)
}

/// An image exposes the ports that the lesson's settings name.
fn exposed(whole: &Whole) -> anyhow::Result<Vec<Complaint>> {
    let mut complaints = Vec::new();
    for (lesson, files, _) in whole.lessons() {
        let settings = |file: &&crate::folder::File| {
            ["configs/http.yaml", "configs/grpc.yaml"].contains(&file.path.as_str())
        };
        for file in files.iter().filter(settings) {
            let settings = String::from_utf8_lossy(&file.content).into_owned();
            let address = settings
                .lines()
                .find_map(|line| line.strip_prefix("addr: "));
            let port = address.and_then(|address| address.rsplit(':').next());
            let image = format!("{}/Dockerfile", lesson.name);
            let text = whole.text(&image)?;
            let exposed = port.is_some_and(|port| {
                let expose = format!("EXPOSE {port}");
                text.lines().any(|line| line == expose) && text.contains(&format!("0.0.0.0:{port}"))
            });
            if !exposed {
                let what = format!("it does not expose the port of {}", file.path);
                complaints.push(Complaint::by_hand(&image, line(&text, "EXPOSE"), what));
            }
        }
    }
    Ok(complaints)
}

/// The line on which a text first has these words.
fn line(text: &str, words: &str) -> usize {
    let before = text.lines().take_while(|line| !line.contains(words));
    before.count().min(text.lines().count().saturating_sub(1)) + 1
}
