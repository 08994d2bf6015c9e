//! Which request a line of the log belongs to, in this process and in the others that work on
//! it: W3C trace context, <https://www.w3.org/TR/trace-context/>.
//!
//! A caller's trace goes on here, and from here into the instance behind this one. Its id and
//! the request's stand on every line (`line.rs`), and the request's in every answer.

use axum::http::HeaderMap;
use axum::http::HeaderName;
use axum::http::HeaderValue;
use std::cell::Cell;
use tonic::metadata::MetadataMap;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest `tracestate` and request's id that are taken, in bytes.
const MAX_STATE: usize = 512;
const MAX_ID: usize = 64;

tokio::task_local! {
    /// What the work of this task is for.
    pub(crate) static CURRENT: Context;
}

/// What was done for a request.
#[derive(Clone, Copy, Default)]
pub(crate) struct Noted {
    /// How long its statements took, in microseconds.
    pub(crate) store_us: Option<u64>,
    /// What the cache had.
    pub(crate) cache: Option<&'static str>,
}

/// What a request belongs to, and what was done for it.
#[derive(Clone)]
pub(crate) struct Context {
    trace: u128,
    /// This request, as those that it calls know it.
    span: u64,
    sampled: u8,
    state: Option<HeaderValue>,
    given_id: Option<HeaderValue>,
    noted: Cell<Noted>,
}

impl Context {
    /// Goes on with the caller's trace, or begins one if the caller has none that is valid.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let parent = only(headers, &TRACEPARENT).and_then(|it| parse(it.to_str().ok()?));
        // Without a valid parent its companion means nothing.
        let state = parent.and_then(|_| only(headers, &TRACESTATE));
        let plain = |it: &&HeaderValue| {
            let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
            it.len() <= MAX_ID && !it.is_empty() && it.as_bytes().iter().all(plain)
        };
        let (trace, sampled) = parent.unwrap_or_else(|| (fastrand::u128(1..), 0));
        Self {
            trace,
            span: fastrand::u64(1..),
            sampled,
            state: state.filter(|it| it.len() <= MAX_STATE).cloned(),
            given_id: only(headers, &REQUEST_ID).filter(plain).cloned(),
            noted: Cell::default(),
        }
    }

    /// The request's id, the caller's or one of our own.
    pub(crate) fn request_id(&self) -> HeaderValue {
        let own = || HeaderValue::from(self.span);
        self.given_id.clone().unwrap_or_else(own)
    }
}

/// Does the work, on another task, for the request that this task works for.
pub(crate) fn carried<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let context = CURRENT.try_with(Context::clone);
    async move {
        match context {
            Ok(context) => CURRENT.scope(context, work).await,
            Err(_) => work.await, // it is for no request
        }
    }
}

/// The trace and the request that this task works for.
pub(crate) fn ids() -> Option<(u128, HeaderValue)> {
    let ids = CURRENT.try_with(|it| (it.trace, it.request_id()));
    ids.ok()
}

/// A header that comes once. Of two, nobody could say which one counts.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

/// Reads a `traceparent`: the trace, and whether it is sampled.
fn parse(text: &str) -> Option<(u128, u8)> {
    let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let mut parts = text.splitn(5, '-');
    let mut part = |length| {
        let part = parts.next().filter(|it| it.len() == length);
        part.filter(|it| it.bytes().all(hex))
    };
    let (version, trace, span, flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
    let later = version != "00"; // it may say more
    let valid = version != "ff" && (later || parts.next().is_none());
    let trace = u128::from_str_radix(trace, 16).ok().filter(|it| *it > 0)?;
    let flags = u8::from_str_radix(flags, 16).ok()?;
    (valid && span.bytes().any(|it| it != b'0')).then_some((trace, flags & 1))
}

/// Hands the trace of the current request on to the instance that it calls.
pub(crate) fn hand_on(metadata: &mut MetadataMap) {
    // A command of the operator's is for no request.
    let _ = CURRENT.try_with(|it| {
        let (trace, span, sampled) = (it.trace, it.span, it.sampled);
        let parent = format!("00-{trace:032x}-{span:016x}-{sampled:02x}");
        let mut headers = std::mem::take(metadata).into_headers();
        headers.extend(HeaderValue::try_from(parent).map(|parent| (TRACEPARENT, parent)));
        headers.extend(it.state.clone().map(|state| (TRACESTATE, state)));
        headers.insert(REQUEST_ID, it.request_id());
        *metadata = MetadataMap::from_headers(headers);
    });
}

/// Notes something that was done for the request that this task works for.
pub(crate) fn note(change: impl FnOnce(&mut Noted)) {
    let _ = CURRENT.try_with(|it| {
        let mut noted = it.noted.get();
        change(&mut noted);
        it.noted.set(noted);
    });
}

/// What was noted so far.
pub(crate) fn noted() -> Noted {
    CURRENT.try_with(|it| it.noted.get()).unwrap_or_default()
}
