//! Which lesson brought a line, and for what. The line is followed from copy to copy, back
//! to the step that added it.

mod notes;

use crate::diff::Both;
use crate::folder::File;
use crate::folder::is_aside;
use crate::folder::read_all;
use crate::git;
use crate::step::Status;
use crate::step::changes;
use anyhow::Context;
use anyhow::bail;
use ladder::Ladder;
use ladder::Lesson;
use std::io::Write;
use std::path::Component;
use std::path::Path;
use std::path::PathBuf;

/// How many of the lines that it replaces are shown.
const SHOWN: usize = 3;

/// A line of a lesson.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    /// The lesson's index.
    lesson: usize,
    path: String,
    line: usize,
}

/// Where a line comes from.
#[derive(Debug)]
enum Origin {
    /// From this line of the lesson before.
    Before(Place),
    /// Its lesson has added it, in place of so many lines of the lesson before.
    Added { instead_of: Vec<String> },
}

/// Tells where the line at `FILE:LINE` comes from; the file is relative to the current folder
/// or to the root.
///
/// # Errors
///
/// There is no such line in a lesson, or git is missing.
pub(crate) fn why(ladder: &Ladder, place: &str, out: &mut dyn Write) -> anyhow::Result<()> {
    let folders = read_all(ladder)?;
    let asked = find(ladder, &folders, &std::env::current_dir()?, place)?;
    let text = line(&folders, &asked).unwrap_or_default();
    let mut place = asked.clone();
    let instead = loop {
        match origin(ladder, &folders, &place)? {
            Origin::Before(before) => place = before,
            Origin::Added { instead_of } => break instead_of,
        }
    };
    let lesson = lesson(ladder, &place)?;
    let (name, concern) = (lesson.name, lesson.concern);
    writeln!(out, "  {}", text.trim())?;
    writeln!(out)?;
    writeln!(out, "{name} brought it, for its concern: {concern}")?;
    if place != asked {
        writeln!(out, "as {name}/{}:{}", place.path, place.line)?;
    }
    for line in instead.iter().take(SHOWN) {
        writeln!(out, "in place of: {}", line.trim())?;
    }
    if instead.len() > SHOWN {
        writeln!(out, "and {} lines more", instead.len() - SHOWN)?;
    }
    if text.trim().is_empty() {
        return Ok(());
    }
    if let Some(note) = notes::note(ladder, lesson, &text)? {
        writeln!(out, "{note}")?;
    }
    Ok(())
}

/// The place that is meant.
fn find(
    ladder: &Ladder,
    folders: &[Vec<File>],
    current: &Path,
    place: &str,
) -> anyhow::Result<Place> {
    let parsed = place.trim_end_matches(':').rsplit_once(':');
    let parsed = parsed.and_then(|(path, line)| Some((path, line.parse::<usize>().ok()?)));
    let Some((file, line)) = parsed.filter(|(_, line)| *line > 0) else {
        bail!("{place} names no line; type it as e-http/src/http.rs:30");
    };
    for folder in [current, &ladder.root] {
        let path = plain(&folder.join(file));
        let Ok(inside) = path.strip_prefix(plain(&ladder.root)) else {
            continue;
        };
        let inside = inside.to_string_lossy();
        let Some((name, path)) = inside.split_once('/') else {
            continue;
        };
        let Some(lesson) = position(ladder, name) else {
            continue;
        };
        let mut files = folders.get(lesson).into_iter().flatten();
        let Some(file) = files.find(|file| file.path == path) else {
            continue;
        };
        if is_aside(path) {
            bail!("{inside} is not carried from lesson to lesson, it is {name}'s own");
        }
        if file.is_binary() {
            bail!("{inside} is binary, it has no lines");
        }
        let lines = String::from_utf8_lossy(&file.content).lines().count();
        if line > lines {
            bail!("{inside} has {lines} lines");
        }
        let path = path.to_owned();
        return Ok(Place { lesson, path, line });
    }
    bail!("{file} is no file of a lesson; type one as e-http/src/http.rs:30")
}

/// The path without `.` and `..`, and without links where it is there.
fn plain(path: &Path) -> PathBuf {
    if let Ok(path) = path.canonicalize() {
        return path;
    }
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

/// A lesson's index.
fn position(ladder: &Ladder, name: &str) -> Option<usize> {
    ladder.lessons.iter().position(|lesson| lesson.name == name)
}

fn lesson(ladder: &Ladder, place: &Place) -> anyhow::Result<&'static Lesson> {
    ladder
        .lessons
        .get(place.lesson)
        .context("there is no such lesson")
}

