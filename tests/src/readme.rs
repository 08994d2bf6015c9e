//! The blocks of a README that show a command and what it prints, run as written.
//!
//! A block of the kind `console` holds commands after `$ ` and what they print. In what is
//! printed `…` stands for anything, and a line of nothing else for any lines. A block of the
//! kind `sh` holds commands that have to work. All blocks of one README are one session of
//! bash, in a folder of its own. Blocks that need a tool which is not everywhere have a kind
//! of their own, `console docker`, and are tried by a promise of their own.

use crate::database::SECRET;
use crate::programs::program;
use crate::stage::Stage;
use anyhow::Context;
use anyhow::bail;
use anyhow::ensure;
use ladder::Ladder;
use ladder::Lesson;
use ladder::cargo;
use ladder::group::Group;
use ladder::markdown::Kind;
use ladder::markdown::parts;
use ladder::ports::Ports;
use ladder::services;
use ladder::shim::shim;
use std::fmt::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::symlink;
use std::process::Stdio;
use tokio::process::Command;
use tokio::sync::watch;

/// Set where Docker is and may be used.
const DOCKER: &str = "GOMS_TEST_DOCKER";

/// The reader's database, and the account that has it.
const DATABASE: &str = "goms";

/// Kinds of blocks that hold no commands.
const QUOTED: &[&str] = &["", "rust", "text", "toml", "yaml", "sql", "proto"];

/// Stands for the end of what a command prints.
const END: &str = "--- end of command ---";

/// Which blocks are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blocks {
    /// Those that need nothing.
    Plain,
    /// These, and those that need Docker.
    Docker,
    /// These, and those that need a client of gRPC.
    Grpcurl,
    /// These, and those that need a client of MySQL.
    Mysql,
    /// These, and those that need a client of Redis.
    RedisCli,
}

impl Blocks {
    const ALL: [Self; 5] = [
        Self::Plain,
        Self::Docker,
        Self::Grpcurl,
        Self::Mysql,
        Self::RedisCli,
    ];

    fn kind(self) -> &'static str {
        match self {
            Self::Plain => "console",
            Self::Docker => "console docker",
            Self::Grpcurl => "console grpcurl",
            Self::Mysql => "console mysql",
            Self::RedisCli => "console redis-cli",
        }
    }

    /// The program that they need, besides what each reader has.
    fn tool(self) -> Option<&'static str> {
        match self {
            Self::Plain | Self::Docker => None,
            Self::Grpcurl => Some("grpcurl"),
            Self::Mysql => Some("mysql"),
            Self::RedisCli => Some("redis-cli"),
        }
    }

    /// Whether the lesson's README has such blocks. One that cannot be read is not passed over:
    /// its plain blocks are tried, and that says why.
    pub(crate) fn stand_in(self, ladder: &Ladder, lesson: &Lesson) -> bool {
        let page = page(ladder, lesson).unwrap_or_default();
        let kind = Kind::Block(self.kind().to_owned());
        self == Self::Plain || parts(&page).iter().any(|part| part.kind == kind)
    }

    /// Why they cannot be run here, if they cannot.
    pub(crate) fn missing(self) -> Option<String> {
        if self == Self::Docker && std::env::var_os(DOCKER).is_none() {
            return Some(format!("no Docker here: set {DOCKER}"));
        }
        let tool = self.tool()?;
        let missing = services::find(&[tool]).is_none();
        missing.then(|| format!("no {tool} here: install it"))
    }
}

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
    expect_as_shown(stage, Blocks::Plain).await
}

pub(crate) async fn its_readme_shows_what_docker_does(stage: &Stage) -> anyhow::Result<()> {
    expect_as_shown(stage, Blocks::Docker).await
}

pub(crate) async fn its_readme_shows_what_grpcurl_prints(stage: &Stage) -> anyhow::Result<()> {
    expect_as_shown(stage, Blocks::Grpcurl).await
}

pub(crate) async fn its_readme_shows_what_mysql_prints(stage: &Stage) -> anyhow::Result<()> {
    expect_as_shown(stage, Blocks::Mysql).await
}

pub(crate) async fn its_readme_shows_what_redis_cli_prints(stage: &Stage) -> anyhow::Result<()> {
    expect_as_shown(stage, Blocks::RedisCli).await
}

async fn expect_as_shown(stage: &Stage, blocks: Blocks) -> anyhow::Result<()> {
    let ladder = stage.ladder;
    let shown = commands(&page(ladder, stage.lesson)?, blocks)?;
    let folder = stage.folder();
    for lesson in ladder.lessons {
        symlink(ladder.folder(lesson), folder.join(lesson.name))?;
    }
    let ports = Ports::free()?;
    write_cargo(stage, &ports).await?;
    let database = match blocks {
        Blocks::Mysql | Blocks::RedisCli => stage.database().await?.name.clone(),
        _ => DATABASE.to_owned(),
    };

    let mut script = format!("exec 2>&1\nroot='{}'\n", ladder.root.display());
    for Shown { command, .. } in &shown {
        let command = with_own_login(&ports.own(command), &database);
        writeln!(script, "{command}\necho '{END}'")?;
    }
    script.push_str("kill $(jobs -p) 2>/dev/null; wait\n");
    let printed = ports.usual(&session(stage, &script).await?);
    let printed = printed.replace(&database, DATABASE);
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

/// A command in which a client logs in to the test's own database, and not to the reader's.
fn with_own_login(command: &str, database: &str) -> String {
    if database == DATABASE {
        return command.to_owned();
    }
    command
        .replace("MYSQL_PWD=goms ", &format!("MYSQL_PWD={SECRET} "))
        .replace("-ugoms goms", &format!("-u{database} {database}"))
        .replace("-a goms ", &format!("--user {database} -a {SECRET} "))
        .replace("goms:goms:", &format!("goms:{database}:"))
}

fn page(ladder: &Ladder, lesson: &Lesson) -> anyhow::Result<String> {
    let path = ladder.folder(lesson).join("README.md");
    std::fs::read_to_string(&path).with_context(|| path.display().to_string())
}

/// The programs that the commands of a README run, its own lesson's among them.
pub(crate) fn programs(ladder: &Ladder, lesson: &Lesson) -> Vec<&'static str> {
    let page = page(ladder, lesson).unwrap_or_default();
    let run = |it: &&Lesson| {
        let named = |before: &str| page.contains(&format!("{before}{}", it.name));
        it.name != lesson.name && lesson.has(it.name) && (named("-qp ") || named("target/debug/"))
    };
    let run = ladder.lessons.iter().filter(run).map(|it| it.name);
    run.chain([lesson.name, "xtask"]).collect()
}

