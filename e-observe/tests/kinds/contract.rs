//! Contract: `api/openapi.yaml` tells others what to expect. Each answer that it documents is
//! provoked here, and each answer that comes has to be documented and fit its schema.

use crate::common::MYSQL;
use crate::common::PATIENCE;
use crate::common::client;
use crate::common::database::Database;
use crate::common::proxy::Network;
use crate::common::proxy::Proxy;
use crate::common::service::Service;
use anyhow::Context;
use anyhow::anyhow;
use anyhow::ensure;
use boon::CompileError;
use boon::Compiler;
use boon::Schemas;
use reqwest::RequestBuilder;
use reqwest::Response;
use reqwest::header::HeaderMap;
use reqwest::header::HeaderName;
use reqwest::header::HeaderValue;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use sqlx::Executor;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;
use std::time::Instant;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio::time::timeout;

const DOCUMENT: &str = include_str!("../../api/openapi.yaml");

const NONE: &str = "";
const TEXT: &str = "text/plain";
const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// Headers that are HTTP's own, which a document does not list, and those of every answer,
/// which it tells of in its description.
const HTTP: [&str; 6] = [
    "connection",
    "content-length",
    "content-type",
    "date",
    "x-request-id",
    "x-version",
];

/// A request: method, path, media type and body.
type Request = (&'static str, &'static str, &'static str, &'static str);

