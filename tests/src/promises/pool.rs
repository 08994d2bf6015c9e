//! What the pool costs beside the statements themselves.

use crate::answer::Answer;
use crate::sqlproxy::SqlProxy;
use crate::stage::Stage;
use anyhow::ensure;
use ladder::services::MYSQL_ADDR;
use reqwest::Client;
use std::time::Duration;
use tokio::time::sleep;

/// How many users are read.
const READS: usize = 1000;

/// How many commands may come beside them: a statement that is prepared, a connection that is
/// asked whether it is still there.
const BESIDE: usize = 20;

/// A shell's way to run a program that keeps nothing in Redis.
const WITHOUT_CACHE: &str = "export GOMS__REDIS__URL=; exec \"$@\"";

/// sqlx's own pool pings each connection that is given back to it.
pub(crate) async fn a_read_is_one_message_to_mysql(stage: &Stage) -> anyhow::Result<()> {
    let proxy = SqlProxy::before(MYSQL_ADDR).await?;
    let url = proxy.instead(MYSQL_ADDR, &stage.database().await?.url())?;
    let service = stage
        .serve_in(WITHOUT_CACHE, &["--mysql-url", &url])
        .await?;
    let (client, url) = (Client::new(), service.http()?);
    let created = client.post(format!("{url}/users"));
    let created = created
        .form(&[("name", "gopher"), ("sex", "0")])
        .send()
        .await?;
    let user = format!("{url}{}", Answer::of(created).await?.header("location"));
    let before = proxy.commands();
    for _ in 0..READS {
        let read = Answer::of(client.get(&user).send().await?).await?;
        ensure!(read.status == 200, "{read:?}");
    }
    let commands = proxy.commands() - before;
    let fits = (READS..READS + BESIDE).contains(&commands);
    ensure!(fits, "{commands} messages went to MySQL for {READS} reads");
    service.stop().await
}

/// More reads than there are connections.
const FEW: usize = 16;

/// Longer than a connection rests before it is tested, by a ping.
const REST: Duration = Duration::from_millis(1200);

/// A connection that goes silent right after an answer: sqlx's own pool pings it when it is
/// given back, without end, and never has it again.
pub(crate) async fn a_ping_without_an_answer_costs_no_request(stage: &Stage) -> anyhow::Result<()> {
    let proxy = SqlProxy::before(MYSQL_ADDR).await?;
    let url = proxy.instead(MYSQL_ADDR, &stage.database().await?.url())?;
    let flags = ["--mysql-connections", "4", "--mysql-url", &url];
    let service = stage.serve_in(WITHOUT_CACHE, &flags).await?;
    let (client, user) = (Client::new(), service.create_gopher().await?);
    proxy.swallow_pings();
    for rest in [Duration::ZERO, REST] {
        sleep(rest).await;
        for number in 1..=FEW {
            let read = Answer::of(client.get(&user).send().await?).await?;
            ensure!(
                read.status == 200,
                "read {number}, after {rest:?}: {read:?}"
            );
        }
    }
    service.stop().await
}