/// The lessons' own tests that the commands of a README run, as arguments of `cargo test`.
pub(crate) fn tests(ladder: &Ladder, lesson: &Lesson) -> Vec<String> {
    let page = page(ladder, lesson).unwrap_or_default();
    let commands = page.lines().map(|line| line.trim_start_matches("$ "));
    let tests = commands.filter_map(|line| line.strip_prefix("cargo test "));
    let tests = tests.filter(|it| it.starts_with("-p e-"));
    // Behind these comes what is no business of cargo's.
    let own = |it: &str| {
        [" -- ", " | ", " 2>"]
            .iter()
            .filter_map(|end| it.find(end))
            .min()
    };
    tests
        .map(|it| it[..own(it).unwrap_or(it.len())].to_owned())
        .collect()
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
    let _group = Group::of(bash.id())?; // ends what the session leaves in the background
    let (lines, mut log) = watch::channel(Vec::new());
    let output = bash.stdout.take().context("it is piped")?;
    stage.transcript.listen(output, lines);
    while log.changed().await.is_ok() {} // until nobody can print any more
    bash.wait().await?;
    Ok(log.borrow().join("\n"))
}

/// The commands of a page, in these blocks and the plain ones.
fn commands(page: &str, blocks: Blocks) -> anyhow::Result<Vec<Shown>> {
    let mut shown: Vec<Shown> = Vec::new();
    for part in parts(page) {
        let Kind::Block(kind) = part.kind else {
            continue;
        };
        let lines = part.text.lines();
        if kind == "sh" {
            shown.extend(lines.map(Shown::silent));
        } else if kind == Blocks::Plain.kind() || kind == blocks.kind() {
            for line in lines {
                match (line.strip_prefix("$ "), shown.last_mut()) {
                    (Some(command), _) => shown.push(Shown {
                        command: match blocks {
                            Blocks::Docker if kind == blocks.kind() => {
                                format!("(cd \"$root\" && {command})")
                            }
                            _ => command.to_owned(),
                        },
                        lines: Vec::new(),
                    }),
                    (None, Some(last)) => last.lines.push(line.to_owned()),
                    (None, None) => bail!("line {}: {line:?} is printed by no command", part.line),
                }
            }
        } else {
            let known = Blocks::ALL.iter().any(|it| it.kind() == kind);
            let known = known || QUOTED.contains(&kind.as_str());
            ensure!(known, "line {}: what is a block {kind:?}?", part.line);
        }
    }
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

/// Writes a `cargo` that runs what is already built, on this test's ports and stores; the
/// reader's own does the same with `cargo run`, on the usual ones. Of the suite, which is this,
/// it only asks whether it has such tests. All else is cargo's, in the workspace.
async fn write_cargo(stage: &Stage, ports: &Ports) -> anyhow::Result<()> {
    let (ladder, bin) = (stage.ladder, stage.folder().join("bin"));
    std::fs::create_dir(&bin)?;
    let (root, suite) = (ladder.root.display(), std::env::current_exe()?);
    let (suite, tool) = (suite.display(), program("xtask")?.display());
    let real = cargo::shim(ladder)?;
    let mut script = format!(
        "#!/usr/bin/env bash\n\
         [ \"$1\" = lesson ] && {{ shift; CARGO_MANIFEST_DIR='{root}/xtask' exec '{tool}' \"$@\"; }}\n\
         if [ \"$1 $2 $3\" = 'test -p tests' ]; then\n\
         shift 3; [ \"$1\" = -- ] && shift\n\
         CARGO_MANIFEST_DIR='{root}/tests' '{suite}' --list \"$@\" | grep -q ': test$' && exit\n\
         echo \"the suite has no test $*\"; exit 1\n\
         fi\n\
         [ \"$1 $2\" = 'build -qp' ] && exit\n\
         if [ \"$1 $2\" != 'run -qp' ]; then\n\
         {real}\
         fi\n\
         lesson=$3; shift 3; [ \"$1\" = -- ] && shift\n\
         case $lesson in\n",
    );
    let built = stage.folder().join("target/debug");
    std::fs::create_dir_all(&built)?;
    for name in programs(ladder, stage.lesson) {
        let Some(lesson) = ladder.get(name) else {
            continue; // the tool
        };
        symlink(program(name)?, built.join(name))?;
        let environment = stage.environment(lesson).await?;
        let run = shim(ladder, lesson, program(name)?, ports, &environment);
        writeln!(script, "{name})\n{run};;")?;
    }
    script.push_str("*) echo \"$lesson: not built here\"; exit 1;;\nesac\n");
    let cargo = bin.join("cargo");
    std::fs::write(&cargo, script)?;
    std::fs::set_permissions(&cargo, std::fs::Permissions::from_mode(0o755))?;
    Ok(())
}
