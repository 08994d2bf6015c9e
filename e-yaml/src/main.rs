//! Starts the service, runs it until it is told to stop, and turns every failure
//! into one line and an exit code.

use anyhow::Context;
use e_yaml::command::Command;
use e_yaml::store::Store;
use e_yaml::yaml::Yaml;
use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::info;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

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
    log();
    let stop = stop_on_signal()?;
    let store: Arc<dyn Store> = Arc::new(Yaml::open(Path::new("users.yaml"))?);
    if let Some(command) = Command::parse(std::env::args().skip(1))? {
        let done = unless(&stop, command.run(&*store)).await;
        return done.and(close(&*store).await);
    }
    info!("serving, process {}", std::process::id());
    stop.cancelled().await;
    info!("stopping");
    close(&*store).await
}

/// Logs to standard output, one event a line; in colour only for a person at a terminal.
fn log() {
    let layer = tracing_subscriber::fmt::layer().with_ansi(std::io::stdout().is_terminal());
    let filter = LevelFilter::INFO;
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
