//! Free ports in place of those that READMEs and commands name: others may listen there.

use std::net::TcpListener;

/// The ports that are named.
const NAMED: [&str; 7] = ["8080", "8081", "8082", "50051", "50052", "9090", "9091"];

/// A free port for each that is named.
#[derive(Debug)]
pub struct Ports(Vec<(&'static str, String)>);

impl Ports {
    /// Finds free ones.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn free() -> anyhow::Result<Self> {
        // All are held until all are found, so that no two are the same.
        let held = NAMED.map(|name| (name, TcpListener::bind("127.0.0.1:0")));
        let mut ports = Vec::new();
        for (name, listener) in held.iter() {
            let listener = listener.as_ref().map_err(|error| error.kind());
            let port = listener.map_err(std::io::Error::from)?.local_addr()?.port();
            ports.push((*name, port.to_string()));
        }
        Ok(Self(ports))
    }

    /// A text with the free ports.
    pub fn own(&self, text: &str) -> String {
        let pairs = self.0.iter().map(|(name, port)| (*name, port.as_str()));
        replaced(text, &pairs.collect::<Vec<_>>())
    }

    /// A text with the ports as they are named.
    pub fn usual(&self, text: &str) -> String {
        let pairs = self.0.iter().map(|(name, port)| (port.as_str(), *name));
        replaced(text, &pairs.collect::<Vec<_>>())
    }
}

/// The text with each first in place of which the second is wanted, in one pass: a free port
/// may contain the digits of a named one.
fn replaced(text: &str, pairs: &[(&str, &str)]) -> String {
    let mut done = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let whole = !done.ends_with(|before: char| before.is_ascii_digit());
        let pair = pairs.iter().find(|(from, _)| {
            let after = rest.strip_prefix(from);
            whole && after.is_some_and(|it| !it.starts_with(|next: char| next.is_ascii_digit()))
        });
        let (from, to) = pair
            .copied()
            .unwrap_or((&rest[..letter.len_utf8()], &rest[..letter.len_utf8()]));
        done.push_str(to);
        rest = &rest[from.len()..];
    }
    done
}

#[cfg(test)]
mod tests {
    use super::replaced;

    #[test]
    fn whole_numbers_are_replaced_and_only_once() {
        let pairs = [("8080", "38081"), ("8081", "40000")];
        let text = "é:8080 8081/80801 18080";
        assert_eq!(replaced(text, &pairs), "é:38081 40000/80801 18080");
    }
}
