//! Links lead somewhere: to files that are there, and to headings. Those that lead out are
//! not followed.

use super::whole::Complaint;
use super::whole::Whole;
use crate::folder::paths;
use crate::page::anchors;
use ladder::markdown::Kind;
use ladder::markdown::Part;
use ladder::markdown::parts;
use std::collections::BTreeMap;
use std::path::Component;
use std::path::Path;
use std::path::PathBuf;

/// The links of all pages that lead nowhere.
///
/// # Errors
///
/// git is missing, or a page cannot be read.
pub(super) fn broken(whole: &Whole) -> anyhow::Result<Vec<Complaint>> {
    let root = &whole.ladder.root;
    let mut pages: BTreeMap<PathBuf, Vec<Part>> = BTreeMap::new();
    for path in paths(root, &["."])? {
        let path = path.trim_start_matches("./");
        if path.ends_with(".md") && root.join(path).is_file() {
            pages.insert(path.into(), parts(&whole.text(path)?));
        }
    }
    let mut complaints = Vec::new();
    for (page, parts) in &pages {
        for link in parts.iter().filter(|part| part.kind == Kind::Link) {
            if let Some(what) = wrong(root, page, &link.text, &pages) {
                let file = page.to_string_lossy();
                complaints.push(Complaint::by_hand(&file, link.line, what));
            }
        }
    }
    Ok(complaints)
}

/// What is wrong with a link.
fn wrong(
    root: &Path,
    page: &Path,
    link: &str,
    pages: &BTreeMap<PathBuf, Vec<Part>>,
) -> Option<String> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = match path {
        "" => page.to_owned(),
        path => resolve(&page.parent().unwrap_or(Path::new("")).join(path)),
    };
    if !root.join(&target).exists() {
        return Some(format!("there is no {}", target.display()));
    }
    if anchor.is_empty() {
        return None;
    }
    let headings = |part: &&Part| matches!(part.kind, Kind::Heading(_));
    let parts = pages.get(&target).map(Vec::as_slice).unwrap_or_default();
    let headings = parts.iter().filter(headings);
    let headings: Vec<&str> = headings.map(|heading| heading.text.as_str()).collect();
    let found = anchors(&headings).iter().any(|it| it == anchor);
    (!found).then(|| format!("{} has no heading #{anchor}", target.display()))
}

/// The path without `..`.
fn resolve(path: &Path) -> PathBuf {
    let mut resolved = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                resolved.pop();
            }
            Component::CurDir => {}
            part => resolved.push(part),
        }
    }
    resolved
}
