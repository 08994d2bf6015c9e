//! What a call over gRPC may cost.
//!
//! tonic's own server has time-outs too, but it tells their callers CANCELLED. These callers
//! are told what happened.

use super::MAX_BODY;
use super::REQUEST_TIMEOUT;
use crate::observe::metrics::METRICS;
use axum::BoxError;
use axum::body::Body;
use axum::extract::Request;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;
use http_body_util::BodyExt;
use http_body_util::LengthLimitError;
use http_body_util::Limited;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tonic::Code;
use tonic::Status;
use tower_http::timeout::TimeoutBody;
use tower_http::timeout::TimeoutError;

/// Answers a call within its limits. `places` has a permit for each call in flight.
pub async fn limit(State(places): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    let answer = answer(places, request, next).await;
    answer.unwrap_or_else(|status| {
        let is_full = status.code() == Code::Unavailable;
        let told = ["DeadlineExceeded", "Unavailable"][usize::from(is_full)];
        METRICS.refused.get([told]).inc();
        status.into_http()
    })
}

async fn answer(places: Arc<Semaphore>, request: Request, next: Next) -> Result<Response, Status> {
    let too_many = |_| Status::unavailable("too many calls are in flight");
    let place = Arc::new(places.try_acquire_owned().map_err(too_many)?);
    let asked = deadline(request.headers()).unwrap_or(REQUEST_TIMEOUT);
    let time = asked.min(REQUEST_TIMEOUT);
    // The users' service has a limit of its own for messages. Reflection has none, and it
    // streams: such a call is in flight until its requests end, so they hold the place as well.
    let held = place.clone();
    let request = request.map(|body| {
        let body = TimeoutBody::new(REQUEST_TIMEOUT, Limited::new(body, 2 * MAX_BODY));
        let body = body.map_err(exceeded).map_frame(move |frame| {
            let _held = &held;
            frame
        });
        Body::new(body)
    });
    let answered = timeout(time, next.run(request)).await;
    answered.map_err(|_| late())
}

/// The status of a call whose requests exceed a limit.
fn exceeded(error: BoxError) -> Status {
    if error.is::<LengthLimitError>() {
        Status::out_of_range("a call may send 32 KiB")
    } else if error.is::<TimeoutError>() {
        late()
    } else {
        Status::cancelled("the call broke off")
    }
}

fn late() -> Status {
    Status::deadline_exceeded("the call took longer than it may")
}

/// The time that the caller gives, from the header `grpc-timeout`: at most eight digits
/// and a unit. A malformed one is no deadline. tonic has the same parser, but keeps it
/// private.
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
