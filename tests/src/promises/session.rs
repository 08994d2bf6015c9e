//! A session with MySQL is the service's own, whatever the server's defaults are, and an error
//! of the server means no more than it says: some end the session, some pass, some stay.

use super::process::expect_failure;
use crate::answer::Answer;
use crate::proto::PingRequest;
use crate::proto::user_client::UserClient;
use crate::service::Service;
use crate::sqlproxy::MADE_UP;
use crate::sqlproxy::SqlProxy;
use crate::sqlproxy::Which;
use crate::stage::Stage;
use anyhow::Context;
use anyhow::ensure;
use ladder::services::MYSQL_ADDR;
use reqwest::Client;
use serde_json::Value;
use std::time::Duration;
use tokio::time::timeout;
use tonic::Code;

/// How a ping is told to the database.
const PING: &[&str] = &["UPDATE"];

/// The longest that a service may take for one answer, whatever it does meanwhile.
const PATIENCE: Duration = Duration::from_secs(10);

/// A service, with these flags, that reaches its database by way of a proxy.
pub(super) async fn behind(
    stage: &Stage,
    proxy: &SqlProxy,
    flags: &[&str],
) -> anyhow::Result<Service> {
    let url = proxy.instead(MYSQL_ADDR, &stage.database().await?.url())?;
    let url = ["--mysql-url", &url];
    stage.serve(&[&url, flags].concat()).await
}

/// The answer to a ping.
pub(super) async fn ping(client: &Client, service: &Service) -> anyhow::Result<Answer> {
    let url = format!("{}/ping", service.http()?);
    let pinged = timeout(PATIENCE, client.get(url).send()).await;
    let answer = Answer::of(pinged.context("a ping has no answer")??).await?;
    let shown = answer.body.contains(MADE_UP);
    ensure!(!shown, "the server's text is shown: {answer:?}");
    Ok(answer)
}

/// The number that a ping was given.
pub(super) fn count(answer: &Answer) -> anyhow::Result<i64> {
    ensure!(answer.status == 200, "a ping: {answer:?}");
    let body: Value = serde_json::from_str(&answer.body)?;
    body["count"].as_i64().context("no count")
}

/// The numbers are those of errors that no statement on this connection will get rid of: the
/// server shuts down, is read-only now, has made the session read-only, or has killed it. After
/// a failover a connection leads to such a server for as long as it is kept.
pub(crate) async fn a_connection_that_cannot_write_is_not_used_again(
    stage: &Stage,
) -> anyhow::Result<()> {
    let proxy = SqlProxy::before(MYSQL_ADDR).await?;
    let service = behind(stage, &proxy, &["--mysql-connections", "1"]).await?;
    let client = Client::new();
    let mut last = count(&ping(&client, &service).await?)?;
    for number in [1053, 1290, 1792, 1836, 1927] {
        proxy.refuse(PING, number, Which::OnOld);
        let before = proxy.refused();
        let answer = ping(&client, &service).await?;
        ensure!(
            proxy.refused() > before,
            "error {number}: it was not made: {answer:?}"
        );
        if answer.status == 200 {
            last += 1; // it was tried again, on another connection
        } else {
            let told = answer.expect_problem(503, None);
            told.with_context(|| format!("the ping that met error {number}"))?;
        }
        let answer = ping(&client, &service).await?;
        let kept = || format!("after error {number} its connection is used again");
        let next = count(&answer).with_context(kept)?;
        ensure!(
            next == last + 1,
            "after error {number}: {next}, not {last} + 1"
        );
        last = next;
    }
    service.stop().await
}

/// Others are told as the service's own failure, since nothing is won by asking again.
pub(crate) async fn an_error_that_may_pass_is_told_as_503(stage: &Stage) -> anyhow::Result<()> {
    let proxy = SqlProxy::before(MYSQL_ADDR).await?;
    let service = behind(stage, &proxy, &[]).await?;
    let client = Client::new();
    let mut caller = UserClient::connect(service.grpc()?).await?;
    let passing = [1021, 1047, 1135, 1205, 1317, 3024].map(|it| (it, 503, Code::Unavailable));
    let staying = [1146, 1364].map(|it| (it, 500, Code::Internal));
    for (number, status, code) in passing.into_iter().chain(staying) {
        proxy.refuse(PING, number, Which::All);
        let told = ping(&client, &service).await?.expect_problem(status, None);
        told.with_context(|| format!("the server's error {number}"))?;
        let called = caller.ping(PingRequest::default()).await;
        let refused = called.err().context("a call is answered")?;
        ensure!(
            refused.code() == code,
            "error {number} by gRPC: not {code:?}: {refused}"
        );
        ensure!(!refused.message().contains(MADE_UP), "shown: {refused}");
        proxy.relent();
        let next = ping(&client, &service).await?;
        count(&next).with_context(|| format!("after error {number}"))?;
    }
    service.stop().await
}

