//! The settings, one struct a concern: each has a type, a default and a line of help.

use crate::command::Command;
use crate::conf::SecretUrl;
use crate::conf::url_like;
use crate::grpc::upstream::origin;
use clap::Args;
use clap::Parser;
use clap::ValueEnum;
use std::net::SocketAddr;
use std::path::PathBuf;
use tonic::transport::Uri;
use tracing_subscriber::filter::Targets;

/// What the service is told when it is started.
#[derive(Clone, Debug, Parser)]
#[command(version, about)]
#[command(after_help = "Without a command it serves until SIGTERM or Ctrl-C.")]
pub struct Flags {
    /// Where the users are kept
    #[arg(long, value_enum, default_value = "mysql")]
    pub store: Kind,
    /// How it logs.
    #[command(flatten)]
    pub log: Log,
    /// The store in a YAML file.
    #[command(flatten)]
    pub yaml: Yaml,
    /// HTTP.
    #[command(flatten)]
    pub http: Http,
    /// gRPC.
    #[command(flatten)]
    pub grpc: Grpc,
    /// Configuration files.
    #[command(flatten)]
    pub conf: Conf,
    /// The store in MySQL.
    #[command(flatten)]
    pub mysql: Mysql,
    /// The cache over MySQL.
    #[command(flatten)]
    pub redis: Redis,
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
    /// In another instance of this service, reached by gRPC
    Grpc,
    /// In MySQL or MariaDB
    Mysql,
}

/// How it logs.
#[derive(Clone, Debug, Args)]
pub struct Log {
    /// What is logged: a level (error, warn, info, debug, trace), also per module: info,sqlx=debug
    #[arg(id = "log-filter", long, value_name = "FILTER", default_value = "info")]
    pub filter: Targets,
    /// One event a line, as text or as JSON
    #[arg(
        id = "log-format",
        long,
        value_name = "FORMAT",
        value_enum,
        default_value = "text"
    )]
    pub format: Format,
}

/// How a line of the log reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// For machines
    Json,
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

/// HTTP.
#[derive(Clone, Debug, Args)]
pub struct Http {
    /// Where HTTP is served; port 0 takes a free one
    #[arg(
        id = "http-addr",
        long,
        value_name = "IP:PORT",
        default_value = "127.0.0.1:8080"
    )]
    pub addr: SocketAddr,
}

/// gRPC.
#[derive(Clone, Debug, Args)]
pub struct Grpc {
    /// Where gRPC is served; port 0 takes a free one
    #[arg(
        id = "grpc-addr",
        long,
        value_name = "IP:PORT",
        default_value = "127.0.0.1:50051"
    )]
    pub addr: SocketAddr,
    /// The instance that `--store grpc` uses
    #[arg(
        id = "grpc-upstream",
        value_parser = origin,
        long,
        value_name = "URL",
        default_value = "http://127.0.0.1:50051"
    )]
    pub upstream: Uri,
}

/// Configuration files.
#[derive(Clone, Debug, Args)]
pub struct Conf {
    /// The folder of the configuration files [default: configs, here or in the lesson's folder]
    #[arg(id = "conf-dir", long, value_name = "PATH")]
    pub dir: Option<PathBuf>,
}

/// The store in MySQL.
#[derive(Clone, Debug, Args)]
pub struct Mysql {
    /// The database: mysql://USER:PASSWORD@HOST:PORT/DATABASE
    #[arg(id = "mysql-url", long, value_name = "URL", value_parser = url_like("mysql://USER:PASSWORD@HOST:PORT/DATABASE"))]
    #[arg(hide_default_value = true)]
    pub url: Option<SecretUrl>,
    /// How many connections it opens at most
    #[arg(id = "mysql-connections", long, value_name = "N", default_value = "16")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub connections: u32,
}

/// The cache over MySQL.
#[derive(Clone, Debug, Args)]
pub struct Redis {
    /// The cache: redis://:PASSWORD@HOST:PORT; without it every read goes to MySQL
    #[arg(id = "redis-url", long, value_name = "URL", value_parser = url_like("redis://:PASSWORD@HOST:PORT"))]
    #[arg(hide_default_value = true)]
    pub url: Option<SecretUrl>,
    /// How long a cached user is kept, in seconds
    #[arg(id = "redis-ttl", long, value_name = "SECONDS", default_value = "60")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub ttl: u64,
}
