//! Docker Compose, where it is.

use std::process::Command;
use std::process::Stdio;

/// Runs Docker Compose, and tells whether that went well.
pub(super) fn compose(arguments: &[&str]) -> bool {
    let Ok(root) = crate::root() else {
        return false;
    };
    let mut docker = Command::new("docker");
    docker.arg("compose").args(arguments).current_dir(root);
    let done = docker
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    done.is_ok_and(|status| status.success())
}