/// The server is up, and for the moment takes nobody in: it has too many connections, or no
/// thread for another one.
pub(crate) async fn a_refused_login_is_told_as_503(stage: &Stage) -> anyhow::Result<()> {
    let proxy = SqlProxy::before(MYSQL_ADDR).await?;
    let service = behind(stage, &proxy, &["--mysql-connections", "1"]).await?;
    let client = Client::new();
    for number in [1040, 1135] {
        proxy.refuse(PING, 1927, Which::OnOld);
        proxy.refuse_logins(number);
        ping(&client, &service).await?; // it loses its connection
        let before = proxy.refused();
        let told = ping(&client, &service).await?.expect_problem(503, None);
        told.with_context(|| format!("no login, for error {number}"))?;
        ensure!(proxy.refused() > before, "nobody was asked");
        proxy.relent();
        let next = ping(&client, &service).await?;
        count(&next).with_context(|| format!("after error {number}"))?;
    }
    service.stop().await
}

/// A server whose sessions begin without autocommit and with another character set: it is
/// common that an operator has set so. What was acknowledged is seen by everybody at once, and
/// stays when the service dies.
pub(crate) async fn a_servers_defaults_lose_no_acknowledged_write(
    stage: &Stage,
) -> anyhow::Result<()> {
    const NAME: &str = "Zoë 😀 – 名";
    let proxy = SqlProxy::before(MYSQL_ADDR).await?;
    proxy.begin_sessions_with(
        "SET SESSION autocommit = 0, character_set_client = latin1, \
         character_set_connection = latin1, character_set_results = latin1",
    );
    let service = behind(stage, &proxy, &[]).await?;
    let client = Client::new();
    let create = client.post(format!("{}/users", service.http()?));
    let create = create.form(&[("name", NAME), ("sex", "0")]).send();
    let created = Answer::of(create.await?).await?;
    ensure!(created.status == 201, "{created:?}");
    let users = stage.database().await?.users().await?;
    ensure!(
        users.contains_key(NAME),
        "{created:?} was acknowledged, and in the database there are only {users:?}"
    );
    let pinged = count(&ping(&client, &service).await?)?;
    service.die().await?;
    let next = stage.serve(&[]).await?;
    let read = client.get(format!("{}/users/1", next.http()?));
    let read = Answer::of(read.send().await?).await?;
    ensure!(read.body == created.body, "{read:?}, not {created:?}");
    let count = count(&ping(&client, &next).await?)?;
    ensure!(count == pinged + 1, "{pinged} was acknowledged: {count}");
    next.stop().await
}

/// Two spellings of one database would be two prefixes in the cache, so that one replica would
/// not see the other's tombstones. An address of IPv6 has brackets in a URL and nowhere else.
pub(crate) async fn a_database_has_one_name(stage: &Stage) -> anyhow::Result<()> {
    let encoded = stage
        .database()
        .await?
        .url()
        .replace("_test_", "%5ftest%5f");
    let output = stage.run(&["--mysql-url", &encoded, "read", "1"]).await?;
    let refused = output.stderr.contains("must be like mysql://");
    ensure!(refused, "an encoded name is taken: {}", output.stderr);
    let ipv6 = "mysql://goms:goms@[::1]:9/goms";
    let output = stage.run(&["--mysql-url", ipv6, "read", "1"]).await?;
    expect_failure(&output, &["cannot use mysql://[::1]:9/goms", "refused"])
}

/// Parameters of the database's URL: some would change what other processes read, and one that
/// is misspelt has no effect, so that for example no certificate would be checked.
pub(crate) async fn an_unknown_parameter_of_the_url_is_refused_by_name(
    stage: &Stage,
) -> anyhow::Result<()> {
    let url = stage.database().await?.url();
    let read = async |parameters: &str| {
        let url = format!("{url}?{parameters}");
        stage.run(&["--mysql-url", &url, "read", "1"]).await
    };
    expect_failure(&read("ssl-mode=preferred").await?, &["there is no user 1"])?;
    for parameters in [
        "charset=latin1",
        "collation=latin1_swedish_ci",
        "autocommit=0",
        "sslmod=verify_identity",
        "ssl-mode=preferred&chraset=utf8mb4",
    ] {
        let output = read(parameters).await?;
        let said = &output.stderr;
        ensure!(
            !said.contains("there is no user"),
            "?{parameters} is taken without a word"
        );
        let name = parameters.rsplit('&').next().unwrap_or_default();
        let name = name.split('=').next().unwrap_or_default();
        let code = output.status.code();
        ensure!(
            matches!(code, Some(1 | 2)) && said.contains(name),
            "?{parameters}: {code:?}, {said:?} does not name {name}"
        );
    }
    Ok(())
}
