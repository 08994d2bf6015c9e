//! Fields, in path, query, form and JSON: what they may hold, and what else is refused.

use super::warm::FORM;
use super::warm::JSON;
use super::warm::Warm;
use super::wire::expect_problem;
use super::wire::expect_status;
use super::wire::request;
use crate::stage::Stage;
use anyhow::ensure;
use serde_json::Value;

pub(crate) async fn a_bad_field_is_refused(stage: &Stage) -> anyhow::Result<()> {
    let warm = Warm::serve(stage, &[]).await?;
    let url = warm.service.http()?;
    for (path, told) in [
        ("/users/-1", Some("uid")),
        ("/users/0", Some("uid")),
        ("/users/1.0", Some("uid")),
        ("/users/1e0", Some("uid")),
        ("/users/0x1", Some("uid")),
        ("/users/%201", Some("uid")),
        ("/users/1%00", Some("uid")),
        ("/users/%zz", Some("uid")),
        ("/users/%ff", Some("uid")),
        ("/users/%EF%BC%91", Some("uid")),
        ("/users/9007199254740992", Some("uid")),
        ("/users/9223372036854775808", Some("uid")),
        ("/users/18446744073709551617", Some("uid")),
        ("/users?uid=", Some("uid")),
        ("/users?uid=+1", Some("uid")),
        ("/users?uid=%zz", Some("uid")),
        ("/users?uid=%31%ff", None),
        ("/users?uid=1&uid=1", None),
        ("/users?uid=1&%75id=2", None),
        ("/users/1?uid=%c3%28", None),
        ("/ping?message=%ff", None),
        ("/ping?message=a&message=a", None),
    ] {
        let read = request(&format!("GET {path}"), FORM, "");
        expect_problem(&url, read, 400, told).await?;
    }
    let deep = format!(
        r#"{{"name":{}{},"sex":0}}"#,
        "[".repeat(8000),
        "]".repeat(8000)
    );
    let opened = format!(r#"{{"name":{}"#, r#"{"name":"#.repeat(1600));
    let long = format!(r#"{{"name":"{}","sex":0}}"#, "\u{1}a".repeat(4000));
    let wide = format!("name={}&sex=0", "é".repeat(19));
    for (media_type, body, told) in [
        (JSON, &br#"{"name":"a","sex":1.5}"#[..], Some("sex")),
        (JSON, br#"{"name":"a","sex":1e99}"#, Some("sex")),
        (JSON, br#"{"name":"a","sex":-1}"#, Some("sex")),
        (
            JSON,
            br#"{"name":"a","sex":9223372036854775808}"#,
            Some("sex"),
        ),
        (
            JSON,
            br#"{"name":"a","sex":18446744073709551617}"#,
            Some("sex"),
        ),
        (JSON, br#"{"name":"a","sex":1e400}"#, None),
        (JSON, br#"{"name":"a","sex":01}"#, None),
        (JSON, br#"{"name":"a","sex":+1}"#, None),
        (JSON, br#"{"name":"a","sex":"1e0"}"#, Some("sex")),
        (JSON, br#"{"name":"a","sex":" 1"}"#, Some("sex")),
        (JSON, br#"{"name":"a","sex":""}"#, Some("sex")),
        (JSON, br#"{"name":"a","sex":null}"#, Some("sex")),
        (JSON, br#"{"name":"a","sex":true}"#, Some("sex")),
        (JSON, br#"{"name":"a","sex":[1]}"#, Some("sex")),
        (JSON, br#"{"name":["a"],"sex":1}"#, Some("name")),
        (JSON, br#"{"name":{"a":"b"},"sex":1}"#, Some("name")),
        (JSON, br#"{"name":"\u0000","sex":1}"#, Some("name")),
        (JSON, br#"{"name":"a\u0085","sex":1}"#, Some("name")),
        (JSON, br#"{"name":"\ud800","sex":1}"#, None),
        (JSON, b"{\"name\":\"a\0\",\"sex\":1}", None),
        (JSON, b"{\"name\":\"\xff\",\"sex\":1}", None),
        (JSON, b"\xef\xbb\xbf{\"name\":\"a\",\"sex\":1}", None),
        (JSON, br#"{"name":"a","n\u0061me":"a","sex":1}"#, None),
        (JSON, br#"{"name":"a","sex":1} {}"#, None),
        (JSON, br#"{"name":"a","sex":1,}"#, None),
        (JSON, b"", None),
        (JSON, b"   ", None),
        (JSON, b"null", None),
        (JSON, br#"[{"name":"a","sex":1}]"#, None),
        (JSON, deep.as_bytes(), None),
        (JSON, opened.as_bytes(), None),
        (JSON, long.as_bytes(), None),
        (FORM, b"", Some("name")),
        (FORM, b"name&sex", Some("name")),
        (FORM, b"name=a&sex", Some("sex")),
        (FORM, b"name=a&sex=+1", Some("sex")),
        (FORM, b"name=a&sex=1.0", Some("sex")),
        (FORM, b"name=a&sex=-0.0", Some("sex")),
        (FORM, b"name=a&sex=1e0", Some("sex")),
        (FORM, b"name=a&sex=4294967297", Some("sex")),
        (FORM, b"name=a&sex=18446744073709551617", Some("sex")),
        (FORM, b"name=a&sex=%00", Some("sex")),
        (FORM, b"name=a%00&sex=0", Some("name")),
        (FORM, b"name=a\0&sex=0", Some("name")),
        (FORM, wide.as_bytes(), Some("name")),
        (FORM, b"name=%c3%28&sex=0", None),
        (FORM, b"name=\xff&sex=0", None),
        (FORM, b"name=a&name=a&sex=0", None),
        (FORM, b"name=a&%6eame=b&sex=0", None),
        (FORM, b"name=a&sex=0&sex", None),
    ] {
        for line in ["POST /users", "PUT /users/1"] {
            expect_problem(&url, request(line, media_type, body), 400, told).await?;
        }
    }
    for media_type in [
        "",
        "text/plain",
        "application/jsonx",
        "a/b, application/json",
    ] {
        let body = r#"{"name":"a","sex":1}"#;
        let create = request("POST /users", media_type, body);
        expect_problem(&url, create, 415, None).await?;
    }
    let bare = "POST /users HTTP/1.1\r\nhost: a\r\ncontent-length: 12\r\n\r\nname=a&sex=0";
    expect_problem(&url, bare, 415, None).await?;
    warm.expect_unharmed().await
}

/// As goms reads them: what it takes, we take, so that its clients work unchanged.
pub(crate) async fn a_number_is_read_in_one_way(stage: &Stage) -> anyhow::Result<()> {
    let warm = Warm::serve(stage, &[]).await?;
    let url = warm.service.http()?;
    for sex in ["1", "+1", "01", "%2B1", "%31"] {
        // In a query or a form a bare plus sign is a space, in a path it is itself.
        let answer = expect_status(&url, request(&format!("GET /users/{sex}"), FORM, ""), 200);
        let user: Value = serde_json::from_str(&answer.await?.body)?;
        ensure!(user["uid"] == 1, "/users/{sex}: {user}");
        let form = format!("name=a&sex={}", sex.replace('+', "%2B"));
        let answer = expect_status(&url, request("POST /users", FORM, form), 201);
        let user: Value = serde_json::from_str(&answer.await?.body)?;
        ensure!(user["sex"] == 1, "sex={sex}: {user}");
    }
    for sex in ["1", "1.0", "1e0", r#""1""#, r#""+1""#, r#""01""#] {
        let body = format!(r#"{{"name":"a","sex":{sex}}}"#);
        let answer = expect_status(&url, request("POST /users", JSON, body), 201);
        let user: Value = serde_json::from_str(&answer.await?.body)?;
        ensure!(user["sex"] == 1, "sex: {sex}: {user}");
    }
    // The largest one is not rounded on its way.
    let line = "GET /users/9007199254740991";
    let answer = expect_problem(&url, request(line, FORM, ""), 404, None).await?;
    ensure!(answer.body.contains("9007199254740991"), "{answer:?}");
    warm.expect_unharmed().await
}

pub(crate) async fn what_nobody_asked_for_is_ignored(stage: &Stage) -> anyhow::Result<()> {
    let warm = Warm::serve(stage, &[]).await?;
    let url = warm.service.http()?;
    let deep = format!(
        r#"{{"x":{}{},"name":"a","sex":1}}"#,
        "[".repeat(4000),
        "]".repeat(4000)
    );
    for (media_type, body) in [
        (
            JSON,
            r#"{"name":"a","sex":1,"age":7,"x":{"name":"b","sex":2}}"#,
        ),
        (JSON, r#"{"x":1,"name":"a","x":2,"sex":1,"":null}"#),
        (JSON, &deep),
        (FORM, "x=1&name=a&x=2&sex=1&=&&x&"),
        (FORM, "name=a&sex=1&uid=7&message=b"),
        (
            "APPLICATION/JSON ; charset=utf-8",
            r#" {"sex":1,"name":"a"} "#,
        ),
    ] {
        let answer = expect_status(&url, request("POST /users", media_type, body), 201).await?;
        let user: Value = serde_json::from_str(&answer.body)?;
        ensure!(user["name"] == "a" && user["sex"] == 1, "{body}: {user}");
        ensure!(user["uid"] != 7, "{body}: {user}");
    }
    // The one in the path is meant, whatever else is there.
    let line = "PUT /users/1";
    expect_status(&url, request(line, FORM, "uid=2&name=b&sex=2"), 204).await?;
    let answer = expect_status(&url, request("GET /users/1?uid=2", FORM, ""), 200).await?;
    ensure!(answer.body.contains(r#""uid":1,"name":"b""#), "{answer:?}");
    // Only the fields of a request count, not those of the other place for them.
    let line = "POST /users?name=b&name=c&sex=2";
    let answer = expect_status(&url, request(line, FORM, "name=a&sex=1"), 201).await?;
    ensure!(answer.body.contains(r#""name":"a""#), "{answer:?}");
    warm.expect_unharmed().await
}