/// Each operation with each media type that it takes. In this order, they succeed.
const GOOD: [Request; 10] = [
    ("GET", "/ping?message=m", NONE, ""),
    ("POST", "/users", FORM, "name=gopher&sex=0"),
    ("POST", "/users", JSON, r#"{"name":"gopher","sex":"9"}"#),
    ("GET", "/users?uid=1", NONE, ""),
    ("GET", "/users/1", NONE, ""),
    ("PUT", "/users", FORM, "uid=1&name=ferris&sex=1"),
    ("PUT", "/users", JSON, r#"{"uid":1,"name":"go","sex":2}"#),
    ("PUT", "/users/1", FORM, "name=ferris&sex=1"),
    ("PUT", "/users/1", JSON, r#"{"name":"go","sex":0}"#),
    ("DELETE", "/users/2", NONE, ""),
];

/// What a client can do wrong.
const BAD: [Request; 24] = [
    ("GET", "/nowhere", NONE, ""),
    ("POST", "/ping", NONE, ""),
    ("PATCH", "/users", NONE, ""),
    ("PATCH", "/users/1", NONE, ""),
    ("GET", "/ping?message=a&message=b", NONE, ""),
    ("POST", "/users", FORM, "name=&sex=0"),
    ("POST", "/users", FORM, "name=gopher&sex=3"),
    ("POST", "/users", FORM, "name=%FF&sex=0"),
    ("POST", "/users", JSON, "[]"),
    ("POST", "/users", TEXT, "gopher"),
    ("GET", "/users", NONE, ""),
    ("GET", "/users?uid=0", NONE, ""),
    ("GET", "/users?uid=3", NONE, ""),
    ("PUT", "/users", FORM, "uid=0&name=ferris&sex=1"),
    ("PUT", "/users", FORM, "uid=3&name=ferris&sex=1"),
    ("PUT", "/users", TEXT, "ferris"),
    ("GET", "/users/gopher", NONE, ""),
    ("GET", "/users/3", NONE, ""),
    ("PUT", "/users/0", FORM, "name=ferris&sex=1"),
    ("PUT", "/users/1", JSON, r#"{"name":"ferris"}"#),
    ("PUT", "/users/3", FORM, "name=ferris&sex=1"),
    ("PUT", "/users/1", NONE, ""),
    ("DELETE", "/users/0", NONE, ""),
    ("DELETE", "/users/3", NONE, ""),
];

#[tokio::test]
async fn each_answer_is_documented_and_each_documented_answer_comes() -> anyhow::Result<()> {
    let (database, mysql) = (Database::create().await?, Proxy::before(MYSQL).await?);
    let url = database.by_way_of(mysql.addr);
    let service = Service::start(&["--mysql-url", &url]).await?;
    let mut contract = Contract::read()?;
    for request in GOOD.into_iter().chain(BAD) {
        contract.ask(request, build(&service, request)?).await?;
    }
    for request in GOOD {
        let coded = build(&service, request)?.body("x");
        let coded = coded.header("transfer-encoding", "gzip, chunked");
        contract.ask(request, coded).await?;
    }
    exceed_the_limits(&mut contract, &service, &database, &mysql).await?;
    let mut connection = database.connect().await?;
    connection.execute("DROP TABLE users, pings").await?;
    for request in GOOD {
        contract.ask(request, build(&service, request)?).await?;
    }
    mysql.turn(Network::Down);
    for request in GOOD {
        contract.ask(request, build(&service, request)?).await?;
    }
    let missing = contract.missing;
    assert!(missing.is_empty(), "documented, but not seen: {missing:#?}");
    service.stop().await
}

/// Provokes what bounds a request: its body's size, and the time of its body and of its answer.
async fn exceed_the_limits(
    contract: &mut Contract,
    service: &Service,
    database: &Database,
    mysql: &Proxy,
) -> anyhow::Result<()> {
    let mut late = JoinSet::new();
    let mut lock = database.connect().await?;
    lock.execute("LOCK TABLES users WRITE, pings WRITE").await?;
    for request in GOOD {
        let built = build(service, request)?;
        late.spawn(async move { anyhow::Ok((request, built.send().await?)) });
    }
    // Only a statement that has a connection already is late when the network hangs.
    let waiting = "SELECT COUNT(*) FROM information_schema.processlist \
        WHERE db = ? AND state = 'Waiting for table metadata lock'";
    let (mut watch, start) = (database.connect().await?, Instant::now());
    loop {
        let query = sqlx::query_scalar(waiting).bind(&database.name);
        let count: i64 = query.fetch_one(&mut watch).await?;
        if usize::try_from(count)? == GOOD.len() {
            break;
        }
        ensure!(start.elapsed() < PATIENCE, "{count} statements wait");
        sleep(Duration::from_millis(20)).await;
    }
    mysql.turn(Network::Hung);
    for request in GOOD.into_iter().filter(|it| it.2 != NONE) {
        let large = send_head(service.http.clone(), request, 20_000).await?;
        contract.see(request, large).await?;
        let address = service.http.clone();
        late.spawn(async move { anyhow::Ok((request, send_head(address, request, 9).await?)) });
    }
    while let Some(answered) = late.join_next().await {
        let (request, answer) = answered??;
        contract.see(request, answer).await?;
    }
    lock.execute("UNLOCK TABLES").await?;
    mysql.turn(Network::Up);
    Ok(())
}

/// Sends a request, and nothing of its body, and reads to the end of the connection.
async fn send_head(address: String, request: Request, length: usize) -> anyhow::Result<Response> {
    let (method, path, media_type, _) = request;
    let mut stream = TcpStream::connect(address).await?;
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: test\r\n\
        content-type: {media_type}\r\ncontent-length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer);
    timeout(PATIENCE, read).await.context("no end")??;
    let (head, body) = answer.split_once("\r\n\r\n").context("no head")?;
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let mut response = axum::http::Response::builder().status(status.context("no status")?);
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        response = response.header(name, value);
    }
    Ok(response.body(body.to_owned())?.into())
}

fn build(service: &Service, request: Request) -> anyhow::Result<RequestBuilder> {
    let (method, path, media_type, body) = request;
    let request = client()?.request(method.parse()?, service.url(path));
    Ok(match media_type {
        NONE => request,
        _ => request.header("content-type", media_type).body(body),
    })
}

/// What the document says of an answer.
struct Answer {
    headers: Map<String, Value>,
    /// None for an answer without a body.
    schema: Option<Value>,
}

/// The document.
struct Contract {
    document: Value,
    /// Each answer, under its operation, status and media type.
    answers: BTreeMap<String, Answer>,
    /// What nobody has seen yet.
    missing: BTreeSet<String>,
}

impl Contract {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// It is not YAML, or lacks what OpenAPI demands.
    fn read() -> anyhow::Result<Self> {
        let document = serde_yaml::from_str(DOCUMENT)?;
        let mut contract = Self {
            document,
            answers: BTreeMap::new(),
            missing: BTreeSet::new(),
        };
        for (path, methods) in object(&contract.document["paths"]) {
            for (method, operation) in object(&methods) {
                let name = format!("{} {path}", method.to_uppercase());
                // `parameters` stand here, too, and have no answers.
                for (status, response) in object(&operation["responses"]) {
                    contract.add(&format!("{name} {status}"), &response)?;
                }
                let body = contract.resolved(&operation["requestBody"])?;
                for (media_type, _) in object(&body["content"]) {
                    let taken = format!("{name} takes {media_type}");
                    contract.missing.insert(taken);
                }
            }
            let response = json!({ "$ref": "#/components/responses/NoSuchMethod" });
            contract.add(&format!("other {path} 405"), &response)?;
        }
        let response = json!({ "$ref": "#/components/responses/NoSuchPath" });
        contract.add("other 404", &response)?;
        contract.missing.extend(contract.answers.keys().cloned());
        Ok(contract)
    }

    fn add(&mut self, name: &str, response: &Value) -> anyhow::Result<()> {
        let response = self.resolved(response)?;
        let headers = object(&response["headers"]);
        let mut add = |media_type: &str, schema| {
            let (name, headers) = (format!("{name} {media_type}"), headers.clone());
            self.answers.insert(name, Answer { headers, schema });
        };
        for (media_type, content) in object(&response["content"]) {
            add(&media_type, Some(content["schema"].clone()));
        }
        if response["content"].is_null() {
            add(NONE, None);
        }
        Ok(())
    }

    /// What stands here, or where `$ref` leads to.
    fn resolved(&self, value: &Value) -> anyhow::Result<Value> {
        let Some(place) = value["$ref"].as_str() else {
            return Ok(value.clone());
        };
        let found = self.document.pointer(place.trim_start_matches('#'));
        Ok(found.with_context(|| format!("no {place}"))?.clone())
    }

    /// The operation that a request asks for.
    fn operation(&self, method: &str, path: &str) -> String {
        let path = path.split('?').next().unwrap_or_default();
        let paths = object(&self.document["paths"]);
        let is_meant = |template: &&String| match template.split_once('{') {
            Some((start, _)) => path.starts_with(start),
            None => path == *template,
        };
        let Some(path) = paths.keys().find(is_meant) else {
            return "other".to_owned();
        };
        match paths[path].get(method.to_lowercase()) {
            Some(_) => format!("{method} {path}"),
            None => format!("other {path}"),
        }
    }

    /// Sends a request, and compares the answer with what is documented.
    ///
    /// # Errors
    ///
    /// There is no answer, or it is not documented, or not so.
    async fn ask(&mut self, request: Request, built: RequestBuilder) -> anyhow::Result<()> {
        let answer = built.send().await?;
        self.see(request, answer).await
    }

    /// Compares an answer with what is documented.
    ///
    /// # Errors
    ///
    /// It is not documented, or not so.
    async fn see(&mut self, request: Request, answer: Response) -> anyhow::Result<()> {
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = answer.text().await?;
        let (method, path, sent, _) = request;
        let operation = self.operation(method, path);
        let media_type = headers.get("content-type").map(HeaderValue::to_str);
        let name = format!("{operation} {status} {}", media_type.unwrap_or(Ok(NONE))?);
        let fits = self.check(&name, &headers, &body);
        fits.with_context(|| format!("{request:?} is answered {status} {headers:?} {body}"))?;
        self.missing.remove(&name);
        if status < 300 {
            self.missing.remove(&format!("{operation} takes {sent}"));
        }
        Ok(())
    }

    fn check(&self, name: &str, headers: &HeaderMap, body: &str) -> anyhow::Result<()> {
        let answer = self.answers.get(name).context("not documented")?;
        for (name, header) in &answer.headers {
            let Some(value) = headers.get(name) else {
                ensure!(header["required"] != true, "{name} is missing");
                continue;
            };
            let text = value.to_str()?;
            let number = text.parse::<i64>().map(Value::from);
            let value = number.unwrap_or_else(|_| Value::from(text));
            self.fits(&value, &header["schema"]).context(name.clone())?;
        }
        for name in headers.keys().map(HeaderName::as_str) {
            let listed = answer
                .headers
                .keys()
                .any(|it| it.eq_ignore_ascii_case(name));
            ensure!(listed || HTTP.contains(&name), "{name} is not documented");
        }
        let Some(schema) = &answer.schema else {
            ensure!(body.is_empty(), "a body is not documented");
            return Ok(());
        };
        self.fits(&serde_json::from_str(body)?, schema)
    }

    fn fits(&self, value: &Value, schema: &Value) -> anyhow::Result<()> {
        let mut schema = schema.as_object().context("a schema is missing")?.clone();
        // The references in it lead there.
        schema.insert("components".to_owned(), self.document["components"].clone());
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        let wrong = |error: CompileError| anyhow!("{error:#}");
        compiler
            .add_resource("schema", schema.into())
            .map_err(wrong)?;
        let index = compiler.compile("schema", &mut schemas).map_err(wrong)?;
        let valid = schemas.validate(value, index);
        valid.map_err(|error| anyhow!("{error}"))
    }
}

/// The members of an object; none if it is not there.
fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}
