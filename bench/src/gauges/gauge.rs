//! A measurement of a call: warm the server up, take the time to each answer, then the rate.
//! Each load is proved.

use crate::drivers::answer::Answer;
use crate::drivers::answer::Load;
use crate::drivers::answer::prove;
use crate::drivers::grpc;
use crate::drivers::h2load;
use crate::drivers::http;
use crate::drivers::wrk;
use crate::figures::call::Call;
use crate::figures::call::Target;
use crate::figures::report::Cost;
use crate::servers::server::Server;
use anyhow::Context;
use indicatif::ProgressBar;
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::sleep;

/// How long a server may go on, after a load, with requests whose client is gone.
const SETTLE: Duration = Duration::from_millis(200);

/// How many calls warm it up: in all, and at least on each connection. No load has fewer on
/// each.
const WARM_IN_ALL: u64 = 500;
const WARM: u64 = 8;

/// How long the load of which the times are taken goes on, as a part of a run.
const TIMED: f64 = 0.25;

/// How long, in seconds, a program that is measured in turns with others has its turn.
const TURN: u64 = 1;

/// How it is measured.
pub(crate) struct Gauge {
    /// How long a run goes on, in seconds.
    pub(crate) seconds: u64,
    /// Where the load generators keep their files.
    pub(crate) folder: PathBuf,
    /// Says what is being measured.
    pub(crate) bar: ProgressBar,
}

/// How much load.
#[derive(Clone, Copy)]
enum Amount {
    /// So many calls.
    Calls(u64),
    /// So many, and the time to each answer written down.
    Timed(u64),
    /// So many seconds, by HTTP.
    Seconds(u64),
}

impl Gauge {
    /// Measures a call for one round more.
    pub(crate) async fn measure(&self, server: &Server, cost: &mut Cost) -> anyhow::Result<()> {
        let target = server.target(cost.call, cost.connections);
        let measured = self.round(server, target, cost).await;
        measured.with_context(|| told(server, target))
    }

    /// The CPU time of the server's process for a request, in µs, in a run of a second.
    pub(crate) async fn cpu(
        &self,
        server: &Server,
        call: Call,
        connections: u64,
    ) -> anyhow::Result<f64> {
        let target = server.target(call, connections);
        let measured = async {
            self.warm(server, target).await?;
            self.run(server, target, Amount::Seconds(TURN)).await
        };
        let (load, cpu) = measured.await.with_context(|| told(server, target))?;
        Ok(each(cpu, &load))
    }

    async fn round(&self, server: &Server, target: Target, cost: &mut Cost) -> anyhow::Result<()> {
        let connections = target.connections;
        let mut load = self.warm(server, target).await?;
        let time = self.seconds as f64 * TIMED;
        // A cold server's rate is too low to tell how many calls take the time: then again.
        let calls = loop {
            let calls = fill((load.rate() * time) as u64, connections);
            (load, _) = self.run(server, target, Amount::Timed(calls)).await?;
            if load.seconds >= time / 2.0 {
                break calls;
            }
        };
        let (p50, p99) = h2load::percentiles(&self.times(), calls)?;
        let amount = if target.call.by_grpc() {
            let calls = (load.rate() * self.seconds as f64) as u64;
            Amount::Calls(fill(calls, connections))
        } else {
            Amount::Seconds(self.seconds)
        };
        let (load, cpu) = self.run(server, target, amount).await?;
        cost.rate.add(load.rate())?;
        cost.cpu.add(each(cpu, &load))?;
        cost.p50.add(p50)?;
        cost.p99.add(p99)
    }

    async fn warm(&self, server: &Server, target: Target) -> anyhow::Result<Load> {
        let Target {
            call, connections, ..
        } = target;
        let message = format!("{}, connections: {connections}", call.title());
        self.bar.set_message(message);
        let calls = fill(WARM_IN_ALL, connections);
        let (load, _) = self.run(server, target, Amount::Calls(calls)).await?;
        Ok(load)
    }

    /// One load, proved, and the CPU time that it took.
    async fn run(
        &self,
        server: &Server,
        target: Target,
        amount: Amount,
    ) -> anyhow::Result<(Load, Duration)> {
        let (folder, times) = (&self.folder, self.times());
        let before = self.ask(target).await?;
        let start = server.cpu()?;
        let load = match amount {
            Amount::Calls(calls) => h2load::load(folder, target, calls, None).await?,
            Amount::Timed(calls) => h2load::load(folder, target, calls, Some(&times)).await?,
            Amount::Seconds(seconds) => wrk::load(folder, target, seconds).await?,
        };
        let cpu = server.cpu()?.saturating_sub(start);
        let in_flight = match amount {
            Amount::Calls(_) | Amount::Timed(_) => 0, // it stops by their number
            Amount::Seconds(_) => {
                sleep(SETTLE).await;
                target.connections
            }
        };
        let after = self.ask(target).await?;
        prove(&load, &before, &after, in_flight)?;
        Ok((load, cpu))
    }

    async fn ask(&self, Target { call, address, .. }: Target) -> anyhow::Result<Answer> {
        match call.by_grpc() {
            true => grpc::ask(&self.folder, address, call).await,
            false => http::ask(address, call).await,
        }
    }

    /// The file of the times to all answers.
    fn times(&self) -> PathBuf {
        self.folder.join("times")
    }
}

/// What an error is about.
fn told(server: &Server, target: Target) -> String {
    let (call, last) = (target.call.title(), server.last_line());
    let connections = target.connections;
    format!("{call}, {connections} connections (its log ends with: {last})")
}

/// What each request of a load took, in µs.
fn each(cpu: Duration, load: &Load) -> f64 {
    cpu.as_secs_f64() * 1e6 / load.requests as f64
}

/// At least so many calls, and the same number on each connection.
fn fill(calls: u64, connections: u64) -> u64 {
    calls.max(connections * WARM).next_multiple_of(connections)
}

#[cfg(test)]
mod tests {
    use super::fill;

    #[test]
    fn each_connection_has_the_same_number_of_calls() {
        for (calls, connections, filled) in [(500, 1, 500), (500, 64, 512), (500, 512, 4096)] {
            assert_eq!(fill(calls, connections), filled);
        }
    }
}
