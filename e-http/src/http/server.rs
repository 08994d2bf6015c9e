//! Connections: accepted, watched, and ended in order.
//!
//! `axum::serve` would do for a demo. It waits for ever on a client that says nothing, and
//! its graceful stop closes kept-alive connections under requests already on their way.
//! Any router can be served by it, over any version of HTTP.

use super::limits::Limits;
use anyhow::Context;
use axum::Router;
use axum::serve::Listener;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::sleep;
use tokio_io_timeout::TimeoutStream;
use tracing::debug;
use tracing::info;

/// How long a client may keep a connection waiting, for a request or for reading an answer.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long connections are still accepted after the stop: for clients, and balancers, that
/// have not heard of it.
const SHUTDOWN_DELAY: Duration = Duration::from_millis(300);

/// How long the last answers may take to leave, once all are made.
const FLUSH: Duration = Duration::from_millis(100);

/// Binds the address.
///
/// # Errors
///
/// It cannot be bound, mostly because another process has.
pub async fn bind(name: &str, addr: SocketAddr) -> anyhow::Result<TcpListener> {
    let cannot = || format!("cannot listen on {addr}, choose another with --{name}-addr");
    let listener = TcpListener::bind(addr).await.with_context(cannot)?;
    info!("{name} on {}", listener.local_addr()?);
    Ok(listener)
}

/// Serves connections until the stop, then ends them: each finishes what it has in flight.
///
/// `idle_timeout` ends a connection that brings no byte for so long, where the protocol has
/// no time-out of its own.
pub async fn run(
    mut listener: TcpListener,
    router: Router,
    protocol: Builder<TokioExecutor>,
    idle_timeout: Option<Duration>,
    limits: Arc<Limits>,
) {
    let _stop_all_on_exit = limits.stop.clone().drop_guard();
    let service = TowerToHyperService::new(router);
    let connections = GracefulShutdown::new();
    let mut last_call = pin!(async {
        limits.stop.cancelled().await;
        sleep(SHUTDOWN_DELAY).await;
    });
    loop {
        let (stream, peer) = tokio::select! {
            accepted = Listener::accept(&mut listener) => accepted,
            () = &mut last_call => break,
        };
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%peer, %error, "connection lost");
            continue;
        }
        let mut stream = TimeoutStream::new(stream);
        stream.set_read_timeout(idle_timeout);
        stream.set_write_timeout(Some(IDLE_TIMEOUT));
        let stream = TokioIo::new(Box::pin(stream));
        let connection = protocol
            .serve_connection(stream, service.clone())
            .into_owned();
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                debug!(%peer, error, "connection lost");
            }
        });
    }
    drop(listener);
    tokio::select! {
        () = connections.shutdown() => {}
        // hyper waits for clients that have not said anything yet, we do not.
        () = limits.idle() => sleep(FLUSH).await,
    }
}
