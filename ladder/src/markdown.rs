//! What a page is made of, with the lines on which it stands.

use pulldown_cmark::CodeBlockKind;
use pulldown_cmark::Event;
pub use pulldown_cmark::HeadingLevel;
use pulldown_cmark::Options;
use pulldown_cmark::Parser;
use pulldown_cmark::Tag;
use pulldown_cmark::TagEnd;

/// A part of a page.
#[derive(Debug, Default)]
pub struct Part {
    /// What it is.
    pub kind: Kind,
    /// The heading of level 2 that it stands under.
    pub section: String,
    /// The line on which it begins, from 1.
    pub line: usize,
    /// Its text, without markup.
    pub text: String,
    /// What in it is code.
    pub code: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Kind {
    #[default]
    Paragraph,
    Heading(HeadingLevel),
    /// A link, to the part's text.
    Link,
    /// A block of this language.
    Block(String),
    /// An item of a list.
    Item,
    /// A row of a table; its text has a tab after each cell.
    Row,
}

/// The parts of a page, in its order.
pub fn parts(page: &str) -> Vec<Part> {
    let ends: Vec<usize> = page.match_indices('\n').map(|(at, _)| at).collect();
    let line = |offset: usize| ends.partition_point(|end| *end < offset) + 1;
    let mut reader = Reader::default();
    for (event, range) in Parser::new_ext(page, Options::ENABLE_TABLES).into_offset_iter() {
        reader.read(event, line(range.start));
    }
    reader.done
}

#[derive(Debug, Default)]
struct Reader {
    section: String,
    /// Parts that have begun, the innermost last.
    open: Vec<Part>,
    done: Vec<Part>,
}

impl Reader {
    fn read(&mut self, event: Event, line: usize) {
        match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                let text = dest_url.to_string();
                self.begin(Kind::Link, line);
                self.end();
                if let Some(link) = self.done.last_mut() {
                    link.text = text;
                }
            }
            Event::Start(tag) => {
                if let Some(kind) = kind(tag) {
                    self.begin(kind, line);
                }
            }
            Event::Text(text) => self.text(&text),
            Event::Code(code) => {
                self.text(&code);
                for part in &mut self.open {
                    part.code.push(code.to_string());
                }
            }
            Event::SoftBreak | Event::HardBreak => self.text(" "),
            Event::End(TagEnd::TableCell) => self.text("\t"),
            Event::End(
                TagEnd::Paragraph
                | TagEnd::Heading(_)
                | TagEnd::CodeBlock
                | TagEnd::Item
                | TagEnd::TableRow,
            ) => self.end(),
            _ => {}
        }
    }

    fn begin(&mut self, kind: Kind, line: usize) {
        self.open.push(Part {
            kind,
            section: self.section.clone(),
            line,
            ..Part::default()
        });
    }

    fn text(&mut self, text: &str) {
        self.open
            .iter_mut()
            .for_each(|part| part.text.push_str(text));
    }

    fn end(&mut self) {
        if let Some(part) = self.open.pop() {
            if part.kind == Kind::Heading(HeadingLevel::H2) {
                self.section.clone_from(&part.text);
            }
            self.done.push(part);
        }
    }
}

fn kind(tag: Tag) -> Option<Kind> {
    match tag {
        Tag::Paragraph => Some(Kind::Paragraph),
        Tag::Heading { level, .. } => Some(Kind::Heading(level)),
        Tag::CodeBlock(CodeBlockKind::Fenced(language)) => Some(Kind::Block(language.to_string())),
        Tag::CodeBlock(CodeBlockKind::Indented) => Some(Kind::Block(String::new())),
        Tag::Item => Some(Kind::Item),
        Tag::TableRow => Some(Kind::Row),
        _ => None,
    }
}
