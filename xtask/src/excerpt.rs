//! Whether what prose names or quotes stands in the source.

use crate::folder::File;

/// Words before the name of an item where it is defined.
const DEFINES: &[&str] = &[
    "fn", "struct", "enum", "trait", "type", "const", "static", "mod", "union", "service",
    "message", "rpc",
];

/// Whether a block of this language quotes source, rather than a terminal.
pub(crate) fn is_source(language: &str) -> bool {
    let language = language.split_whitespace().next().unwrap_or_default();
    let other = ["", "sh", "bash", "console", "text", "diff", "json", "http"];
    !other.contains(&language)
}

/// Whether the file has the item: `Type::method`, `trait Store` or `impl Store for Cached` as
/// they are written, a lone word where it is defined, or as an attribute.
pub(crate) fn has(file: &File, name: &str) -> bool {
    let text = String::from_utf8_lossy(&file.content);
    if name.contains(' ') {
        return text.contains(name);
    }
    let last = name.rsplit("::").next().unwrap_or(name);
    let owner = name
        .strip_suffix(last)
        .map(|rest| rest.trim_end_matches("::"));
    let defined = DEFINES
        .iter()
        .any(|what| stands(&text, &format!("{what} {last}")));
    let attribute = text.contains(&format!("#[{last}"));
    (defined || attribute) && owner.is_none_or(|owner| owner.is_empty() || stands(&text, owner))
}

/// The names in a piece of code.
pub(crate) fn words(code: &str) -> Vec<String> {
    let apart = |letter: char| !letter.is_alphanumeric() && letter != '_';
    let words = code.split(apart).filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

/// Whether a word stands in the file.
pub(crate) fn word(file: &File, word: &str) -> bool {
    !file.is_aside() && stands(&String::from_utf8_lossy(&file.content), word)
}

/// Whether a text stands in another as words of its own.
pub(crate) fn stands(text: &str, words: &str) -> bool {
    let inner = |letter: Option<char>| letter.is_some_and(|it| it.is_alphanumeric() || it == '_');
    text.match_indices(words).any(|(at, _)| {
        let before = text.get(..at).and_then(|text| text.chars().next_back());
        let after = text
            .get(at + words.len()..)
            .and_then(|text| text.chars().next());
        !inner(before) && !inner(after)
    })
}

/// Whether the quoted lines stand in the text, one after the other, whatever their indentation;
/// `…` stands for any lines, and what is an example in a comment counts.
pub(crate) fn quotes(quoted: &str, text: &str) -> bool {
    let bare = |line: &str| {
        let line = line.trim();
        let comment = line
            .strip_prefix("///")
            .or_else(|| line.strip_prefix("//!"));
        comment.unwrap_or(line).trim().to_owned()
    };
    let lines: Vec<String> = text.lines().map(bare).collect();
    let quoted: Vec<String> = quoted.trim_end().lines().map(bare).collect();
    let skips = |line: &String| line.trim_start_matches(['/', '#', ' ']) == "…";
    let mut rest = lines.as_slice();
    quoted
        .split(skips)
        .filter(|part| !part.is_empty())
        .all(|part| {
            let found = rest.windows(part.len()).position(|window| window == part);
            rest = found
                .and_then(|at| rest.get(at + part.len()..))
                .unwrap_or_default();
            found.is_some()
        })
}
