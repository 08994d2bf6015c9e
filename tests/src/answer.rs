//! An answer by HTTP, and what the contract wants of one that is an error.

use anyhow::Context;
use anyhow::ensure;
use http::HeaderMap;
use http::StatusCode;
use reqwest::Response;
use serde_json::Value;
use serde_json::json;

/// The longest error: none repeats what a client has sent.
const LONGEST: usize = 1024;

/// What goms calls each field.
const CODES: [(&str, u64); 3] = [("uid", 10001), ("name", 10002), ("sex", 10003)];

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    /// A response of the client library, read to its end.
    pub(crate) async fn of(response: Response) -> anyhow::Result<Self> {
        Ok(Self {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.text().await?,
        })
    }

    /// The value of a header, empty if there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// Wants a problem document of this status and of no other content than the contract's,
    /// with the field that is wrong if one is.
    pub(crate) fn expect_problem(&self, status: u16, field: Option<&str>) -> anyhow::Result<()> {
        ensure!(self.status == status, "not {status}: {self:?}");
        let length = self.body.len();
        ensure!(length < LONGEST, "an error of {length} bytes: {self:?}");
        let media_type = self.header("content-type");
        ensure!(media_type == "application/problem+json", "{self:?}");
        let problem: Value = serde_json::from_str(&self.body)?;
        let detail = problem["detail"].as_str().unwrap_or_default();
        ensure!(!detail.is_empty(), "no detail: {self:?}");
        let mut expected = json!({
            "type": "about:blank",
            "title": StatusCode::from_u16(status)?.canonical_reason(),
            "status": status,
            "detail": detail,
        });
        if let Some(field) = field {
            let code = CODES.iter().find(|(name, _)| *name == field);
            let (_, code) = code.context("no such field")?;
            expected["field"] = field.into();
            expected["code"] = (*code).into();
        }
        ensure!(problem == expected, "not {expected}: {self:?}");
        match status {
            405 => ensure!(!self.header("allow").is_empty(), "no Allow: {self:?}"),
            503 => {
                let after = self.header("retry-after").parse::<u64>();
                let soon = after.is_ok_and(|seconds| (1..10).contains(&seconds));
                ensure!(soon, "no Retry-After within 10 s: {self:?}");
            }
            _ => {}
        }
        Ok(())
    }
}
