//! Good input of each kind, to be made bad.

use super::calls::framed;
use super::warm::FORM;
use super::warm::JSON;
use super::wire::request;
use crate::proto::PingRequest;
use crate::proto::UserId;
use crate::proto::UserRecord;
use fastrand::Rng;
use prost::Message;

/// One request of each kind.
pub(super) fn good_requests() -> Vec<Vec<u8>> {
    let chunked = "POST /users HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\n\r\n10\r\n{\"name\":\"gopher\"\r\n9\r\n,\"sex\":0}\r\n0\r\n\r\n";
    vec![
        request("GET /ping", FORM, ""),
        request("GET /ping?message=a+b%20c", FORM, ""),
        request("POST /users", FORM, "name=gopher&sex=0"),
        request("POST /users", JSON, r#"{"name":"Zo\u00eb","sex":"9"}"#),
        request("GET /users/1", FORM, ""),
        request("GET /users?uid=2", FORM, ""),
        request("PUT /users/3", JSON, r#"{"name":"ferris","sex":1}"#),
        request("PUT /users", FORM, "uid=4&name=Zo%C3%AB&sex=2"),
        request("DELETE /users/5", FORM, ""),
        chunked.into(),
    ]
}

/// A request put together at random, each part of which may be good.
pub(super) fn composed(rng: &mut Rng) -> Vec<u8> {
    let mut pick = |parts: &[&'static str]| rng.choice(parts.iter().copied()).unwrap_or_default();
    const VALUES: &[&str] = &[
        "1",
        "0",
        "9",
        "gopher",
        "Zo%C3%AB",
        "%C3%A9",
        "",
        "-1",
        "01",
        "1e3",
        "%00",
        "%ff",
        "%zz",
        "\"1\"",
        "null",
        "[[[[]]]]",
        "{\"a\":1}",
        "9007199254740992",
        "99999999999999999999",
        "1.5",
        "\\u0000",
        "1234567890123456789",
    ];
    const KEYS: &[&str] = &["uid", "name", "sex", "uid", "name", "sex", "message", ""];
    let method = pick(&[
        "GET", "GET", "POST", "POST", "PUT", "DELETE", "HEAD", "PATCH", "get", "",
    ]);
    let path = match pick(&["one", "all", "other"]) {
        "one" => format!("/users/{}", pick(VALUES)),
        "all" => format!("/users?{}={}", pick(KEYS), pick(VALUES)),
        _ => {
            let path = pick(&["/ping", "/", "//", "*", "/users/", "/users/1/2", ""]);
            format!("{path}?{}={}&{}", pick(KEYS), pick(VALUES), pick(KEYS))
        }
    };
    let body = match pick(&["form", "json", "none"]) {
        "form" => format!(
            "{}={}&{}={}&{}={}",
            pick(KEYS),
            pick(VALUES),
            pick(KEYS),
            pick(VALUES),
            pick(KEYS),
            pick(VALUES)
        ),
        "json" => format!(
            "{{\"{}\":{},\"{}\":\"{}\",\"{}\":{}}}",
            pick(KEYS),
            pick(VALUES),
            pick(KEYS),
            pick(VALUES),
            pick(KEYS),
            pick(VALUES)
        ),
        _ => String::new(),
    };
    let media_type = pick(&[FORM, JSON, JSON, FORM, "text/plain", ""]);
    let extra = pick(&[
        "",
        "",
        "",
        "\r\nexpect: 100-continue",
        "\r\ntransfer-encoding: chunked",
        "\r\ncontent-length: 5",
        "\r\nconnection: close",
        "\r\nconnection: upgrade\r\nupgrade: h2c",
    ]);
    request(
        &format!("{method} {path}"),
        &format!("{media_type}{extra}"),
        body,
    )
}

/// One call of each kind.
pub(super) fn good_messages() -> Vec<(&'static str, Vec<u8>)> {
    let user = |uid| UserRecord {
        uid,
        name: "Zoë".to_owned(),
        sex: 1,
    };
    let ping = PingRequest {
        message: "hello".to_owned(),
    };
    vec![
        ("/service.goms.User/Ping", ping.encode_to_vec()),
        ("/service.goms.User/CreateUser", user(0).encode_to_vec()),
        (
            "/service.goms.User/ReadUser",
            UserId { uid: 1 }.encode_to_vec(),
        ),
        ("/service.goms.User/UpdateUser", user(2).encode_to_vec()),
        (
            "/service.goms.User/DeleteUser",
            UserId { uid: 3 }.encode_to_vec(),
        ),
        (
            "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
            b"\x3a\0".to_vec(),
        ),
    ]
}

/// The bytes of a whole connection of HTTP/2 with one ping.
pub(super) fn session() -> Vec<u8> {
    let frame = |kind: u8, flags: u8, stream: u8, payload: &[u8]| {
        let length = payload.len().to_be_bytes();
        let head = [&length[5..], &[kind, flags, 0, 0, 0, stream]].concat();
        [&head, payload].concat()
    };
    // HPACK, each field as a literal: POST and http have numbers of their own.
    let field = |name: &str, value: &str| {
        let texts = [name, value].map(|text| [&[text.len() as u8], text.as_bytes()].concat());
        [&[0], &texts.concat()[..]].concat()
    };
    let fields = [
        b"\x83\x86".to_vec(),
        field(":path", "/service.goms.User/Ping"),
        field(":authority", "a"),
        field("content-type", "application/grpc"),
        field("te", "trailers"),
        field("grpc-timeout", "1S"),
    ];
    [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        frame(4, 0, 0, b"\0\x03\0\0\0\x64"),
        frame(1, 4, 1, &fields.concat()),
        frame(0, 1, 1, &framed(b"\x0a\x05hello")),
        frame(6, 0, 0, b"01234567"),
    ]
    .concat()
}
