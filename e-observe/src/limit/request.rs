//! What a request over HTTP may cost.

use super::MAX_BODY;
use super::REQUEST_TIMEOUT;
use crate::observe::metrics::METRICS;
use axum::body::Body;
use axum::body::HttpBody;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONNECTION;
use axum::middleware::Next;
use axum::response::IntoResponse;
use axum::response::Response;
use http_body_util::LengthLimitError;
use std::error::Error;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// How a way in answers a request that exceeds a limit, so that each can do it in its own words.
pub type Refuse = fn(StatusCode, &'static str) -> Response;

/// What the requests of a listener share: a permit for each in flight, and how one is refused.
pub type Shared = (Arc<Semaphore>, Refuse);

/// Answers a request within its limits.
pub async fn limit(
    State((places, refuse)): State<Shared>,
    request: Request,
    next: Next,
) -> Response {
    let refuse = |status: StatusCode, detail| {
        METRICS.refused.get([status.as_str()]).inc();
        refuse(status, detail)
    };
    let has_body = !request.body().is_end_stream();
    let refused = |(status, detail)| match has_body {
        // Nobody reads the rest of the body, so the connection ends with this answer.
        true => ([(CONNECTION, "close")], refuse(status, detail)).into_response(),
        false => refuse(status, detail),
    };
    let Ok(_place) = places.try_acquire() else {
        let detail = "too many requests are in flight";
        return refused((StatusCode::SERVICE_UNAVAILABLE, detail));
    };
    let request = match with_body(request).await {
        Ok(request) => request,
        Err(reason) => return refused(reason),
    };
    let answer = timeout(REQUEST_TIMEOUT, next.run(request)).await;
    answer.unwrap_or_else(|_| {
        let detail = "the service did not answer in time";
        refuse(StatusCode::GATEWAY_TIMEOUT, detail)
    })
}

/// Waits for the whole body, so that no handler waits for a client.
async fn with_body(request: Request) -> Result<Request, (StatusCode, &'static str)> {
    const TOO_LARGE: (StatusCode, &str) = (StatusCode::PAYLOAD_TOO_LARGE, "a body may have 16 KiB");

    if request.body().is_end_stream() {
        return Ok(request);
    }
    if request.body().size_hint().lower() > MAX_BODY as u64 {
        return Err(TOO_LARGE);
    }
    let (parts, body) = request.into_parts();
    let late = |_| (StatusCode::REQUEST_TIMEOUT, "the body did not come in time");
    let body = timeout(REQUEST_TIMEOUT, to_bytes(body, MAX_BODY)).await;
    let body = body.map_err(late)?.map_err(|error| match error.source() {
        Some(source) if source.is::<LengthLimitError>() => TOO_LARGE,
        _ => (
            StatusCode::BAD_REQUEST,
            "the body breaks off, or its chunks are malformed",
        ),
    })?;
    Ok(Request::from_parts(parts, Body::from(body)))
}
