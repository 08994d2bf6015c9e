//! cargo, called by a program that cargo runs.

use crate::Ladder;
use crate::services;
use crate::target;
use anyhow::Context;
use std::process::Command;

/// cargo, without what it has set for the calling package: that would make it build others
/// again.
pub fn cargo() -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut cargo = Command::new(cargo);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_BIN_") {
            cargo.env_remove(&*name);
        }
    }
    cargo.env_remove("CARGO_MANIFEST_DIR").env_remove("OUT_DIR");
    cargo
}

/// cargo, to build what `cargo test` with these arguments runs. Examples in comments cannot be
/// built without being run; for them it builds the package that they are about.
pub fn build_tests(arguments: &str) -> Command {
    let mut cargo = cargo();
    match arguments.strip_suffix(" --doc") {
        Some(package) => cargo.args(["build", "--quiet"]).args(package.split(' ')),
        None => cargo
            .args(["test", "--no-run", "--quiet"])
            .args(arguments.split(' ')),
    };
    cargo
}

/// The lines of bash that run cargo itself with `"$@"` in the workspace, from any folder and
/// behind any other `cargo` in PATH: with this caller's target folder, and without what cargo
/// has set for the calling package.
///
/// # Errors
///
/// There is no cargo.
pub fn shim(ladder: &Ladder) -> anyhow::Result<String> {
    let named = std::env::var_os("CARGO").map(Into::into);
    let cargo = named.or_else(|| services::find(&["cargo"]));
    let cargo = cargo.context("there is no cargo in PATH")?;
    Ok(format!(
        "unset CARGO_MANIFEST_DIR OUT_DIR ${{!CARGO_PKG_@}} ${{!CARGO_BIN_@}}\n\
         cd '{}' && CARGO_TARGET_DIR='{}' exec '{}' \"$@\"\n",
        ladder.root.display(),
        target()?.display(),
        cargo.display()
    ))
}
