//! Installing a server with the system's package manager, where that may be done unasked:
//! as root on a Debian. Elsewhere the one line to type is told.

use super::private::find;
use anyhow::Context;
use anyhow::bail;
use anyhow::ensure;
use nix::unistd::geteuid;
use std::process::Command;
use std::process::Stdio;

/// Installs a service's program, from this package on a Debian.
///
/// # Errors
///
/// It may not, or cannot; the error is the line to type.
pub(super) fn install(name: &str, package: &str) -> anyhow::Result<()> {
    let Some(line) = line(package) else {
        bail!("install {name} with your package manager, or Docker, and try again");
    };
    if !geteuid().is_root() || find(&["apt-get"]).is_none() {
        bail!("{name} is not installed; type: {line}");
    }
    eprintln!("{name}: not installed; installing {package} with apt-get");
    // Installing must not start the system's own service: run level 1 is none to start it in.
    let apt = |arguments: &[&str]| -> anyhow::Result<()> {
        let mut apt = Command::new("apt-get");
        apt.args(["-q", "-y"]).args(arguments);
        apt.env("DEBIAN_FRONTEND", "noninteractive")
            .env("RUNLEVEL", "1");
        let status = apt.stdin(Stdio::null()).stdout(Stdio::null()).status();
        ensure!(
            status.context("apt-get")?.success(),
            "apt-get failed; type: {line}"
        );
        Ok(())
    };
    apt(&["update"])?;
    apt(&["install", "--no-install-recommends", package])
}

/// The line that installs both, for the package manager there is.
fn line(package: &str) -> Option<String> {
    let line = |(manager, line): (&str, String)| find(&[manager]).map(|_| line);
    [
        ("apt-get", format!("sudo apt-get install -y {package}")),
        ("dnf", "sudo dnf install -y mariadb-server redis".to_owned()),
        ("pacman", "sudo pacman -S --needed mariadb redis".to_owned()),
        ("zypper", "sudo zypper install -y mariadb redis".to_owned()),
        ("brew", "brew install mariadb redis".to_owned()),
    ]
    .into_iter()
    .find_map(line)
}
