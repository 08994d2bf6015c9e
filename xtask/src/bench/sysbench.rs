//! What MySQL does alone, made by sysbench.

use super::tool;
use crate::services::Database;
use crate::services::MYSQL_PORT;
use anyhow::Context;
use anyhow::ensure;
use serde::Deserialize;
use std::path::Path;
use std::path::PathBuf;

/// What sysbench is told to do.
const SCRIPT: &str = include_str!("mysql.lua");

/// How many rows are read and updated; all stay in memory.
const ROWS: u64 = 10_000;

/// What an event does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Reads a row by its key.
    Select,
    /// Updates a row by its key.
    Update,
    /// Inserts a row.
    Insert,
}

/// A table to measure on, in a database of its own.
pub(crate) struct Table {
    database: Database,
    script: PathBuf,
}

/// What has been done to the table, and what the server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proof {
    rows: u64,
    updates: u64,
    /// The server's version.
    pub(crate) version: String,
}

#[derive(Deserialize)]
struct Printed {
    events: u64,
    seconds: f64,
    errors: u64,
    reconnects: u64,
}

impl Table {
    /// Makes it; the script is kept in the folder.
    ///
    /// # Errors
    ///
    /// There is no database for it.
    pub(crate) async fn fill(folder: &Path) -> anyhow::Result<Self> {
        let script = folder.join("mysql.lua");
        std::fs::write(&script, SCRIPT)?;
        let database = Database::create()?;
        let table = Self { database, script };
        table.run(&["fill"]).await?;
        Ok(table)
    }

    /// What has been done to it so far.
    ///
    /// # Errors
    ///
    /// The server is gone.
    pub(crate) async fn proof(&self) -> anyhow::Result<Proof> {
        proof(&self.run(&["proof"]).await?)
    }

    /// Does the work for so many seconds; returns events/s.
    ///
    /// # Errors
    ///
    /// There was any error, or the table does not show every event.
    pub(crate) async fn work(&self, work: Work, threads: u64, seconds: u64) -> anyhow::Result<f64> {
        let before = self.proof().await?;
        let name = match work {
            Work::Select => "select",
            Work::Update => "update",
            Work::Insert => "insert",
        };
        let printed = self
            .run(&[
                &format!("--work={name}"),
                &format!("--threads={threads}"),
                &format!("--time={seconds}"),
                "run",
            ])
            .await?;
        judge(work, &printed, &before, &self.proof().await?)
    }

    async fn run(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let mut sysbench = tool::command("sysbench")?;
        sysbench
            .arg(&self.script)
            .args(["--verbosity=0", "--mysql-host=127.0.0.1"])
            .arg(format!("--mysql-port={MYSQL_PORT}"))
            .args(["--mysql-user=goms", "--mysql-password=goms"])
            .arg(format!("--mysql-db={}", self.database.name()))
            .arg(format!("--rows={ROWS}"))
            .args(arguments);
        tool::run(&mut sysbench).await
    }
}

/// The rate, if the table shows what was done.
fn judge(work: Work, printed: &str, before: &Proof, after: &Proof) -> anyhow::Result<f64> {
    let line = printed.lines().rfind(|line| line.starts_with('{'));
    let line = line.context("sysbench printed no figures")?;
    let printed: Printed = serde_json::from_str(line).context("sysbench")?;
    let Printed {
        events,
        seconds,
        errors,
        reconnects,
    } = printed;
    ensure!(
        errors + reconnects == 0,
        "sysbench had {errors} errors and {reconnects} reconnects"
    );
    let done = (after.rows - before.rows, after.updates - before.updates);
    let right = match work {
        Work::Select => (0, 0),
        Work::Update => (0, events),
        Work::Insert => (events, 0),
    };
    ensure!(
        events > 0 && done == right,
        "sysbench counted {events} events, the table shows {done:?}"
    );
    Ok(events as f64 / seconds)
}

fn proof(printed: &str) -> anyhow::Result<Proof> {
    let value = |name: &str| {
        let mut lines = printed.lines();
        let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        value.with_context(|| format!("sysbench printed no {name}"))
    };
    Ok(Proof {
        rows: value("rows")?.parse()?,
        updates: value("updates")?.parse()?,
        version: value("version")?.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::Work;
    use super::judge;
    use super::proof;

    const BEFORE: &str = "rows=10000\nupdates=0\nversion=10.11.19-MariaDB-0+deb12u1\n";
    const EVENTS: &str = "{\"events\":9903,\"seconds\":1.031984,\"errors\":0,\"reconnects\":0}\n";

    #[test]
    fn what_sysbench_prints_is_read() -> anyhow::Result<()> {
        let before = proof(BEFORE)?;
        assert_eq!(before.version, "10.11.19-MariaDB-0+deb12u1");
        let after = proof(&BEFORE.replace("updates=0", "updates=9903"))?;
        let rate = judge(Work::Update, EVENTS, &before, &after)?;
        assert_eq!(rate, 9903.0 / 1.031_984);
        Ok(())
    }

    #[test]
    fn what_the_table_does_not_show_is_refused() -> anyhow::Result<()> {
        let before = proof(BEFORE)?;
        let updated = proof(&BEFORE.replace("updates=0", "updates=9903"))?;
        let grown = proof(&BEFORE.replace("rows=10000", "rows=19903"))?;
        assert!(judge(Work::Update, EVENTS, &before, &before).is_err());
        assert!(judge(Work::Insert, EVENTS, &before, &updated).is_err());
        assert!(judge(Work::Insert, EVENTS, &before, &grown).is_ok());
        assert!(judge(Work::Select, EVENTS, &before, &grown).is_err());
        assert!(judge(Work::Select, EVENTS, &before, &before).is_ok());
        Ok(())
    }

    #[test]
    fn an_error_is_refused() -> anyhow::Result<()> {
        let before = proof(BEFORE)?;
        for error in ["errors", "reconnects"] {
            let events = EVENTS.replace(&format!("\"{error}\":0"), &format!("\"{error}\":1"));
            assert!(judge(Work::Select, &events, &before, &before).is_err());
        }
        assert!(judge(Work::Select, "", &before, &before).is_err());
        assert!(proof("").is_err());
        Ok(())
    }
}
