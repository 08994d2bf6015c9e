//! How the process starts, is set up, and stops.

use crate::stage::Output;
use crate::stage::Stage;
use anyhow::ensure;
use nix::sys::signal::Signal;
use std::net::TcpListener;
use std::time::Duration;
use std::time::Instant;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// A stop with nothing in flight: 300 ms in which connections are still accepted, and
/// little more.
const AT_ONCE: Duration = Duration::from_secs(1);

pub(crate) async fn it_starts_and_says_so(stage: &Stage) -> anyhow::Result<()> {
    stage.serve(&[]).await?.stop().await
}

pub(crate) async fn it_stops_at_once_on_sigterm(stage: &Stage) -> anyhow::Result<()> {
    expect_stop_at_once(stage, Signal::SIGTERM).await
}

pub(crate) async fn it_stops_at_once_on_sigint(stage: &Stage) -> anyhow::Result<()> {
    expect_stop_at_once(stage, Signal::SIGINT).await
}

async fn expect_stop_at_once(stage: &Stage, signal: Signal) -> anyhow::Result<()> {
    let service = stage.serve(&[]).await?;
    let start = Instant::now();
    service.signal(signal)?;
    service.ended_well().await?;
    ensure!(start.elapsed() < AT_ONCE, "it took {:?}", start.elapsed());
    Ok(())
}

pub(crate) async fn a_bad_flag_is_refused_with_exit_code_2(stage: &Stage) -> anyhow::Result<()> {
    let output = stage.run(&["--log-filter", "=="]).await?;
    ensure!(
        output.status.code() == Some(2),
        "it ended with {}",
        output.status
    );
    ensure!(
        output.stderr.contains("--log-filter"),
        "the flag is not named"
    );
    Ok(())
}

pub(crate) async fn a_taken_port_fails_the_start_in_one_line(stage: &Stage) -> anyhow::Result<()> {
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let addr = taken.local_addr()?.to_string();
    let ways_in = [
        ("e-http", "--http-addr"),
        ("e-grpc", "--grpc-addr"),
        ("e-observe", "--observe-addr"),
    ];
    for (since, flag) in ways_in {
        if stage.lesson.has(since) {
            // The other one takes a free port.
            let free = ways_in
                .iter()
                .filter(|(by, other)| stage.lesson.has(by) && *other != flag);
            let free = free.flat_map(|(_, other)| [*other, "127.0.0.1:0"]);
            let arguments: Vec<&str> = free.chain([flag, &addr]).collect();
            expect_failure(&stage.run(&arguments).await?, &[&addr, flag])?;
        }
    }
    Ok(())
}

pub(crate) async fn a_missing_configuration_fails_the_start_in_one_line(
    stage: &Stage,
) -> anyhow::Result<()> {
    let output = stage.run(&["--conf-dir", "none"]).await?;
    expect_failure(&output, &["cannot read the folder none"])
}

pub(crate) async fn silent_clients_delay_no_stop(stage: &Stage) -> anyhow::Result<()> {
    let service = stage.serve(&[]).await?;
    let mut ports = vec![service.http()?];
    if stage.lesson.has("e-grpc") {
        ports.push(service.grpc()?);
    }
    let mut silent = Vec::new();
    for port in ports.iter().cycle().take(20) {
        silent.push(TcpStream::connect(port.trim_start_matches("http://")).await?);
    }
    let start = Instant::now();
    service.stop().await?;
    ensure!(start.elapsed() < AT_ONCE, "it took {:?}", start.elapsed());
    Ok(())
}

pub(crate) async fn a_second_signal_exits_at_once(stage: &Stage) -> anyhow::Result<()> {
    let service = stage.serve(&[]).await?;
    let mut client = TcpStream::connect(service.http()?.trim_start_matches("http://")).await?;
    // In flight until its body has come, or 5 s are over.
    let head = b"POST /users HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n";
    client.write_all(head).await?;
    tokio::time::sleep(Duration::from_millis(100)).await;
    service.signal(Signal::SIGTERM)?;
    tokio::time::sleep(AT_ONCE).await;
    let start = Instant::now();
    service.signal(Signal::SIGTERM)?;
    let status = service.ended().await?;
    ensure!(status.code() == Some(1), "it ended with {status}");
    ensure!(start.elapsed() < AT_ONCE, "it took {:?}", start.elapsed());
    Ok(())
}

pub(crate) async fn without_mysql_it_does_not_start(stage: &Stage) -> anyhow::Result<()> {
    let url = "mysql://goms:verysecret@127.0.0.1:9/goms";
    let output = stage.run(&["--mysql-url", url]).await?;
    expect_failure(&output, &["mysql://127.0.0.1:9/goms", "starts one"])?;
    // The second is what an exported project has in place of the first.
    let commands = ["`cargo lesson services up`", "`docker compose up"];
    let told = commands.iter().any(|it| output.stderr.contains(it));
    ensure!(told, "it does not say what to type: {}", output.stderr);
    ensure!(
        !output.stderr.contains("verysecret"),
        "the password is shown"
    );
    Ok(())
}

/// Exit code 1, and one line on standard error that says all this.
pub(crate) fn expect_failure(output: &Output, says: &[&str]) -> anyhow::Result<()> {
    ensure!(
        output.status.code() == Some(1),
        "it ended with {}",
        output.status
    );
    ensure!(
        output.stderr.lines().count() == 1,
        "more than one line: {}",
        output.stderr
    );
    for text in says {
        ensure!(
            output.stderr.contains(text),
            "{text:?} is not in {:?}",
            output.stderr
        );
    }
    Ok(())
}
