//! gRPC by hand: no library would begin a call and hold its message back.

use super::PATIENCE;
use anyhow::Context;
use axum::http::Request;
use h2::SendStream;
use h2::client::ResponseFuture;
use h2::client::SendRequest;
use prost::bytes::Bytes;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// A connection.
pub(crate) struct Caller {
    requests: SendRequest<Bytes>,
    /// Moves the connection until it is dropped.
    _driver: JoinSet<()>,
}

/// A call that has begun. To drop it is to cancel it.
pub(crate) struct Call {
    answer: ResponseFuture,
    message: SendStream<Bytes>,
}

impl Caller {
    /// Connects to this address.
    ///
    /// # Errors
    ///
    /// Nobody listens there.
    pub(crate) async fn connect(addr: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(addr).await?;
        let (requests, connection) = h2::client::handshake(stream).await?;
        let mut _driver = JoinSet::new();
        _driver.spawn(async move {
            let _ = connection.await; // its end is an error of each call as well
        });
        Ok(Self { requests, _driver })
    }

    /// Begins a call of this method, with this deadline if it is not empty.
    ///
    /// # Errors
    ///
    /// The connection has ended.
    pub(crate) async fn begin(&self, method: &str, deadline: &str) -> anyhow::Result<Call> {
        let mut request = Request::post(format!("http://a/service.goms.User/{method}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        if !deadline.is_empty() {
            request = request.header("grpc-timeout", deadline);
        }
        let mut requests = self.requests.clone().ready().await?;
        let (answer, message) = requests.send_request(request.body(())?, false)?;
        Ok(Call { answer, message })
    }

    /// Calls Ping with this message, and gives the answer's status as [`Call::status`] does.
    ///
    /// # Errors
    ///
    /// There is no answer.
    pub(crate) async fn ping(&self, message: &str) -> anyhow::Result<String> {
        let mut call = self.begin("Ping", "").await?;
        call.send_ping(message)?;
        call.status().await
    }
}

impl Call {
    /// Sends a ping, and ends the call's own side.
    ///
    /// # Errors
    ///
    /// The connection has ended.
    pub(crate) fn send_ping(&mut self, message: &str) -> anyhow::Result<()> {
        let mut length = Vec::new();
        prost::encode_length_delimiter(message.len(), &mut length)?;
        let message = [&[0x0a], &length[..], message.as_bytes()].concat();
        let length = u32::try_from(message.len())?.to_be_bytes();
        let frame = [&[0], &length[..], &message].concat();
        Ok(self.message.send_data(frame.into(), true)?)
    }

    /// The number of the answer's status, 0 for a good one.
    ///
    /// # Errors
    ///
    /// There is no answer.
    pub(crate) async fn status(self) -> anyhow::Result<String> {
        let status = async {
            // The message has to be held on to, because to drop it is to cancel the call.
            let Self { answer, message } = self;
            let (head, mut body) = answer.await?.into_parts();
            while let Some(data) = body.data().await {
                body.flow_control().release_capacity(data?.len())?;
            }
            let trailers = body.trailers().await?.unwrap_or_default();
            drop(message);
            let status = head.headers.get("grpc-status");
            let status = status.or_else(|| trailers.get("grpc-status"));
            let status = status.context("an answer without a status")?;
            Ok(status.to_str()?.to_owned())
        };
        timeout(PATIENCE, status).await.context("no answer")?
    }
}
