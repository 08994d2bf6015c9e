//! "Build it": each lesson has an exercise, a test that names it, and an answer that fits. That
//! the test needs the answer takes long to see, and is seen by the suite.

use super::whole::Complaint;
use super::whole::Whole;
use ladder::exercise;
use ladder::exercise::TEST;
use ladder::markdown::Kind;
use ladder::markdown::parts;

/// What is wrong with the exercises of all lessons.
///
/// # Errors
///
/// A README cannot be read.
pub(super) fn all(whole: &Whole) -> anyhow::Result<Vec<Complaint>> {
    let mut complaints = Vec::new();
    for lesson in whole.ladder.lessons {
        let name = lesson.name;
        let file = exercise::answer(name);
        let readme = format!("{name}/README.md");
        let parts = parts(&whole.text(&readme)?);
        let section = || parts.iter().filter(|part| part.section == "Build it");
        let line = section().next().map_or(1, |part| part.line);
        for command in [
            format!("cargo test -p {name} --test exercise"),
            format!("git apply {file}"),
        ] {
            let shows = |kind: &Kind| matches!(kind, Kind::Paragraph | Kind::Item);
            let shown = section().any(|part| shows(&part.kind) && part.code.contains(&command));
            if !shown {
                let what = format!("Build it does not name the command {command}");
                complaints.push(Complaint::by_hand(&readme, line, what));
            }
        }

        let complain = |what: String| Complaint::by_hand(&file, 1, what);
        let Ok(text) = whole.text(&file) else {
            complaints.push(complain("the exercise has no answer".to_owned()));
            continue;
        };
        let touches = text.lines().filter_map(|line| line.strip_prefix("+++ b/"));
        let inside = format!("{name}/");
        let outside = touches.clone().find(|path| !path.starts_with(&inside));
        complaints.extend(outside.map(|path| complain(format!("it touches {path}"))));
        if !touches.clone().any(|path| path == format!("{name}/{TEST}")) {
            complaints.push(complain(format!("it does not bring {name}/{TEST}")));
        }
        if let Err(error) = exercise::check(&whole.ladder.root, name) {
            complaints.push(complain(format!("it does not fit the lesson: {error}")));
        }
    }
    Ok(complaints)
}
