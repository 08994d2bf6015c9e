//! The service: the program that cargo has built, in a folder and on ports of its own.

use super::PATIENCE;
use super::client;
use super::wire::PING;
use super::wire::Wire;
use anyhow::Context;
use anyhow::ensure;
use nix::sys::signal::Signal;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use std::path::Path;
use std::process::ExitStatus;
use std::process::Output;
use std::process::Stdio;
use tempfile::TempDir;
use tokio::io::AsyncBufReadExt;
use tokio::io::AsyncRead;
use tokio::io::BufReader;
use tokio::process::Child;
use tokio::process::Command;
use tokio::sync::watch;
use tokio::time::timeout;

/// The program.
pub(crate) const PROGRAM: &str = env!(concat!("CARGO_BIN_EXE_", env!("CARGO_PKG_NAME")));

/// A service that runs. It is killed when it is dropped, and its log printed, which the test
/// runner shows if the test has failed.
pub(crate) struct Service {
    child: Child,
    log: watch::Receiver<Vec<String>>,
    folder: TempDir,
    /// Where HTTP is, `127.0.0.1:PORT`.
    pub(crate) http: String,
    /// Where gRPC is, `127.0.0.1:PORT`.
    pub(crate) grpc: String,
    /// Where the metrics are, `127.0.0.1:PORT`.
    observe: String,
}

impl Service {
    /// Starts it with these flags, and waits until it serves.
    ///
    /// # Errors
    ///
    /// It does not serve. The error holds what it has said.
    pub(crate) async fn start(flags: &[&str]) -> anyhow::Result<Self> {
        Self::start_after(":", flags).await
    }

    /// The same, after a shell has run this.
    ///
    /// # Errors
    ///
    /// It does not serve.
    pub(crate) async fn start_after(first: &str, flags: &[&str]) -> anyhow::Result<Self> {
        let folder = TempDir::new()?;
        let first = format!("{first}; exec \"$0\" \"$@\"");
        let ports = ["--http-addr", "127.0.0.1:0", "--grpc-addr", "127.0.0.1:0"];
        let admin = ["--observe-addr", "127.0.0.1:0"];
        let arguments = [&["-c", &first, PROGRAM], &ports[..], &admin, flags].concat();
        let mut command = command("sh", folder.path(), &arguments);
        let mut child = command.spawn().context(PROGRAM)?;
        let (lines, mut log) = watch::channel(Vec::new());
        listen(child.stdout.take().context("piped")?, lines.clone());
        listen(child.stderr.take().context("piped")?, lines);
        let serves = |lines: &Vec<String>| address(lines, "serving, process ").is_some();
        let up = timeout(PATIENCE, log.wait_for(serves)).await;
        let up = up.is_ok_and(|up| up.is_ok());
        let said = log.borrow().clone();
        ensure!(up, "it does not serve:\n{}", said.join("\n"));
        let http = address(&said, "http on ").context("it does not say where HTTP is")?;
        let grpc = address(&said, "grpc on ").context("it does not say where gRPC is")?;
        let observe = address(&said, "observe on ").context("it does not say where they are")?;
        Ok(Self {
            child,
            log,
            folder,
            http,
            grpc,
            observe,
        })
    }

    /// Starts it, and sees one good request answered.
    ///
    /// # Errors
    ///
    /// It does not serve.
    pub(crate) async fn up(flags: &[&str]) -> anyhow::Result<Self> {
        let service = Self::start(flags).await?;
        service.is_up().await?;
        Ok(service)
    }

    /// Sees one good request answered.
    ///
    /// # Errors
    ///
    /// It is not.
    pub(crate) async fn is_up(&self) -> anyhow::Result<()> {
        let mut client = Wire::connect(&self.http).await?;
        client.send(PING).await?;
        let answer = client.answer(PATIENCE).await;
        ensure!(answer.starts_with("HTTP/1.1 200"), "it is not up: {answer}");
        Ok(())
    }

    /// Its metrics, as Prometheus reads them.
    ///
    /// # Errors
    ///
    /// There is no answer.
    pub(crate) async fn metrics(&self) -> anyhow::Result<String> {
        let url = format!("http://{}/metrics", self.observe);
        Ok(client()?.get(url).send().await?.text().await?)
    }

    /// The URL of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.http)
    }

    /// The folder in which it runs.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Waits until a line of the log holds this text.
    ///
    /// # Errors
    ///
    /// No line does.
    pub(crate) async fn wait_until_said(&self, text: &str) -> anyhow::Result<()> {
        let mut log = self.log.clone();
        let says = |lines: &Vec<String>| lines.iter().any(|line| line.contains(text));
        let said = timeout(PATIENCE, log.wait_for(says)).await;
        ensure!(said.is_ok_and(|it| it.is_ok()), "it does not say {text:?}");
        Ok(())
    }

    /// Sends it a signal.
    ///
    /// # Errors
    ///
    /// It has ended.
    pub(crate) fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let id = self.child.id().context("it has ended")?;
        Ok(kill(Pid::from_raw(id.try_into()?), signal)?)
    }

    /// Waits for its end.
    ///
    /// # Errors
    ///
    /// It does not end.
    pub(crate) async fn ended(&mut self) -> anyhow::Result<ExitStatus> {
        let ended = timeout(PATIENCE, self.child.wait()).await;
        Ok(ended.context("it does not end")??)
    }

    /// Stops it, and expects a clean end.
    ///
    /// # Errors
    ///
    /// It does not end, or not with exit code 0.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        self.signal(Signal::SIGTERM)?;
        let status = self.ended().await?;
        ensure!(status.success(), "it ended with {status}");
        Ok(())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        eprintln!("The service's log:\n{}", self.log.borrow().join("\n"));
    }
}

/// Runs the program to its end, in this folder.
///
/// # Errors
///
/// It does not end.
pub(crate) async fn run(folder: &Path, arguments: &[&str]) -> anyhow::Result<Output> {
    let output = timeout(PATIENCE, command(PROGRAM, folder, arguments).output()).await;
    Ok(output.context("it does not end")??)
}

/// Which of these flags the program has, with their values. Later lessons bring settings that
/// make a test quick; without them the test takes the service as it is.
///
/// # Errors
///
/// It has no `--help`.
pub(crate) async fn known<'a>(flags: &[(&'a str, &'a str)]) -> anyhow::Result<Vec<&'a str>> {
    let help = run(Path::new("."), &["--help"]).await?.stdout;
    let help = String::from_utf8(help)?;
    let has = |flag: &str| help.split_whitespace().any(|word| word == flag);
    let flags = flags.iter().filter(|(flag, _)| has(flag));
    Ok(flags.flat_map(|(flag, value)| [*flag, *value]).collect())
}

/// The program, to be run in this folder. No variable of whoever runs the tests is its own.
pub(crate) fn command(program: &str, folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("GOMS__")) {
        command.env_remove(name);
    }
    command.current_dir(folder).args(arguments);
    command.stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.kill_on_drop(true);
    command
}

/// Collects the lines that it prints.
fn listen(output: impl AsyncRead + Unpin + Send + 'static, lines: watch::Sender<Vec<String>>) {
    let mut output = BufReader::new(output).lines();
    tokio::spawn(async move {
        while let Ok(Some(line)) = output.next_line().await {
            lines.send_modify(|lines| lines.push(line));
        }
    });
}

/// What stands behind this text in the first line that has it.
fn address(lines: &[String], before: &str) -> Option<String> {
    let mut found = lines.iter().filter_map(|line| line.split_once(before));
    Some(found.next()?.1.trim().to_owned())
}
