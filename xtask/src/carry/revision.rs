//! A lesson's files in a revision of the repository.

use crate::folder::File;
use crate::folder::Kind;
use crate::git;
use anyhow::Context;
use ladder::Ladder;
use ladder::Lesson;
use std::fmt::Write;

/// The files of a lesson in a revision.
///
/// # Errors
///
/// There is no such revision, or no repository.
pub(super) fn read(ladder: &Ladder, name: &str, lesson: &Lesson) -> anyhow::Result<Vec<File>> {
    let mut list = git::git(&ladder.root);
    let folder = format!("{}/", lesson.name);
    list.args(["ls-tree", "-r", "-z", name, "--", &folder]);
    let listed = git::run(list, b"", &[0]).with_context(|| format!("no revision {name}"))?;
    let listed = String::from_utf8(listed).context("a path that is not UTF-8")?;
    let entry = |entry| parse(entry, &folder).context("git answers in a form that is not known");
    let entries = listed.split_terminator('\0').map(entry);
    let entries: Vec<(Kind, &str, &str)> = entries.collect::<anyhow::Result<_>>()?;

    let mut input = String::new();
    for (_, object, _) in &entries {
        writeln!(input, "{object}")?;
    }
    let mut show = git::git(&ladder.root);
    show.args(["cat-file", "--batch"]);
    let shown = git::run(show, input.as_bytes(), &[0])?;
    let mut rest = shown.as_slice();
    let mut files = Vec::new();
    for (kind, _, path) in entries {
        let (content, after) = object(rest).context("git answers in a form that is not known")?;
        rest = after;
        files.push(File {
            path: path.to_owned(),
            kind,
            content: content.to_owned(),
        });
    }
    Ok(files)
}

/// `100644 blob OBJECT<tab>PATH`.
fn parse<'a>(entry: &'a str, folder: &str) -> Option<(Kind, &'a str, &'a str)> {
    let (head, path) = entry.split_once('\t')?;
    let mut head = head.split(' ');
    let kind = match head.next()? {
        "100755" => Kind::Program,
        "120000" => Kind::Link,
        _ => Kind::Plain,
    };
    Some((kind, head.nth(1)?, path.strip_prefix(folder)?))
}

/// `OBJECT blob SIZE`, a line feed, the content, a line feed.
fn object(shown: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = shown.iter().position(|byte| *byte == b'\n')?;
    let head = std::str::from_utf8(shown.get(..end)?).ok()?;
    let size: usize = head.rsplit(' ').next()?.parse().ok()?;
    let rest = shown.get(end + 1..)?;
    Some((rest.get(..size)?, rest.get(size + 1..)?))
}
