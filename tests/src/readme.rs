//! The blocks of a README that show a command and what it prints, run as written.
//!
//! A block of the kind `console` holds commands after `$ ` and what they print. In what is
//! printed `…` stands for anything, and a line of nothing else for any lines. A block of the
//! kind `sh` holds commands that have to work. All blocks of one README are one session of
//! bash, in a folder of its own. What is not run is listed here, with the reason.

use crate::ladder::LESSONS;
use crate::programs::program;
use crate::stage::Stage;
use anyhow::Context;
use anyhow::bail;
use anyhow::ensure;
use nix::sys::signal::Signal;
use nix::sys::signal::killpg;
use nix::unistd::Pid;
use std::fmt::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Stdio;
use tokio::process::Command;
use tokio::sync::watch;

/// Set where Docker is: then blocks of the kind `console docker` are run, too.
const DOCKER: &str = "GOMS_TEST_DOCKER";

/// How commands begin that are never run, and why.
const NOT_RUN: &[(&str, &str)] = &[
    ("cargo test -p tests ", "is this"),
    (
        "grpcurl ",
        "is not everywhere; the suite has a client of its own",
    ),
];

/// Kinds of blocks that hold no commands.
const QUOTED: &[&str] = &["", "rust", "text", "toml", "yaml", "sql", "proto"];

/// Stands for the end of what a command prints.
const END: &str = "--- end of command ---";

/// A command and the lines that the README shows for it.
struct Shown {
    command: String,
    lines: Vec<String>,
}

impl Shown {
    /// A command that says something only if it fails.
    fn silent(command: &str) -> Self {
        Self {
            command: format!("said=$({command} 2>&1) || echo \"it fails: $said\""),
            lines: Vec::new(),
        }
    }
}

pub(crate) async fn its_readme_shows_what_happens(stage: &Stage) -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let readme = std::fs::read_to_string(root.join(stage.lesson.name).join("README.md"))?;
    let shown = blocks(&readme, &root)?;
    let folder = stage.folder();
    for lesson in LESSONS {
        symlink(root.join(lesson.name), folder.join(lesson.name))?;
    }
    let ports = Ports::free()?;
    shim(stage, &root, &ports).await?;

    let mut script = String::from("exec 2>&1\n");
    for Shown { command, .. } in &shown {
        let command = ports.own(command);
        writeln!(script, "{command}\necho '{END}'")?;
    }
    script.push_str("kill $(jobs -p) 2>/dev/null; wait\n");
    let printed = ports.usual(&session(stage, &script).await?);
    let mut printed = printed.split(END);
    for Shown { command, lines } in &shown {
        let got = printed
            .next()
            .with_context(|| format!("{command:?} was not reached"))?;
        // bash's own notices about jobs differ between shells and are not shown.
        let notice = |line: &str| ["[1]", "[2]"].iter().any(|job| line.starts_with(job));
        let got = got.trim_matches('\n').lines().filter(|line| !notice(line));
        let got: Vec<&str> = got.collect();
        if !matches(lines, &got) {
            bail!(
                "$ {command}\nREADME shows:\n{}\nbut it printed:\n{}",
                lines.join("\n"),
                got.join("\n")
            );
        }
    }
    Ok(())
}

/// A process group, ended when it is dropped: what a session has left in the background.
struct Group(Pid);

impl Drop for Group {
    fn drop(&mut self) {
        let _ = killpg(self.0, Signal::SIGKILL);
    }
}

/// Runs a session of bash and returns what it printed.
async fn session(stage: &Stage, script: &str) -> anyhow::Result<String> {
    let folder = stage.folder();
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{path}", folder.join("bin").display());
    let mut bash = Command::new("bash");
    bash.args(["-c", script])
        .current_dir(folder)
        .env("PATH", path)
        .env_remove("RUST_BACKTRACE")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .process_group(0);
    // A reader has set nothing yet.
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"GOMS__") {
            bash.env_remove(name);
        }
    }
    let mut bash = bash.spawn().context("bash")?;
    let pid = bash.id().context("it has just been started")?;
    let _group = Group(Pid::from_raw(pid.try_into()?));
    let (lines, mut log) = watch::channel(Vec::new());
    let output = bash.stdout.take().context("it is piped")?;
    stage.transcript.listen(output, lines);
    while log.changed().await.is_ok() {} // until nobody can print any more
    bash.wait().await?;
    Ok(log.borrow().join("\n"))
}

