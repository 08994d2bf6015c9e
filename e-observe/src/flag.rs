//! The settings, one struct for each concern. Each setting has a type, a default and a line
//! of help.

use crate::command::Command;
use crate::conf::secret::SecretUrl;
use crate::conf::secret::UrlLike;
use clap::Args;
use clap::Parser;
use clap::ValueEnum;
use std::net::SocketAddr;
use std::path::PathBuf;
use tonic::transport::Uri;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

/// What the service is told when it is started.
#[derive(Clone, Debug, Parser)]
#[command(version, about)]
#[command(after_help = "Without a command it serves until SIGTERM or Ctrl-C.")]
pub struct Settings {
    /// Where the users are kept
    #[arg(long, value_enum, default_value = "mysql")]
    pub store: StoreKind,
    /// The log.
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
    /// What a client may cost.
    #[command(flatten)]
    pub limit: Limit,
    /// The stop.
    #[command(flatten)]
    pub drain: Drain,
    /// What the service tells of itself.
    #[command(flatten)]
    pub observe: Observe,
    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The stores to choose from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StoreKind {
    /// In memory, gone at exit
    Memory,
    /// In a YAML file, for one process at a time
    Yaml,
    /// In another instance of this service, reached by gRPC
    Grpc,
    /// In MySQL or MariaDB
    Mysql,
}

/// The log.
#[derive(Clone, Debug, Args)]
pub struct Log {
    /// What is logged: a level (error, warn, info, debug, trace), also per module: info,sqlx=debug
    #[arg(id = "log-filter", long, value_name = "FILTER", default_value = "info")]
    #[arg(value_parser = log_filter)]
    pub filter: Targets,
    /// How a line is written
    #[arg(id = "log-format", long, value_enum, default_value = "text")]
    pub format: LogFormat,
}

/// How a line of the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For a person
    Text,
    /// For a machine: each line is an object of JSON
    Json,
}

/// The store in a YAML file.
#[derive(Clone, Debug, Args)]
pub struct Yaml {
    /// The file of the YAML store; its folder must exist, the file need not
    #[arg(id = "yaml-file", long, value_name = "PATH")]
    #[arg(default_value = "users.yaml")]
    pub file: PathBuf,
}

/// HTTP.
#[derive(Clone, Debug, Args)]
pub struct Http {
    /// Where HTTP is served; port 0 takes a free one
    #[arg(id = "http-addr", long, value_name = "IP:PORT")]
    #[arg(default_value = "127.0.0.1:8080")]
    pub addr: SocketAddr,
}

/// gRPC.
#[derive(Clone, Debug, Args)]
pub struct Grpc {
    /// Where gRPC is served; port 0 takes a free one
    #[arg(id = "grpc-addr", long, value_name = "IP:PORT")]
    #[arg(default_value = "127.0.0.1:50051")]
    pub addr: SocketAddr,
    /// The instance that `--store grpc` uses
    #[arg(id = "grpc-upstream", long, value_name = "URL", value_parser = origin)]
    #[arg(default_value = "http://127.0.0.1:50051")]
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
    #[arg(id = "mysql-url", long, value_name = "URL", hide_default_value = true)]
    #[arg(value_parser = UrlLike("mysql://USER:PASSWORD@HOST:PORT/DATABASE"))]
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
    #[arg(id = "redis-url", long, value_name = "URL", hide_default_value = true)]
    #[arg(value_parser = UrlLike("redis://:PASSWORD@HOST:PORT"))]
    pub url: Option<SecretUrl>,
    /// How long a cached user is kept, in seconds
    #[arg(id = "redis-ttl", long, value_name = "SECONDS", default_value = "60")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub ttl: u64,
}

/// What a client may cost.
#[derive(Clone, Debug, Args)]
pub struct Limit {
    /// How many requests each listener works on at a time
    #[arg(id = "limit-requests", long, value_name = "N", default_value = "1024")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub requests: u32,
    /// How many connections each listener has at a time; more wait to be accepted
    #[arg(
        id = "limit-connections",
        long,
        value_name = "N",
        default_value = "4096"
    )]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub connections: u32,
    /// How long a connection may be silent, in seconds: longer than a balancer keeps one
    #[arg(id = "limit-idle", long, value_name = "SECONDS", default_value = "75")]
    #[arg(value_parser = clap::value_parser!(u64).range(6..=86_400))]
    pub idle: u64,
}

/// The stop.
#[derive(Clone, Debug, Args)]
pub struct Drain {
    /// How long it goes on accepting after the signal, in milliseconds
    #[arg(
        id = "drain-delay",
        long,
        value_name = "MILLISECONDS",
        default_value = "300"
    )]
    #[arg(value_parser = clap::value_parser!(u64).range(..=600_000))]
    pub delay: u64,
    /// How long what is in flight may take after that, in seconds
    #[arg(
        id = "drain-timeout",
        long,
        value_name = "SECONDS",
        default_value = "8"
    )]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub timeout: u64,
}

/// What the service tells of itself.
#[derive(Clone, Debug, Args)]
pub struct Observe {
    /// Where metrics are served; port 0 takes a free one
    #[arg(id = "observe-addr", long, value_name = "IP:PORT")]
    #[arg(default_value = "127.0.0.1:9090")]
    pub addr: SocketAddr,
    /// How long a request takes that is logged as slow, in milliseconds
    #[arg(id = "observe-slow", long, value_name = "MS", default_value = "500")]
    #[arg(value_parser = clap::value_parser!(u64).range(..=600_000))]
    pub slow: u64,
}

/// Reads the address of an instance.
fn origin(text: &str) -> Result<Uri, &'static str> {
    let uri = text.parse::<Uri>().ok();
    let plain = |uri: &Uri| uri.scheme_str() == Some("http") && uri.port().is_some();
    let bare = |uri: &Uri| uri.path() == "/" && uri.query().is_none() && !text.contains('@');
    let uri = uri.filter(|uri| plain(uri) && bare(uri));
    uri.ok_or("it must be like http://HOST:PORT")
}

/// Reads what is to be logged.
///
/// tracing takes any word for the name of a module, so that a misspelt level would switch
/// the log off. Here only this crate's modules stand alone; others need a level, as in
/// `sqlx=debug`.
fn log_filter(text: &str) -> Result<Targets, String> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    for word in text.split(',').map(str::trim) {
        if word.is_empty() {
            return Err("a level is missing, such as `info`".to_owned());
        }
        let own = word.split("::").next() == Some(env!("CARGO_CRATE_NAME"));
        if own || word.contains('=') || word.parse::<LevelFilter>().is_ok() {
            continue;
        }
        let likeness = |level: &&&str| (strsim::jaro(level, word) * 1000.0) as u32;
        let nearest = LEVELS.iter().max_by_key(likeness).unwrap_or(&"info");
        return Err(format!(
            "`{word}` is not a level, did you mean `{nearest}`? A module needs one, as in `sqlx=debug`"
        ));
    }
    text.parse::<Targets>().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
