//! A lesson's README: its sections, its length, and whether what it names is there.

use super::whole::Complaint;
use super::whole::Whole;
use crate::excerpt;
use crate::folder::File;
use ladder::Lesson;
use ladder::markdown::HeadingLevel;
use ladder::markdown::Kind;
use ladder::markdown::Part;
use ladder::markdown::parts;
use std::ops::Range;

/// The sections of every README, in order.
const SECTIONS: [&str; 12] = [
    "In one breath",
    "New here",
    "The pain",
    "The cure",
    "Read in this order",
    "How it works",
    "On trust",
    "Break it",
    "Build it",
    "In production",
    "What still hurts",
    "The diff",
];

/// How many words a README may have, as `wc --words` counts them.
const WORDS: Range<usize> = 600..1201;
const BIG: Range<usize> = 600..1501;

/// How wide a picture in text may be.
const COLUMNS: usize = 66;

/// How many terms a lesson may bring.
const TERMS: Range<usize> = 4..9;

/// A lesson's README and what it is compared with.
struct Page<'a> {
    file: String,
    text: String,
    parts: Vec<Part>,
    lesson: &'static Lesson,
    before: Option<&'static Lesson>,
    files: &'a [File],
}

/// What is wrong in the READMEs of all lessons.
///
/// # Errors
///
/// One cannot be read.
pub(super) fn all(whole: &Whole) -> anyhow::Result<Vec<Complaint>> {
    let manifest = whole.text("Cargo.toml")?;
    let mut complaints = Vec::new();
    for (lesson, files, _) in whole.lessons() {
        let file = format!("{}/README.md", lesson.name);
        let text = whole.text(&file)?;
        let page = Page {
            parts: parts(&text),
            file,
            text,
            lesson,
            before: whole.ladder.before(lesson),
            files,
        };
        complaints.extend(page.sections());
        complaints.extend(page.length());
        complaints.extend(page.breath());
        complaints.extend(page.terms());
        complaints.extend(page.order());
        complaints.extend(page.trust(whole));
        complaints.extend(page.excerpts(&manifest));
        complaints.extend(page.command());
        complaints.extend(page.pictures());
    }
    Ok(complaints)
}

/// Where a text tells a number of lines.
pub(super) fn lines_told(text: &str) -> Option<Range<usize>> {
    text.match_indices("lines").find_map(|(at, _)| {
        let before = text.get(..at)?.trim_end();
        let digits = before.trim_end_matches(|letter: char| letter.is_ascii_digit());
        (digits.len() < before.len()).then_some(digits.len()..before.len())
    })
}

