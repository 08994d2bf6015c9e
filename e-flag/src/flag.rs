//! The settings, one struct a concern: each has a type, a default and a line of help.

use crate::command::Command;
use clap::Args;
use clap::Parser;
use clap::ValueEnum;
use std::path::PathBuf;
use tracing_subscriber::filter::Targets;

/// What the service is told when it is started.
#[derive(Clone, Debug, Parser)]
#[command(version, about)]
#[command(after_help = "Without a command it serves until SIGTERM or Ctrl-C.")]
pub struct Flags {
    /// Where the users are kept
    #[arg(long, value_enum, default_value = "yaml")]
    pub store: Kind,
    /// How it logs.
    #[command(flatten)]
    pub log: Log,
    /// The store in a YAML file.
    #[command(flatten)]
    pub yaml: Yaml,
    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The stores to choose from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// In memory, gone at exit
    Memory,
    /// In a YAML file, for one process at a time
    Yaml,
}

/// How it logs.
#[derive(Clone, Debug, Args)]
pub struct Log {
    /// What is logged: a level (error, warn, info, debug, trace), also per module: info,sqlx=debug
    #[arg(id = "log-filter", long, value_name = "FILTER", default_value = "info")]
    pub filter: Targets,
}

/// The store in a YAML file.
#[derive(Clone, Debug, Args)]
pub struct Yaml {
    /// The file of the YAML store; its folder must exist, the file need not
    #[arg(
        id = "yaml-file",
        long,
        value_name = "PATH",
        default_value = "users.yaml"
    )]
    pub file: PathBuf,
}
