use super::Fields;
use super::from_body;
use super::from_form;
use crate::http::problem::Problem;
use crate::user::User;
use crate::user::tests::user;
use anyhow::Context;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_ENCODING;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use proptest::prelude::*;
use serde_json::json;
use url::form_urlencoded;

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

#[test]
fn a_number_may_be_written_in_several_ways() -> anyhow::Result<()> {
    for (json, uid) in [
        ("7", Some(7)),
        ("7.0", Some(7)),
        ("7e0", Some(7)),
        ("\"7\"", Some(7)),
        ("9007199254740991.0", Some(9_007_199_254_740_991)),
        ("7.5", None),
        ("\"7.0\"", None),
        ("\" 7\"", None),
        ("9007199254740992", None),
        ("1e300", None),
        ("true", None),
        ("null", None),
        ("[7]", None),
    ] {
        let fields = read(JSON, format!("{{\"uid\":{json}}}").as_bytes())?;
        assert_eq!(fields.uid().ok().map(i64::from), uid, "{json}");
    }
    Ok(())
}

#[test]
fn a_body_that_cannot_be_read_is_refused() {
    for (media_type, body, status) in [
        (FORM, "name=a&name=b", 400),
        (FORM, "name=%ff", 400),
        (JSON, "{\"name\":\"a\",\"name\":\"b\"}", 400),
        (JSON, "[]", 400),
        (JSON, "{", 400),
        ("text/plain", "name=a", 415),
        ("", "name=a", 415),
    ] {
        let refused = read_raw(media_type, body.as_bytes());
        let told = refused
            .err()
            .map(|problem| problem.into_response().status().as_u16());
        assert_eq!(told, Some(status), "{media_type}: {body}");
    }
}

#[test]
fn a_media_type_may_have_parameters_and_any_case() -> anyhow::Result<()> {
    let fields = read("Application/JSON; charset=utf-8", b"{\"message\":\"m\"}")?;
    assert_eq!(fields.message(), "m");
    Ok(())
}

#[test]
fn a_body_is_taken_as_it_is_or_not_at_all() -> anyhow::Result<()> {
    for (coding, taken) in [("identity", true), ("Identity", true), ("gzip", false)] {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, FORM.parse()?);
        headers.insert(CONTENT_ENCODING, coding.parse()?);
        let told = from_body(&headers, b"name=a").err();
        let told = told.map(|problem| problem.into_response().status().as_u16());
        assert_eq!(told, (!taken).then_some(415), "{coding}");
    }
    Ok(())
}

#[test]
fn what_nobody_asked_for_is_ignored() -> anyhow::Result<()> {
    let json = br#"{"message":"m","color":{"red":1}}"#;
    for (media_type, body) in [(FORM, &b"message=m&color=red"[..]), (JSON, json)] {
        assert_eq!(read(media_type, body)?.message(), "m", "{media_type}");
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_user_survives_a_form(user in user()) {
        let mut form = form_urlencoded::Serializer::new(String::new());
        let User { uid, name, sex } = &user;
        form.append_pair("uid", &uid.to_string()).append_pair("name", name.as_str());
        let body = form.append_pair("sex", &sex.to_string()).finish();
        prop_assert_eq!(parse(FORM, &body), Some(user));
    }

    #[test]
    fn any_user_survives_a_json_body(user in user()) {
        let body = json!(user).to_string();
        prop_assert_eq!(parse(JSON, &body), Some(user));
    }

    #[test]
    fn no_bytes_make_a_decoder_panic(
        body in prop::collection::vec(any::<u8>(), 0..200),
        text in "[{}\\[\\]\":,&=%+a-f0-9.e-]{0,60}",
    ) {
        for media_type in [FORM, JSON] {
            for body in [&body[..], text.as_bytes()] {
                if let Ok(fields) = read_raw(media_type, body) {
                    let _ = (fields.uid(), fields.name(), fields.sex(), fields.message());
                }
            }
        }
        let _ = from_form(&text); // a query
    }
}

/// A user, if the body holds all of one.
fn parse(media_type: &str, body: &str) -> Option<User> {
    let fields = read_raw(media_type, body.as_bytes()).ok()?;
    let (uid, name, sex) = (fields.uid().ok()?, fields.name().ok()?, fields.sex().ok()?);
    Some(User { uid, name, sex })
}

fn read(media_type: &str, body: &[u8]) -> anyhow::Result<Fields> {
    read_raw(media_type, body).ok().context("it is refused")
}

fn read_raw(media_type: &str, body: &[u8]) -> Result<Fields, Problem> {
    let mut headers = HeaderMap::new();
    if let Ok(media_type) = media_type.parse() {
        headers.insert(CONTENT_TYPE, media_type);
    }
    from_body(&headers, body)
}
