//! End to end: the program as its users run it, its signals, its exit codes, its errors.

use crate::common::PATIENCE;
use crate::common::client;
use crate::common::service::PROGRAM;
use crate::common::service::Service;
use crate::common::service::command;
use crate::common::service::run;
use anyhow::Context;
use nix::sys::signal::Signal;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use std::net::TcpListener;
use std::path::Path;
use std::process::Output;
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

#[tokio::test]
async fn it_ends_well_on_either_signal() -> anyhow::Result<()> {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut service = Service::start(&["--store", "memory"]).await?;
        service.signal(signal)?;
        let status = service.ended().await?;
        assert_eq!(status.code(), Some(0), "after {signal}");
    }
    Ok(())
}

/// A request is in flight, so the first signal alone would have to wait for it.
#[tokio::test]
async fn a_second_signal_ends_it_at_once() -> anyhow::Result<()> {
    let mut service = Service::start(&["--store", "memory"]).await?;
    let mut client = TcpStream::connect(&service.http).await?;
    let head = "POST /users HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\
                Content-Type: application/json\r\nContent-Length: 9\r\n\r\n";
    client.write_all(head.as_bytes()).await?;
    timeout(PATIENCE, client.read_exact(&mut [0])).await??; // the handler waits for the body
    service.signal(Signal::SIGTERM)?;
    service.wait_until_said("stopping").await?;
    service.signal(Signal::SIGINT)?;
    assert_eq!(service.ended().await?.code(), Some(1));
    Ok(())
}

/// A MySQL that takes the connection and says nothing.
#[tokio::test]
async fn a_signal_during_the_start_is_no_clean_end() -> anyhow::Result<()> {
    let (folder, mysql) = (TempDir::new()?, TcpListener::bind("127.0.0.1:0")?);
    mysql.set_nonblocking(true)?;
    let mysql = tokio::net::TcpListener::from_std(mysql)?;
    let url = format!("mysql://root@{}/goms", mysql.local_addr()?);
    let child = command(PROGRAM, folder.path(), &["--mysql-url", &url]).spawn()?;
    let _connection = timeout(PATIENCE, mysql.accept()).await??;
    let id = child.id().context("it has ended")?;
    kill(Pid::from_raw(id.try_into()?), Signal::SIGTERM)?;
    let ended = timeout(PATIENCE, child.wait_with_output()).await??;
    assert_eq!(ended.status.code(), Some(1));
    assert_eq!(said(ended)?, "error: stopped by a signal\n");
    Ok(())
}

#[tokio::test]
async fn a_clean_end_saves_the_pings() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let file = folder.path().join("users.yaml").display().to_string();
    for count in 1..=2 {
        let service = Service::start(&["--store", "yaml", "--yaml-file", &file]).await?;
        let pong = client()?.get(service.url("/ping")).send().await?;
        let expected = format!("{{\"message\":\"pong NONE!\",\"count\":{count}}}");
        assert_eq!(pong.text().await?, expected);
        service.stop().await?;
    }
    Ok(())
}

#[tokio::test]
async fn commands_create_read_update_and_delete() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    for (command, code, printed) in [
        ("create gopher 0", 0, "uid=1 name=gopher sex=0\n"),
        ("read 1", 0, "uid=1 name=gopher sex=0\n"),
        ("update 1 ferris 1", 0, "uid=1 name=ferris sex=1\n"),
        ("delete 1", 0, "uid=1 name=ferris sex=1\n"),
        ("read 1", 1, "error: there is no user 1\n"),
        ("create gopher 2", 0, "uid=2 name=gopher sex=2\n"),
        (
            "create gopher 3",
            1,
            "error: sex must be 0, 1, 2 or 9, as in ISO/IEC 5218\n",
        ),
    ] {
        let words: Vec<_> = ["--store", "yaml"]
            .into_iter()
            .chain(command.split(' '))
            .collect();
        let ended = run(folder.path(), &words).await?;
        assert_eq!(ended.status.code(), Some(code), "{command}");
        assert_eq!(said(ended)?, printed, "{command}");
    }
    Ok(())
}

#[tokio::test]
async fn a_start_that_cannot_succeed_says_why_in_one_line() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let (bad, taken) = (
        folder.path().join("bad.yaml"),
        TcpListener::bind("127.0.0.1:0")?,
    );
    std::fs::write(&bad, "users:\n- {uid: 0, name: gopher, sex: 0}\n")?;
    let (bad, addr) = (bad.display().to_string(), taken.local_addr()?.to_string());
    let free = "127.0.0.1:0";
    for (flags, reason) in [
        (
            &["--store", "memory", "--http-addr", &addr][..],
            "choose another with --http-addr",
        ),
        (
            &[
                "--store",
                "memory",
                "--http-addr",
                free,
                "--grpc-addr",
                &addr,
            ],
            "choose another with --grpc-addr",
        ),
        (&["--store", "yaml", "--yaml-file", &bad], "line 2"),
        (&["--store", "grpc"], "this process would ask itself"),
        (&["--store", "memory", "--conf-dir", "nowhere"], "nowhere"),
    ] {
        let ended = run(folder.path(), flags).await?;
        assert_eq!(ended.status.code(), Some(1), "{flags:?}");
        let said = said(ended)?;
        let errors: Vec<_> = said
            .lines()
            .filter(|line| line.starts_with("error: "))
            .collect();
        assert!(
            errors.len() == 1 && errors[0].contains(reason),
            "{flags:?}: {said}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn the_log_and_the_error_go_each_its_own_way() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let flags = ["--store", "memory", "--log-filter", "debug", "read", "1"];
    let ended = run(folder.path(), &flags).await?;
    let (log, error) = (String::from_utf8(ended.stdout)?, ended.stderr);
    assert!(log.contains("DEBUG e_observe: settings"), "{log}");
    assert_eq!(String::from_utf8(error)?, "error: there is no user 1\n");
    Ok(())
}

/// Nobody listens on port 1.
#[tokio::test]
async fn the_cause_of_a_failure_is_in_the_log_and_not_in_the_answer() -> anyhow::Result<()> {
    let flags = ["--store", "grpc", "--grpc-upstream", "http://127.0.0.1:1"];
    let service = Service::start(&flags).await?;
    let answer = client()?.get(service.url("/users/1")).send().await?;
    assert_eq!(answer.status(), 503);
    let text = answer.text().await?;
    assert!(!text.contains("upstream"), "{text}");
    service.wait_until_said("path=\"/users/1\"").await?;
    service
        .wait_until_said("--grpc-upstream: Unavailable")
        .await?;
    service.stop().await
}

#[tokio::test]
async fn a_bad_flag_is_exit_code_2() -> anyhow::Result<()> {
    for flags in [
        &["--nothing"][..],
        &["--store", "paper"],
        &["--log-filter", "inof"],
    ] {
        let ended = run(Path::new("."), flags).await?;
        assert_eq!(ended.status.code(), Some(2), "{flags:?}");
    }
    Ok(())
}

/// Standard output, and the errors behind it.
fn said(output: Output) -> anyhow::Result<String> {
    Ok(String::from_utf8([output.stdout, output.stderr].concat())?)
}
