//! HTTP/1 by hand: no library would send half a request, or keep silent.

use anyhow::bail;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A request that every service answers.
pub(crate) const PING: &str = "GET /ping HTTP/1.1\r\nhost: a\r\n\r\n";

/// What [`Wire::answer`] gives if nothing comes, and if the connection ends.
pub(crate) const NOTHING: &str = "no answer";
pub(crate) const CLOSED: &str = "closed without an answer";

/// The head of a request whose body, a form, has this length.
pub(crate) fn create(length: usize) -> String {
    format!(
        "POST /users HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\
         content-type: application/x-www-form-urlencoded\r\n\r\n"
    )
}

/// A connection.
pub(crate) struct Wire(pub(crate) TcpStream);

impl Wire {
    /// Connects to this address.
    ///
    /// # Errors
    ///
    /// Nobody listens there.
    pub(crate) async fn connect(addr: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        Ok(Self(stream))
    }

    /// Sends these bytes.
    ///
    /// # Errors
    ///
    /// The other side has closed the connection.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) -> anyhow::Result<()> {
        Ok(self.0.write_all(bytes.as_ref()).await?)
    }

    /// The answer that comes within this time.
    pub(crate) async fn answer(&mut self, within: Duration) -> String {
        let mut answer = vec![0; 4096];
        match timeout(within, self.0.read(&mut answer)).await {
            Err(_) => NOTHING.to_owned(),
            Ok(Ok(length @ 1..)) => String::from_utf8_lossy(&answer[..length]).into_owned(),
            Ok(_) => CLOSED.to_owned(),
        }
    }

    /// Sends these bytes once an answer has begun, as if it had not been seen, and reads it only
    /// then, as most libraries do. It has to be whole, and to end without a reset.
    ///
    /// # Errors
    ///
    /// There is no answer in this time, or it is lost.
    pub(crate) async fn answer_after(
        mut self,
        bytes: &[u8],
        within: Duration,
    ) -> anyhow::Result<String> {
        if timeout(within, self.0.readable()).await.is_err() {
            bail!(NOTHING);
        }
        for piece in bytes.chunks(16 * 1024) {
            self.send(piece).await?;
        }
        let mut answer = String::new();
        timeout(within, self.0.read_to_string(&mut answer)).await??;
        Ok(answer)
    }
}
