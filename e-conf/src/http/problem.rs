//! Errors over HTTP, as RFC 9457 `application/problem+json`. A client learns what it can
//! do about it; the cause is for the log.

use crate::store;
use crate::user::Invalid;
use axum::Json;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::http::header::RETRY_AFTER;
use axum::response::IntoResponse;
use axum::response::Response;
use serde::Serialize;
use std::any::Any;
use std::borrow::Cow;
use std::sync::Arc;

/// What was wrong with a request, or with the service.
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    detail: Cow<'static, str>,
    invalid: Option<Invalid>,
    /// What lies under it, for the log; an extension of the answer takes it there.
    cause: Option<Cause>,
}

/// Why an answer is a 5xx.
#[derive(Clone, Debug)]
pub struct Cause(pub Arc<str>);

/// RFC 9457, with two fields of our own.
#[derive(Serialize)]
struct Body<'a> {
    r#type: &'a str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u32>,
}

impl Problem {
    /// A problem that `detail` explains to the client.
    pub fn new(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            detail: detail.into(),
            invalid: None,
            cause: None,
        }
    }

    /// A request that cannot be read.
    pub fn malformed(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// The answer to a request whose handler panicked.
    pub fn panicked(_panic: Box<dyn Any + Send>) -> Response {
        let problem = Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the service failed");
        problem.with_cause("a handler panicked").into_response()
    }

    /// The same, with its cause.
    fn with_cause(self, cause: impl Into<Arc<str>>) -> Self {
        let cause = Some(Cause(cause.into()));
        Self { cause, ..self }
    }
}

impl From<Invalid> for Problem {
    fn from(invalid: Invalid) -> Self {
        let problem = Self::malformed(invalid.to_string());
        Self {
            invalid: Some(invalid),
            ..problem
        }
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        let text = error.to_string();
        match error {
            store::Error::NotFound(_) => Self::new(StatusCode::NOT_FOUND, text),
            store::Error::Unavailable(cause) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, text).with_cause(cause.to_string())
            }
            store::Error::Failed(cause) => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, text).with_cause(cause.to_string())
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = Json(Body {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or_default(),
            status: self.status.as_u16(),
            detail: &self.detail,
            field: self.invalid.map(field),
            code: self.invalid.map(code),
        });
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if let Some(cause) = self.cause {
            response.extensions_mut().insert(cause);
        }
        response
    }
}

/// The name of the field.
fn field(invalid: Invalid) -> &'static str {
    match invalid {
        Invalid::Uid => "uid",
        Invalid::Name => "name",
        Invalid::Sex => "sex",
    }
}

/// The code that goms gives the field, for clients that know it.
fn code(invalid: Invalid) -> u32 {
    match invalid {
        Invalid::Uid => 10001,
        Invalid::Name => 10002,
        Invalid::Sex => 10003,
    }
}
