//! What a client may cost: bytes, time, and a place among the others.
//!
//! `limit/request.rs` bounds a request over HTTP, `limit/call.rs` a call over gRPC, and
//! `limit/server.rs` the connections on which both arrive.

pub mod call;
pub mod request;
pub mod server;

use crate::flag;
use crate::mysql::STATEMENT_TIMEOUT;
use anyhow::Context;
use anyhow::ensure;
use nix::sys::resource::Resource;
use nix::sys::resource::getrlimit;
use nix::sys::resource::setrlimit;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// The largest body or message, in bytes.
pub const MAX_BODY: usize = 16 * 1024;

/// The largest head of a request, in bytes.
pub const MAX_HEAD: usize = 16 * 1024;

/// How long a body may take to arrive, and after that a handler to answer.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// How many files the process has open besides connections, at most.
const OTHER_FILES: u64 = 64;

// A statement outlasts the request that it serves, so that a client whose time is up is told
// so, and not that the database has failed.
const _: () = assert!(REQUEST_TIMEOUT.as_secs() < STATEMENT_TIMEOUT.as_secs());

/// The limits that the operator sets.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many requests a listener works on at a time.
    pub requests: usize,
    /// How many connections a listener has at a time.
    pub connections: usize,
    /// How long a connection may be silent.
    pub idle: Duration,
}

impl Limits {
    /// Reads the limits, and raises the number of files that the process may have open to
    /// what they need, since each connection is one. By default it is often 1,024, so that
    /// as many silent clients would shut all others out.
    ///
    /// `others` is the number of connections that the process makes itself.
    ///
    /// # Errors
    ///
    /// The system does not allow as many open files.
    pub fn new(settings: &flag::Limit, others: u32) -> anyhow::Result<Self> {
        let needed = 2 * u64::from(settings.connections) + u64::from(others) + OTHER_FILES;
        let (now, most) = getrlimit(Resource::RLIMIT_NOFILE).context("ulimit -n")?;
        ensure!(
            needed <= most,
            "--limit-connections {} needs {needed} open files, `ulimit -Hn` allows {most}",
            settings.connections
        );
        setrlimit(Resource::RLIMIT_NOFILE, now.max(needed), most).context("ulimit -n")?;
        Ok(Self {
            requests: settings.requests.try_into()?,
            connections: settings.connections.try_into()?,
            idle: Duration::from_secs(settings.idle),
        })
    }

    /// A permit for each request that a listener may work on.
    pub fn places(&self) -> Arc<Semaphore> {
        Arc::new(Semaphore::new(self.requests))
    }
}
