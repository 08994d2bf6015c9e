//! The index of patterns in the root README: each row leads to a file of a lesson, and names an
//! item that is there.

use super::whole::Complaint;
use super::whole::Whole;
use crate::excerpt;
use ladder::markdown::Kind;
use ladder::markdown::Part;
use ladder::markdown::parts;

/// The page.
const PAGE: &str = "README.md";

/// The rows that name an item that is not there. That each link leads to a file is seen to by
/// the check of all links.
///
/// # Errors
///
/// The page cannot be read.
pub(super) fn all(whole: &Whole) -> anyhow::Result<Vec<Complaint>> {
    let parts = parts(&whole.text(PAGE)?);
    let of = |kind: Kind| {
        let wanted = move |part: &&Part| part.section == "Patterns" && part.kind == kind;
        parts.iter().filter(wanted)
    };
    let mut complaints = Vec::new();
    for row in of(Kind::Row) {
        let path = of(Kind::Link).find(|link| link.line == row.line);
        let path = path.map_or("", |link| link.text.as_str());
        let (lesson, file) = path.split_once('/').unwrap_or_default();
        let lesson = whole.ladder.get(lesson);
        let files = lesson.map_or(&[][..], |lesson| whole.files(lesson));
        let file = files.iter().find(|it| it.path == file);
        let has = |item: &String| file.is_some_and(|file| excerpt::has(file, item));
        for item in row.code.iter().filter(|item| !has(item)) {
            let what = format!("{path} has no {item}");
            complaints.push(Complaint::by_hand(PAGE, row.line, what));
        }
        if row.code.is_empty() {
            let what = "a pattern names no item".to_owned();
            complaints.push(Complaint::by_hand(PAGE, row.line, what));
        }
    }
    Ok(complaints)
}
