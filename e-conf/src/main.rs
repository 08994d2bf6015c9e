//! Starts the service, runs it until it is told to stop, and turns every failure
//! into one line and an exit code.

use anyhow::Context;
use anyhow::ensure;
use e_conf::conf;
use e_conf::flag;
use e_conf::flag::Kind;
use e_conf::grpc;
use e_conf::grpc::upstream::Upstream;
use e_conf::http;
use e_conf::store::Memory;
use e_conf::store::Store;
use e_conf::yaml::Yaml;
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::debug;
use tracing::info;
use tracing::warn;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// How long requests in flight may take to finish after the servers stopped accepting.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(8);

/// How long the store may take to close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

#[tokio::main]
async fn main() {
    let code = match run().await {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("error: {error:#}");
            1
        }
    };
    // To return would wait for whatever still blocks a thread, such as a disk that hangs.
    std::process::exit(code);
}

async fn run() -> anyhow::Result<()> {
    let flags = conf::load()?;
    log(&flags.log);
    debug!(?flags, "settings");
    let stop = stop_on_signal()?;
    let store: Arc<dyn Store> = match flags.store {
        Kind::Memory => Arc::new(Memory::default()),
        Kind::Yaml => Arc::new(Yaml::open(&flags.yaml.file)?),
        Kind::Grpc => Arc::new(Upstream::connect(&flags.grpc)),
    };
    if let Some(command) = flags.command {
        let done = unless(&stop, command.run(&*store)).await;
        return done.and(close(&*store).await);
    }
    let upstream = flags.grpc.upstream.authority().map_or("", |it| it.as_str());
    ensure!(
        flags.store != Kind::Grpc || upstream != flags.grpc.addr.to_string(),
        "this process would ask itself: choose another --grpc-upstream, or another --grpc-addr"
    );
    let http = http::serve(&flags.http, store.clone(), stop.clone()).await?;
    let grpc = grpc::serve(&flags.grpc, store.clone(), stop.clone()).await?;
    let mut servers = JoinSet::new();
    servers.spawn(http);
    servers.spawn(grpc);
    info!("serving, process {}", std::process::id());
    stop.cancelled().await;
    info!("stopping");
    let drained = drain(servers).await;
    drained.and(close(&*store).await)
}

/// Logs to standard output, one event a line; in colour only for a person at a terminal.
fn log(flags: &flag::Log) {
    let layer = tracing_subscriber::fmt::layer().with_ansi(std::io::stdout().is_terminal());
    let layer = match flags.format {
        flag::Format::Text => layer.boxed(),
        flag::Format::Json => layer.json().flatten_event(true).boxed(),
    };
    let filter = flags.filter.clone();
    tracing_subscriber::registry()
        .with(layer)
        .with(filter)
        .init();
}

/// The token is cancelled by the first SIGTERM or SIGINT; a second one exits at once.
///
/// As process 1 of a container the kernel gives a signal no default action: what is not
/// handled here is ignored, until SIGKILL ends the wait.
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
        std::process::exit(1);
    });
    Ok(stop)
}

/// Waits for the servers to end, so that what they have in flight is answered.
///
/// # Errors
///
/// A server has panicked.
async fn drain(mut servers: JoinSet<()>) -> anyhow::Result<()> {
    let ended = timeout(DRAIN_TIMEOUT, async {
        let mut ended = Ok(());
        while let Some(server) = servers.join_next().await {
            ended = ended.and(server);
        }
        Ok(ended?)
    });
    ended.await.unwrap_or_else(|_| {
        warn!("still busy after {DRAIN_TIMEOUT:?}: what was in flight is dropped");
        Ok(())
    })
}

/// Does it, unless the stop comes first: nobody waits for a service that is to end.
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

/// Closes the store, so that it can write down what it still holds.
///
/// # Errors
///
/// The store's own, or that it took too long.
async fn close(store: &dyn Store) -> anyhow::Result<()> {
    let closed = timeout(CLOSE_TIMEOUT, store.close());
    Ok(closed.await.context("the store did not close in time")??)
}
