//! What a test needs: the service as its users run it, a database of its own, and a network
//! that fails on demand.
//!
//! Nothing here sleeps for a fixed time where it can wait for an event, and every wait ends
//! with [`PATIENCE`].

// Each program in `tests/` uses a part of this.
#![allow(dead_code)]

pub(crate) mod call;
pub(crate) mod database;
pub(crate) mod proxy;
pub(crate) mod service;
pub(crate) mod store;
pub(crate) mod wire;

use reqwest::Client;
use std::time::Duration;

/// Far more than anything takes that a test waits for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Where `cargo lesson services up` starts MySQL and Redis.
pub(crate) const MYSQL: &str = "127.0.0.1:13306";
pub(crate) const REDIS: &str = "127.0.0.1:16379";

/// The URL of Redis, at this address or behind a proxy.
pub(crate) fn redis(addr: impl std::fmt::Display) -> String {
    format!("redis://:goms@{addr}")
}

/// A client of HTTP that gives up in the end.
///
/// # Errors
///
/// None that is known.
pub(crate) fn client() -> reqwest::Result<Client> {
    Client::builder().timeout(PATIENCE).build()
}
