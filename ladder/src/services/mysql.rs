//! MySQL or MariaDB, whichever is installed.

use super::private::DATA;
use super::private::PREPARED;
use super::private::Private;
use super::private::find;
use nix::unistd::geteuid;
use std::io::Read;
use std::net::TcpStream;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// Unlike the usual one, so that what the machine already runs is left alone.
pub const PORT: u16 = 13306;

/// Where it listens.
pub const ADDR: &str = "127.0.0.1:13306";

/// What may do everything on it, for tests to make databases of their own.
pub const ADMIN: &str = "mysql://root:goms@127.0.0.1:13306";

/// Run by the server at each start, before it listens; the same accounts as in
/// `compose.yaml`. The lessons use `goms`; the tests make databases of their own, as root.
const ACCOUNTS: &str = "\
CREATE DATABASE IF NOT EXISTS goms;
CREATE USER IF NOT EXISTS 'goms'@'%' IDENTIFIED BY 'goms';
GRANT ALL ON goms.* TO 'goms'@'%';
DROP USER IF EXISTS 'root'@'127.0.0.1', 'root'@'::1';
CREATE USER IF NOT EXISTS 'root'@'%' IDENTIFIED BY 'goms';
ALTER USER 'root'@'%' IDENTIFIED BY 'goms';
GRANT ALL ON *.* TO 'root'@'%' WITH GRANT OPTION;
";

/// Whether it greets: a server of the MySQL family speaks first, and begins a welcome with
/// protocol version 10, a refusal with 255.
pub(super) fn answers() -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(("127.0.0.1", PORT))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        let mut greeting = [0; 5];
        stream.read_exact(&mut greeting)?;
        Ok(greeting[4] == 10)
    };
    ask().unwrap_or(false)
}

pub(super) fn private(folder: PathBuf) -> anyhow::Result<Option<Private>> {
    let Some(program) = find(&["mariadbd", "mysqld"]) else {
        return Ok(None);
    };
    let data = folder.join(DATA);
    let accounts = folder.join("accounts.sql");
    std::fs::write(&accounts, ACCOUNTS)?;
    let version = Command::new(&program).arg("--version").output()?.stdout;
    let mariadb = String::from_utf8_lossy(&version).contains("MariaDB");

    let mut server = command(&program, &data);
    server.arg(format!("--port={PORT}"));
    server.arg("--bind-address=127.0.0.1");
    server.arg("--skip-name-resolve");
    server.arg("--skip-log-bin");
    server.arg("--max-connections=500"); // tests run side by side, with a pool each
    server.arg("--socket=mysql.sock"); // in the data folder; a socket's path has to be short
    server.arg(format!("--init-file={}", accounts.display()));
    if !mariadb {
        server.arg("--mysqlx=OFF"); // would take another port
    }

    let prepared = folder.join(PREPARED).exists();
    let prepare = (!prepared).then(|| prepare(&program, mariadb, &data));
    Ok(Some(Private {
        folder,
        prepare,
        server,
    }))
}

/// Makes the system tables.
fn prepare(program: &Path, mariadb: bool, data: &Path) -> Command {
    match find(&["mariadb-install-db", "mysql_install_db"]).filter(|_| mariadb) {
        Some(install) => {
            let mut install = command(&install, data);
            install.arg("--auth-root-authentication-method=normal");
            install.arg("--skip-test-db");
            install
        }
        None => {
            let mut install = command(program, data);
            install.arg("--initialize-insecure");
            install
        }
    }
}

/// A program of the server that minds nothing of the system's own configuration.
fn command(program: &Path, data: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg("--no-defaults");
    command.arg(format!("--datadir={}", data.display()));
    if geteuid().is_root() {
        command.arg("--user=root"); // else it refuses to run as root
    }
    command
}
