//! A lesson as a project of its own, outside this workspace: for whoever needs a service and
//! not a tutorial.

use crate::folder::File;
use crate::folder::Kind;
use crate::folder::read;
use crate::name::Renaming;
use anyhow::Context;
use anyhow::ensure;
use ladder::Ladder;
use ladder::Lesson;
use ladder::Needs;
use ladder::cargo::cargo;
use std::fmt::Write as _;
use std::io::Write;
use std::path::PathBuf;
use toml::Table;
use toml::Value;

/// What is exported, and where to.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The lesson
    lesson: String,
    /// The project's folder, which must not exist yet or be empty
    folder: PathBuf,
    /// The project's name [default: the lesson's]
    #[arg(long)]
    name: Option<String>,
}

/// How the project's services are started.
const COMPOSE: &str = "docker compose up --detach --wait";

/// Writes the project.
///
/// # Errors
///
/// There is no such lesson, the name is none for a crate, the folder is in use or inside this
/// workspace, or a file cannot be written.
pub(crate) fn export(
    ladder: &Ladder,
    arguments: &Arguments,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let lesson = ladder.find(&arguments.lesson)?;
    let name = arguments.name.as_deref().unwrap_or(lesson.name);
    let letter = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    ensure!(
        name.starts_with(|first: char| first.is_ascii_lowercase())
            && name
                .split(['-', '_'])
                .all(|word| !word.is_empty() && word.chars().all(letter)),
        "{name} cannot be a crate's name: it has to be lower-case letters and digits, joined by - or _, such as user-service"
    );
    let folder = std::path::absolute(&arguments.folder)?;
    ensure!(
        !folder.starts_with(&ladder.root),
        "{} is inside this workspace; name a folder outside it",
        folder.display()
    );
    let empty = folder.read_dir().map_or(Ok(true), |mut it| {
        it.next().transpose().map(|it| it.is_none())
    });
    ensure!(
        empty?,
        "{} is not empty; name another folder",
        folder.display()
    );

    let renaming = Renaming::new(lesson.name, name);
    for mut file in read(ladder, lesson)? {
        match file.path.as_str() {
            "DIFF.md" => continue,
            "README.md" => file.content = readme(lesson).into_bytes(),
            "Dockerfile" => file.content = dockerfile(&file, lesson)?.into_bytes(),
            "Cargo.toml" => file.content = manifest(ladder, &file)?.into_bytes(),
            _ if file.is_binary() => {}
            _ => {
                // What starts the services in this workspace is not there.
                let text = String::from_utf8(file.content)?;
                let text = text.replace("cargo lesson services up", COMPOSE);
                file.content = text.into_bytes();
            }
        }
        file.renamed(&renaming).write(&folder)?;
    }
    let root =
        |path: &str| std::fs::read_to_string(ladder.root.join(path)).context(path.to_owned());
    let mut files = vec![
        (".gitignore", root(".gitignore")?),
        (".dockerignore", root(".dockerignore")?),
        (".github/workflows/ci.yml", workflow(lesson, &rust(ladder)?)),
        ("Cargo.lock", root("Cargo.lock")?),
        ("LICENSE", root("LICENSE")?),
    ];
    files.extend(compose(lesson, &root("compose.yaml")?).map(|text| ("compose.yaml", text)));
    for (path, content) in files {
        let (path, content) = (path.to_owned(), content.into_bytes());
        let kind = Kind::Plain;
        File {
            path,
            kind,
            content,
        }
        .renamed(&renaming)
        .write(&folder)?;
    }
    // cargo takes out of Cargo.lock what the project does not need, and leaves the versions.
    let mut update = cargo();
    update.args(["update", "--quiet", "--workspace", "--offline"]);
    let locked = update.current_dir(&folder).status().context("cargo")?;
    ensure!(
        locked.success(),
        "cargo cannot write {}/Cargo.lock",
        folder.display()
    );
    writeln!(
        out,
        "{name} is in {}; there, type: cargo run",
        folder.display()
    )?;
    Ok(())
}

/// The lesson's manifest, with what the workspace says in place.
fn manifest(ladder: &Ladder, file: &File) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(ladder.root.join("Cargo.toml")).context("Cargo.toml")?;
    let root: Table = text.parse().context("Cargo.toml")?;
    let workspace = root.get("workspace").and_then(Value::as_table);
    let workspace = workspace.context("Cargo.toml: no [workspace]")?;
    let own: Table = str::from_utf8(&file.content)?
        .parse()
        .context("the lesson's Cargo.toml")?;

    let mut manifest = String::new();
    for (section, value) in &own {
        let entries = value
            .as_table()
            .with_context(|| format!("{section} is no table"))?;
        let inherited = match section.as_str() {
            "package" => workspace.get("package"),
            "lints" => {
                for (tool, lints) in tables(workspace.get("lints")) {
                    part(&mut manifest, &format!("lints.{tool}"), lints)?;
                }
                continue;
            }
            _ => workspace.get("dependencies"),
        };
        let inherited = inherited
            .and_then(Value::as_table)
            .context("nothing to inherit")?;
        let resolved: anyhow::Result<Table> = entries
            .iter()
            .map(|(key, value)| Ok((key.clone(), resolved(key, value, inherited)?)))
            .collect();
        part(&mut manifest, section, &resolved?)?;
    }
    for (profile, settings) in tables(root.get("profile")) {
        let (nested, plain): (Vec<_>, Vec<_>) = settings
            .clone()
            .into_iter()
            .partition(|(_, value)| value.is_table());
        part(
            &mut manifest,
            &format!("profile.{profile}"),
            &plain.into_iter().collect(),
        )?;
        for (key, value) in nested {
            for (package, settings) in tables(Some(&value)) {
                let section = format!("profile.{profile}.{key}.\"{package}\"");
                part(&mut manifest, &section, settings)?;
            }
        }
    }
    Ok(manifest.trim_start().to_owned())
}

