//! Starts the service, runs it until it is told to stop, and turns every failure into one
//! line and an exit code.

use anyhow::Context;
use e_observe::conf;
use e_observe::drain::Drain;
use e_observe::flag;
use e_observe::flag::LogFormat;
use e_observe::flag::Settings;
use e_observe::flag::StoreKind;
use e_observe::grpc;
use e_observe::grpc::upstream;
use e_observe::grpc::upstream::Upstream;
use e_observe::http;
use e_observe::limit::Limits;
use e_observe::mysql::Mysql;
use e_observe::observe;
use e_observe::observe::line::Line;
use e_observe::observe::queue;
use e_observe::observe::queue::Queue;
use e_observe::observe::request;
use e_observe::redis;
use e_observe::store::Memory;
use e_observe::store::Store;
use e_observe::yaml::Yaml;
use std::io::IsTerminal;
use std::panic;
use std::process::exit;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::debug;
use tracing::info;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// How long the store may take to close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

fn main() {
    // A machine that refuses a thread makes tokio panic. Until the service is up, that is a
    // failed start like any other.
    panic::set_hook(Box::new(|panic| {
        let reason = panic.payload_as_str().unwrap_or("it panicked");
        eprintln!("error: cannot start: {reason}");
        exit(1);
    }));
    let done = Runtime::new().context("cannot start").and_then(|runtime| {
        let done = runtime.block_on(run());
        // Dropping the runtime would wait for every thread that is still blocked.
        runtime.shutdown_background();
        done
    });
    queue::flush();
    if let Err(error) = done {
        eprintln!("error: {error:#}");
        exit(1);
    }
    exit(0);
}

async fn run() -> anyhow::Result<()> {
    let settings = conf::load::<Settings>()?;
    queue::start()?;
    log(&settings.log);
    request::SLOW.get_or_init(|| Duration::from_millis(settings.observe.slow));
    debug!(?settings, "settings");
    let stop = stop_on_signal()?;
    let store: Arc<dyn Store> = match settings.store {
        StoreKind::Memory => Arc::new(Memory::default()),
        StoreKind::Yaml => Arc::new(Yaml::open(&settings.yaml.file)?),
        StoreKind::Grpc => Arc::new(Upstream::new(settings.grpc.upstream.clone())),
        StoreKind::Mysql => Arc::new(unless(&stop, Mysql::connect(&settings.mysql)).await?),
    };
    let store = match (settings.store, &settings.mysql.url, &settings.redis.url) {
        (StoreKind::Mysql, Some(mysql), Some(redis)) => {
            redis::over(store, redis, settings.redis.ttl, mysql.database()).await?
        }
        _ => store,
    };
    if let Some(command) = settings.command {
        let done = unless(&stop, command.run(&*store)).await;
        return done.and(close(&*store).await);
    }
    if settings.store == StoreKind::Grpc {
        upstream::refuse_own(&settings.grpc.upstream, settings.grpc.addr).await?;
    }
    let others = settings.mysql.connections + observe::CONNECTIONS;
    let limits = Limits::new(&settings.limit, others)?;
    let drain = Drain::new(&settings.drain, stop.clone());
    let mut servers = JoinSet::new();
    servers.spawn(http::serve(settings.http.addr, limits, store.clone(), drain.clone()).await?);
    servers.spawn(grpc::serve(settings.grpc.addr, limits, store.clone(), drain.clone()).await?);
    tokio::spawn(observe::serve(settings.observe.addr).await?);
    drop(panic::take_hook());
    info!("serving, process {}", std::process::id());
    stop.cancelled().await;
    info!("stopping");
    let mut ended = Ok(());
    while let Some(server) = servers.join_next().await {
        ended = ended.and(server); // it is an error if one has panicked
    }
    close(&*store).await?;
    Ok(ended?)
}

/// Logs to standard output, one event a line, in colour only for a person at a terminal.
fn log(settings: &flag::Log) {
    let layer = tracing_subscriber::fmt::layer().with_ansi(std::io::stdout().is_terminal());
    let layer = layer.with_writer(Queue);
    let is_json = settings.format == LogFormat::Json;
    let layer = match is_json {
        true => layer
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .map_event_format(|format| Line { format, is_json })
            .boxed(),
        false => layer
            .map_event_format(|format| Line { format, is_json })
            .boxed(),
    };
    let filter = settings.filter.clone();
    tracing_subscriber::registry()
        .with(layer)
        .with(filter)
        .init();
}

/// The first SIGTERM or SIGINT cancels the token; a second one exits at once.
///
/// The kernel has no default action for a signal to process 1 of a container. A signal that
/// is not handled here is ignored, and the container's end waits for SIGKILL.
fn stop_on_signal() -> anyhow::Result<CancellationToken> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut signalled = async move || {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    let stop = CancellationToken::new();
    let token = stop.clone();
    tokio::spawn(async move {
        signalled().await;
        token.cancel();
        signalled().await;
        exit(1);
    });
    Ok(stop)
}

/// Does the work, unless the stop comes first: nobody waits for a service that is about to end.
///
/// # Errors
///
/// The work's own, or that it was stopped.
async fn unless<T>(
    stop: &CancellationToken,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    let done = stop.run_until_cancelled(work).await;
    done.context("stopped by a signal")?
}

/// Closes the store, so that it can save what it holds only in memory.
///
/// # Errors
///
/// The store's own, or that it took too long.
async fn close(store: &dyn Store) -> anyhow::Result<()> {
    let closed = timeout(CLOSE_TIMEOUT, store.close());
    Ok(closed.await.context("the store did not close in time")??)
}
