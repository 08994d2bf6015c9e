//! A service that has worked before bad input comes, so that what it then needs more can be
//! told apart.

use super::wire::Wire;
use super::wire::request;
use crate::proto::PingRequest;
use crate::proto::user_client::UserClient;
use crate::service::Service;
use crate::stage::Stage;
use anyhow::ensure;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// How much more memory bad input may leave behind, in bytes.
const MORE_MEMORY: u64 = 8 << 20;

/// How many clients warm a service up.
pub(super) const CLIENTS: usize = 16;

/// How many users, and pings, each of them makes.
pub(super) const ROUNDS: usize = 8;

pub(super) const FORM: &str = "application/x-www-form-urlencoded";
pub(super) const JSON: &str = "application/json";

/// A service that has worked, and how much memory that took.
#[derive(Debug)]
pub(super) struct Warm {
    pub(super) service: Service,
    pub(super) memory: u64,
}

impl Warm {
    /// Starts the lesson and lets it work: all it needs for good input is then in place.
    pub(super) async fn serve(stage: &Stage, flags: &[&str]) -> anyhow::Result<Self> {
        let service = stage.serve(flags).await?;
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            clients.spawn(work_http(service.http()?));
            if stage.lesson.has("e-grpc") {
                clients.spawn(work_grpc(service.grpc()?));
            }
        }
        while let Some(client) = clients.join_next().await {
            client??;
        }
        let memory = service.memory()?;
        Ok(Self { service, memory })
    }

    /// Wants it as before: alive, with little more memory, and at work.
    pub(super) async fn expect_unharmed(self) -> anyhow::Result<()> {
        work_http(self.service.http()?).await?;
        ensure!(
            self.service.said("request failed") == 0,
            "a request failed, see the log"
        );
        self.expect_little_more_memory(MORE_MEMORY).await?;
        self.service.stop().await
    }

    /// Wants it to have at most so much more memory, in bytes, soon.
    pub(super) async fn expect_little_more_memory(&self, bytes: u64) -> anyhow::Result<()> {
        let mut more = 0;
        for _ in 0..20 {
            more = self.service.memory()?.saturating_sub(self.memory);
            if more <= bytes {
                return Ok(());
            }
            // What it just did may not have ended yet.
            sleep(Duration::from_millis(100)).await;
        }
        let (more, before) = (more >> 10, self.memory >> 10);
        anyhow::bail!("it has {more} KiB of memory more than the {before} KiB before");
    }
}

/// Pings with long messages and creates users, with the longest bodies.
async fn work_http(url: String) -> anyhow::Result<()> {
    let mut wire = Wire::connect(&url).await?;
    let message = "a".repeat(12 * 1024);
    let body = format!("name=gopher&sex=0&padding={message}");
    for _ in 0..ROUNDS {
        for (request, status) in [
            (
                request(&format!("GET /ping?message={message}"), FORM, ""),
                200,
            ),
            (request("POST /users", FORM, &body), 201),
            (request("GET /nowhere", FORM, ""), 404),
        ] {
            wire.send(request).await;
            let answer = wire.answer().await?;
            let got = answer.map(|answer| answer.status);
            ensure!(got == Some(status), "a good request: {got:?}, not {status}");
        }
    }
    Ok(())
}

/// The same by gRPC.
async fn work_grpc(url: String) -> anyhow::Result<()> {
    let mut client = UserClient::connect(url).await?;
    for _ in 0..ROUNDS {
        let message = "a".repeat(12 * 1024);
        client.ping(PingRequest { message }).await?;
    }
    Ok(())
}
