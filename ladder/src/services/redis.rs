//! Redis: nothing on disk, and a password, as a shared one has.

use super::private::Private;
use super::private::find;
use std::io::Read;
use std::io::Write;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// Unlike the usual one, so that what the machine already runs is left alone.
pub const PORT: u16 = 16379;

/// Where it listens.
pub const ADDR: &str = "127.0.0.1:16379";

/// What may do everything on it: the lessons use the same account.
pub const ADMIN: &str = "redis://:goms@127.0.0.1:16379";

/// The password of the one account.
pub const PASSWORD: &str = "goms";

/// Whether it takes the password and answers a PING.
pub(super) fn answers() -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(("127.0.0.1", PORT))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(format!("AUTH {PASSWORD}\r\nPING\r\n").as_bytes())?;
        let expected = b"+OK\r\n+PONG\r\n";
        let mut answer = [0; 12];
        stream.read_exact(&mut answer)?;
        Ok(answer == *expected)
    };
    ask().unwrap_or(false)
}

pub(super) fn private(folder: PathBuf) -> anyhow::Result<Option<Private>> {
    let Some(program) = find(&["redis-server", "valkey-server"]) else {
        return Ok(None);
    };
    let settings = folder.join("redis.conf");
    let dir = folder.display();
    std::fs::write(
        &settings,
        format!(
            "bind 127.0.0.1\nport {PORT}\nrequirepass {PASSWORD}\n\
             save \"\"\nappendonly no\ndir \"{dir}\"\n"
        ),
    )?;
    let mut server = Command::new(program);
    server.arg(settings);
    Ok(Some(Private {
        folder,
        prepare: None,
        server,
    }))
}
