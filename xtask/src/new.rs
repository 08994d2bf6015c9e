//! A new lesson: a copy of the one that it follows, under its own name, in the tree and in
//! the workspace, so that it builds and its tests pass before a line of it is written.

use crate::check;
use crate::folder::read;
use crate::name::Renaming;
use anyhow::Context;
use anyhow::bail;
use anyhow::ensure;
use ladder::Ladder;
use ladder::Lesson;
use ladder::Needs;
use ladder::cargo::cargo;
use std::fmt::Write as _;
use std::io::Write;

/// What is made, and where in the tree.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Its name, such as e-test
    name: String,
    /// The lesson that it copies
    #[arg(long, value_name = "LESSON")]
    after: String,
    /// The lesson that is to follow it; without one, it ends a branch
    #[arg(long, value_name = "LESSON")]
    before: Option<String>,
}

/// Makes it, and tells what is left to a person.
///
/// # Errors
///
/// The name is none for a lesson or is taken, the lessons do not follow each other, or a file
/// cannot be written.
pub(crate) fn new(
    ladder: &Ladder,
    arguments: &Arguments,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let name = arguments.name.as_str();
    let letters = name.strip_prefix("e-").unwrap_or_default();
    let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    ensure!(
        !letters.is_empty() && letters.chars().all(plain),
        "{name} cannot be a lesson's name: it has to be e- and lower-case letters or digits, such as e-test"
    );
    let folder = ladder.root.join(name);
    ensure!(
        ladder.get(name).is_none() && !folder.exists(),
        "there is an {name} already"
    );
    let after = ladder.find(&arguments.after)?;
    let before = arguments
        .before
        .as_deref()
        .map(|it| ladder.find(it))
        .transpose()?;
    if let Some(before) = before
        && before.after != Some(after.name)
    {
        let follows = before.after.unwrap_or("nothing");
        bail!("{} follows {follows}, not {}", before.name, after.name);
    }

    let path = ladder.root.join(ladder::TABLE);
    let table = std::fs::read_to_string(&path).context(ladder::TABLE)?;
    let side = before.is_none() && !ladder.is_end(after);
    let table = inserted(&table, name, after, before, side)?;
    let renaming = Renaming::new(after.name, name);
    for file in read(ladder, after)? {
        file.renamed(&renaming).write(&folder)?;
    }
    std::fs::write(&path, table)?;
    lock(ladder)?;
    check::renew(&Ladder::read(&ladder.root)?, out)?;
    writeln!(
        out,
        "{name} is a copy of {}, and builds. Give it a concern, a command and its outcome in \
         {}, then its code and its README; `cargo lesson check` tells what is missing",
        after.name,
        ladder::TABLE
    )?;
    Ok(())
}

/// The table with the new lesson, and with the one that follows it from now on.
fn inserted(
    table: &str,
    name: &str,
    after: &Lesson,
    before: Option<&Lesson>,
    side: bool,
) -> anyhow::Result<String> {
    let mut entry = format!(
        "[[lesson]]\nname = \"{name}\"\nafter = \"{}\"\n",
        after.name
    );
    if side {
        entry.push_str("side = true\n");
    }
    writeln!(entry, "concern = \"{}\"", letters(name))?;
    match after.needs {
        Needs::Nothing => {}
        Needs::Mysql => entry.push_str("needs = \"mysql\"\n"),
        Needs::Redis => entry.push_str("needs = \"redis\"\n"),
    }
    if after.big {
        entry.push_str("big = true\n");
    }
    entry.push_str("outcome = \"nothing → nothing yet\"\ncommand = \"$lesson\"\n");

    let head = |name: &str| format!("[[lesson]]\nname = \"{name}\"\n");
    let place = |name: &str| {
        let found = table.find(&head(name));
        found.with_context(|| format!("{}: no {name} behind [[lesson]]", ladder::TABLE))
    };
    // Behind the lesson that it copies.
    let start = place(after.name)?;
    let next = table
        .get(start + 1..)
        .and_then(|rest| rest.find("[[lesson]]\n"));
    let (above, below) = match next {
        Some(next) => (table.get(..start + 1 + next), table.get(start + 1 + next..)),
        None => (Some(table), None),
    };
    let above = above.unwrap_or_default().trim_end();
    let mut below = below.unwrap_or_default().to_owned();
    if let Some(before) = before {
        let head = head(before.name);
        let (old, new) = (
            format!("{head}after = \"{}\"\n", after.name),
            format!("{head}after = \"{name}\"\n"),
        );
        ensure!(
            below.contains(&old),
            "{}: `after` has to stand right below the name of {}",
            ladder::TABLE,
            before.name
        );
        below = below.replacen(&old, &new, 1);
    }
    if !below.is_empty() {
        entry.push('\n');
    }
    // It is no longer one to come.
    let (quoted, planned) = (
        format!("\"{name}\""),
        above.lines().find(|it| it.starts_with("planned = ")),
    );
    let above = match planned {
        None => above.to_owned(),
        Some(line) => {
            let left = line.replace(&format!("{quoted}, "), "");
            let left = left
                .replace(&format!(", {quoted}"), "")
                .replace(&quoted, "");
            above.replacen(line, &left, 1)
        }
    };
    Ok(format!("{above}\n\n{entry}{below}"))
}

fn letters(name: &str) -> &str {
    name.strip_prefix("e-").unwrap_or(name)
}

/// Has cargo write the new member into `Cargo.lock`.
fn lock(ladder: &Ladder) -> anyhow::Result<()> {
    if !ladder.root.join("Cargo.toml").exists() {
        return Ok(()); // a ladder of a test's own
    }
    let mut update = cargo();
    update.args(["update", "--quiet", "--workspace", "--offline"]);
    let done = update.current_dir(&ladder.root).status().context("cargo")?;
    ensure!(done.success(), "cargo cannot add it to Cargo.lock");
    Ok(())
}
