//! Versions that prose names are those in use: of crates, of the toolchain, of the services.

use super::whole::Complaint;
use super::whole::Whole;
use anyhow::Context;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What is in use, by the name that prose has for it.
type Versions = BTreeMap<String, Vec<String>>;

#[derive(Deserialize)]
struct Lock {
    package: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
}

#[derive(Deserialize)]
struct Manifest {
    workspace: Workspace,
}

#[derive(Deserialize)]
struct Workspace {
    package: Toolchain,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Toolchain {
    rust_version: String,
}

#[derive(Deserialize)]
struct Compose {
    services: BTreeMap<String, Service>,
}

#[derive(Deserialize)]
struct Service {
    image: String,
}

/// The version of Rust that the workspace asks for.
///
/// # Errors
///
/// Cargo.toml cannot be read.
pub(super) fn rust(whole: &Whole) -> anyhow::Result<String> {
    let manifest: Manifest = toml::from_str(&whole.text("Cargo.toml")?).context("Cargo.toml")?;
    Ok(manifest.workspace.package.rust_version)
}

/// Versions in READMEs and in the workflow that are others than those in use.
///
/// # Errors
///
/// A file cannot be read.
pub(super) fn named(whole: &Whole) -> anyhow::Result<Vec<Complaint>> {
    let versions = in_use(whole)?;
    let lessons = whole.ladder.lessons.iter();
    let lessons = lessons.map(|lesson| format!("{}/README.md", lesson.name));
    let others = ["README.md", "CONTRIBUTING.md", ".github/workflows/ci.yml"].map(str::to_owned);
    let mut complaints = Vec::new();
    for file in lessons.chain(others) {
        complaints.extend(wrong(&file, &whole.text(&file)?, &versions));
    }
    Ok(complaints)
}

fn in_use(whole: &Whole) -> anyhow::Result<Versions> {
    let mut versions = Versions::new();
    let lock: Lock = toml::from_str(&whole.text("Cargo.lock")?).context("Cargo.lock")?;
    for Package { name, version } in lock.package {
        versions.entry(name).or_default().push(version);
    }
    for name in ["Rust", "rustc"] {
        versions.insert(name.to_owned(), vec![rust(whole)?]);
    }
    let compose = whole.text("compose.yaml")?;
    let compose: Compose = serde_yaml::from_str(&compose).context("compose.yaml")?;
    for (name, prose) in [("mysql", "MySQL"), ("redis", "Redis")] {
        let service = compose.services.get(name);
        let image = service.with_context(|| format!("compose.yaml: no service {name}"))?;
        let version = image.image.split_once(':').map(|(_, version)| version);
        let version = version.with_context(|| format!("compose.yaml: {name} has no version"))?;
        versions.insert(prose.to_owned(), vec![version.to_owned()]);
    }
    Ok(versions)
}

/// A name followed by a version that is not its own.
fn wrong(file: &str, text: &str, versions: &Versions) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let mut before = "";
    for (index, line) in text.lines().enumerate() {
        for word in line.split_whitespace() {
            let version = word.trim_matches(|letter: char| !letter.is_ascii_digit());
            let named = versions.get(before).filter(|_| is_version(version));
            let right = |in_use: &String| {
                let rest = in_use.strip_prefix(version);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            if let Some(in_use) = named.filter(|in_use| !in_use.iter().any(right)) {
                let what = format!("{before} is {} here", in_use.join(" and "));
                complaints.push(Complaint::by_hand(file, index + 1, what));
            }
            before = word.trim_matches(|letter: char| !letter.is_alphanumeric());
        }
    }
    complaints
}

fn is_version(word: &str) -> bool {
    let number = |part: &str| part.parse::<u32>().is_ok();
    word.contains('.') && word.split('.').count() < 4 && word.split('.').all(number)
}
