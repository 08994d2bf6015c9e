//! A log that nobody reads, or reads late.

use crate::service::PATIENCE;
use crate::stage::AS_IT_IS;
use crate::stage::Stage;
use anyhow::Context;
use anyhow::ensure;
use nix::sys::signal::Signal;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use reqwest::Client;
use std::net::TcpListener;
use std::time::Duration;
use std::time::Instant;
use tokio::io::AsyncReadExt;
use tokio::process::Child;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio::time::timeout;

/// How many clients ask, and how often each does. At trace a request has many lines: together
/// they are far more than a pipe and the queue hold.
const CLIENTS: usize = 16;
const ROUNDS: usize = 200;

/// What an answer may take, and the stop.
const SOON: Duration = Duration::from_secs(2);
const STOP: Duration = Duration::from_secs(4);

/// When somebody reads at last: the stop is over by then, but for the log.
const LATE: Duration = Duration::from_millis(900);

/// A service that logs all that it can into a pipe, and where it listens.
struct Talker {
    child: Child,
    url: String,
}

impl Talker {
    /// Its log cannot tell the port, so it gets one that is free now.
    async fn start(stage: &Stage) -> anyhow::Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        let free = "127.0.0.1:0";
        let flags = ["--http-addr", &address, "--grpc-addr", free];
        let observe = ["--observe-addr", free, "--log-filter", "trace"];
        let arguments = [flags, observe].concat();
        let child = stage.command_in(AS_IT_IS, &arguments).await?.spawn()?;
        let url = format!("http://{address}/ping");
        let start = Instant::now();
        while reqwest::get(&url).await.is_err() {
            ensure!(start.elapsed() < PATIENCE, "it does not start");
            sleep(Duration::from_millis(50)).await;
        }
        Ok(Self { child, url })
    }

    /// Asks it for much, and wants every answer soon.
    async fn load(&self) -> anyhow::Result<()> {
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            let (client, url) = (Client::new(), self.url.clone());
            clients.spawn(async move {
                for round in 0..ROUNDS {
                    let answer = timeout(SOON, client.get(&url).send()).await;
                    let answer = answer.with_context(|| format!("no answer {round}"))??;
                    ensure!(answer.status() == 200, "{}", answer.status());
                    answer.bytes().await?;
                }
                Ok(())
            });
        }
        while let Some(client) = clients.join_next().await {
            client??;
        }
        Ok(())
    }

    fn terminate(&self) -> anyhow::Result<()> {
        let id = self.child.id().context("it has ended")?;
        kill(Pid::from_raw(id.try_into()?), Signal::SIGTERM)?;
        Ok(())
    }
}

pub(crate) async fn a_log_that_nobody_reads_stops_nothing(stage: &Stage) -> anyhow::Result<()> {
    let mut talker = Talker::start(stage).await?;
    talker.load().await?;
    talker.terminate()?;
    let ended = timeout(STOP, talker.child.wait()).await;
    let status = ended.context("it does not end")??;
    ensure!(status.success(), "it ended with {status}");
    Ok(())
}

/// The last line, and how many found no room.
pub(crate) async fn who_reads_late_is_told_what_is_missing(stage: &Stage) -> anyhow::Result<()> {
    let mut talker = Talker::start(stage).await?;
    talker.load().await?;
    let mut output = talker.child.stdout.take().context("it is piped")?;
    talker.terminate()?;
    sleep(LATE).await;
    let mut log = String::new();
    timeout(STOP, output.read_to_string(&mut log))
        .await
        .context("it does not end")??;
    let status = talker.child.wait().await?;
    ensure!(status.success(), "it ended with {status}");
    let missing = log
        .lines()
        .filter(|line| line.contains("lines of this log are missing"));
    let mut numbers =
        missing.filter_map(|line| line.rsplit_once("dropped=")?.1.parse::<u64>().ok());
    let dropped = numbers
        .next_back()
        .context("nobody tells what is missing")?;
    ensure!(dropped > 0, "{dropped} are missing");
    let stops = log.lines().position(|line| line.ends_with("stopping"));
    ensure!(stops.is_some(), "the last lines are not there");
    ensure!(log.ends_with('\n'), "the last line is cut off");
    Ok(())
}
