//! The HTTP way in: routes and handlers, thin, with no rules of their own.
//!
//! `http/fields.rs` reads what a client sends, `http/problem.rs` says what was wrong,
//! `http/limits.rs` bounds a request, `http/server.rs` a connection.

pub mod fields;
pub mod limits;
pub mod problem;
pub mod server;

use crate::flag;
use crate::store::Protocol;
use crate::store::Store;
use crate::user::User;
use crate::user::pong;
use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::routing::get;
use fields::Fields;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioTimer;
use hyper_util::server::conn::auto::Builder;
use limits::Limits;
use limits::MAX_HEAD;
use problem::Problem;
use serde::Serialize;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;

/// Binds the address and returns the server, which runs until `stop`.
///
/// # Errors
///
/// The address cannot be bound.
pub async fn serve(
    flags: &flag::Http,
    store: Arc<dyn Store>,
    stop: CancellationToken,
) -> anyhow::Result<impl Future<Output = ()> + use<>> {
    let listener = server::bind("http", flags.addr).await?;
    let limits = Arc::new(Limits::new(stop));
    let router = router(store).layer((
        from_fn_with_state(limits.clone(), limits::limit),
        CatchPanicLayer::custom(Problem::panicked),
    ));
    let mut protocol = Builder::new(TokioExecutor::new()).http1_only();
    protocol
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(server::IDLE_TIMEOUT)
        .half_close(true) // a client may say that it has said all, and wait for the answer
        .max_buf_size(MAX_HEAD);
    Ok(server::run(listener, router, protocol, None, limits))
}

/// The routes, without limits.
pub fn router(store: Arc<dyn Store>) -> Router {
    Router::new()
        .route("/ping", get(ping))
        .route("/users", get(read).post(create).put(update))
        .route("/users/{uid}", get(read).put(update).delete(delete))
        .fallback(async || Problem::new(StatusCode::NOT_FOUND, "there is no such path"))
        .method_not_allowed_fallback(async || {
            Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "this path has no such method, see Allow",
            )
        })
        .with_state(store)
}

/// The answer to a ping.
#[derive(Serialize)]
struct Pong {
    message: String,
    count: i64,
}

async fn ping(
    State(store): State<Arc<dyn Store>>,
    fields: Fields,
) -> Result<impl IntoResponse, Problem> {
    let count = store.ping(Protocol::Http).await?;
    let message = pong(fields.message());
    Ok(Json(Pong { message, count }))
}

async fn create(
    State(store): State<Arc<dyn Store>>,
    fields: Fields,
) -> Result<impl IntoResponse, Problem> {
    let user = store.create(fields.name()?, fields.sex()?).await?;
    let location = format!("/users/{}", user.uid);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(user)))
}

async fn read(
    State(store): State<Arc<dyn Store>>,
    fields: Fields,
) -> Result<impl IntoResponse, Problem> {
    Ok(Json(store.read(fields.uid()?).await?))
}

async fn update(
    State(store): State<Arc<dyn Store>>,
    fields: Fields,
) -> Result<impl IntoResponse, Problem> {
    let (uid, name, sex) = (fields.uid()?, fields.name()?, fields.sex()?);
    store.update(User { uid, name, sex }).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn delete(
    State(store): State<Arc<dyn Store>>,
    fields: Fields,
) -> Result<impl IntoResponse, Problem> {
    store.delete(fields.uid()?).await?;
    Ok(StatusCode::NO_CONTENT)
}
