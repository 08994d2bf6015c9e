//! What a client sends, from path, query and body, as raw fields.
//!
//! They are raw so that the domain's parsers decide about each, and the answer can name
//! the one that is wrong: a body read straight into typed fields loses which it was.

use super::problem::Problem;
use crate::user::Invalid;
use crate::user::Name;
use crate::user::Sex;
use crate::user::Uid;
use axum::RequestExt;
use axum::body::Bytes;
use axum::extract::FromRequest;
use axum::extract::RawPathParams;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::Method;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde::de::value::MapDeserializer;
use serde_json::Value;
use std::borrow::Cow;

/// The fields that a request may have. Others are ignored.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Fields {
    uid: Value,
    name: Value,
    sex: Value,
    message: Value,
}

impl Fields {
    /// The uid.
    ///
    /// # Errors
    ///
    /// It is missing or bad, as in the next two.
    pub fn uid(&self) -> Result<Uid, Invalid> {
        integer(&self.uid).ok_or(Invalid::Uid)?.try_into()
    }

    /// The name.
    ///
    /// # Errors
    ///
    /// [`Invalid::Name`].
    pub fn name(&self) -> Result<Name, Invalid> {
        self.name
            .as_str()
            .ok_or(Invalid::Name)?
            .to_owned()
            .try_into()
    }

    /// The sex.
    ///
    /// # Errors
    ///
    /// [`Invalid::Sex`].
    pub fn sex(&self) -> Result<Sex, Invalid> {
        integer(&self.sex).ok_or(Invalid::Sex)?.try_into()
    }

    /// The message of a ping, which may be anything.
    pub fn message(&self) -> &str {
        self.message.as_str().unwrap_or_default()
    }
}

/// A number, also one that came as text: in a form there is nothing else, and some JSON
/// clients send text for fear of rounding.
fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => text.parse().ok(),
        number => number.as_i64(),
    }
}

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Problem;

    async fn from_request(mut request: Request, _: &S) -> Result<Self, Problem> {
        let path: RawPathParams = request.extract_parts().await.map_err(|_| Invalid::Uid)?;
        let (parts, body) = request.into_parts();
        let mut fields = match parts.method {
            Method::POST | Method::PUT => {
                let body = Bytes::from_request(Request::new(body), &()).await;
                let body = body.map_err(|_| Problem::malformed("the body cannot be read"))?;
                from_body(&parts.headers, &body)?
            }
            _ => from_form(parts.uri.query().unwrap_or_default())?,
        };
        if let Some((_, uid)) = path.iter().next() {
            fields.uid = uid.into();
        }
        Ok(fields)
    }
}

fn from_body(headers: &HeaderMap, body: &[u8]) -> Result<Fields, Problem> {
    let media_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let media_type = media_type
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default();
    let media_type = media_type.trim().to_ascii_lowercase();
    let text = || str::from_utf8(body).map_err(|_| Problem::malformed("the body is not UTF-8"));
    match media_type.as_str() {
        "application/x-www-form-urlencoded" => from_form(text()?),
        "application/json" => from_json(text()?),
        _ => Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "send application/json or application/x-www-form-urlencoded",
        )),
    }
}

fn from_json(text: &str) -> Result<Fields, Problem> {
    if !text.trim_start().starts_with('{') {
        return Err(Problem::malformed("the body is not a JSON object"));
    }
    serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Problem::malformed(format!(
            "the body is not JSON, or has a field twice: line {line}, column {column}"
        ))
    })
}

fn from_form(text: &str) -> Result<Fields, Problem> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        Ok((decode(key)?, decode(value)?))
    });
    let pairs = pairs.collect::<Result<Vec<_>, Problem>>()?;
    let pairs = MapDeserializer::<_, serde::de::value::Error>::new(pairs.into_iter());
    Fields::deserialize(pairs).map_err(|_| Problem::malformed("a field is given twice"))
}

/// Decodes form encoding: `+` is a space, `%xx` a byte of UTF-8.
///
/// The usual crates put U+FFFD in place of what is not UTF-8; a name must not change on
/// its way in.
fn decode(text: &str) -> Result<Cow<'_, str>, Problem> {
    let malformed = |_| Problem::malformed("a field is not UTF-8");
    match text.contains('+') {
        true => {
            let text = text.replace('+', " ");
            let decoded = percent_decode_str(&text).decode_utf8().map_err(malformed)?;
            Ok(Cow::Owned(decoded.into_owned()))
        }
        false => percent_decode_str(text).decode_utf8().map_err(malformed),
    }
}
