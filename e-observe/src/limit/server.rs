//! Connections: accepted, bounded, and ended in order.
//!
//! `axum::serve` and tonic's server accept every connection and wait forever for a client
//! that says nothing. This loop does neither. It serves any routes over any version of HTTP.

use super::Limits;
use super::MAX_HEAD;
use crate::drain::Drain;
use crate::drain::linger::Linger;
use axum::Router;
use axum::serve::Listener;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::debug;

/// Serves HTTP/1 until the stop.
pub async fn http(listener: TcpListener, routes: Router, limits: Limits, drain: Drain) {
    let mut protocol = Builder::new(TokioExecutor::new()).http1_only();
    protocol
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.idle)
        .half_close(true) // a client may end its side and wait for the answer
        .max_buf_size(MAX_HEAD);
    // The head has its time-out here and a body has one in `request.rs`: the stream needs none.
    run(listener, routes, protocol, None, limits, drain).await;
}

/// Serves HTTP/2 until the stop.
pub async fn grpc(listener: TcpListener, routes: Router, limits: Limits, drain: Drain) {
    let mut protocol = Builder::new(TokioExecutor::new()).http2_only();
    protocol
        .http2()
        .timer(TokioTimer::new())
        // An idle client that is still there answers, and so is not taken for a silent one.
        .keep_alive_interval(limits.idle / 3)
        .max_header_list_size(MAX_HEAD as u32);
    let silence = Some(limits.idle);
    run(listener, routes, protocol, silence, limits, drain).await;
}

/// Accepts connections until the stop, then ends them: each finishes what it has in flight.
///
/// `silence` ends a connection on which nothing arrives for that long.
async fn run(
    mut listener: TcpListener,
    routes: Router,
    protocol: Builder<TokioExecutor>,
    silence: Option<Duration>,
    limits: Limits,
    drain: Drain,
) {
    let _stop_all_on_exit = drain.stop().clone().drop_guard();
    let service = TowerToHyperService::new(routes);
    let places = Arc::new(Semaphore::new(limits.connections));
    let connections = TaskTracker::new();
    let goodbye = CancellationToken::new();
    let mut last_call = pin!(drain.last_call());
    loop {
        let accept = async {
            // At the stop the backlog is accepted whether or not there is a place: whoever has one
            // keeps it until it is told to go.
            let place = tokio::select! {
                place = places.clone().acquire_owned() => place.ok(),
                () = drain.stop().cancelled() => None,
            };
            (place, Listener::accept(&mut listener).await)
        };
        let (place, (stream, peer)) = tokio::select! {
            biased; // so that at the stop the backlog is accepted first
            accepted = accept => accepted,
            () = &mut last_call => break,
        };
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%peer, %error, "connection lost");
            continue;
        }
        let mut stream = TimeoutStream::new(stream);
        stream.set_read_timeout(silence);
        stream.set_write_timeout(Some(limits.idle));
        let stream = Linger::new(Box::pin(stream), drain.clone());
        let connection = protocol.serve_connection(TokioIo::new(stream), service.clone());
        let connection = connection.into_owned();
        let goodbye = goodbye.clone();
        connections.spawn(async move {
            let _place = place;
            let mut connection = pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = goodbye.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                debug!(%peer, error, "connection lost");
            }
        });
    }
    drop(listener);
    connections.close();
    drain.end(&connections, &goodbye).await;
}
