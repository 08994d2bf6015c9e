//! What every call goes through: a check, the log, and the right status where tonic gives a
//! wrong one.

use crate::observe::request;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::Next;
use axum::response::IntoResponse;
use axum::response::Response;
use std::any::Any;
use tonic::Code;
use tonic::Status;

/// How tonic begins the text of its INTERNAL about a message that a client got wrong. It gives
/// no other sign; a promise of the suite would notice if a release changed the text.
const UNREADABLE: [&str; 4] = [
    "failed to decode Protobuf message",
    "protocol error: received message with",
    "Unexpected EOF decoding stream",
    "Missing request message",
];

/// Answers a call under observation.
pub async fn watch(request: Request, next: Next) -> Response {
    request::watch(request, async |request| answer(request, next).await).await
}

async fn answer(request: Request, next: Next) -> Response {
    // tonic takes any content type for its own.
    let content_type = request
        .headers()
        .get(CONTENT_TYPE)
        .map(HeaderValue::as_bytes);
    if !matches!(
        content_type,
        Some(b"application/grpc" | b"application/grpc+proto")
    ) {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    }
    let mut response = next.run(request).await;
    if let Some(status) = response.extensions().get::<Status>()
        && status.code() == Code::Internal
        && UNREADABLE
            .iter()
            .any(|start| status.message().starts_with(start))
    {
        response = Status::invalid_argument("the message cannot be read").into_http();
    }
    response
}

/// The answer to a call whose handler panicked.
pub fn panicked(_panic: Box<dyn Any + Send>) -> Response {
    Status::internal("the service failed").into_http()
}