fn line(folders: &[Vec<File>], place: &Place) -> Option<String> {
    let file = folders
        .get(place.lesson)?
        .iter()
        .find(|file| file.path == place.path)?;
    let text = String::from_utf8_lossy(&file.content);
    text.lines()
        .nth(place.line.checked_sub(1)?)
        .map(str::to_owned)
}

/// One step back.
fn origin(ladder: &Ladder, folders: &[Vec<File>], place: &Place) -> anyhow::Result<Origin> {
    let nothing = Origin::Added {
        instead_of: Vec::new(),
    };
    let from = ladder.before(lesson(ladder, place)?);
    let Some(before) = from.and_then(|from| position(ladder, from.name)) else {
        return Ok(nothing);
    };
    let pair = folders.get(before).zip(folders.get(place.lesson));
    let (old, new) = pair.context("there is no such lesson")?;
    let both = Both::of(from, old, lesson(ladder, place)?, new, false)?;
    let changes = changes(both.folder(), both.names)?;
    let change = changes.iter().find(|change| change.path == place.path);
    let path = match change.map(|change| &change.status) {
        Some(Status::New) => return Ok(nothing),
        Some(Status::Renamed(old)) => old.clone(),
        _ => place.path.clone(),
    };
    let [from, to] = both.names;
    let (left, right) = (format!("{from}/{path}"), format!("{to}/{}", place.path));
    let hunks = match change {
        None => Vec::new(),
        Some(_) => git::diff(both.folder(), &["-U0"], [&left, &right])?,
    };
    Ok(match follow(&String::from_utf8_lossy(&hunks), place.line) {
        Ok(line) => Origin::Before(Place {
            lesson: before,
            path: unnamed(old, &path, both.names),
            line,
        }),
        Err(instead_of) => Origin::Added { instead_of },
    })
}

/// The path that a file of the lesson before really has: the copies have the next one's name.
fn unnamed(files: &[File], path: &str, [from, to]: [&str; 2]) -> String {
    let renaming = crate::name::Renaming::new(from, to);
    let mut paths = files.iter().map(|file| &file.path);
    let real = paths.find(|real| renaming.path(real) == path);
    real.map_or(path, String::as_str).to_owned()
}

/// The number that a line had before these hunks; if they have added it, the lines that
/// stood there.
fn follow(hunks: &str, line: usize) -> Result<usize, Vec<String>> {
    let mut before = line;
    let mut lines = hunks.lines();
    while let Some(head) = lines.next() {
        let Some((start, removed, added)) = hunk(head) else {
            continue;
        };
        let gone = lines.by_ref().take(removed);
        let gone: Vec<String> = gone
            .filter_map(|it| it.strip_prefix('-').map(str::to_owned))
            .collect();
        // Where nothing is added, the number is that of the line above.
        let first = if added == 0 { start + 1 } else { start };
        if line < first {
            break;
        }
        if line < first + added {
            return Err(gone);
        }
        before = before + removed - added;
    }
    Ok(before)
}

/// `@@ -12,3 +14,5 @@`: where it stands, and how many lines it removes and adds.
fn hunk(head: &str) -> Option<(usize, usize, usize)> {
    let mut parts = head.strip_prefix("@@ -")?.split(' ');
    let removed = parts.next()?;
    let added = parts.next()?.strip_prefix('+')?;
    let count = |range: &str| match range.split_once(',') {
        Some((start, count)) => Some((start.parse().ok()?, count.parse().ok()?)),
        None => Some((range.parse().ok()?, 1)),
    };
    let (_, removed): (usize, usize) = count(removed)?;
    let (start, added): (usize, usize) = count(added)?;
    Some((start, removed, added))
}

#[cfg(test)]
mod tests {
    use super::follow;

    #[test]
    fn lines_are_followed_through_hunks() {
        let hunks = "@@ -2 +2,2 @@ fn\n-b\n+B\n+C\n@@ -5,2 +5,0 @@\n-x\n-y\n";
        assert_eq!(follow(hunks, 1), Ok(1));
        assert_eq!(follow(hunks, 2), Err(vec!["b".to_owned()]));
        assert_eq!(follow(hunks, 3), Err(vec!["b".to_owned()]));
        assert_eq!(follow(hunks, 4), Ok(3));
        assert_eq!(follow(hunks, 5), Ok(4));
        assert_eq!(follow(hunks, 6), Ok(7));
        assert_eq!(follow("", 6), Ok(6));
    }
}
