//! The tests of a lesson's `tests/` go with all lessons that grow out of it. One that a lesson
//! cannot keep yet is ignored there, with the name of the lesson that will:
//! `#[ignore = "e-limit: a body over 16 KiB is refused"]`. In that lesson the attribute is gone.

use super::whole::Complaint;
use super::whole::Whole;
use crate::folder::File;
use anyhow::Context;
use ladder::Lesson;
use std::collections::BTreeMap;
use syn::Attribute;
use syn::Expr;
use syn::ItemFn;
use syn::Lit;
use syn::Meta;
use syn::visit::Visit;

/// The tests that vanished on the way, and those ignored where they must not be.
///
/// # Errors
///
/// A file is no Rust.
pub(super) fn all(whole: &Whole) -> anyhow::Result<Vec<Complaint>> {
    let mut complaints = Vec::new();
    let mut tests: BTreeMap<&str, Tests> = BTreeMap::new();
    for (lesson, files, _) in whole.lessons() {
        let own = read(lesson, files)?;
        let before = lesson.after.and_then(|after| tests.get(after));
        for (file, name) in before.into_iter().flat_map(BTreeMap::keys) {
            if !own.contains_key(&(file.clone(), name.clone())) {
                let after = lesson.after.unwrap_or_default();
                let what = format!("the test {name} of {after} is gone");
                let file = format!("{}/{file}", lesson.name);
                complaints.push(Complaint::by_hand(&file, 1, what));
            }
        }
        for ((file, name), test) in &own {
            let what = test.ignored.as_deref();
            if let Some(what) = what.and_then(|reason| wrong(whole, lesson, reason)) {
                let file = format!("{}/{file}", lesson.name);
                let what = format!("the test {name} is ignored {what}");
                complaints.push(Complaint::by_hand(&file, test.line, what));
            }
        }
        tests.insert(lesson.name, own);
    }
    Ok(complaints)
}

/// What is wrong with a test that is ignored for this reason.
fn wrong(whole: &Whole, lesson: &Lesson, reason: &str) -> Option<String> {
    let Some((cure, _)) = reason.split_once(": ") else {
        return Some("without a reason such as \"e-limit: a large body is refused\"".to_owned());
    };
    if lesson.has(cure) {
        return Some(format!("until {cure}, which has come"));
    }
    let known = whole.ladder.get(cure).is_some();
    let planned = whole.ladder.planned.iter().any(|it| it == cure);
    (!known && !planned).then(|| format!("until {cure}, and there is no such lesson"))
}

/// A test of a lesson's `tests/`.
struct Test {
    line: usize,
    /// The reason, empty if there is none.
    ignored: Option<String>,
}

/// The tests of a lesson by their files and names.
type Tests = BTreeMap<(String, String), Test>;

fn read(lesson: &Lesson, files: &[File]) -> anyhow::Result<Tests> {
    let mut tests = Tests::new();
    let is_test = |file: &&File| file.path.starts_with("tests/") && file.path.ends_with(".rs");
    for file in files.iter().filter(is_test) {
        let text = str::from_utf8(&file.content)?;
        let parsed = syn::parse_file(text);
        let parsed = parsed.with_context(|| format!("{}/{}", lesson.name, file.path))?;
        let mut reader = Reader::default();
        reader.visit_file(&parsed);
        for (name, ignored) in reader.tests {
            let line = text
                .lines()
                .position(|it| it.contains(&format!("fn {name}(")));
            let line = line.map_or(1, |index| index + 1);
            tests.insert((file.path.clone(), name), Test { line, ignored });
        }
    }
    Ok(tests)
}

#[derive(Default)]
struct Reader {
    tests: Vec<(String, Option<String>)>,
}

impl<'a> Visit<'a> for Reader {
    fn visit_item_fn(&mut self, item: &'a ItemFn) {
        let named = |attribute: &Attribute, name: &str| {
            let last = attribute.path().segments.last();
            last.is_some_and(|it| it.ident == name)
        };
        if item.attrs.iter().any(|it| named(it, "test")) {
            let mut ignored = item.attrs.iter().filter(|it| named(it, "ignore"));
            let reason = ignored.next().map(reason);
            self.tests.push((item.sig.ident.to_string(), reason));
        }
    }
}

fn reason(ignore: &Attribute) -> String {
    if let Meta::NameValue(pair) = &ignore.meta
        && let Expr::Lit(value) = &pair.value
        && let Lit::Str(text) = &value.lit
    {
        return text.value();
    }
    String::new()
}
