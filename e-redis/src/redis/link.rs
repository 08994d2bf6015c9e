//! The connection to Redis: one, shared, and left alone for a moment when it has failed.
//!
//! While it is down a call costs nothing, because it is not tried: a task of its own tries,
//! once a second. What Redis must not miss waits, and is run before anybody reads again.

use redis::AsyncConnectionConfig;
use redis::Client;
use redis::Cmd;
use redis::ErrorKind;
use redis::FromRedisValue;
use redis::RedisError;
use redis::RedisResult;
use redis::ServerErrorKind;
use redis::aio::MultiplexedConnection;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;
use tracing::debug;
use tracing::info;
use tracing::warn;
use url::Url;

/// How long a command may take: a read from MySQL would be done by then.
const RESPONSE: Duration = Duration::from_millis(100);

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_millis(500);

/// How long Redis is left alone after a failure.
const PAUSE: Duration = Duration::from_secs(1);

/// How many commands may wait.
const MAX_WAITING: usize = 10_000;

const RESPONSE_ERROR: ErrorKind = ErrorKind::Server(ServerErrorKind::ResponseError);

/// A connection to Redis, up or down.
pub(super) struct Link {
    state: Arc<watch::Sender<State>>,
    _keeper: AbortOnDropHandle<()>,
}

struct State {
    live: Option<Live>,
    /// What is to be run before there is a live connection again.
    waiting: Vec<Cmd>,
}

/// A connection that worked when it was last used.
#[derive(Clone)]
struct Live {
    connection: MultiplexedConnection,
    /// Which connection this is: late failures of the last one do not end this one.
    generation: u64,
}

impl Link {
    /// Connects if that is possible now, and else keeps trying.
    ///
    /// # Errors
    ///
    /// The URL is none of Redis.
    pub(super) async fn new(url: &Url) -> RedisResult<Self> {
        let client = Client::open(url.as_str())?;
        let first = connect(&client, 0).await;
        if let Err(error) = &first {
            warn!(%error, "cache: not there, reads go to the store");
        }
        let state = Arc::new(watch::Sender::new(State {
            live: first.ok(),
            waiting: Vec::new(),
        }));
        let _keeper = AbortOnDropHandle::new(tokio::spawn(keep(client, state.clone())));
        Ok(Self { state, _keeper })
    }

    /// Runs a command; `None` if Redis did not do it, for whatever reason.
    pub(super) async fn call<T: FromRedisValue>(&self, command: &Cmd) -> Option<T> {
        let Live {
            mut connection,
            generation,
        } = self.state.borrow().live.clone()?;
        match command.query_async(&mut connection).await {
            Ok(value) => Some(value),
            Err(error) if refused(&error) => {
                debug!(%error, "cache: refused");
                None
            }
            Err(error) => {
                let failed = self.state.send_if_modified(|state| {
                    let live = &mut state.live;
                    live.take_if(|live| live.generation == generation).is_some()
                });
                if failed {
                    warn!(%error, "cache: lost, reads go to the store");
                }
                None
            }
        }
    }

    /// Runs a command now or, if Redis is down, before it is used again.
    pub(super) async fn insist(&self, command: Cmd) {
        if self.call::<()>(&command).await.is_none() {
            self.state.send_if_modified(|state| {
                if state.live.is_none() && state.waiting.len() < MAX_WAITING {
                    state.waiting.push(command);
                }
                false
            });
        }
    }
}

/// Whether Redis answered, so that the connection is well: a full memory, a key of another
/// kind.
fn refused(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::Extension | RESPONSE_ERROR)
}

/// Makes a new connection whenever the last one has failed.
async fn keep(client: Client, state: Arc<watch::Sender<State>>) {
    let mut watcher = state.subscribe();
    for generation in 1.. {
        let down = |state: &State| state.live.is_none();
        if watcher.wait_for(down).await.is_err() {
            return;
        }
        sleep(PAUSE).await;
        if let Ok(live) = connect(&client, generation).await
            && catch_up(live, &state).await.is_ok()
        {
            info!("cache: back");
        }
    }
}

/// Runs what waits and, when nothing does any more, puts the connection to use.
async fn catch_up(mut live: Live, state: &watch::Sender<State>) -> RedisResult<()> {
    loop {
        let waiting = state.borrow().waiting.clone();
        for command in &waiting {
            match command.exec_async(&mut live.connection).await {
                Err(error) if !refused(&error) => return Err(error),
                _ => {}
            }
        }
        let up = state.send_if_modified(|state| {
            state.waiting.drain(..waiting.len());
            let up = state.waiting.is_empty();
            state.live = up.then(|| live.clone());
            up
        });
        if up {
            return Ok(());
        }
    }
}

async fn connect(client: &Client, generation: u64) -> RedisResult<Live> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT))
        .set_response_timeout(Some(RESPONSE));
    let mut connection = client
        .get_multiplexed_async_connection_with_config(&config)
        .await?;
    Cmd::new().arg("PING").exec_async(&mut connection).await?; // only now a password is missed
    Ok(Live {
        connection,
        generation,
    })
}
