//! gRPC by hand, over HTTP/2: metadata and messages as no client library would make them.

use anyhow::Context;
use anyhow::ensure;
use bytes::Bytes;
use h2::RecvStream;
use h2::SendStream;
use h2::client::ResponseFuture;
use h2::client::SendRequest;
use http::Request;
use http::Response;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tonic::Code;

/// Longer than the service may take for a call.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest answer: a ping repeats a message of 16 KiB.
const LONGEST: usize = 20 * 1024;

/// A connection.
#[derive(Debug)]
pub(super) struct Calls {
    requests: SendRequest<Bytes>,
    /// What moves the connection, until it is dropped.
    _driver: JoinSet<()>,
}

/// How a call ended.
#[derive(Debug)]
pub(super) struct Reply {
    /// The status of HTTP.
    pub(super) http: u16,
    /// The status of gRPC, if there is one.
    pub(super) code: Option<Code>,
    pub(super) message: String,
}

impl Calls {
    /// Connects to `http://HOST:PORT`.
    pub(super) async fn connect(url: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(url.trim_start_matches("http://")).await?;
        let (requests, connection) = h2::client::handshake(stream).await?;
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            // An end of the connection is an error of each call on it, too.
            let _ = connection.await;
        });
        Ok(Self {
            requests,
            _driver: driver,
        })
    }

    /// Begins a call; it is in flight until its body ends.
    pub(super) async fn begin(&self, request: Request<()>) -> Result<Call, h2::Error> {
        let mut requests = self.requests.clone().ready().await?;
        let (answer, body) = requests.send_request(request, false)?;
        Ok(Call { answer, body })
    }

    /// Makes a call, with this body.
    pub(super) async fn call(
        &self,
        request: Request<()>,
        body: impl Into<Bytes>,
    ) -> anyhow::Result<Reply> {
        let mut call = self.begin(request).await?;
        // An early answer ends the call's other direction.
        let _ = call.body.send_data(body.into(), true);
        call.reply().await
    }
}

/// A call that has begun. To drop it is to cancel it.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) answer: ResponseFuture,
    pub(super) body: SendStream<Bytes>,
}

impl Call {
    /// Waits for its end.
    pub(super) async fn reply(mut self) -> anyhow::Result<Reply> {
        let reply = async { Reply::of((&mut self.answer).await?).await };
        timeout(PATIENCE, reply).await.context("no answer")?
    }
}

impl Reply {
    /// Reads an answer to its end.
    pub(super) async fn of(answer: Response<RecvStream>) -> anyhow::Result<Self> {
        let (head, mut body) = answer.into_parts();
        let mut length = 0;
        while let Some(data) = body.data().await {
            let data = data?;
            length += data.len();
            body.flow_control().release_capacity(data.len())?;
        }
        ensure!(length <= LONGEST, "an answer of {length} bytes");
        let trailers = body.trailers().await?.unwrap_or_default();
        let text = |name: &str| {
            let value = head.headers.get(name).or_else(|| trailers.get(name));
            value.and_then(|value| value.to_str().ok())
        };
        Ok(Self {
            http: head.status.as_u16(),
            code: text("grpc-status").map(|code| Code::from_bytes(code.as_bytes())),
            message: text("grpc-message").unwrap_or_default().to_owned(),
        })
    }
}

/// The head of a call.
pub(super) fn head(method: &str, headers: &[(&str, &str)]) -> anyhow::Result<Request<()>> {
    let mut request = Request::post(format!("http://a{method}"));
    for (name, value) in [("content-type", "application/grpc"), ("te", "trailers")] {
        if headers.iter().all(|(other, _)| *other != name) {
            request = request.header(name, value);
        }
    }
    for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
        request = request.header(*name, *value);
    }
    Ok(request.body(())?)
}

/// A message, and before it what gRPC puts there: whether it is compressed, and its length.
pub(super) fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    [&[0], &length.to_be_bytes()[..], message].concat()
}