/// The commands of the blocks.
fn blocks(readme: &str, root: &Path) -> anyhow::Result<Vec<Shown>> {
    let docker = std::env::var_os(DOCKER).is_some();
    let mut shown: Vec<Shown> = Vec::new();
    let mut block = None;
    for line in readme.lines() {
        match (line.strip_prefix("```"), block) {
            (Some(kind), None) => block = Some(kind),
            (Some(_), Some(_)) => block = None,
            (None, Some("console docker")) if !docker => {}
            (None, Some(kind)) if kind.starts_with("console") => {
                match (line.strip_prefix("$ "), shown.last_mut()) {
                    (Some(command), _) => {
                        let (mut command, lines) = (command.to_owned(), Vec::new());
                        if kind == "console docker" {
                            command = format!("(cd '{}' && {command})", root.display());
                        }
                        shown.push(Shown { command, lines });
                    }
                    (None, Some(last)) => last.lines.push(line.to_owned()),
                    (None, None) => bail!("{line:?} is printed by no command"),
                }
            }
            (None, Some("sh")) => shown.push(Shown::silent(line)),
            (None, Some(kind)) => ensure!(QUOTED.contains(&kind), "what is a block {kind:?}?"),
            (None, None) => {}
        }
    }
    let runs = |shown: &Shown| {
        NOT_RUN
            .iter()
            .all(|(start, _)| !shown.command.contains(start))
    };
    shown.retain(runs);
    Ok(shown)
}

/// Whether the lines are those shown.
fn matches(shown: &[String], got: &[&str]) -> bool {
    match (shown, got) {
        ([], []) => true,
        ([], _) => false,
        ([first, rest @ ..], _) if first == "…" => {
            (0..=got.len()).any(|skipped| matches(rest, &got[skipped..]))
        }
        ([first, rest @ ..], [line, lines @ ..]) => fits(first, line) && matches(rest, lines),
        (_, []) => false,
    }
}

/// Whether the line is the one shown, in which `…` stands for anything.
fn fits(shown: &str, line: &str) -> bool {
    let mut parts = shown.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = line.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else {
            return false;
        };
        rest = after;
    }
    rest.ends_with(last)
}

/// Free ports in place of those that READMEs name: others may listen there.
struct Ports(Vec<(&'static str, String)>);

impl Ports {
    fn free() -> anyhow::Result<Self> {
        // All are held until all are found, so that no two are the same.
        let named = ["8080", "8081", "8082", "50051", "50052"];
        let held = named.map(|_| TcpListener::bind("127.0.0.1:0"));
        let mut ports = Vec::new();
        for (name, listener) in named.into_iter().zip(held) {
            ports.push((name, listener?.local_addr()?.port().to_string()));
        }
        Ok(Self(ports))
    }

    fn own(&self, text: &str) -> String {
        let replace = |text: String, (name, port): &(&str, String)| text.replace(name, port);
        self.0.iter().fold(text.to_owned(), replace)
    }

    fn usual(&self, text: &str) -> String {
        let replace = |text: String, (name, port): &(&str, String)| text.replace(port, name);
        self.0.iter().fold(text.to_owned(), replace)
    }
}

/// A `cargo` that runs what is already built, on this test's ports and stores; the reader's
/// own does the same with `cargo run`, on the usual ones.
async fn shim(stage: &Stage, root: &Path, ports: &Ports) -> anyhow::Result<()> {
    let bin = stage.folder().join("bin");
    std::fs::create_dir(&bin)?;
    let mut script = String::from("#!/usr/bin/env bash\n");
    let (xtask, tool) = (root.join("xtask"), program("xtask")?);
    let (xtask, tool) = (xtask.display(), tool.display());
    writeln!(
        script,
        "[ \"$1\" = lesson ] && {{ shift; CARGO_MANIFEST_DIR='{xtask}' exec '{tool}' \"$@\"; }}"
    )?;
    script.push_str(
        "[ \"$1 $2\" = 'build -qp' ] && exit\n\
         [ \"$1 $2\" = 'run -qp' ] || { echo \"cargo $*: not run here\"; exit 1; }\n\
         lesson=$3; shift 3; [ \"$1\" = -- ] && shift\n\
         case $lesson in\n",
    );
    let so_far = LESSONS
        .iter()
        .filter(|lesson| stage.lesson.has(lesson.name));
    for lesson in so_far {
        writeln!(script, "{})", lesson.name)?;
        for (name, value) in stage.environment(lesson).await? {
            writeln!(script, "export {name}=${{{name}-'{value}'}}")?;
        }
        for (brought_by, flag, value) in [
            ("e-http", "http-addr", "127.0.0.1:8080"),
            ("e-grpc", "grpc-addr", "127.0.0.1:50051"),
            ("e-grpc", "grpc-upstream", "http://127.0.0.1:50051"),
        ] {
            let value = ports.own(value);
            let variable = format!("GOMS__{}", flag.to_uppercase().replace('-', "__"));
            if lesson.has("e-conf") {
                writeln!(script, "export {variable}=${{{variable}-{value}}}")?;
            } else if lesson.has(brought_by) {
                writeln!(
                    script,
                    "[[ $* = *--{flag}* ]] || set -- --{flag} {value} \"$@\""
                )?;
            }
        }
        writeln!(
            script,
            "exec '{}' \"$@\";;",
            program(lesson.name)?.display()
        )?;
    }
    script.push_str("esac\n");
    let cargo = bin.join("cargo");
    std::fs::write(&cargo, script)?;
    std::fs::set_permissions(&cargo, std::fs::Permissions::from_mode(0o755))?;
    Ok(())
}
