//! A measurement of a call: warm up, take the time of each answer, then the rate; each
//! load is proved.

use super::answer::Answer;
use super::answer::Load;
use super::answer::prove;
use super::call::Call;
use super::figure::Figure;
use super::grpc;
use super::h2load;
use super::http;
use super::parts::Part;
use super::process::Process;
use super::wrk;
use anyhow::Context;
use indicatif::ProgressBar;
use serde::Serialize;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::sleep;

/// How long a server may go on, after a load, with requests whose client is gone.
const SETTLE: Duration = Duration::from_millis(200);

/// How many calls warm it up, in all and on each connection; no load has fewer on each.
const WARM_IN_ALL: u64 = 500;
const WARM: u64 = 8;

/// How long the load of which the times are taken goes on, as a part of a run.
const TIMED: f64 = 0.25;

/// How long, in seconds, a program that is measured in turns with others has its turn.
const TURN: u64 = 1;

/// How it is measured.
pub(crate) struct Gauge {
    /// For how long, in seconds, a run goes on.
    pub(crate) seconds: u64,
    /// Where the load generators keep their files.
    pub(crate) folder: PathBuf,
    /// Moves on by one with each measurement.
    pub(crate) bar: ProgressBar,
}

/// What a call costs under a load.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Cost {
    pub(crate) call: Call,
    /// As many requests are in flight.
    pub(crate) connections: u64,
    /// Requests/s.
    pub(crate) rate: Figure,
    /// CPU time of the server's process for a request, in µs.
    pub(crate) cpu: Figure,
    /// Time to an answer, in µs: the middle one, and what 99 of 100 do not exceed.
    pub(crate) p50: Figure,
    pub(crate) p99: Figure,
    /// What it is compared with, if it is.
    pub(crate) alone: Option<Alone>,
}

/// What a part does alone, measured right before and right after a load: so whatever the
/// machine does in the course of minutes, it did to both.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Alone {
    pub(crate) part: Part,
    pub(crate) before: Figure,
    pub(crate) after: Figure,
}

/// A server and what it is asked.
pub(crate) struct Target<'a> {
    process: &'a Process,
    pub(crate) address: SocketAddr,
    pub(crate) call: Call,
    pub(crate) connections: u64,
}

/// How much load.
#[derive(Clone, Copy)]
enum Amount {
    /// So many calls.
    Calls(u64),
    /// So many, the time to each answer written down.
    Timed(u64),
    /// So many seconds, by HTTP.
    Seconds(u64),
}

impl Cost {
    /// A cost that is not yet measured.
    pub(crate) fn new(call: Call, connections: u64) -> Self {
        Self {
            call,
            connections,
            rate: Figure::default(),
            cpu: Figure::default(),
            p50: Figure::default(),
            p99: Figure::default(),
            alone: None,
        }
    }

    /// A cost that is to be compared, too, with what a part does alone.
    pub(crate) fn compared(self, part: Option<Part>) -> Self {
        let alone = part.map(|part| Alone {
            part,
            before: Figure::default(),
            after: Figure::default(),
        });
        Self { alone, ..self }
    }

    /// How many times what the part does alone it is; None if it is not compared.
    pub(crate) fn ratio(&self) -> Option<Figure> {
        let Alone {
            part,
            before,
            after,
        } = self.alone.as_ref()?;
        let figure = match part {
            Part::Nginx => &self.cpu,
            Part::Redis | Part::Select | Part::Update | Part::Insert => &self.rate,
        };
        Some(figure.over(&before.between(after)))
    }
}

impl Target<'_> {
    /// What an error is about.
    fn told(&self) -> String {
        let Self {
            process,
            call,
            connections,
            ..
        } = self;
        let (call, last) = (call.title(), process.last_line());
        format!("{call}, {connections} connections (its log ends with: {last})")
    }
}

impl Gauge {
    /// Measures a call for one round more.
    ///
    /// # Errors
    ///
    /// An answer was wrong.
    pub(crate) async fn measure(
        &self,
        process: &Process,
        address: SocketAddr,
        cost: &mut Cost,
    ) -> anyhow::Result<()> {
        let target = Target {
            process,
            address,
            call: cost.call,
            connections: cost.connections,
        };
        let measured = self.round(&target, cost).await;
        measured.with_context(|| target.told())?;
        self.bar.inc(1);
        Ok(())
    }

    /// The CPU time of the server's process for a request, in µs, in a run of [`TURN`].
    ///
    /// # Errors
    ///
    /// An answer was wrong.
    pub(crate) async fn cpu(
        &self,
        process: &Process,
        address: SocketAddr,
        call: Call,
        connections: u64,
    ) -> anyhow::Result<f64> {
        let target = Target {
            process,
            address,
            call,
            connections,
        };
        let measured = async {
            self.warm(&target).await?;
            self.run(&target, Amount::Seconds(TURN)).await
        };
        let (load, cpu) = measured.await.with_context(|| target.told())?;
        self.bar.inc(1);
        Ok(each(cpu, &load))
    }

    async fn round(&self, target: &Target<'_>, cost: &mut Cost) -> anyhow::Result<()> {
        let connections = target.connections;
        let mut load = self.warm(target).await?;
        let time = self.seconds as f64 * TIMED;
        // A cold server's rate is too low to tell how many calls take the time: then again.
        let calls = loop {
            let calls = fill((load.rate() * time) as u64, connections);
            (load, _) = self.run(target, Amount::Timed(calls)).await?;
            if load.seconds >= time / 2.0 {
                break calls;
            }
        };
        let (p50, p99) = h2load::percentiles(&self.times(), calls)?;
        let amount = match target.call.by_grpc() {
            true => {
                let calls = (load.rate() * self.seconds as f64) as u64;
                Amount::Calls(fill(calls, connections))
            }
            false => Amount::Seconds(self.seconds),
        };
        let (load, cpu) = self.run(target, amount).await?;
        cost.rate.add(load.rate())?;
        cost.cpu.add(each(cpu, &load))?;
        cost.p50.add(p50)?;
        cost.p99.add(p99)
    }

    async fn warm(&self, target: &Target<'_>) -> anyhow::Result<Load> {
        let calls = fill(WARM_IN_ALL, target.connections);
        let (load, _) = self.run(target, Amount::Calls(calls)).await?;
        Ok(load)
    }

    /// One load, proved, and the CPU time that it took.
    async fn run(&self, target: &Target<'_>, amount: Amount) -> anyhow::Result<(Load, Duration)> {
        let (process, folder) = (target.process, &self.folder);
        let before = self.ask(target).await?;
        let start = process.cpu()?;
        let load = match amount {
            Amount::Calls(calls) => h2load::load(folder, target, calls, None).await?,
            Amount::Timed(calls) => {
                h2load::load(folder, target, calls, Some(&self.times())).await?
            }
            Amount::Seconds(seconds) => wrk::load(folder, target, seconds).await?,
        };
        let cpu = process.cpu()?.saturating_sub(start);
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

    async fn ask(&self, target: &Target<'_>) -> anyhow::Result<Answer> {
        let Target { address, call, .. } = *target;
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

/// What each request of a load took, in µs.
fn each(cpu: Duration, load: &Load) -> f64 {
    cpu.as_secs_f64() * 1e6 / load.requests as f64
}

/// At least so many calls, the same number on each connection.
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
