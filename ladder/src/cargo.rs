//! cargo, called by a program that cargo runs.

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
