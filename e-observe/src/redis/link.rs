//! The connection to Redis: one, shared, and left alone for a moment after it has failed.
//!
//! While it is down a call costs nothing, because it is not tried. A task looks after the
//! connection: it reconnects, asks for a sign of life, and sets the tombstones that Redis has
//! missed. As long as one is missing, nobody reads.
//!
//! redis has a `ConnectionManager` for this, but with it every reader waits for the reconnect.

use crate::mysql::ACQUIRE_TIMEOUT;
use crate::mysql::STATEMENT_TIMEOUT;
use crate::observe::metrics::METRICS;
use redis::AsyncConnectionConfig;
use redis::Client;
use redis::Cmd;
use redis::ErrorKind;
use redis::FromRedisValue;
use redis::IntoConnectionInfo;
use redis::RedisError;
use redis::RedisResult;
use redis::ServerErrorKind;
use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use tokio::time::Instant;
use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;
use tracing::debug;
use tracing::error;
use tracing::info;
use tracing::warn;
use url::Url;

/// How long a command may take: a read from MySQL would be done by then.
const RESPONSE_TIMEOUT: Duration = Duration::from_millis(100);

/// How long it may take to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);

/// How often the task looks after a connection that is up. It is not rarer than a command's
/// time-out, because a timer that becomes the next one due costs a command two system calls.
const CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// How long a connection that has failed is left alone. Without a pause a Redis that stalls
/// now and then would make readers wait for it all the time.
const RECONNECT_DELAY: Duration = Duration::from_secs(1);

/// How long a tombstone stands: until the write is over, and after it any read that began
/// before it.
const TOMBSTONE_TTL: Duration = Duration::from_secs(20);

const _: () = {
    let write = ACQUIRE_TIMEOUT.as_secs() + STATEMENT_TIMEOUT.as_secs();
    let read = STATEMENT_TIMEOUT.as_secs();
    assert!(write + read < TOMBSTONE_TTL.as_secs());
};

/// How many missing tombstones are remembered.
const MAX_MISSING: usize = 10_000;

/// How many of them are set at once, so that the answers come in time.
const BATCH: usize = 1_000;

const RESPONSE_ERROR: ErrorKind = ErrorKind::Server(ServerErrorKind::ResponseError);

/// A connection to Redis, up or down.
pub(super) struct Link {
    shared: Shared,
    /// How long the cache keeps a user.
    ttl: Duration,
    _task: AbortOnDropHandle<()>,
}

/// What the callers share with the task.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    live: Option<Live>,
    /// The keys whose tombstones Redis has missed.
    missing: HashSet<String>,
    /// If they were too many: until when the cache may hold what they would have buried.
    stale_until: Option<Instant>,
}

/// A connection that worked when it was last used.
#[derive(Clone)]
struct Live {
    connection: MultiplexedConnection,
    /// Which connection this is, so that a late failure of the one before does not end it.
    generation: u64,
}

impl Link {
    /// Connects if that is possible now, and else keeps trying.
    ///
    /// # Errors
    ///
    /// The URL is not one of Redis.
    pub(super) async fn new(url: &Url, ttl: Duration) -> RedisResult<Self> {
        let nodelay = TcpSettings::default().set_nodelay(true);
        let info = url.as_str().into_connection_info()?;
        let client = Client::open(info.set_tcp_settings(nodelay))?;
        let shared = Shared::default();
        match connect(&client, 0).await {
            Ok(live) => shared.lock().live = Some(live),
            Err(error) => warn!(%error, "cache: not there, reads go to the store"),
        }
        let asked = shared.clone();
        METRICS.probe(move || {
            let state = asked.lock();
            let up = state.live.is_some() && state.missing.is_empty();
            METRICS.cache_up.get([]).set(up.into());
        });
        let task = tokio::spawn(keep_looking(client, shared.clone()));
        let _task = AbortOnDropHandle::new(task);
        Ok(Self { shared, ttl, _task })
    }

