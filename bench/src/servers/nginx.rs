//! nginx, which answers with one user that it does not look up: what HTTP costs by itself. And
//! a second one, which asks the first: what another hop costs.

use crate::drivers::tool;
use crate::figures::call::Call;
use crate::servers::server::Server;
use anyhow::Context;
use ladder::ports::Ports;
use std::path::Path;

/// Its settings. It gets a free port, an answer, and the address of the other nginx.
const SETTINGS: &str = include_str!("nginx.conf");

/// What it answers alone.
const CONSTANT: &str = r#"return 200 '{"uid":100,"name":"gopher","sex":0}'"#;

/// Starts it with its files in the folder: as a proxy before the other server, if there is
/// one.
pub(crate) async fn start(folder: &Path, other: Option<&Server>) -> anyhow::Result<Server> {
    std::fs::create_dir_all(folder)?;
    let ports = Ports::free()?;
    let (answer, other) = match other {
        None => (CONSTANT, "unix:nobody".to_owned()), // it is not asked
        Some(other) => {
            let address = other.target(Call::Read, 1).address;
            ("proxy_pass http://other", address.to_string())
        }
    };
    let settings = ports.own(SETTINGS);
    let settings = settings.replace("ANSWER", answer).replace("OTHER", &other);
    std::fs::write(folder.join("nginx.conf"), settings)?;
    let mut nginx = tool::command("nginx")?;
    nginx.arg("-p").arg(folder);
    nginx.args(["-e", "stderr", "-c", "nginx.conf"]);
    let started = Server::start(nginx, folder, &ports, Call::Read).await;
    let (server, _) = started.context("nginx")?;
    Ok(server)
}
