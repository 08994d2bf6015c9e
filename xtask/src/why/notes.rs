//! The notes under "On trust" in a lesson's README: lines whose reason comes later.

use crate::excerpt::stands;
use ladder::Ladder;
use ladder::Lesson;
use ladder::markdown::Kind;
use ladder::markdown::parts;

/// The lesson's note that names something in the line.
///
/// # Errors
///
/// Its README cannot be read.
pub(super) fn note(ladder: &Ladder, lesson: &Lesson, line: &str) -> anyhow::Result<Option<String>> {
    let path = ladder.folder(lesson).join("README.md");
    let Ok(readme) = std::fs::read_to_string(path) else {
        return Ok(None);
    };
    let parts = parts(&readme);
    let mut rows = parts
        .iter()
        .filter(|part| part.kind == Kind::Row && part.section == "On trust");
    let found = rows.find_map(|row| {
        let (what, payer) = row.text.split_once('\t')?;
        let mut names = row.code.iter().filter(|code| what.contains(code.as_str()));
        names.any(|code| is_in(code, line)).then(|| {
            let (name, at, payer) = (lesson.name, row.line, payer.trim());
            format!("on trust: {what}; paid for by {payer} ({name}/README.md:{at})")
        })
    });
    Ok(found)
}

/// Whether a line has this piece of code, however it is spaced.
fn is_in(code: &str, line: &str) -> bool {
    if code
        .chars()
        .all(|letter| letter.is_alphanumeric() || letter == '_')
    {
        return stands(line, code);
    }
    let dense = |text: &str| -> String { text.split_whitespace().collect() };
    dense(line).contains(&dense(code))
}

#[cfg(test)]
mod tests {
    use super::is_in;

    #[test]
    fn code_is_found_in_a_line() {
        assert!(is_in("Arc<dyn Store>", "let store: Arc< dyn Store> = x;"));
        assert!(is_in("JoinSet", "use tokio::task::JoinSet;"));
        assert!(!is_in("close", "closed(x)"));
    }
}
