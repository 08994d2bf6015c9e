//! Connections, lent for a statement.
//!
//! sqlx has a pool too, but asks the server after every statement whether the connection is
//! still alive: one more round trip a request, without a time-out, so that a connection that
//! has gone silent is never given back (sqlx issue 4349). This pool, built on deadpool, asks
//! only after a pause.

use crate::observe::metrics::Held;
use crate::observe::metrics::METRICS;
use crate::observe::trace;
use crate::store::Cause;
use deadpool::Runtime;
use deadpool::managed;
use deadpool::managed::Manager;
use deadpool::managed::Object;
use deadpool::managed::QueueMode;
use std::future::poll_fn;
use std::ops::Deref;
use std::ops::DerefMut;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio::time::timeout;
use tokio::time::timeout_at;

/// How long a caller waits while all connections are in use.
const BUSY_TIMEOUT: Duration = Duration::from_secs(1);

/// How long the test of a connection that has rested may take.
const TEST_TIMEOUT: Duration = Duration::from_secs(1);

/// What a statement may have to wait for while it holds a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// A lock on a row that another statement changes.
    ForLocks,
    /// Nothing.
    ForNobody,
}

/// The connections to one server.
pub struct Pool<M: Manager + 'static> {
    connections: managed::Pool<M>,
    /// A permit for each connection.
    permits: Arc<Semaphore>,
    /// Half as many, for statements that may wait for locks: they leave the other half to
    /// those that need not.
    lock_permits: Arc<Semaphore>,
    /// How long a caller waits for a connection that is being made.
    acquire_timeout: Duration,
}

impl<M> Pool<M>
where
    M: Manager + 'static,
    M::Type: Sync,
    M::Error: std::error::Error + Send + Sync,
{
    /// A pool of at most `size` connections, none of them made yet.
    ///
    /// # Errors
    ///
    /// None is known: the pool has the runtime that its time-outs need.
    pub fn new(manager: M, size: u32, acquire_timeout: Duration) -> anyhow::Result<Self> {
        let size = size.try_into()?;
        let connections = managed::Pool::builder(manager)
            .max_size(size)
            .queue_mode(QueueMode::Lifo) // so that few rest long enough to need a test
            .runtime(Runtime::Tokio1)
            .recycle_timeout(Some(TEST_TIMEOUT))
            .create_timeout(Some(acquire_timeout))
            .build()?;
        let asked = connections.clone();
        METRICS.probe(move || {
            let (open, idle) = (asked.status().size, asked.status().available);
            METRICS.connections.get(["idle"]).set(idle as i64);
            METRICS
                .connections
                .get(["busy"])
                .set(open.saturating_sub(idle) as i64);
        });
        Ok(Self {
            connections,
            permits: Arc::new(Semaphore::new(size)),
            lock_permits: Arc::new(Semaphore::new(size.div_ceil(2))),
            acquire_timeout,
        })
    }

    /// Borrows a connection.
    ///
    /// # Errors
    ///
    /// All are in use, or none can be made.
    pub async fn acquire(&self, wait: Wait) -> Result<Lent<M>, Cause> {
        let deadline = Instant::now() + self.acquire_timeout;
        let _waiting = Held::new(METRICS.waiting.get([]));
        let mut permits = pin!(self.permits(wait));
        let (permit, lock_permit) = match timeout(BUSY_TIMEOUT, &mut permits).await {
            Ok(permits) => permits?,
            Err(_) if !self.is_connecting() => return Err("all connections are busy".into()),
            Err(_) => timeout_at(deadline, permits).await??,
        };
        let connections = self.connections.clone();
        let mut lent = Box::pin(async move {
            let object = connections.get().await;
            let object = object.inspect_err(|_| _ = METRICS.connect_errors.get([]).inc())?;
            Ok::<_, Cause>(Lent {
                object,
                _permit: permit,
                _lock_permit: lock_permit,
            })
        });
        // A connection that is free is there at once. One that has to be made is made on a task
        // of its own: a caller who gives up must not throw a half-done login away.
        match poll_fn(|cx| Poll::Ready(lent.as_mut().poll(cx))).await {
            Poll::Ready(lent) => lent,
            Poll::Pending => timeout_at(deadline, tokio::spawn(trace::carried(lent))).await??,
        }
    }

    /// Waits for the permits to have a connection.
    async fn permits(
        &self,
        wait: Wait,
    ) -> Result<(OwnedSemaphorePermit, Option<OwnedSemaphorePermit>), Cause> {
        let lock_permit = match wait {
            Wait::ForLocks => Some(self.lock_permits.clone().acquire_owned().await?),
            Wait::ForNobody => None,
        };
        Ok((self.permits.clone().acquire_owned().await?, lock_permit))
    }

    /// Whether somebody waits for a connection that is being made.
    fn is_connecting(&self) -> bool {
        self.connections.status().waiting > 0
    }

    /// Takes all connections that are not lent out, to be closed, and lends no more.
    pub fn close(&self) -> impl Iterator<Item = M::Type> + use<M> {
        self.permits.close();
        let idle = self.connections.retain(|_, _| false).removed;
        self.connections.close();
        idle.into_iter()
    }
}

/// A connection that is lent. It goes back when it is dropped.
pub struct Lent<M: Manager> {
    object: Object<M>,
    // After the connection, so that it is back before somebody else may have it.
    _permit: OwnedSemaphorePermit,
    _lock_permit: Option<OwnedSemaphorePermit>,
}

impl<M: Manager> Lent<M> {
    /// Closes the connection, because nobody can use it any more.
    pub fn discard(self) {
        drop(Object::take(self.object));
    }
}

impl<M: Manager> Deref for Lent<M> {
    type Target = M::Type;

    fn deref(&self) -> &M::Type {
        &self.object
    }
}

impl<M: Manager> DerefMut for Lent<M> {
    fn deref_mut(&mut self) -> &mut M::Type {
        &mut self.object
    }
}
