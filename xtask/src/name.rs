//! A lesson's own name, in all its spellings. It is in file names, in `use` lines and in
//! `Cargo.toml`, and differs from copy to copy without meaning anything.

/// What the name becomes where lessons are only compared.
const PLACEHOLDER: &str = "LESSON";

/// From one lesson's name to another's.
#[derive(Debug)]
pub(crate) struct Renaming {
    spellings: Vec<Spelling>,
}

#[derive(Debug)]
struct Spelling {
    from: String,
    to: String,
    /// `eHttp` may go on with a capital, as in `eHttpServer`; the others stand alone.
    hump: bool,
}

impl Renaming {
    /// Each spelling becomes the same spelling of the other name.
    pub(crate) fn new(from: &str, to: &str) -> Self {
        let pairs = spellings(from).into_iter().zip(spellings(to));
        Self::of(pairs.map(|((from, hump), (to, _))| Spelling { from, to, hump }))
    }

    /// All spellings become one.
    pub(crate) fn placeholder(from: &str) -> Self {
        let to = PLACEHOLDER.to_owned();
        Self::of(spellings(from).into_iter().map(|(from, hump)| {
            let to = to.clone();
            Spelling { from, to, hump }
        }))
    }

    fn of(spellings: impl Iterator<Item = Spelling>) -> Self {
        let mut spellings: Vec<Spelling> = spellings.collect();
        spellings.sort_by_key(|spelling| (spelling.hump, usize::MAX - spelling.from.len()));
        Self { spellings }
    }

    /// Renames in a file's content.
    pub(crate) fn content(&self, content: &[u8]) -> Vec<u8> {
        let first = |spelling: &Spelling| spelling.from.bytes().next().unwrap_or_default();
        let lower = self.spellings.first().map(first).unwrap_or_default();
        let mut renamed = Vec::with_capacity(content.len());
        let mut before = b' ';
        let mut rest = content;
        while let Some((&byte, after)) = rest.split_first() {
            // One look at the first letter: there are many bytes, and few are a name's.
            let begins = byte.eq_ignore_ascii_case(&lower) && !before.is_ascii_alphanumeric();
            let spelling = begins.then(|| self.spelling(rest)).flatten();
            if let Some(spelling) = spelling {
                renamed.extend_from_slice(spelling.to.as_bytes());
                rest = rest.get(spelling.from.len()..).unwrap_or_default();
                before = b'a'; // a name ends with a letter
            } else {
                renamed.push(byte);
                before = byte;
                rest = after;
            }
        }
        renamed
    }

    /// Renames in a path.
    pub(crate) fn path(&self, path: &str) -> String {
        // Only ASCII is replaced, by ASCII, at its boundaries: it stays UTF-8.
        String::from_utf8(self.content(path.as_bytes())).unwrap_or_else(|_| path.to_owned())
    }

    fn spelling(&self, text: &[u8]) -> Option<&Spelling> {
        self.spellings.iter().find(|spelling| {
            let next = text
                .strip_prefix(spelling.from.as_bytes())
                .map(|rest| rest.first().copied().unwrap_or(b' '));
            next.is_some_and(|next| match spelling.hump {
                true => !next.is_ascii_lowercase() && !next.is_ascii_digit(),
                false => !next.is_ascii_alphanumeric(),
            })
        })
    }
}

/// The spellings of a name, always in the same order, and whether each is one of humps.
fn spellings(name: &str) -> Vec<(String, bool)> {
    let words: Vec<String> = name.split(['-', '_']).map(str::to_lowercase).collect();
    let upper: Vec<String> = words.iter().map(|word| word.to_uppercase()).collect();
    let title: Vec<String> = words.iter().map(|word| capital(word)).collect();
    let mut camel = title.clone();
    if let (Some(first), Some(word)) = (camel.first_mut(), words.first()) {
        first.clone_from(word);
    }
    let mut spellings = Vec::new();
    for separator in ["-", "_"] {
        for words in [&words, &upper, &title, &camel] {
            spellings.push((words.join(separator), false));
        }
    }
    spellings.push((words.concat(), false));
    spellings.push((upper.concat(), false));
    spellings.push((camel.concat(), true));
    spellings.push((title.concat(), true));
    spellings
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::Renaming;

    #[test]
    fn each_spelling_becomes_the_same_spelling() {
        let renaming = Renaming::new("e-http", "e-grpc");
        let before = b"e-http e_http E_HTTP eHttpServer EHttp ehttp E-Http";
        let after = b"e-grpc e_grpc E_GRPC eGrpcServer EGrpc egrpc E-Grpc";
        assert_eq!(renaming.content(before), after);
    }

    #[test]
    fn what_only_looks_like_the_name_stays() {
        let renaming = Renaming::new("e-http", "e-grpc");
        for text in [
            "the-http",
            "e-https",
            "http",
            "eHttps",
            "1e-http",
            "é e-http2",
        ] {
            assert_eq!(renaming.path(text), text);
        }
        assert_eq!(renaming.path("e-http/é/e_http.rs"), "e-grpc/é/e_grpc.rs");
    }

    #[test]
    fn to_compare_all_spellings_are_one() {
        let renaming = Renaming::placeholder("e-http");
        assert_eq!(
            renaming.path("use e_http::x; // e-http"),
            "use LESSON::x; // LESSON"
        );
    }
}
