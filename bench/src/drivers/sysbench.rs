//! What MySQL does alone, made by sysbench.

use crate::drivers::answer::Load;
use crate::drivers::tool;
use crate::figures::report::Part;
use anyhow::bail;
use anyhow::ensure;
use ladder::services::Database;
use ladder::services::MYSQL_PORT;
use serde::Deserialize;
use std::path::Path;
use std::path::PathBuf;

/// What sysbench is told to do.
const SCRIPT: &str = include_str!("mysql.lua");

/// How many rows are read and updated; all of them stay in memory.
const ROWS: u64 = 10_000;

/// A table to measure on, in a database of its own.
pub(crate) struct Table {
    database: Database,
    script: PathBuf,
}

/// What has been done to the table, and what the server is.
#[derive(Deserialize)]
struct Proof {
    rows: u64,
    updates: u64,
    version: String,
}

impl Table {
    /// Makes it; the script is kept in the folder.
    pub(crate) async fn fill(folder: &Path) -> anyhow::Result<Self> {
        let script = folder.join("mysql.lua");
        std::fs::write(&script, SCRIPT)?;
        let database = Database::create()?;
        let table = Self { database, script };
        table.run(&["fill"]).await?;
        Ok(table)
    }

    /// The server's name and version.
    pub(crate) async fn version(&self) -> anyhow::Result<String> {
        let version = self.proof().await?.version;
        Ok(match version.split_once("-MariaDB") {
            Some((version, _)) => format!("MariaDB {version}"),
            None => format!("MySQL {version}"),
        })
    }

    /// Has the part do its work for so many seconds; returns statements/s. Fails on any error,
    /// and if the table does not show every statement.
    pub(crate) async fn work(&self, part: Part, threads: u64, seconds: u64) -> anyhow::Result<f64> {
        let work = match part {
            Part::Select => "--work=select",
            Part::Update => "--work=update",
            Part::Insert => "--work=insert",
            Part::Nginx | Part::Redis => bail!("this is not MySQL's work"),
        };
        let before = self.proof().await?;
        let (threads, time) = (format!("--threads={threads}"), format!("--time={seconds}"));
        let printed = self.run(&[work, &threads, &time, "run"]).await?;
        judge(part, &printed, &before, &self.proof().await?)
    }

    async fn proof(&self) -> anyhow::Result<Proof> {
        tool::json(&self.run(&["proof"]).await?)
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
fn judge(part: Part, printed: &str, before: &Proof, after: &Proof) -> anyhow::Result<f64> {
    let load: Load = tool::json(printed)?;
    load.check()?;
    let events = load.requests;
    let done = (after.rows - before.rows, after.updates - before.updates);
    let right = match part {
        Part::Insert => (events, 0),
        Part::Update => (0, events),
        _ => (0, 0),
    };
    ensure!(
        events > 0 && done == right,
        "sysbench counted {events} events, but the table shows {done:?}"
    );
    Ok(load.rate())
}

#[cfg(test)]
mod tests {
    use super::Part;
    use super::Proof;
    use super::judge;
    use super::tool;

    const EVENTS: &str =
        r#"{"requests":9903,"seconds":1.031984,"errors":{"errors":0,"reconnects":0}}"#;

    fn proof(rows: u64, updates: u64) -> anyhow::Result<Proof> {
        let version = "10.11.19-MariaDB-0+deb12u1";
        tool::json(&format!(
            "{{\"rows\":{rows},\"updates\":{updates},\"version\":\"{version}\"}}\n"
        ))
    }

    #[test]
    fn what_the_table_does_not_show_is_refused() -> anyhow::Result<()> {
        let before = proof(10_000, 0)?;
        let (updated, grown) = (proof(10_000, 9903)?, proof(19_903, 0)?);
        let rate = judge(Part::Update, EVENTS, &before, &updated)?;
        assert_eq!(rate, 9903.0 / 1.031_984);
        assert!(judge(Part::Update, EVENTS, &before, &before).is_err());
        assert!(judge(Part::Insert, EVENTS, &before, &updated).is_err());
        assert!(judge(Part::Insert, EVENTS, &before, &grown).is_ok());
        assert!(judge(Part::Select, EVENTS, &before, &grown).is_err());
        assert!(judge(Part::Select, EVENTS, &before, &before).is_ok());
        Ok(())
    }

    #[test]
    fn an_error_is_refused() -> anyhow::Result<()> {
        let before = proof(10_000, 0)?;
        for error in ["errors", "reconnects"] {
            let events = EVENTS.replace(&format!("\"{error}\":0"), &format!("\"{error}\":1"));
            assert!(judge(Part::Select, &events, &before, &before).is_err());
        }
        assert!(judge(Part::Select, "", &before, &before).is_err());
        Ok(())
    }
}
