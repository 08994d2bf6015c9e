//! What the service tells of itself: what happened, how often, and to which request.
//!
//! Three signals answer one question from three sides. `observe/metrics.rs` has the figures,
//! which are served here. `observe/queue.rs` brings the log to standard output without ever
//! making a request wait. `observe/trace.rs` knows to which request a line belongs, here and
//! in the instance behind this one, and `observe/line.rs` writes it there. `observe/request.rs` watches over each request.

pub mod line;
pub(crate) mod metrics;
pub mod queue;
pub mod request;
mod table;
pub(crate) mod trace;

use crate::drain::Drain;
use crate::flag;
use crate::http::bind;
use crate::limit::Limits;
use crate::limit::server;
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use metrics::METRICS;
use prometheus_client::encoding::prometheus_text;
use std::net::SocketAddr;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How many connections may ask for the figures at a time, and how long one may be silent.
pub const CONNECTIONS: u32 = 256;
const IDLE: Duration = Duration::from_secs(1);

/// Binds the address and returns the server of the figures. It shares no limit with the ways
/// in, and runs until the process ends, because the stop is worth watching, too.
///
/// # Errors
///
/// The address cannot be bound.
pub async fn serve(addr: SocketAddr) -> anyhow::Result<impl Future<Output = ()> + use<>> {
    let listener = bind("observe", addr).await?;
    let media_type = [(CONTENT_TYPE, prometheus_text::CONTENT_TYPE)];
    let scrape = get(async move || (media_type, METRICS.text()));
    let routes = Router::new().route("/metrics", scrape);
    let (requests, connections) = (usize::MAX, CONNECTIONS as usize);
    let (delay, timeout, idle) = (0, 0, IDLE);
    let limits = Limits {
        requests,
        connections,
        idle,
    };
    let drain = Drain::new(&flag::Drain { delay, timeout }, CancellationToken::new());
    Ok(server::http(listener, routes, limits, drain))
}
