//! What every request and every call goes through: it gets its place in a trace, is counted,
//! and has its line in the log.
//!
//! The log has all of them at `debug`, what was slow at `warn`, and what failed at `error`.
//! Those that are refused because too much is going on come in thousands; of these, one a
//! second is told, with the number of the others. The figures have them all.

use super::metrics::CODES;
use super::metrics::Held;
use super::metrics::METRICS;
use super::metrics::VERSION;
use super::trace;
use super::trace::CURRENT;
use super::trace::Context;
use super::trace::Noted;
use crate::http::problem::Cause;
use axum::extract::Request;
use axum::http::HeaderName;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::Version;
use axum::response::Response;
use std::error::Error;
use std::sync::LazyLock;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use std::time::Instant;
use tonic::Code;
use tonic::Status;
use tracing::debug;
use tracing::error;
use tracing::warn;

const X_VERSION: HeaderName = HeaderName::from_static("x-version");

/// How long a request takes that is slow.
pub static SLOW: OnceLock<Duration> = OnceLock::new();

/// Answers a request by `handle` as a part of its trace, and tells the client under which name.
pub(crate) async fn watch(
    request: Request,
    handle: impl AsyncFnOnce(Request) -> Response,
) -> Response {
    let context = Context::of(request.headers());
    CURRENT.scope(context, answer(request, handle)).await
}

/// Answers a request, counts it and logs it.
async fn answer(request: Request, handle: impl AsyncFnOnce(Request) -> Response) -> Response {
    let start = Instant::now();
    let is_call = request.version() == Version::HTTP_2;
    let (what, protocol) = if is_call {
        ("call", "grpc")
    } else {
        ("request", "http")
    };
    let _held = Held::new(METRICS.in_flight.get([protocol]));
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let mut response = handle(request).await;
    let (method, path, took) = (method.as_str(), uri.path(), start.elapsed());
    let route = match path.strip_prefix("/users/") {
        Some(uid) if !uid.is_empty() && !uid.contains('/') => "/users/{uid}",
        _ => path,
    };
    let (http, told) = (response.status(), response.extensions());
    let grpc = told.get::<Status>();
    let code = grpc.map_or(Code::Ok, Status::code);
    let status = match is_call && http == StatusCode::OK {
        true => CODES.split(' ').nth(code as usize).unwrap_or_default(),
        false => http.as_str(),
    };
    let series = METRICS.requests.get([method, route, status]);
    series.observe(took.as_secs_f64());
    let cause = told.get::<Cause>().map(|cause| cause.0.to_string());
    let cause = cause.or_else(|| Some(grpc?.source()?.to_string()));
    let cause = cause.as_deref();
    let is_refused = http == StatusCode::SERVICE_UNAVAILABLE || code == Code::Unavailable;
    let has_failed = http.is_server_error() && http != StatusCode::NOT_IMPLEMENTED
        || matches!(code, Code::DeadlineExceeded | Code::Internal);
    let is_slow = SLOW.get().is_some_and(|slow| took >= *slow);
    let (took_us, Noted { store_us, cache }) = (took.as_micros() as u64, trace::noted());
    macro_rules! line {
        ($level:ident, $($others:ident,)? $says:literal) => {
            $level!(method, path, status, took_us, store_us, cache, cause, $($others,)? $says)
        };
    }
    // A limit refuses without a cause, a store with one.
    if is_refused && let Some(others) = untold(usize::from(cause.is_some())) {
        line!(error, others, "{what} refused");
    } else if has_failed && !is_refused {
        line!(error, "{what} failed");
    } else if is_slow {
        line!(warn, "{what} slow");
    } else {
        line!(debug, "{what}");
    }
    let id = CURRENT.with(Context::request_id);
    response.headers_mut().insert(trace::REQUEST_ID, id);
    let version = HeaderValue::from_static(VERSION);
    response.headers_mut().insert(X_VERSION, version);
    response
}

/// If a refusal is to be told: how many were not, since the last that was. One a second is, of
/// each kind.
fn untold(kind: usize) -> Option<u64> {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    static SECOND: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];
    static UNTOLD: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];

    let now = START.elapsed().as_secs() + 1;
    if SECOND[kind].swap(now, Relaxed) == now {
        UNTOLD[kind].fetch_add(1, Relaxed);
        return None;
    }
    Some(UNTOLD[kind].swap(0, Relaxed))
}
