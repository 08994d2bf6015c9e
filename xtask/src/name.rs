//! A lesson's own name, as a crate (`e-http`) and as a path of Rust (`e_http`). It stands in
//! file names, in `use` lines and in `Cargo.toml`, and differs from copy to copy without
//! meaning anything.

/// What both spellings become where lessons are only compared.
const PLACEHOLDER: &str = "LESSON";

/// From one lesson's name to another's.
#[derive(Debug)]
pub(crate) struct Renaming([(String, String); 2]);

impl Renaming {
    /// Each spelling becomes the same spelling of the other name.
    pub(crate) fn new(from: &str, to: &str) -> Self {
        let [from, to] = [from, to].map(|name| [name.to_owned(), name.replace('-', "_")]);
        let ([crate_from, path_from], [crate_to, path_to]) = (from, to);
        Self([(crate_from, crate_to), (path_from, path_to)])
    }

    /// Both spellings become one.
    pub(crate) fn placeholder(from: &str) -> Self {
        Self::new(from, PLACEHOLDER)
    }

    /// Renames in a file's content.
    pub(crate) fn content(&self, content: &[u8]) -> Vec<u8> {
        let mut renamed = Vec::with_capacity(content.len());
        let mut rest = content;
        while let Some((&byte, after)) = rest.split_first() {
            let stands_alone = !renamed.last().is_some_and(u8::is_ascii_alphanumeric);
            if stands_alone && let Some((to, after)) = self.name(rest) {
                renamed.extend_from_slice(to.as_bytes());
                rest = after;
            } else {
                renamed.push(byte);
                rest = after;
            }
        }
        renamed
    }

    /// The new name and what comes after the old one, if the text begins with the old one.
    fn name<'a>(&self, text: &'a [u8]) -> Option<(&str, &'a [u8])> {
        self.0.iter().find_map(|(from, to)| {
            let after = text.strip_prefix(from.as_bytes())?;
            let ends = !after.first().is_some_and(u8::is_ascii_alphanumeric);
            ends.then_some((to.as_str(), after))
        })
    }

    /// Renames in a path.
    pub(crate) fn path(&self, path: &str) -> String {
        // Only ASCII is replaced, by ASCII, at its boundaries: it stays UTF-8.
        String::from_utf8(self.content(path.as_bytes())).unwrap_or_else(|_| path.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::Renaming;

    #[test]
    fn each_spelling_becomes_the_same_spelling() {
        let renaming = Renaming::new("e-http", "e-grpc");
        assert_eq!(renaming.path("e-http/é/e_http.rs"), "e-grpc/é/e_grpc.rs");
        assert_eq!(
            renaming.path("e-http-x use e_http::x"),
            "e-grpc-x use e_grpc::x"
        );
    }

    #[test]
    fn what_only_looks_like_the_name_stays() {
        let renaming = Renaming::new("e-http", "e-grpc");
        for text in ["the-http", "e-https", "http", "1e-http", "é e-http2"] {
            assert_eq!(renaming.path(text), text);
        }
    }

    #[test]
    fn to_compare_both_spellings_are_one() {
        let renaming = Renaming::placeholder("e-http");
        assert_eq!(
            renaming.path("use e_http::x; // e-http"),
            "use LESSON::x; // LESSON"
        );
    }
}
