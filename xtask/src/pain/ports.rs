//! Free ports in place of those that commands name: others may listen there.

use std::net::TcpListener;

const NAMED: [&str; 4] = ["8080", "8081", "50051", "50052"];

/// A free port for each that is named.
#[derive(Debug)]
pub(super) struct Ports(Vec<(&'static str, String)>);

impl Ports {
    /// Finds free ones.
    ///
    /// # Errors
    ///
    /// There is none.
    pub(super) fn free() -> anyhow::Result<Self> {
        // All are held until all are found, so that no two are the same.
        let held = NAMED.map(|name| (name, TcpListener::bind("127.0.0.1:0")));
        let mut ports = Vec::new();
        for (name, listener) in &held {
            let address = listener.as_ref().map(TcpListener::local_addr);
            let address = address.map_err(|error| std::io::Error::from(error.kind()))??;
            ports.push((*name, address.port().to_string()));
        }
        Ok(Self(ports))
    }

    /// A text with the free ports.
    pub(super) fn own(&self, text: &str) -> String {
        let replace = |text: String, (name, port): &(&str, String)| text.replace(name, port);
        self.0.iter().fold(text.to_owned(), replace)
    }

    /// A text with the ports as they are named.
    pub(super) fn usual(&self, text: &str) -> String {
        let replace = |text: String, (name, port): &(&str, String)| text.replace(port, name);
        self.0.iter().fold(text.to_owned(), replace)
    }
}
