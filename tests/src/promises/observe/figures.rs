//! What is counted, and what asking for it may cost.

use crate::answer::Answer;
use crate::figures::Figures;
use crate::promises::load::CLIENTS;
use crate::promises::load::roomy;
use crate::proto::UserId;
use crate::proto::user_client::UserClient;
use crate::stage::Stage;
use anyhow::ensure;
use nix::sys::signal::Signal;
use reqwest::Client;
use std::time::Duration;
use std::time::Instant;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;

const COUNT: &str = "goms_request_duration_seconds_count";

/// How often each client asks each thing.
const ROUNDS: usize = 20;

/// 64 clients ask for users that are there and that are not, and so do as many callers.
pub(crate) async fn figures_are_true_to_the_count(stage: &Stage) -> anyhow::Result<()> {
    let service = roomy(stage).await?;
    let (url, there) = (service.http()?, service.create_gopher().await?);
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (client, url, there) = (Client::new(), url.clone(), there.clone());
        let mut caller = UserClient::connect(service.grpc()?).await?;
        clients.spawn(async move {
            for _ in 0..ROUNDS {
                for (path, status) in [
                    (there.clone(), 200),
                    (format!("{url}/users/9007199254740991"), 404),
                    (format!("{url}/users/x"), 400),
                ] {
                    let answer = client.get(path).send().await?;
                    ensure!(answer.status() == status, "{}", answer.status());
                    answer.bytes().await?;
                }
                let missing = caller.read_user(UserId { uid: 1 << 50 }).await;
                ensure!(missing.is_err(), "there is such a user");
            }
            Ok(())
        });
    }
    while let Some(client) = clients.join_next().await {
        client??;
    }
    let (figures, all) = (Figures::of(&service).await?, (CLIENTS * ROUNDS) as f64);
    for (labels, expected) in [
        (
            [r#"method="POST""#, r#"route="/users""#, r#"status="201""#],
            1.0,
        ),
        (
            [
                r#"method="GET""#,
                r#"route="/users/{uid}""#,
                r#"status="200""#,
            ],
            all,
        ),
        (
            [
                r#"method="GET""#,
                r#"route="/users/{uid}""#,
                r#"status="404""#,
            ],
            all,
        ),
        (
            [
                r#"method="GET""#,
                r#"route="/users/{uid}""#,
                r#"status="400""#,
            ],
            all,
        ),
        (
            [r#"method="POST""#, "User/ReadUser", r#"status="NotFound""#],
            all,
        ),
        (["", "", ""], 4.0 * all + 1.0),
    ] {
        let counted = figures.sum(COUNT, &labels);
        ensure!(counted == expected, "{labels:?}: {counted}, not {expected}");
    }
    let in_flight = figures.sum("goms_requests_in_flight", &[]);
    ensure!(in_flight == 0.0, "{in_flight} in flight, and nobody asks");
    service.stop().await
}

/// Statements, the cache, and what exceeds a limit.
pub(crate) async fn what_stands_behind_is_counted(stage: &Stage) -> anyhow::Result<()> {
    let service = stage.serve(&["--limit-requests", "1"]).await?;
    let (client, user) = (Client::new(), service.create_gopher().await?);
    for _ in 0..3 {
        client.get(&user).send().await?.bytes().await?;
    }
    let mut held = TcpStream::connect(service.http()?.trim_start_matches("http://")).await?;
    held.write_all(b"POST /users HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n")
        .await?;
    sleep(Duration::from_millis(100)).await;
    let refused = client.get(&user).send().await?.status();
    ensure!(refused == 503, "two requests at a time: {refused}");
    let figures = Figures::of(&service).await?;
    for (name, label, expected) in [
        ("goms_mysql_statement_duration_seconds_count", "create", 1.0),
        ("goms_mysql_statement_duration_seconds_count", "read", 1.0),
        ("goms_cache_reads_total", "miss", 1.0),
        ("goms_cache_reads_total", "hit", 2.0),
        ("goms_cache_up", "", 1.0),
        ("goms_requests_refused_total", "503", 1.0),
        ("goms_requests_in_flight", "http", 1.0),
        ("goms_mysql_connections", "idle", 1.0),
        ("goms_mysql_connections", "busy", 0.0),
        ("goms_mysql_waiting", "", 0.0),
        ("goms_mysql_connect_errors_total", "", 0.0),
        ("goms_log_lines_dropped_total", "", 0.0),
        ("goms_build_info", "version", 1.0),
    ] {
        let figure = figures.sum(name, &[label]);
        ensure!(
            figure == expected,
            "{name} {label}: {figure}, not {expected}"
        );
    }
    ensure!(
        figures.sum("process_resident_memory_bytes", &[]) > 0.0,
        "no memory"
    );
    // The system counts in hundredths of a second, and the process may not have had one yet.
    let start = Instant::now();
    while Figures::of(&service)
        .await?
        .sum("process_cpu_seconds_total", &[])
        == 0.0
    {
        ensure!(start.elapsed() < Duration::from_secs(10), "no CPU time");
    }
    drop(held);
    service.stop().await
}

/// How many odd requests are sent, and on how many connections.
const ODD: usize = 10_000;
const LANES: usize = 20;

/// Each with a method and a path of its own.
pub(crate) async fn a_client_makes_no_new_series(stage: &Stage) -> anyhow::Result<()> {
    let service = stage.serve(&[]).await?;
    let address = service.http()?;
    service.create_gopher().await?;
    let before = Figures::of(&service).await?.number();
    let mut lanes = JoinSet::new();
    for lane in 0..LANES {
        let mut stream = TcpStream::connect(address.trim_start_matches("http://")).await?;
        lanes.spawn(async move {
            let mut answers = [0; 64 * 1024];
            for number in 0..ODD / LANES {
                let odd = format!("odd{lane}x{number}");
                let request = match number % 3 {
                    0 => format!("{odd} /ping HTTP/1.1\r\nhost: a\r\n\r\n"),
                    1 => format!("GET /{odd} HTTP/1.1\r\nhost: a\r\n\r\n"),
                    _ => format!("GET /users/{odd} HTTP/1.1\r\nhost: a\r\n\r\n"),
                };
                stream.write_all(request.as_bytes()).await?;
                let length = stream.read(&mut answers).await?;
                ensure!(answers[..length].starts_with(b"HTTP/1.1 4"), "{odd}");
            }
            Ok(())
        });
    }
    while let Some(lane) = lanes.join_next().await {
        lane??;
    }
    let figures = Figures::of(&service).await?;
    ensure!(!figures.text.contains("odd"), "a client named a series");
    // 405, 404 and 400, each with its buckets.
    let new = figures.number() - before;
    ensure!(new < 100, "{new} new series");
    service.stop().await
}

/// While the last request is waited for.
pub(crate) async fn a_scrape_during_the_stop_is_answered(stage: &Stage) -> anyhow::Result<()> {
    let service = stage.serve(&[]).await?;
    let mut slow = TcpStream::connect(service.http()?.trim_start_matches("http://")).await?;
    let body = "name=gopher&sex=0";
    let length = body.len();
    let media_type = "application/x-www-form-urlencoded";
    let head = format!(
        "POST /users HTTP/1.1\r\nhost: a\r\ncontent-type: {media_type}\r\n\
        content-length: {length}\r\n\r\n"
    );
    slow.write_all(head.as_bytes()).await?;
    sleep(Duration::from_millis(100)).await;
    service.signal(Signal::SIGTERM)?;
    sleep(Duration::from_secs(1)).await;
    let figures = Figures::of(&service).await?;
    let in_flight = figures.sum("goms_requests_in_flight", &[]);
    ensure!(in_flight == 1.0, "{in_flight} in flight");
    slow.write_all(body.as_bytes()).await?;
    let mut answer = [0; 1024];
    let length = slow.read(&mut answer).await?;
    ensure!(answer[..length].starts_with(b"HTTP/1.1 201"), "it is lost");
    service.ended_well().await
}

const SILENT: usize = 1000;

/// They take no place from a client, and go, so that whoever does ask is answered.
pub(crate) async fn silent_scrapers_harm_nobody(stage: &Stage) -> anyhow::Result<()> {
    let service = stage.serve(&[]).await?;
    let (client, user) = (Client::new(), service.create_gopher().await?);
    let mut silent = Vec::new();
    for _ in 0..SILENT {
        let address = service.observe()?;
        silent.push(TcpStream::connect(address.trim_start_matches("http://")).await?);
    }
    let start = Instant::now();
    let read = Answer::of(client.get(&user).send().await?).await?;
    ensure!(read.status == 200, "{read:?}");
    ensure!(
        start.elapsed() < Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
    Figures::of(&service).await?;
    drop(silent);
    service.stop().await
}
