//! What a client gets wrong, on purpose or not, never harms the service: it is refused, and
//! whoever asks well is answered as before.
//!
//! `bad/wire.rs` and `bad/calls.rs` send what no client library would, `bad/random.rs`
//! what nobody has thought of.

mod body;
mod calls;
mod fields;
mod grpc;
mod head;
mod limits;
mod mutation;
mod problem;
mod random;
mod reflection;
mod samples;
mod silence;
mod wire;

pub(crate) use body::a_body_over_16_kib_is_refused;
pub(crate) use body::a_body_that_breaks_off_is_refused;
pub(crate) use body::one_request_is_never_taken_for_two;
pub(crate) use fields::a_bad_field_is_refused;
pub(crate) use fields::a_number_is_read_in_one_way;
pub(crate) use fields::what_nobody_asked_for_is_ignored;
pub(crate) use grpc::a_bad_call_is_refused;
pub(crate) use grpc::a_bad_message_is_refused;
pub(crate) use grpc::a_callers_deadline_is_kept;
pub(crate) use head::a_bad_head_is_refused;
pub(crate) use head::a_method_is_refused_with_those_allowed;
pub(crate) use head::an_old_client_is_answered;
pub(crate) use head::who_has_said_all_is_answered;
pub(crate) use limits::over_1024_calls_in_flight_are_refused;
pub(crate) use limits::over_1024_requests_in_flight_are_refused;
pub(crate) use problem::an_error_is_a_problem_document;
pub(crate) use random::random_calls_break_nothing;
pub(crate) use random::random_requests_break_nothing;
pub(crate) use reflection::old_and_new_clients_are_told_the_contract;
pub(crate) use silence::who_keeps_it_waiting_is_dropped_in_time;

use crate::proto::PingRequest;
use crate::proto::user_client::UserClient;
use crate::service::Service;
use crate::stage::Stage;
use anyhow::ensure;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::sleep;
use wire::Wire;
use wire::request;

/// How much more memory bad input may leave behind, in bytes.
const MORE_MEMORY: u64 = 8 << 20;

/// How many clients warm a service up.
const CLIENTS: usize = 16;

/// How many users, and pings, each of them makes.
const ROUNDS: usize = 8;

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// A service that has worked, and how much memory that took.
#[derive(Debug)]
struct Warm {
    service: Service,
    memory: u64,
}

impl Warm {
    /// Starts the lesson and lets it work: all it needs for good input is then in place.
    async fn serve(stage: &Stage, flags: &[&str]) -> anyhow::Result<Self> {
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
    async fn expect_unharmed(self) -> anyhow::Result<()> {
        work_http(self.service.http()?).await?;
        ensure!(
            self.service.said("request failed") == 0,
            "a request failed, see the log"
        );
        self.expect_little_more_memory(MORE_MEMORY).await?;
        self.service.stop().await
    }

    /// Wants it to have at most so much more memory, in bytes, soon.
    async fn expect_little_more_memory(&self, bytes: u64) -> anyhow::Result<()> {
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