impl Page<'_> {
    fn complain(&self, line: usize, what: String) -> Complaint {
        Complaint::by_hand(&self.file, line, what)
    }

    fn of<'a>(&'a self, section: &'a str, kind: &'a Kind) -> impl Iterator<Item = &'a Part> {
        let wanted = move |part: &&Part| part.section == section && part.kind == *kind;
        self.parts.iter().filter(wanted)
    }

    fn sections(&self) -> Option<Complaint> {
        let heading = Kind::Heading(HeadingLevel::H2);
        let there: Vec<&Part> = self.parts.iter().filter(|it| it.kind == heading).collect();
        let number = there.len().max(SECTIONS.len());
        (0..number).find_map(|index| {
            let (there, wanted) = (there.get(index), SECTIONS.get(index));
            let line = there.map_or_else(|| self.text.lines().count(), |part| part.line);
            match (there.map(|part| part.text.as_str()), wanted) {
                (Some(there), Some(wanted)) if there == *wanted => None,
                (_, Some(wanted)) => {
                    Some(self.complain(line, format!("section {} is {wanted}", index + 1)))
                }
                (_, None) => Some(self.complain(line, "there are twelve sections".to_owned())),
            }
        })
    }

    fn length(&self) -> Option<Complaint> {
        let words = self.text.split_whitespace().count();
        let bounds = if self.lesson.big { BIG } else { WORDS };
        let (least, most) = (bounds.start, bounds.end - 1);
        let what = format!("{words} words; it has to have {least} to {most}");
        (!bounds.contains(&words)).then(|| self.complain(1, what))
    }

    fn breath(&self) -> Option<Complaint> {
        let mut parts = self.of("In one breath", &Kind::Paragraph);
        let told = parts.any(|part| lines_told(&part.text).is_some());
        let heading = self.parts.iter().find(|part| part.text == "In one breath");
        let line = heading.map_or(1, |heading| heading.line);
        (!told).then(|| self.complain(line, "it does not say how many lines are added".to_owned()))
    }

    /// "New here" explains a few terms, each with a link to where the field explains it.
    fn terms(&self) -> Vec<Complaint> {
        let mut complaints = Vec::new();
        let terms: Vec<&Part> = self.of("New here", &Kind::Item).collect();
        if !TERMS.contains(&terms.len()) {
            let heading = self.parts.iter().find(|part| part.text == "New here");
            let line = heading.map_or(1, |heading| heading.line);
            let (least, most) = (TERMS.start, TERMS.end - 1);
            let what = format!(
                "{} new terms; there have to be {least} to {most}",
                terms.len()
            );
            complaints.push(self.complain(line, what));
        }
        let mut links = self.of("New here", &Kind::Link);
        for term in terms {
            let linked = |link: &Part| (term.line..term.line + 3).contains(&link.line);
            if !links.by_ref().any(linked) {
                let what = "the term has no link to where the field explains it";
                complaints.push(self.complain(term.line, what.to_owned()));
            }
        }
        complaints
    }

    /// "Read in this order" names files and items that are there.
    fn order(&self) -> Vec<Complaint> {
        let mut complaints = Vec::new();
        let items: Vec<&Part> = self.of("Read in this order", &Kind::Item).collect();
        if items.len() > 5 {
            let what = "at most five places to read".to_owned();
            complaints.extend(items.last().map(|item| self.complain(item.line, what)));
        }
        for item in items {
            // What comes after the colon is about it, not its name.
            let named = item.text.split(": ").next().unwrap_or_default();
            let mut code = item
                .code
                .iter()
                .filter(|code| named.contains(code.as_str()));
            let Some(path) = code.next() else {
                complaints.push(self.complain(item.line, "it names no file".to_owned()));
                continue;
            };
            let below = |file: &&File| {
                let rest = file.path.strip_prefix(path.trim_end_matches('/'));
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            let files: Vec<&File> = self.files.iter().filter(below).collect();
            if files.is_empty() {
                let what = format!("{} has no {path}", self.lesson.name);
                complaints.push(self.complain(item.line, what));
                continue;
            }
            let missing = code.filter(|name| !files.iter().any(|file| excerpt::has(file, name)));
            let what = |name: &String| self.complain(item.line, format!("{path} has no {name}"));
            complaints.extend(missing.map(what));
        }
        complaints
    }

    /// "On trust" names lines that are there, and later lessons.
    fn trust(&self, whole: &Whole) -> Vec<Complaint> {
        let mut complaints = Vec::new();
        for row in self.of("On trust", &Kind::Row) {
            let mut cells = row.text.split('\t');
            let line = cells.next().unwrap_or_default();
            let payers = cells.next().unwrap_or_default();
            let in_line = row.code.iter().filter(|code| line.contains(code.as_str()));
            let words = in_line.flat_map(|code| excerpt::words(code));
            let missing = words.filter(|word| !self.files.iter().any(|it| excerpt::word(it, word)));
            complaints.extend(missing.map(|word| {
                let what = format!("{} has no {word}", self.lesson.name);
                self.complain(row.line, what)
            }));
            let mut paid = false;
            for payer in lessons(payers) {
                let there = whole.ladder.get(payer);
                let planned = whole.ladder.planned.iter().any(|it| it == payer);
                paid |= there.is_some() || planned;
                let earlier = there.is_some_and(|it| self.lesson.has(it.name));
                if there.is_none() && !planned || earlier {
                    let what = format!("{payer} is no later lesson");
                    complaints.push(self.complain(row.line, what));
                }
            }
            if !paid {
                let what = "it names no lesson that pays for it".to_owned();
                complaints.push(self.complain(row.line, what));
            }
        }
        complaints
    }

    /// What is quoted stands in the lesson.
    fn excerpts(&self, manifest: &str) -> Vec<Complaint> {
        let quoted = self.parts.iter().filter(|part| match &part.kind {
            Kind::Block(language) => excerpt::is_source(language),
            _ => false,
        });
        let there = |part: &&Part| {
            let mut files = self.files.iter().filter(|file| !file.is_aside());
            files.any(|file| excerpt::quotes(&part.text, &String::from_utf8_lossy(&file.content)))
                || excerpt::quotes(&part.text, manifest)
        };
        let missing = quoted.filter(|part| !there(part));
        let what = format!("{} has no such lines", self.lesson.name);
        missing
            .map(|part| self.complain(part.line, what.clone()))
            .collect()
    }

    /// A picture in text can be read on a small screen.
    fn pictures(&self) -> Option<Complaint> {
        let text = Kind::Block("text".to_owned());
        let wide = |line: &str| line.chars().count() > COLUMNS;
        let mut pictures = self.parts.iter().filter(|part| part.kind == text);
        let picture = pictures.find(|part| part.text.lines().any(wide))?;
        let what = format!("a picture is wider than {COLUMNS} columns");
        Some(self.complain(picture.line, what))
    }

    /// The one command stands in the pain, under the lesson before, and in the cure.
    fn command(&self) -> Vec<Complaint> {
        let before = self.before.map_or("", |before| before.name);
        let sides = [("The pain", before), ("The cure", self.lesson.name)];
        // A container's name is the README's own.
        let command = self.lesson.command.trim_end_matches(" $name");
        let mut complaints = Vec::new();
        for (section, program) in sides {
            let blocks = self.parts.iter().filter(|part| {
                let console =
                    |kind: &Kind| matches!(kind, Kind::Block(it) if it.starts_with("console"));
                part.section == section && console(&part.kind)
            });
            let shown: String = blocks.map(|block| block.text.as_str()).collect();
            let written = |command: &str| {
                // The crate or the program itself, or the command that runs it.
                let named = |before: &str| command.contains(&format!("{before}$lesson"));
                let run = match named("/") || named("-p ") {
                    true => program.to_owned(),
                    false => format!("cargo run -qp {program} --"),
                };
                shown.contains(&command.replace("$lesson", &run))
            };
            // Two commands in a row may be shown on a line each.
            if !written(command) && !command.split("; ").all(written) {
                let heading = self.parts.iter().find(|part| part.text == section);
                let line = heading.map_or(1, |heading| heading.line);
                let what = format!("{section} does not show the one command, {command}");
                complaints.push(self.complain(line, what));
            }
        }
        complaints
    }
}

/// The names of lessons in a text.
fn lessons(text: &str) -> impl Iterator<Item = &str> {
    let apart = |letter: char| !letter.is_ascii_alphanumeric() && letter != '-';
    text.split(apart).filter(|word| word.starts_with("e-"))
}
