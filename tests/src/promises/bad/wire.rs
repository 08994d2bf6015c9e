//! HTTP/1 by hand: no client library would send what these promises need, or show all
//! that comes back.

use crate::answer::Answer;
use anyhow::Context;
use anyhow::bail;
use anyhow::ensure;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpSocket;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longer than any answer takes, the one to a body that does not come included.
const PATIENCE: Duration = Duration::from_secs(15);

/// The longest answer: a ping repeats at most a head, of 16 KiB, of which JSON may double
/// what a client has written as `%00`.
const LONGEST: usize = 40 * 1024;

/// A connection.
#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
    /// What has come and is not taken yet.
    come: Vec<u8>,
}

impl Wire {
    /// Connects to `http://HOST:PORT`.
    pub(super) async fn connect(url: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(url.trim_start_matches("http://")).await?;
        stream.set_nodelay(true)?;
        let come = Vec::new();
        Ok(Self { stream, come })
    }

    /// Connects, and is never going to read: little fits in between.
    pub(super) async fn connect_deaf(url: &str) -> anyhow::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(4096)?;
        let address = url.trim_start_matches("http://").parse()?;
        let stream = socket.connect(address).await?;
        let come = Vec::new();
        Ok(Self { stream, come })
    }

    /// Sends the same bytes again and again, until the other side closes.
    pub(super) async fn flood(&mut self, bytes: &[u8]) {
        while self.stream.write_all(bytes).await.is_ok() {}
    }

    /// Sends bytes. That the other side has closed shows in what it answered before.
    pub(super) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref()).await;
    }

    /// Sends bytes, all of them, as a client does that takes an error here for the end.
    pub(super) async fn send_all(&mut self, bytes: impl AsRef<[u8]>) -> anyhow::Result<()> {
        Ok(self.stream.write_all(bytes.as_ref()).await?)
    }

    /// Wants the connection to end within this time, without a reset or another byte.
    pub(super) async fn ends(mut self, within: Duration) -> anyhow::Result<()> {
        let mut come = std::mem::take(&mut self.come);
        let end = timeout(within, self.stream.read_to_end(&mut come)).await;
        end.context("it stays open")??;
        ensure!(
            come.is_empty(),
            "more: {:?}",
            String::from_utf8_lossy(&come)
        );
        Ok(())
    }

    /// Says that nothing more is going to come.
    pub(super) async fn finish(&mut self) {
        let _ = self.stream.shutdown().await;
    }

    /// The next answer, or nothing if the connection is closed before one begins.
    pub(super) async fn answer(&mut self) -> anyhow::Result<Option<Answer>> {
        self.answer_to("GET").await
    }

    /// The same, where the method decides how long an answer is.
    pub(super) async fn answer_to(&mut self, method: &str) -> anyhow::Result<Option<Answer>> {
        loop {
            if let Some(answer) = self.take(method)? {
                return Ok(Some(answer));
            }
            if !self.more(PATIENCE).await? {
                let rest = String::from_utf8_lossy(&self.come);
                ensure!(rest.is_empty(), "an answer breaks off: {rest:?}");
                return Ok(None);
            }
        }
    }

    /// Whether anything comes within this time.
    pub(super) async fn is_answered(&mut self, within: Duration) -> bool {
        !self.come.is_empty() || timeout(within, self.stream.readable()).await.is_ok()
    }

    /// Waits for the end of the connection, and gives what came before it.
    pub(super) async fn rest(mut self, within: Duration) -> anyhow::Result<Vec<u8>> {
        while self.more(within).await? {}
        Ok(self.come)
    }

    /// Waits for the end of the connection, however long it takes.
    pub(super) async fn closes(&mut self) {
        let mut ignored = [0; 1024];
        while let Ok(1..) = self.stream.read(&mut ignored).await {}
    }

    /// Reads more; false at the end.
    async fn more(&mut self, within: Duration) -> anyhow::Result<bool> {
        let read = timeout(within, self.stream.read_buf(&mut self.come)).await;
        // A reset is an end as well: bytes that nobody read were still on their way.
        let length = read.context("neither an answer nor an end")?.unwrap_or(0);
        ensure!(self.come.len() <= LONGEST, "an endless answer");
        Ok(length > 0)
    }

    /// Takes an answer out of what has come, if it is whole.
    fn take(&mut self, method: &str) -> anyhow::Result<Option<Answer>> {
        let mut fields = [httparse::EMPTY_HEADER; 32];
        let mut parsed = httparse::Response::new(&mut fields);
        let come = String::from_utf8_lossy(&self.come).into_owned();
        let head = parsed.parse(&self.come);
        let head = head.with_context(|| format!("not HTTP: {come:?}"))?;
        let httparse::Status::Complete(head) = head else {
            return Ok(None);
        };
        let status = parsed.code.context("no status")?;
        let mut headers = HeaderMap::new();
        for field in parsed.headers.iter() {
            let name = HeaderName::from_bytes(field.name.as_bytes())?;
            headers.append(name, HeaderValue::from_bytes(field.value)?);
        }
        let mut answer = Answer {
            status,
            headers,
            body: String::new(),
        };
        let bare = method == "HEAD" || status == 204 || status < 200;
        let length = match answer.header("content-length") {
            _ if bare => 0,
            "" => bail!("no Content-Length: {come:?}"),
            length => length.parse::<usize>()?,
        };
        if self.come.len() < head + length {
            return Ok(None);
        }
        answer.body = String::from_utf8(self.come[head..head + length].to_vec())?;
        self.come.drain(..head + length);
        Ok(Some(answer))
    }
}

/// A request with a body and its length.
pub(super) fn request(line: &str, media_type: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let length = body.len();
    let head = format!(
        "{line} HTTP/1.1\r\nhost: a\r\ncontent-type: {media_type}\r\ncontent-length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// Sends a request on a connection of its own and wants this status.
pub(super) async fn expect_status(
    url: &str,
    request: impl AsRef<[u8]>,
    status: u16,
) -> anyhow::Result<Answer> {
    let request = request.as_ref();
    let answer = ask(url, request).await;
    let answer = answer.with_context(|| shown(request))?;
    ensure!(
        answer.status == status,
        "{}: not {status}: {answer:?}",
        shown(request)
    );
    Ok(answer)
}

/// The same, and wants the error document with the field that is wrong, if one is.
pub(super) async fn expect_problem(
    url: &str,
    request: impl AsRef<[u8]>,
    status: u16,
    field: Option<&str>,
) -> anyhow::Result<Answer> {
    let request = request.as_ref();
    let answer = ask(url, request).await;
    let answer = answer.with_context(|| shown(request))?;
    let told = answer.expect_problem(status, field);
    told.with_context(|| shown(request))?;
    Ok(answer)
}

/// Sends a request on a connection of its own.
async fn ask(url: &str, request: &[u8]) -> anyhow::Result<Answer> {
    let method = request.split(|byte| *byte == b' ').next();
    let method = String::from_utf8_lossy(method.unwrap_or_default());
    let mut wire = Wire::connect(url).await?;
    wire.send(request).await;
    wire.answer_to(&method).await?.context("closed")
}

/// The beginning of a request.
fn shown(request: &[u8]) -> String {
    let text = String::from_utf8_lossy(request);
    format!("{:?}", text.chars().take(200).collect::<String>())
}
