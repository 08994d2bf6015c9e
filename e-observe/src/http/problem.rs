//! Errors over HTTP, as RFC 9457 `application/problem+json`. A client learns what it can do
//! about an error; the cause is for the log.

use crate::store;
use crate::user::Invalid;
use axum::Json;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::http::header::RETRY_AFTER;
use axum::response::IntoResponse;
use axum::response::Response;
use serde::Serialize;
use std::any::Any;
use std::borrow::Cow;
use std::error::Error;
use std::sync::Arc;

/// What was wrong with a request, or with the service: RFC 9457, with two fields of our own.
#[derive(Clone, Debug, Serialize)]
pub struct Problem {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: Cow<'static, str>,
    /// The field that is wrong, and the code that goms gives it.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u32>,
    #[serde(skip)]
    cause: Option<Cause>,
}

/// The reason for a 5xx. It travels to the log as an extension of the answer.
#[derive(Clone, Debug)]
pub struct Cause(pub Arc<str>);

impl Problem {
    /// A problem that `detail` explains to the client.
    pub fn new(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            detail: detail.into(),
            field: None,
            code: None,
            cause: None,
        }
    }

    /// A request that cannot be read.
    pub fn malformed(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// The answer of such a problem.
    pub fn answer(status: StatusCode, detail: &'static str) -> Response {
        Self::new(status, detail).into_response()
    }

    /// The answer to a request whose handler panicked.
    pub fn panicked(_panic: Box<dyn Any + Send>) -> Response {
        let mut problem = Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the service failed");
        problem.cause = Some(Cause("a handler panicked".into()));
        problem.into_response()
    }
}

impl From<Invalid> for Problem {
    fn from(invalid: Invalid) -> Self {
        let mut problem = Self::malformed(invalid.to_string());
        let (field, code) = match invalid {
            Invalid::Uid => ("uid", 10001),
            Invalid::Name => ("name", 10002),
            Invalid::Sex => ("sex", 10003),
        };
        (problem.field, problem.code) = (Some(field), Some(code));
        problem
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        let status = match error {
            store::Error::NotFound(_) => StatusCode::NOT_FOUND,
            store::Error::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            store::Error::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let mut problem = Self::new(status, error.to_string());
        problem.cause = error.source().map(|cause| Cause(cause.to_string().into()));
        problem
    }
}

impl IntoResponse for Problem {
    fn into_response(mut self) -> Response {
        let cause = self.cause.take();
        // It was a `StatusCode` when it came in, so the fallback is never used.
        let status = StatusCode::from_u16(self.status);
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let media_type = [(CONTENT_TYPE, "application/problem+json")];
        let mut response = (status, media_type, Json(&self)).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, 1.into());
        }
        if let Some(cause) = cause {
            response.extensions_mut().insert(cause);
        }
        response
    }
}
