//! What a request may cost: bytes, time, and a place among those in flight.

use super::problem::Cause;
use super::problem::Problem;
use axum::body::Body;
use axum::body::HttpBody;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header::CONNECTION;
use axum::middleware::Next;
use axum::response::IntoResponse;
use axum::response::Response;
use http_body_util::LengthLimitError;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;
use tokio::sync::Semaphore;
use tokio::time::sleep;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::debug;
use tracing::error;

/// The largest body, in bytes.
pub const MAX_BODY: usize = 16 * 1024;

/// The largest request head, in bytes.
pub const MAX_HEAD: usize = 16 * 1024;

/// How long a body may take to come, and then a handler to answer.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// How many requests may be in flight.
pub const MAX_IN_FLIGHT: usize = 1024;

/// The limits' state, shared by all connections of a server.
#[derive(Debug)]
pub struct Limits {
    /// A permit for each request in flight.
    pub in_flight: Semaphore,
    /// Cancelled when the server is to stop.
    pub stop: CancellationToken,
}

impl Limits {
    /// The limits of a server that runs until `stop`.
    pub fn new(stop: CancellationToken) -> Self {
        let in_flight = Semaphore::new(MAX_IN_FLIGHT);
        Self { in_flight, stop }
    }

    /// Waits until no request is in flight.
    pub async fn idle(&self) {
        while self.in_flight.available_permits() < MAX_IN_FLIGHT {
            sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Answers a request within its limits, and logs it.
pub async fn limit(State(limits): State<Arc<Limits>>, request: Request, next: Next) -> Response {
    let start = Instant::now();
    let method = request.method().clone();
    let uri = request.uri().clone();
    let mut response = answer(&limits, request, next).await.into_response();
    // A client that keeps its connection would meet a closed one after the next request.
    if limits.stop.is_cancelled() {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
    }
    let status = response.status().as_u16();
    let path = uri.path();
    let took = start.elapsed();
    if response.status().is_server_error() {
        let cause = response
            .extensions()
            .get::<Cause>()
            .map_or("", |cause| &cause.0);
        error!(%method, path, status, ?took, cause, "request failed");
    } else {
        debug!(%method, path, status, ?took, "request");
    }
    response
}

async fn answer(limits: &Limits, request: Request, next: Next) -> Result<Response, Problem> {
    let _permit = limits.in_flight.try_acquire().map_err(|_| {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too many requests are in flight",
        )
    })?;
    let request = with_body(request).await?;
    timeout(REQUEST_TIMEOUT, next.run(request))
        .await
        .map_err(|_| {
            Problem::new(
                StatusCode::GATEWAY_TIMEOUT,
                "the service did not answer in time",
            )
        })
}

/// Waits for the whole body, so that no handler waits for a client.
async fn with_body(request: Request) -> Result<Request, Problem> {
    if request.body().is_end_stream() {
        return Ok(request);
    }
    let too_large = || Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "a body may have 16 KiB");
    if request.body().size_hint().lower() > MAX_BODY as u64 {
        return Err(too_large());
    }
    let (parts, body) = request.into_parts();
    let body = timeout(REQUEST_TIMEOUT, to_bytes(body, MAX_BODY))
        .await
        .map_err(|_| Problem::new(StatusCode::REQUEST_TIMEOUT, "the body did not come in time"))?;
    let body = body.map_err(|error| match error.source() {
        Some(source) if source.is::<LengthLimitError>() => too_large(),
        _ => Problem::malformed("the connection broke before the whole body came"),
    })?;
    Ok(Request::from_parts(parts, Body::from(body)))
}