    /// Runs a command; `None` if Redis did not do it, for whatever reason.
    pub(super) async fn call<T: FromRedisValue>(&self, command: &Cmd) -> Option<T> {
        let mut live = {
            let state = self.shared.lock();
            let fresh = state.stale_until.is_none_or(|until| until < Instant::now());
            state
                .live
                .clone()
                .filter(|_| state.missing.is_empty() && fresh)?
        };
        let result = command.query_async(&mut live.connection).await;
        self.shared.done(&live, result)
    }

    /// Sets a tombstone. If Redis misses it, nobody reads before it is there.
    pub(super) async fn set_tombstone(&self, key: String) {
        let live = self.shared.lock().live.clone();
        if let Some(mut live) = live {
            let result = tombstone(&key).exec_async(&mut live.connection).await;
            if self.shared.done(&live, result).is_some() {
                return;
            }
        }
        let mut state = self.shared.lock();
        if state.live.is_some() && state.missing.is_empty() {
            warn!("cache: missed a write, reads go to the store");
        }
        match state.missing.len() < MAX_MISSING {
            true => drop(state.missing.insert(key)),
            false => state.stale_until = Some(Instant::now() + self.ttl),
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the result of a command, and gives the connection up if it has failed.
    fn done<T>(&self, used: &Live, result: RedisResult<T>) -> Option<T> {
        match result {
            Ok(value) => return Some(value),
            Err(error) if refused(&error) => debug!(%error, "cache: refused"),
            Err(error) => {
                let live = &mut self.lock().live;
                let failed = live.take_if(|live| live.generation == used.generation);
                if failed.is_some() {
                    warn!(%error, "cache: lost, reads go to the store");
                }
            }
        }
        None
    }
}

/// Whether Redis did answer, so that the connection is well: its memory is full, for one, or
/// a key is of another kind.
fn refused(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::Extension | RESPONSE_ERROR)
}

fn tombstone(key: &str) -> Cmd {
    Cmd::pset_ex(key, "", TOMBSTONE_TTL.as_millis() as u64)
}

/// Looks after the connection, and goes on if that panics: a cache that nobody looks after
/// would stay as it is forever.
async fn keep_looking(client: Client, shared: Shared) {
    loop {
        let task = tokio::spawn(look_after(client.clone(), shared.clone()));
        if let Err(error) = AbortOnDropHandle::new(task).await {
            error!(%error, "cache: its task has failed, and starts again");
        }
        sleep(RECONNECT_DELAY).await;
    }
}

/// Connects if there is no connection, and makes sure that an existing one can be used.
async fn look_after(client: Client, shared: Shared) {
    for generation in 1.. {
        sleep(CHECK_INTERVAL).await;
        let (live, missing): (_, Vec<String>) = {
            let state = shared.lock();
            let missing = state.missing.iter().take(BATCH).cloned();
            (state.live.clone(), missing.collect())
        };
        let usable = live.is_some() && missing.is_empty();
        let mut live = match live {
            Some(live) => live,
            None => {
                sleep(RECONNECT_DELAY).await;
                match connect(&client, generation).await {
                    Ok(live) => shared.lock().live.insert(live).clone(),
                    Err(_) => continue,
                }
            }
        };
        let mut commands = redis::pipe();
        commands.cmd("PING").ignore(); // it finds a hung Redis, even if no caller waits so long
        for key in &missing {
            commands.add_command(tombstone(key)).ignore();
        }
        let result = commands.exec_async(&mut live.connection).await;
        if shared.done(&live, result).is_some() {
            let mut state = shared.lock();
            for key in &missing {
                state.missing.remove(key);
            }
            if !usable && state.missing.is_empty() {
                info!("cache: back");
            }
        }
    }
}

async fn connect(client: &Client, generation: u64) -> RedisResult<Live> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_response_timeout(Some(RESPONSE_TIMEOUT));
    let mut connection = client
        .get_multiplexed_async_connection_with_config(&config)
        .await?;
    Cmd::new().arg("PING").exec_async(&mut connection).await?; // this tells a bad password
    Ok(Live {
        connection,
        generation,
    })
}

#[cfg(test)]
mod tests;
