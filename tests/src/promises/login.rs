//! A MySQL that is far away: to log in takes longer than anybody waits for a statement.

use crate::answer::Answer;
use crate::proxy::Network;
use crate::proxy::Proxy;
use crate::service::Service;
use crate::stage::Stage;
use anyhow::Context;
use anyhow::ensure;
use ladder::services::MYSQL_ADDR;
use reqwest::Client;
use std::time::Duration;
use std::time::Instant;
use tokio::task::JoinSet;

/// How many clients ask at the same time, each of whom needs a connection.
const CLIENTS: usize = 8;

/// How many rounds they have to be answered in, one after another.
const ROUNDS: usize = 3;

/// Far more than it takes to log in as often.
const PATIENCE: Duration = Duration::from_secs(15);

/// All connections are lost, and then the server is far away. A pool that gives up a login with
/// the request that waits for it never has a connection again.
pub(crate) async fn a_slow_login_refuses_nobody_for_good(stage: &Stage) -> anyhow::Result<()> {
    let proxy = Proxy::before(MYSQL_ADDR).await?;
    let url = proxy.instead(MYSQL_ADDR, &stage.database().await?.url())?;
    let connections = CLIENTS.to_string();
    let flags = ["--mysql-url", &url, "--mysql-connections", &connections];
    let service = stage.serve(&flags).await?;
    service.create_gopher().await?;
    proxy.turn(Network::Down);
    let lost = create(service.http()?).await?;
    ensure!(
        lost.status != 201,
        "it does not lose its database: {lost:?}"
    );
    proxy.turn(Network::Far);
    expect_one(&service).await?;
    expect_all(&service).await?;
    service.stop().await
}

/// Wants a client who asks again and again to be answered in the end.
async fn expect_one(service: &Service) -> anyhow::Result<()> {
    let start = Instant::now();
    let mut refused = 0;
    while create(service.http()?).await?.status != 201 {
        refused += 1;
        let waited = start.elapsed();
        ensure!(
            waited < PATIENCE,
            "with a slow login it is refused {refused} times in {waited:?}"
        );
    }
    Ok(())
}

/// Wants the pool to grow until each client has a connection: with fewer of them, somebody
/// waits too long, as a statement takes its time as well.
async fn expect_all(service: &Service) -> anyhow::Result<()> {
    let start = Instant::now();
    let mut rounds = 0;
    while rounds < ROUNDS {
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            clients.spawn(create(service.http()?));
        }
        let mut refused = None;
        while let Some(answer) = clients.join_next().await {
            refused = Some(answer??).filter(|it| it.status != 201).or(refused);
        }
        rounds = if refused.is_none() { rounds + 1 } else { 0 };
        let waited = start.elapsed();
        ensure!(
            waited < PATIENCE,
            "the pool has not grown in {waited:?}: {refused:?}"
        );
    }
    Ok(())
}

/// A create, which no cache answers. If it fails, it is because nobody could be asked; whether
/// the time for a connection or that of the request ends first is the lesson's own affair.
async fn create(url: String) -> anyhow::Result<Answer> {
    let create = Client::new().post(format!("{url}/users"));
    let create = create.form(&[("name", "gopher"), ("sex", "0")]).send();
    let answer = Answer::of(create.await?).await?;
    if answer.status != 201 {
        let status = if answer.status == 504 { 504 } else { 503 };
        let told = answer.expect_problem(status, None);
        told.context("a create while the service logs in")?;
    }
    Ok(answer)
}
