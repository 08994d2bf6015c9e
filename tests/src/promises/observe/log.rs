//! What stands in the log of a request, and what does not.

use crate::figures::Figures;
use crate::proto::UserRecord;
use crate::proto::user_client::UserClient;
use crate::service::PATIENCE;
use crate::stage::Stage;
use anyhow::Context;
use anyhow::ensure;
use reqwest::Client;
use serde_json::Value;
use std::time::Duration;
use std::time::Instant;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::sleep;

/// All at debug, and what was slow at warn; of each who it was, and what was done for it.
pub(crate) async fn each_request_has_its_line_by_its_level(stage: &Stage) -> anyhow::Result<()> {
    for (flags, level, says) in [
        (["--log-filter", "debug"], "DEBUG", "request"),
        (["--observe-slow", "0"], "WARN", "request slow"),
    ] {
        let json = ["--log-format", "json"];
        let service = stage.serve(&[json, flags].concat()).await?;
        let user = service.create_gopher().await?;
        for cache in ["miss", "hit"] {
            let id = format!("read-{cache}");
            let read = Client::new().get(&user).header("x-request-id", &id);
            ensure!(read.send().await?.status() == 200, "it cannot be read");
            // The statement's line, which has the id as well, may come before it.
            let start = Instant::now();
            let line: Value = loop {
                let lines = service.lines(&id);
                let line = lines.iter().find(|line| line.contains("took_us"));
                if let Some(line) = line {
                    break serde_json::from_str(line)?;
                }
                ensure!(start.elapsed() < PATIENCE, "{id}: only {lines:?}");
                sleep(Duration::from_millis(10)).await;
            };
            ensure!(line["message"] == says, "{line}");
            let took = line["took_us"].as_u64().unwrap_or_default();
            let store = line["store_us"].as_u64();
            let fits = line["level"] == level
                && line["request_id"] == id.as_str()
                && line["trace_id"].as_str().unwrap_or_default().len() == 32
                && line["status"] == "200"
                && line["cache"] == cache
                && took > 0
                && store.is_some() == (cache == "miss");
            ensure!(fits, "{line}");
        }
        service.stop().await?;
    }
    let service = stage.serve(&[]).await?;
    let user = service.create_gopher().await?;
    Client::new().get(user).send().await?;
    ensure!(
        service.said("request") == 0,
        "all is well, and yet it is told"
    );
    service.stop().await
}

const REFUSED: usize = 300;

/// Of many that are refused, with how many were not told.
pub(crate) async fn refusals_are_told_once_a_second(stage: &Stage) -> anyhow::Result<()> {
    let service = stage.serve(&["--limit-requests", "1"]).await?;
    let url = format!("{}/ping", service.http()?);
    let mut held = TcpStream::connect(service.http()?.trim_start_matches("http://")).await?;
    held.write_all(b"POST /users HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n")
        .await?;
    sleep(Duration::from_millis(100)).await;
    let (client, start) = (Client::new(), Instant::now());
    for _ in 0..REFUSED {
        ensure!(
            client.get(&url).send().await?.status() == 503,
            "it is let in"
        );
    }
    sleep(Duration::from_millis(1100)).await;
    ensure!(
        client.get(&url).send().await?.status() == 503,
        "it is let in"
    );
    service.wait_until_said("others=").await?;
    let seconds = start.elapsed().as_secs() as usize;
    sleep(Duration::from_millis(100)).await; // for the last line
    let lines = service.lines("request refused");
    ensure!(lines.len() <= seconds + 2, "in {seconds} s: {lines:?}");
    let others = lines.iter().filter_map(|line| {
        let (_, after) = line.split_once("others=")?;
        after.split(' ').next()?.parse::<usize>().ok()
    });
    let told = lines.len() + others.sum::<usize>();
    ensure!(told == REFUSED + 1, "{told} are told of: {lines:?}");
    drop(held);
    service.stop().await
}

/// A name that no other text of the log contains.
const NAME: &str = "Zaphod Q. Beeble";

/// Whatever is asked, and however much is logged.
pub(crate) async fn no_signal_names_a_user(stage: &Stage) -> anyhow::Result<()> {
    let service = stage.serve(&["--log-filter", "trace"]).await?;
    let (client, url) = (Client::new(), service.http()?);
    let users = format!("{url}/users");
    let form = [("name", NAME), ("sex", "0")];
    let created = client.post(&users).form(&form).send().await?;
    let own = created.headers().get("location").context("no Location")?;
    let own = format!("{url}{}", own.to_str()?);
    let bad = [("name", NAME), ("sex", "7")];
    client.post(&users).form(&bad).send().await?;
    client.post(&users).body(NAME).send().await?;
    client.put(&own).form(&form).send().await?;
    client.get(&own).send().await?;
    client.get(&own).send().await?;
    let query = format!("{own}?name=Zaphod+Q.+Beeble");
    client.get(query).send().await?;
    let record = UserRecord {
        uid: 0,
        name: NAME.to_owned(),
        sex: 1,
    };
    let mut caller = UserClient::connect(service.grpc()?).await?;
    caller.create_user(record).await?;
    client.delete(&own).send().await?;
    let figures = Figures::of(&service).await?;
    service.signal(nix::sys::signal::Signal::SIGTERM)?;
    service.wait_until_said("stopping").await?;
    for text in ["Zaphod", "Beeble"] {
        ensure!(!figures.text.contains(text), "the figures have it");
        let lines = service.lines(text);
        ensure!(lines.is_empty(), "the log has it: {lines:?}");
    }
    service.ended_well().await
}