/// A value in which `workspace = true` is replaced by what the workspace has, with the
/// features of both.
fn resolved(key: &str, value: &Value, inherited: &Table) -> anyhow::Result<Value> {
    let Some(own) = value.as_table().filter(|it| it.contains_key("workspace")) else {
        return Ok(value.clone());
    };
    let found = inherited
        .get(key)
        .with_context(|| format!("Cargo.toml: no {key}"))?;
    let added: Table = own
        .clone()
        .into_iter()
        .filter(|(key, _)| key != "workspace")
        .collect();
    if added.is_empty() {
        return Ok(found.clone());
    }
    let mut all = match found {
        Value::Table(table) => table.clone(),
        version => Table::from_iter([("version".to_owned(), version.clone())]),
    };
    for (key, value) in added {
        match (all.get_mut(&key), value) {
            (Some(Value::Array(there)), Value::Array(more)) => there.extend(more),
            (_, value) => drop(all.insert(key, value)),
        }
    }
    Ok(Value::Table(all))
}

fn tables(value: Option<&Value>) -> impl Iterator<Item = (&String, &Table)> {
    let tables = value.and_then(Value::as_table).into_iter().flatten();
    tables.filter_map(|(key, value)| Some((key, value.as_table()?)))
}

fn part(manifest: &mut String, section: &str, entries: &Table) -> std::fmt::Result {
    writeln!(manifest, "\n[{section}]")?;
    for (key, value) in entries {
        writeln!(manifest, "{key} = {value}")?;
    }
    Ok(())
}

/// The Dockerfile, whose context is the project's own folder.
fn dockerfile(file: &File, lesson: &Lesson) -> anyhow::Result<String> {
    let name = lesson.name;
    let text = String::from_utf8(file.content.clone())?;
    let text = text
        .replace("From the workspace's folder:", "Build it with")
        .replace(&format!("--file {name}/Dockerfile --tag"), "--tag")
        .replace(&format!("find {name} -exec"), "find . -exec")
        .replace(&format!("COPY {name}/"), "COPY ");
    let left = text.lines().find(|line| {
        let path = format!(" {name}/");
        line.contains(&path)
    });
    ensure!(
        left.is_none(),
        "{name}/Dockerfile names a path that is not exported: {left:?}"
    );
    Ok(text)
}

/// What of compose.yaml the lesson needs.
fn compose(lesson: &Lesson, text: &str) -> Option<String> {
    let text = text.replace(
        "MySQL and Redis for development and tests, on the ports that the lessons' configs/ name:\n\
         # what `cargo lesson services up` starts on its own where there is no Docker.",
        "What the service needs beside it, on the ports that configs/ names.",
    );
    match lesson.needs {
        Needs::Nothing => None,
        Needs::Mysql => Some(text.split("\n\n  redis:\n").next()?.to_owned() + "\n"),
        Needs::Redis => Some(text),
    }
}

/// The oldest Rust that builds it.
fn rust(ladder: &Ladder) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(ladder.root.join("Cargo.toml")).context("Cargo.toml")?;
    let root: Table = text.parse().context("Cargo.toml")?;
    let package = root.get("workspace").and_then(|it| it.get("package"));
    let version = package
        .and_then(|it| it.get("rust-version"))
        .and_then(Value::as_str);
    Ok(version.context("Cargo.toml: no rust-version")?.to_owned())
}

fn workflow(lesson: &Lesson, rust: &str) -> String {
    let services = match lesson.needs {
        Needs::Nothing => "",
        Needs::Mysql | Needs::Redis => "      - run: docker compose up --detach --wait\n",
    };
    let text = include_str!("export/ci.yml");
    let text = text.replace("      - {{services}}\n", services);
    text.replace("{{rust}}", rust)
        .replace("{{name}}", lesson.name)
}

fn readme(lesson: &Lesson) -> String {
    let services = match lesson.needs {
        Needs::Nothing => "",
        Needs::Mysql | Needs::Redis => {
            "docker compose up --detach --wait  # what it needs beside it\n"
        }
    };
    let text = include_str!("export/readme.md");
    text.replace("{{services}}\n", services)
        .replace("{{name}}", lesson.name)
}
