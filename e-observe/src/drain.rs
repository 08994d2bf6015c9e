//! The stop: every answer arrives.
//!
//! Clients and balancers have to hear of the stop before the listener closes. So the service
//! goes on accepting for a moment, and ends each connection of HTTP/1 with its next answer, by
//! `Connection: close`. HTTP/2 needs no such care: its GOAWAY tells a client which calls are
//! still answered. After that the service waits for what is in flight, but not for clients
//! that keep silent. `drain/linger.rs` ends a connection whose client still sends.

pub mod linger;

use crate::flag;
use axum::extract::Request;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::Version;
use axum::http::header::CONNECTION;
use axum::middleware::Next;
use axum::response::Response;
use std::time::Duration;
use tokio::time::sleep;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tracing::warn;

/// How long the backlog may take to be noticed.
const BACKLOG: Duration = Duration::from_millis(10);

/// How long the stop waits for the requests of connections that were accepted last.
const LAST_REQUEST: Duration = Duration::from_millis(100);

/// How long the last answers get to leave, once all are made.
const FLUSH: Duration = Duration::from_millis(100);

/// How the service stops; shared by all its servers.
#[derive(Clone, Debug)]
pub struct Drain {
    stop: CancellationToken,
    delay: Duration,
    timeout: Duration,
    in_flight: TaskTracker,
}

impl Drain {
    /// Stops as these settings say, when `stop` is cancelled.
    pub fn new(settings: &flag::Drain, stop: CancellationToken) -> Self {
        Self {
            stop,
            delay: Duration::from_millis(settings.delay),
            timeout: Duration::from_secs(settings.timeout),
            in_flight: TaskTracker::new(),
        }
    }

    /// Cancelled when the stop begins.
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Something for which the stop has to wait, until the token is dropped.
    pub fn in_flight(&self) -> TaskTrackerToken {
        self.in_flight.token()
    }

    /// Waits until the stop has begun and its delay is over: then no connection is accepted.
    pub async fn last_call(&self) {
        self.stop.cancelled().await;
        sleep(self.delay).await;
        // A process that had no processor meanwhile may notice the time before the backlog.
        sleep(BACKLOG).await;
    }

    /// Waits for these connections to end after the last one has been accepted: as long as
    /// something is in flight, and no longer than the operator allows. `goodbye` is cancelled
    /// when they are to take no further requests.
    pub async fn end(&self, connections: &TaskTracker, goodbye: &CancellationToken) {
        let _ = timeout(LAST_REQUEST, connections.wait()).await;
        goodbye.cancel();
        self.in_flight.close();
        let answered = async {
            // Until nothing has come for as long as the last answers take.
            loop {
                self.in_flight.wait().await;
                sleep(FLUSH).await;
                if self.in_flight.is_empty() {
                    break;
                }
            }
        };
        let ended = timeout(self.timeout, async {
            tokio::select! {
                () = connections.wait() => {}
                () = answered => {}
            }
        });
        if ended.await.is_err() {
            let allowed = self.timeout;
            warn!("still busy after {allowed:?}: what was in flight is dropped");
        }
    }
}

/// Answers a request, and tells a client of HTTP/1 to leave if the stop has begun.
pub async fn track(State(drain): State<Drain>, request: Request, next: Next) -> Response {
    let _in_flight = drain.in_flight();
    let version = request.version();
    let mut response = next.run(request).await;
    if version < Version::HTTP_2 && drain.stop.is_cancelled() {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
    }
    response
}
