//! nginx, answering with one user that it does not look up: what HTTP costs by itself.

use super::call::Call;
use super::http;
use super::process;
use super::process::Process;
use super::tool;
use anyhow::Context;
use anyhow::ensure;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use std::time::Instant;

/// Its settings, with a place for the address.
const SETTINGS: &str = include_str!("nginx.conf");

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(10);

/// Starts it, on a free port, its files in the folder.
///
/// # Errors
///
/// It does not start.
pub(crate) async fn start(folder: &Path) -> anyhow::Result<(Process, SocketAddr)> {
    let [address] = process::free()?;
    let settings = SETTINGS.replace("ADDRESS", &address.to_string());
    std::fs::write(folder.join("nginx.conf"), settings)?;
    let mut nginx = tool::command("nginx")?;
    nginx.arg("-p").arg(folder);
    nginx.args(["-e", "stderr", "-c", "nginx.conf"]);
    let mut process = Process::start(nginx, folder)?;
    let begun = Instant::now();
    while let Err(error) = http::ask(address, Call::Read).await {
        process.check().context("nginx")?;
        ensure!(
            begun.elapsed() < PATIENCE,
            "nginx does not start: {error:#}"
        );
        process::pause();
    }
    Ok((process, address))
}
