//! The HTTP way in: routes and handlers, thin, with no rules of their own.
//!
//! `http/fields.rs` reads what a client sends, and `http/problem.rs` says what was wrong.

pub mod fields;
pub mod problem;

use crate::drain;
use crate::drain::Drain;
use crate::limit::Limits;
use crate::limit::request::Refuse;
use crate::limit::request::limit;
use crate::limit::server;
use crate::observe::request;
use crate::store::Protocol;
use crate::store::Store;
use crate::user::User;
use crate::user::pong;
use anyhow::Context;
use axum::Json;
use axum::Router;
use axum::extract::Request;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::Version;
use axum::http::header::CONNECTION;
use axum::http::header::HOST;
use axum::http::header::LOCATION;
use axum::http::header::TRANSFER_ENCODING;
use axum::http::uri::Authority;
use axum::middleware::Next;
use axum::middleware::from_fn;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::response::Response;
use axum::routing::get;
use fields::Fields;
use problem::Problem;
use serde::Serialize;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::info;

/// Binds the address and returns the server, which runs until the stop.
///
/// # Errors
///
/// The address cannot be bound.
pub async fn serve(
    addr: SocketAddr,
    limits: Limits,
    store: Arc<dyn Store>,
    drain: Drain,
) -> anyhow::Result<impl Future<Output = ()> + use<>> {
    let listener = bind("http", addr).await?;
    let routes = routes(store).layer((
        from_fn(watch),
        from_fn_with_state(drain.clone(), drain::track),
        from_fn_with_state((limits.places(), Problem::answer as Refuse), limit),
        CatchPanicLayer::custom(Problem::panicked),
    ));
    Ok(server::http(listener, routes, limits, drain))
}

/// Binds the address of a way in, which fails most often because another process has it.
pub(crate) async fn bind(name: &str, addr: SocketAddr) -> anyhow::Result<TcpListener> {
    let cannot = || format!("cannot listen on {addr}, choose another with --{name}-addr");
    let listener = TcpListener::bind(addr).await.with_context(cannot)?;
    info!("{name} on {}", listener.local_addr()?);
    Ok(listener)
}

/// The routes.
fn routes(store: Arc<dyn Store>) -> Router {
    Router::new()
        .route("/ping", get(ping))
        .route("/users", get(read).post(create).put(update))
        .route("/users/{uid}", get(read).put(update).delete(delete))
        .fallback(async || Problem::new(StatusCode::NOT_FOUND, "there is no such path"))
        .method_not_allowed_fallback(async || {
            let detail = "this path has no such method, see Allow";
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
        })
        .with_state(store)
}

/// Answers a request under observation.
async fn watch(request: Request, next: Next) -> Response {
    let answer = async |request| match check(&request) {
        Ok(()) => next.run(request).await,
        // The body has not been read, so the connection cannot serve another request.
        Err(problem) => ([(CONNECTION, "close")], problem).into_response(),
    };
    request::watch(request, answer).await
}

/// Checks what HTTP demands of a server and hyper leaves to it. Where two readers of one head
/// disagree, somebody can smuggle a request past a proxy.
fn check(request: &Request) -> Result<(), Problem> {
    // `Authority` also takes a user, an empty host, and a port that is not a plain number.
    let valid = |host: Authority| {
        let (text, name) = (host.as_str(), host.host());
        let port = host.port_u16().is_some() && !text.contains(":+");
        let plain = port || text.trim_end_matches(':') == name;
        plain && !["", "[]"].contains(&name) && !text.contains('@')
    };
    let mut hosts = request.headers().get_all(HOST).iter();
    let fits = match hosts.next().map(|host| host.as_bytes()) {
        Some(host) => Authority::try_from(host).is_ok_and(valid) && hosts.next().is_none(),
        None => request.version() != Version::HTTP_11,
    };
    if !fits {
        return Err(Problem::malformed("a request needs exactly one valid Host"));
    }
    let mut codings = request.headers().get_all(TRANSFER_ENCODING).iter();
    let coding = codings.next().map_or(&b"chunked"[..], |it| it.as_bytes());
    if !coding.eq_ignore_ascii_case(b"chunked") || codings.next().is_some() {
        let detail = "the only transfer coding that is read here is chunked";
        return Err(Problem::new(StatusCode::NOT_IMPLEMENTED, detail));
    }
    Ok(())
}

/// What a handler is given besides the request's fields.
type Users = State<Arc<dyn Store>>;

/// The answer to a ping.
#[derive(Serialize)]
struct Pong {
    message: String,
    count: i64,
}

async fn ping(State(store): Users, fields: Fields) -> Result<impl IntoResponse, Problem> {
    let count = store.ping(Protocol::Http).await?;
    let message = pong(fields.message());
    Ok(Json(Pong { message, count }))
}

async fn create(State(store): Users, fields: Fields) -> Result<impl IntoResponse, Problem> {
    let user = store.create(fields.name()?, fields.sex()?).await?;
    let location = format!("/users/{}", user.uid);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(user)))
}

async fn read(State(store): Users, fields: Fields) -> Result<impl IntoResponse, Problem> {
    Ok(Json(store.read(fields.uid()?).await?))
}

async fn update(State(store): Users, fields: Fields) -> Result<impl IntoResponse, Problem> {
    let (uid, name, sex) = (fields.uid()?, fields.name()?, fields.sex()?);
    store.update(User { uid, name, sex }).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn delete(State(store): Users, fields: Fields) -> Result<impl IntoResponse, Problem> {
    store.delete(fields.uid()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests;
