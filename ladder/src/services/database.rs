//! A database of one's own on the server that `up` starts, by its client: a driver would be
//! more to build than all else.

use super::compose::compose;
use super::mysql::PORT;
use super::private::find;
use anyhow::Context;
use anyhow::bail;
use anyhow::ensure;
use std::process::Command;
use std::process::Stdio;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// An empty database, gone when this is.
#[derive(Debug)]
pub struct Database {
    name: String,
}

impl Database {
    /// Makes one.
    ///
    /// # Errors
    ///
    /// There is no client, or no server.
    pub fn create() -> anyhow::Result<Self> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("goms_lesson_{}_{number}", std::process::id());
        execute(&format!(
            "CREATE DATABASE {name}; GRANT ALL ON {name}.* TO 'goms'@'%'"
        ))?;
        Ok(Self { name })
    }

    /// What the server calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where a lesson finds it.
    pub fn url(&self) -> String {
        format!("mysql://goms:goms@127.0.0.1:{PORT}/{}", self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let name = &self.name;
        let statements = format!("REVOKE ALL ON {name}.* FROM 'goms'@'%'; DROP DATABASE {name}");
        if let Err(error) = execute(&statements) {
            eprintln!("database {name} is left: {error:#}");
        }
    }
}

fn execute(statements: &str) -> anyhow::Result<()> {
    let Some(client) = find(&["mariadb", "mysql"]) else {
        let inside = ["exec", "-T", "mysql", "mysql", "-uroot", "-pgoms", "-e"];
        ensure!(
            compose(&[&inside[..], &[statements]].concat()),
            "there is no client of MySQL; install mariadb-client with your package manager"
        );
        return Ok(());
    };
    let version = Command::new(&client).arg("--version").output()?.stdout;
    let mut command = Command::new(&client);
    command.arg("--no-defaults").arg("--protocol=TCP");
    if String::from_utf8_lossy(&version).contains("MariaDB") {
        command.arg("--skip-ssl-verify-server-cert"); // a private server has no certificate
    }
    command.args(["--host=127.0.0.1", "--user=root", "--password=goms"]);
    command
        .arg(format!("--port={PORT}"))
        .args(["-e", statements]);
    let output = command.stdin(Stdio::null()).output().context("mysql")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{}", said.lines().last().unwrap_or("the client has failed"));
    }
    Ok(())
}
