//! The connection to Redis: one, shared, and left alone for a moment when it has failed.
//!
//! While it is down a call costs nothing, because it is not tried: a task of its own tries,
//! once a second.

use redis::AsyncConnectionConfig;
use redis::Client;
use redis::Cmd;
use redis::ErrorKind;
use redis::FromRedisValue;
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

const RESPONSE_ERROR: ErrorKind = ErrorKind::Server(ServerErrorKind::ResponseError);

/// A connection to Redis, up or down.
pub(super) struct Link {
    live: Arc<watch::Sender<Option<Live>>>,
    _keeper: AbortOnDropHandle<()>,
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
        let live = Arc::new(watch::Sender::new(first.ok()));
        let _keeper = AbortOnDropHandle::new(tokio::spawn(keep(client, live.clone())));
        Ok(Self { live, _keeper })
    }

    /// Runs a command; `None` if Redis did not do it, for whatever reason.
    pub(super) async fn call<T: FromRedisValue>(&self, command: &Cmd) -> Option<T> {
        let Live {
            mut connection,
            generation,
        } = self.live.borrow().clone()?;
        match command.query_async(&mut connection).await {
            Ok(value) => Some(value),
            // It answered, so the connection is well: a full memory, a key of another kind.
            Err(error) if matches!(error.kind(), ErrorKind::Extension | RESPONSE_ERROR) => {
                debug!(%error, "cache: refused");
                None
            }
            Err(error) => {
                let failed = self.live.send_if_modified(|live| {
                    live.take_if(|live| live.generation == generation).is_some()
                });
                if failed {
                    warn!(%error, "cache: lost, reads go to the store");
                }
                None
            }
        }
    }
}

/// Makes a new connection whenever the last one has failed.
async fn keep(client: Client, live: Arc<watch::Sender<Option<Live>>>) {
    let mut watcher = live.subscribe();
    for generation in 1.. {
        if watcher.wait_for(Option::is_none).await.is_err() {
            return;
        }
        sleep(PAUSE).await;
        if let Ok(connected) = connect(&client, generation).await {
            info!("cache: back");
            live.send_replace(Some(connected));
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
