//! Installing a server with the system's package manager, where that may be done unasked:
//! as root on a Debian. Elsewhere the one line to type is told.

use super::Service;
use super::private::find;
use anyhow::Context;
use anyhow::bail;
use anyhow::ensure;
use nix::unistd::geteuid;
use std::process::Command;
use std::process::Stdio;

/// Installs the service's program.
///
/// # Errors
///
/// It may not, or cannot; the error is the line to type.
pub(super) fn install(service: Service) -> anyhow::Result<()> {
    let name = service.name();
    let Some(line) = line(service) else {
        bail!("install {name} with your package manager, or Docker, and try again");
    };
    if !geteuid().is_root() || find(&["apt-get"]).is_none() {
        bail!("{name} is not installed; type: {line}");
    }
    let package = package(service);
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

fn package(service: Service) -> &'static str {
    match service {
        Service::Mysql => "mariadb-server",
        Service::Redis => "redis-server",
    }
}

/// The line that installs both, for the package manager there is.
fn line(service: Service) -> Option<String> {
    let package = package(service);
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
