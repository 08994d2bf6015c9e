//! A measurement: warm up, then several runs, each proved.

use super::answer::Answer;
use super::answer::Load;
use super::answer::prove;
use super::call::Call;
use super::figure::Figure;
use super::grpc;
use super::http;
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

/// How many calls by gRPC warm it up, on each connection and in all.
const WARM: u64 = 8;
const WARM_IN_ALL: u64 = 500;

/// How it is measured.
pub(crate) struct Gauge {
    /// For how long, in seconds, a run goes on.
    pub(crate) seconds: u64,
    /// How many runs make a figure.
    pub(crate) runs: u32,
    /// Where the load generators keep their files.
    pub(crate) folder: PathBuf,
    /// Moves on by one with each run.
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
}

/// A server and what it is asked.
struct Subject<'a> {
    process: &'a Process,
    address: SocketAddr,
    call: Call,
    connections: u64,
}

impl Gauge {
    /// Measures a call.
    ///
    /// # Errors
    ///
    /// An answer was wrong.
    pub(crate) async fn cost(
        &self,
        process: &Process,
        address: SocketAddr,
        call: Call,
        connections: u64,
    ) -> anyhow::Result<Cost> {
        let subject = Subject {
            process,
            address,
            call,
            connections,
        };
        let measured = self.measure(&subject).await;
        measured.with_context(|| format!("{}, {connections} connections", call.title()))
    }

    async fn measure(&self, subject: &Subject<'_>) -> anyhow::Result<Cost> {
        let Subject {
            call, connections, ..
        } = *subject;
        let warm = match call.by_grpc() {
            true => WARM_IN_ALL.max(connections * WARM),
            false => 1,
        };
        let (warm, _) = self.run(subject, warm, false).await?;
        let amount = match call.by_grpc() {
            true => self.calls(&warm, connections),
            false => self.seconds,
        };
        let (mut rates, mut cpus) = (Vec::new(), Vec::new());
        let (mut p50s, mut p99s) = (Vec::new(), Vec::new());
        for _ in 0..self.runs {
            let (load, cpu) = self.run(subject, amount, false).await?;
            rates.push(load.requests as f64 / load.seconds);
            cpus.push(cpu.as_secs_f64() * 1e6 / load.requests as f64);
            let timed = match call.by_grpc() {
                true => {
                    self.run(subject, (amount / 4).max(connections), true)
                        .await?
                        .0
                }
                false => load,
            };
            p50s.push(timed.p50);
            p99s.push(timed.p99);
            self.bar.inc(1);
        }
        Ok(Cost {
            call,
            connections,
            rate: Figure::of(rates)?,
            cpu: Figure::of(cpus)?,
            p50: Figure::of(p50s)?,
            p99: Figure::of(p99s)?,
        })
    }

    /// How many calls fill a run, the same on each connection.
    fn calls(&self, warm: &Load, connections: u64) -> u64 {
        let rate = warm.requests as f64 / warm.seconds;
        let calls = (rate * self.seconds as f64) as u64;
        calls.next_multiple_of(connections).max(connections * WARM)
    }

    /// One run, proved, and the CPU time that it took. The amount is seconds by HTTP, calls
    /// by gRPC, where `timed` tells whether the time to each answer is wanted.
    async fn run(
        &self,
        subject: &Subject<'_>,
        amount: u64,
        timed: bool,
    ) -> anyhow::Result<(Load, Duration)> {
        let Subject {
            process,
            address,
            call,
            connections,
        } = *subject;
        let folder = &self.folder;
        let before = self.ask(subject).await?;
        let start = process.cpu()?;
        let (load, in_flight) = match call.by_grpc() {
            true => {
                let log = timed.then(|| folder.join("times"));
                let load = grpc::load(folder, address, call, connections, amount, log);
                (load.await?, 0) // it stops by their number
            }
            false => {
                let load = wrk::load(folder, address, call, connections, amount);
                (load.await?, connections)
            }
        };
        let cpu = process.cpu()?.saturating_sub(start);
        sleep(SETTLE).await;
        let after = self.ask(subject).await?;
        prove(&load, &before, &after, in_flight)?;
        Ok((load, cpu))
    }

    async fn ask(&self, subject: &Subject<'_>) -> anyhow::Result<Answer> {
        let Subject { address, call, .. } = *subject;
        match call.by_grpc() {
            true => grpc::ask(&self.folder, address, call).await,
            false => http::ask(address, call).await,
        }
    }
}
