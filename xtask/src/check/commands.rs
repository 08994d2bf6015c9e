//! What pages tell a reader to type leads somewhere: `why` to a line that says something, and
//! "Break it" to tests that there are.

use super::whole::Complaint;
use super::whole::Whole;
use crate::excerpt;
use crate::folder::paths;
use anyhow::Context;
use ladder::markdown::parts;
use std::collections::BTreeSet;
use syn::visit::Visit;

/// How a command begins that asks for a line.
const WHY: &str = "cargo lesson why ";

/// What leads nowhere, on all pages.
///
/// # Errors
///
/// A page cannot be read, or a test is no Rust.
pub(super) fn all(whole: &Whole) -> anyhow::Result<Vec<Complaint>> {
    let mut complaints = Vec::new();
    for page in paths(&whole.ladder.root, &["."])? {
        let page = page.trim_start_matches("./");
        if page.ends_with(".md") && whole.ladder.root.join(page).is_file() {
            complaints.extend(lines(whole, page, &whole.text(page)?));
        }
    }
    let tests = tests(whole)?;
    for (lesson, files, _) in whole.lessons() {
        let page = format!("{}/README.md", lesson.name);
        let parts = parts(&whole.text(&page)?);
        let parts = parts.iter().filter(|part| part.section == "Break it");
        for (code, line) in parts.flat_map(|part| part.code.iter().map(|code| (code, part.line))) {
            let named = code
                .bytes()
                .all(|it| it.is_ascii_lowercase() || b"_0123456789".contains(&it));
            let test = named && code.matches('_').count() > 1;
            let there = || tests.contains(code) || files.iter().any(|it| excerpt::word(it, code));
            if test && !there() {
                let what = format!("there is no test {code}");
                complaints.push(Complaint::by_hand(&page, line, what));
            }
        }
    }
    Ok(complaints)
}

/// The lines that a page asks `why` of have to say something.
fn lines(whole: &Whole, page: &str, text: &str) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let Some((_, asked)) = line.split_once(WHY) else {
            continue;
        };
        let asked = asked.split([' ', '`']).next().unwrap_or_default();
        let Some((file, number)) = asked.rsplit_once(':') else {
            continue;
        };
        let there = std::fs::read_to_string(whole.ladder.root.join(file)).unwrap_or_default();
        let number: usize = number.parse().unwrap_or_default();
        let said = number.checked_sub(1).and_then(|at| there.lines().nth(at));
        if !said.is_some_and(|said| said.chars().any(char::is_alphanumeric)) {
            let what = format!(
                "{asked} is {:?}, and no line to ask about",
                said.unwrap_or_default()
            );
            complaints.push(Complaint::by_hand(page, index + 1, what));
        }
    }
    complaints
}

/// The functions of the suite and of the lessons' own tests.
fn tests(whole: &Whole) -> anyhow::Result<BTreeSet<String>> {
    let mut names = Names(BTreeSet::new());
    for path in paths(&whole.ladder.root, &["."])? {
        let path = path.trim_start_matches("./");
        let test = path.starts_with("tests/") || path.contains("/tests/");
        if test && path.ends_with(".rs") && whole.ladder.root.join(path).is_file() {
            let file = syn::parse_file(&whole.text(path)?).with_context(|| path.to_owned())?;
            names.visit_file(&file);
        }
    }
    Ok(names.0)
}

struct Names(BTreeSet<String>);

impl<'ast> Visit<'ast> for Names {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.0.insert(item.sig.ident.to_string());
    }
}
