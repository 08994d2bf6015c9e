//! What a client sends, from path, query and body, as raw fields.
//!
//! They stay raw so that the domain's parsers decide about each, and the answer can name the
//! one that is wrong. A body that serde reads straight into typed fields loses which it was.

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
use axum::http::HeaderValue;
use axum::http::Method;
use axum::http::StatusCode;
use axum::http::header::CONTENT_ENCODING;
use axum::http::header::CONTENT_TYPE;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde::de::value::MapDeserializer;
use serde_json::Value;

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
    /// The uid, unless it is missing or breaks its rule.
    pub fn uid(&self) -> Result<Uid, Invalid> {
        integer(&self.uid).ok_or(Invalid::Uid)?.try_into()
    }

    /// The name, unless it is missing or breaks its rule.
    pub fn name(&self) -> Result<Name, Invalid> {
        let name = self.name.as_str().ok_or(Invalid::Name)?;
        name.to_owned().try_into()
    }

    /// The sex, unless it is missing or breaks its rule.
    pub fn sex(&self) -> Result<Sex, Invalid> {
        integer(&self.sex).ok_or(Invalid::Sex)?.try_into()
    }

    /// The message of a ping, which may be anything.
    pub fn message(&self) -> &str {
        self.message.as_str().unwrap_or_default()
    }
}

/// A number. It may come as text, which is all that a form has and what some JSON clients send
/// for fear of rounding. A JSON number may also be written as `1.0` or `1e0`.
fn integer(value: &Value) -> Option<i64> {
    let whole = |number: &f64| number.fract() == 0.0 && number.abs() <= Uid::MAX as f64;
    let float = || Some(value.as_f64().filter(whole)? as i64);
    match value {
        Value::String(text) => text.parse().ok(),
        _ => value.as_i64().or_else(float),
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
    let unsupported = |detail| Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    let mut codings = headers.get_all(CONTENT_ENCODING).iter();
    if codings.any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return unsupported("send the body without a Content-Encoding");
    }
    let media_type = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let media_type = media_type.and_then(|text| text.split(|byte| *byte == b';').next());
    let media_type = media_type.unwrap_or_default().trim_ascii();
    let text = || str::from_utf8(body).map_err(|_| Problem::malformed("the body is not UTF-8"));
    match media_type.to_ascii_lowercase().as_slice() {
        b"application/x-www-form-urlencoded" => from_form(text()?),
        b"application/json" => from_json(text()?),
        _ => unsupported("send application/json or application/x-www-form-urlencoded"),
    }
}

fn from_json(text: &str) -> Result<Fields, Problem> {
    if !text.trim_start().starts_with('{') {
        return Err(Problem::malformed("the body is not a JSON object"));
    }
    serde_json::from_str(text).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        Problem::malformed(format!(
            "the body is not JSON, or has a field twice: {place}"
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
/// The usual crates replace what is not UTF-8 by U+FFFD, but a name must not change on its
/// way in.
fn decode(text: &str) -> Result<String, Problem> {
    let text = text.replace('+', " ");
    let decoded = percent_decode_str(&text).decode_utf8();
    let decoded = decoded.map_err(|_| Problem::malformed("a field is not UTF-8"))?;
    Ok(decoded.into_owned())
}

#[cfg(test)]
mod tests;
