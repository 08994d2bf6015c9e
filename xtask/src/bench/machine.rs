//! What the figures hold for: the machine and the programs.

use super::redis;
use super::tool;
use serde::Serialize;
use sysinfo::CpuRefreshKind;
use sysinfo::System;
use tokio::process::Command;

/// The machine and the programs.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Machine {
    /// The CPU's model.
    pub(crate) cpu: String,
    /// How many threads run at the same time, on its cores.
    pub(crate) threads: usize,
    /// System and kernel.
    pub(crate) system: String,
    /// Servers, compiler and load generators, each with its version.
    pub(crate) programs: Vec<String>,
}

impl Machine {
    /// This one; the database's version is known from its use.
    ///
    /// # Errors
    ///
    /// A program does not tell its version.
    pub(crate) async fn this(database: &str) -> anyhow::Result<Self> {
        let mut system = System::new()?;
        system.refresh_cpu_specifics(CpuRefreshKind::nothing());
        let cpu = system.cpus().first().map_or("", |cpu| cpu.brand());
        let mut rustc = Command::new("rustc");
        let rustc = tool::run(rustc.arg("--version").kill_on_drop(true)).await?;
        let rustc: Vec<&str> = rustc.split_whitespace().take(2).collect();
        let mut programs = vec![rustc.join(" ")];
        programs.push(match database.split_once("-MariaDB") {
            Some((version, _)) => format!("MariaDB {version}"),
            None => format!("MySQL {database}"),
        });
        programs.push(format!("Redis {}", redis::version()?));
        programs.extend(tool::versions().await?);
        let kernel = System::kernel_version()?;
        let kernel = kernel.split('-').next().unwrap_or_default(); // less who has built it
        Ok(Self {
            cpu: cpu.to_owned(),
            threads: std::thread::available_parallelism()?.get(),
            system: format!("{}, kernel {kernel}", System::long_os_version()?),
            programs,
        })
    }
}
