//! HTTP over a store that does what the test wants: a mock that answers or fails, and a fake
//! that hangs.

use crate::drain::Drain;
use crate::flag::Settings;
use crate::limit::Limits;
use crate::store::Error;
use crate::store::Memory;
use crate::store::MockStore;
use crate::store::Protocol;
use crate::store::Store;
use crate::store::tests::FAILED;
use crate::store::tests::UNAVAILABLE;
use crate::store::tests::failing;
use crate::user::User;
use anyhow::ensure;
use clap::Parser;
use mockall::predicate::eq;
use reqwest::Client;
use reqwest::Method;
use reqwest::Response;
use serde_json::Value;
use serde_json::json;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncBufReadExt;
use tokio::io::AsyncWriteExt;
use tokio::io::BufReader;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::sync::DropGuard;

/// Far more than an answer takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A request of each kind that asks the store.
const REQUESTS: [(Method, &str, &str); 5] = [
    (Method::POST, "/users", "name=gopher&sex=0"),
    (Method::GET, "/users/1", ""),
    (Method::PUT, "/users/1", "name=gopher&sex=0"),
    (Method::DELETE, "/users/1", ""),
    (Method::GET, "/ping", ""),
];

#[tokio::test]
async fn each_failure_of_the_store_has_its_status() -> anyhow::Result<()> {
    for (error, status, retry) in [(UNAVAILABLE, 503, Some("1")), (FAILED, 500, None)] {
        let server = Server::over(Arc::new(failing(error))).await?;
        for (method, path, body) in REQUESTS {
            let answer = server.ask(method.clone(), path, body).await?;
            let case = format!("{method} {path}, {status}");
            assert_eq!(answer.status(), status, "{case}");
            let after = answer.headers().get("retry-after").map(|it| it.as_bytes());
            assert_eq!(after, retry.map(str::as_bytes), "{case}");
            let text = answer.text().await?;
            assert!(
                !text.contains("unspeakable"),
                "{case} shows the cause: {text}"
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_user_who_does_not_exist_is_not_found() -> anyhow::Result<()> {
    let server = Server::over(Arc::new(Memory::default())).await?;
    for (method, path, body) in REQUESTS.into_iter().filter(|it| it.1 == "/users/1") {
        let answer = server.ask(method.clone(), path, body).await?;
        assert_eq!(answer.status(), 404, "{method}");
        let problem: Value = answer.json().await?;
        assert_eq!(problem["detail"], "there is no user 1", "{method}");
    }
    Ok(())
}

#[tokio::test]
async fn a_uid_in_the_path_beats_one_in_the_body() -> anyhow::Result<()> {
    let mut store = MockStore::new();
    let expected: User = serde_json::from_value(json!({"uid": 7, "name": "gopher", "sex": 1}))?;
    store
        .expect_update()
        .with(eq(expected))
        .times(1)
        .returning(|_| Ok(()));
    let server = Server::over(Arc::new(store)).await?;
    let answer = server.ask(Method::PUT, "/users/7", "uid=8&name=gopher&sex=1");
    assert_eq!(answer.await?.status(), 204);
    Ok(())
}

#[tokio::test]
async fn a_ping_is_counted_as_one_over_http() -> anyhow::Result<()> {
    let mut store = MockStore::new();
    store
        .expect_ping()
        .with(eq(Protocol::Http))
        .times(1)
        .returning(|_| Ok(41));
    let server = Server::over(Arc::new(store)).await?;
    let pong: Value = server
        .ask(Method::GET, "/ping?message=m", "")
        .await?
        .json()
        .await?;
    assert_eq!(pong, json!({"message": "pong m", "count": 41}));
    Ok(())
}

/// A mock without expectations panics when it is called: a bad request must not get there.
#[tokio::test]
async fn a_bad_field_never_reaches_the_store() -> anyhow::Result<()> {
    let server = Server::over(Arc::new(MockStore::new())).await?;
    for (method, path, body, field) in [
        (Method::POST, "/users", "name=&sex=0", "name"),
        (Method::POST, "/users", "name=gopher&sex=3", "sex"),
        (Method::PUT, "/users/0", "name=&sex=3", "uid"),
        (Method::GET, "/users", "", "uid"),
        (Method::DELETE, "/users/x", "", "uid"),
    ] {
        let answer = server.ask(method.clone(), path, body).await?;
        assert_eq!(answer.status(), 400, "{method} {path}");
        let problem: Value = answer.json().await?;
        assert_eq!(problem["field"], field, "{method} {path}");
    }
    Ok(())
}

#[tokio::test]
async fn a_panic_costs_one_request() -> anyhow::Result<()> {
    let mut store = MockStore::new();
    store.expect_read().returning(|_| panic!("unspeakable"));
    store
        .expect_delete()
        .returning(|uid| Err(Error::NotFound(uid)));
    let server = Server::over(Arc::new(store)).await?;
    let answer = server.ask(Method::GET, "/users/1", "").await?;
    assert_eq!(answer.status(), 500);
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    assert!(!answer.text().await?.contains("unspeakable"));
    let next = server.ask(Method::DELETE, "/users/1", "").await?;
    assert_eq!(next.status(), 404);
    Ok(())
}

#[tokio::test]
async fn a_store_that_hangs_holds_up_nobody_who_does_not_need_it() -> anyhow::Result<()> {
    let store = Arc::new(Memory::default());
    let server = Server::over(store.clone()).await?;
    let hanging = store.hang().await;
    let waiting = server.ask(Method::GET, "/users/1", "");
    let (answer, ()) = tokio::join!(waiting, async {
        let bad = server.ask(Method::GET, "/users/0", "").await;
        assert_eq!(bad.map(|it| it.status().as_u16()).ok(), Some(400));
        drop(hanging);
    });
    assert_eq!(answer?.status(), 404);
    Ok(())
}

/// Where two readers of one head disagree, somebody can smuggle a request past a proxy.
#[tokio::test]
async fn a_head_that_can_be_read_in_two_ways_is_refused() -> anyhow::Result<()> {
    let server = Server::over(Arc::new(Memory::default())).await?;
    for (head, status) in [
        ("GET /users/1 HTTP/1.1\r\nHost: a\r\n", "404"),
        ("GET /users/1 HTTP/1.1\r\nHost: a:8080\r\n", "404"),
        ("GET /users/1 HTTP/1.1\r\nHost: [::1]:8080\r\n", "404"),
        ("GET /users/1 HTTP/1.0\r\n", "404"),
        ("GET /users/1 HTTP/1.1\r\n", "400"),
        ("GET /users/1 HTTP/1.1\r\nHost: a\r\nHost: a\r\n", "400"),
        ("GET /users/1 HTTP/1.1\r\nHost:\r\n", "400"),
        ("GET /users/1 HTTP/1.1\r\nHost: user@a\r\n", "400"),
        ("GET /users/1 HTTP/1.1\r\nHost: a:+80\r\n", "400"),
        ("GET /users/1 HTTP/1.1\r\nHost: a:b\r\n", "400"),
        (
            "POST /users HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n",
            "501",
        ),
    ] {
        let answer = server.send(head).await?;
        let line = answer.lines().next().unwrap_or_default();
        assert_eq!(line.split(' ').nth(1), Some(status), "{head}: {line}");
        let closed = answer.contains("\r\nconnection: close\r\n");
        assert!(closed || status == "404", "{head}: {answer}");
    }
    Ok(())
}

/// The server, until it is dropped.
struct Server {
    url: String,
    client: Client,
    _stop: DropGuard,
}

impl Server {
    async fn over(store: Arc<dyn Store>) -> anyhow::Result<Self> {
        let addr = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let stop = CancellationToken::new();
        let settings = Settings::try_parse_from([""])?;
        let limits = Limits::new(&settings.limit, 0)?;
        let drain = Drain::new(&settings.drain, stop.clone());
        tokio::spawn(super::serve(addr, limits, store, drain).await?);
        let client = Client::builder().timeout(PATIENCE).build()?;
        let (url, _stop) = (format!("http://{addr}"), stop.drop_guard());
        Ok(Self { url, client, _stop })
    }

    /// Sends a head as it is, and returns the answer's.
    async fn send(&self, head: &str) -> anyhow::Result<String> {
        let addr = self.url.trim_start_matches("http://");
        let mut stream = BufReader::new(TcpStream::connect(addr).await?);
        stream.write_all(format!("{head}\r\n").as_bytes()).await?;
        let mut answer = String::new();
        while !answer.ends_with("\r\n\r\n") {
            let read = timeout(PATIENCE, stream.read_line(&mut answer));
            ensure!(read.await?? > 0, "the answer ends too soon: {answer}");
        }
        Ok(answer)
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        form: &'static str,
    ) -> reqwest::Result<Response> {
        let request = self.client.request(method, format!("{}{path}", self.url));
        let form_type = "application/x-www-form-urlencoded";
        request
            .header("content-type", form_type)
            .body(form)
            .send()
            .await
    }
}
