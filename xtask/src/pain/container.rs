//! A container of a pain's, and Docker itself.

use std::process::Command;
use std::process::Stdio;

/// A container, gone when this is.
#[derive(Debug)]
pub(super) struct Container {
    pub(super) name: String,
}

impl Drop for Container {
    fn drop(&mut self) {
        docker(&["rm", "--force", &self.name]);
    }
}

/// Whether Docker does it.
pub(super) fn docker(arguments: &[&str]) -> bool {
    let mut docker = Command::new("docker");
    docker.args(arguments).stdin(Stdio::null());
    docker.stdout(Stdio::null()).stderr(Stdio::null());
    docker.status().is_ok_and(|status| status.success())
}
