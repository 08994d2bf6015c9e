//! What a call may cost: time, and a place among those in flight.
//!
//! tonic's own server has a time-out too, but its callers are told CANCELLED, as they are
//! when a handler panics; these tell what happened.

use crate::http::limits::Limits;
use crate::http::limits::MAX_BODY;
use crate::http::limits::REQUEST_TIMEOUT;
use axum::body::Body;
use axum::extract::Request;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;
use http_body_util::Limited;
use std::any::Any;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;
use tokio::time::timeout;
use tonic::Code;
use tonic::Status;
use tracing::debug;
use tracing::error;

/// How tonic begins its INTERNAL about a message that a client got wrong.
const UNREADABLE: [&str; 4] = [
    "failed to decode Protobuf message",
    "protocol error: received message with",
    "Unexpected EOF decoding stream",
    "Missing request message",
];

/// Answers a call within its limits, and logs it.
pub async fn limit(State(limits): State<Arc<Limits>>, request: Request, next: Next) -> Response {
    let start = Instant::now();
    let uri = request.uri().clone();
    let answer = answer(&limits, request, next).await;
    let response = answer.unwrap_or_else(Status::into_http);
    let status = response.extensions().get::<Status>();
    let code = status.map_or(Code::Ok, Status::code);
    let path = uri.path();
    let took = start.elapsed();
    match code {
        Code::Unavailable | Code::DeadlineExceeded | Code::Internal => {
            let cause = status.and_then(Error::source).map(ToString::to_string);
            error!(path, ?code, ?took, cause, "call failed");
        }
        _ => debug!(path, ?code, ?took, "call"),
    }
    response
}

async fn answer(limits: &Limits, request: Request, next: Next) -> Result<Response, Status> {
    let too_many = |_| Status::unavailable("too many calls are in flight");
    let _permit = limits.in_flight.try_acquire().map_err(too_many)?;
    let asked = deadline(request.headers()).unwrap_or(REQUEST_TIMEOUT);
    let time = asked.min(REQUEST_TIMEOUT);
    let late = |_| Status::deadline_exceeded("the call took longer than it may");
    // The users' service has a limit of its own for messages, reflection has none.
    let request = request.map(|body| Body::new(Limited::new(body, 2 * MAX_BODY)));
    let response = timeout(time, next.run(request)).await.map_err(late)?;
    let status = response.extensions().get();
    status.and_then(clients_fault).map_or(Ok(response), Err)
}

/// What to say instead, if tonic says of a client's fault that it is ours.
fn clients_fault(status: &Status) -> Option<Status> {
    let said = |start| status.message().starts_with(start);
    match status.code() {
        Code::Internal if UNREADABLE.into_iter().any(said) => {
            Some(Status::invalid_argument("the message cannot be read"))
        }
        // Nothing here says UNKNOWN: the body broke off, or went on and on.
        Code::Unknown => Some(Status::out_of_range(
            "the message is too long, or not whole",
        )),
        _ => None,
    }
}

/// The answer to a call whose handler panicked.
pub fn panicked(_panic: Box<dyn Any + Send>) -> Response {
    Status::internal("the service failed").into_http()
}

/// The time that the caller gives, from the header `grpc-timeout`: at most eight digits
/// and a unit. A malformed one is no deadline, as in tonic.
fn deadline(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number = digits.parse::<u32>().ok().filter(|_| digits.len() <= 8)?;
    match unit {
        "H" => Some(Duration::from_secs(3600) * number),
        "M" => Some(Duration::from_secs(60) * number),
        "S" => Some(Duration::from_secs(1) * number),
        "m" => Some(Duration::from_millis(1) * number),
        "u" => Some(Duration::from_micros(1) * number),
        "n" => Some(Duration::from_nanos(1) * number),
        _ => None,
    }
}
