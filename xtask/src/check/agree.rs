//! What stands in several files agrees: the list of lessons, the toolchain, the ports.

use super::versions;
use super::whole::Complaint;
use super::whole::Whole;
use ladder::services;

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

/// Each folder of a lesson stands in the table.
fn lessons(whole: &Whole) -> anyhow::Result<Vec<Complaint>> {
    let mut complaints = Vec::new();
    for entry in std::fs::read_dir(&whole.ladder.root)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let lesson = name.starts_with("e-") && entry.path().join("Cargo.toml").is_file();
        if lesson && whole.ladder.get(&name).is_none() {
            let what = format!("there is a folder {name}, and no such lesson");
            complaints.push(Complaint::by_hand(ladder::TABLE, 1, what));
        }
    }
    Ok(complaints)
}

/// The images are built by the Rust that the workspace asks for.
fn toolchain(whole: &Whole) -> anyhow::Result<Vec<Complaint>> {
    let rust = versions::rust(whole)?;
    let mut complaints = Vec::new();
    for lesson in whole.ladder.lessons {
        let file = format!("{}/Dockerfile", lesson.name);
        let text = whole.text(&file)?;
        if !text.contains(&format!("FROM rust:{rust}-")) {
            let what = format!("Rust is {rust}, as Cargo.toml says");
            complaints.push(Complaint::by_hand(&file, line(&text, "FROM rust:"), what));
        }
    }
    Ok(complaints)
}

/// The services' ports, wherever they are named.
fn services(whole: &Whole) -> anyhow::Result<Vec<Complaint>> {
    let [mysql, redis] = [services::MYSQL_ADDR, services::REDIS_ADDR];
    let mut named: Vec<(String, &str)> = Vec::new();
    for file in ["compose.yaml", "Makefile", "xtask/src/main.rs"] {
        named.push((file.to_owned(), mysql));
        named.push((file.to_owned(), redis));
    }
    for (lesson, files, _) in whole.lessons() {
        for (path, address) in [("configs/mysql.yaml", mysql), ("configs/redis.yaml", redis)] {
            if files.iter().any(|file| file.path == path) {
                named.push((format!("{}/{path}", lesson.name), address));
            }
        }
    }
    let mut complaints = Vec::new();
    for (file, address) in named {
        let text = whole.text(&file)?;
        if !text.contains(address) {
            let what = format!("the service listens on {address}");
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
            let told = ["http", "grpc", "observe"].map(|it| format!("configs/{it}.yaml"));
            told.contains(&file.path)
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
