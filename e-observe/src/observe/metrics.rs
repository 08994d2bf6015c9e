//! The figures. They are global, as the log is: whoever has something to count counts it, and
//! no function gets another argument. Names and units follow Prometheus' conventions.

use super::table::Label;
use super::table::Table;
use prometheus_client::encoding::prometheus_text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::sync::LazyLock;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use sysinfo::ProcessRefreshKind;
use sysinfo::ProcessesToUpdate;
use sysinfo::System;

/// The version of this program.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The codes of gRPC, each at the place of its number.
pub(crate) const CODES: &str = "Ok Cancelled Unknown InvalidArgument DeadlineExceeded NotFound \
    AlreadyExists PermissionDenied ResourceExhausted FailedPrecondition Aborted OutOfRange \
    Unimplemented Internal Unavailable DataLoss Unauthenticated";

const NO: [Label; 0] = [];
const METHOD: Label = ("method", "GET HEAD POST PUT DELETE other");
const ROUTE: Label = (
    "route",
    "/ping /users /users/{uid} \
    /service.goms.User/Ping /service.goms.User/CreateUser /service.goms.User/ReadUser \
    /service.goms.User/UpdateUser /service.goms.User/DeleteUser other",
);
const STATUS: Label = (
    "status",
    "200 201 204 400 404 405 408 413 415 500 501 503 504 \
    Ok Cancelled Unknown InvalidArgument DeadlineExceeded NotFound ResourceExhausted OutOfRange \
    Unimplemented Internal Unavailable other",
);
const LIMIT: Label = (
    "status",
    "408 413 503 504 DeadlineExceeded Unavailable other",
);
const STATEMENT: Label = ("statement", "read ping create update delete");
const OUTCOME: Label = ("outcome", "ok unavailable failed");

/// Upper bounds of the histograms, in seconds, from a cached read to the end of all patience.
const BOUNDS: [f64; 14] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
];

fn seconds() -> Histogram {
    Histogram::new(BOUNDS)
}

/// Declares the figures: help and field, type, name, labels, and how one is made.
macro_rules! figures {
    ($(#[doc = $help:literal] $field:ident: $metric:ty = $name:literal $labels:expr, $new:expr;)+) => {
        pub(crate) static METRICS: LazyLock<Metrics> = LazyLock::new(|| {
            let mut registry = Registry::default();
            Metrics {
                $($field: Table::new(&mut registry, ($name, $help.trim()), $labels, $new),)+
                probes: Mutex::default(),
                registry,
            }
        });

        pub(crate) struct Metrics {
            $(pub(crate) $field: Table<{ $labels.len() }, $metric>,)+
            /// What sets the figures that nobody counts, before they are read.
            probes: Mutex<Vec<Box<dyn Fn() + Send>>>,
            registry: Registry,
        }
    };
}

figures! {
    /// Requests over HTTP and calls over gRPC
    requests: Histogram = "goms_request_duration_seconds" [METHOD, ROUTE, STATUS], seconds;
    /// Requests and calls that are worked on
    in_flight: Gauge = "goms_requests_in_flight" [("protocol", "http grpc")], Gauge::default;
    /// Requests and calls that exceeded a limit, by what they were told
    refused: Counter = "goms_requests_refused" [LIMIT], Counter::default;
    /// Statements in MySQL
    statements: Histogram = "goms_mysql_statement_duration_seconds" [STATEMENT, OUTCOME], seconds;
    /// Connections to MySQL
    connections: Gauge = "goms_mysql_connections" [("state", "idle busy")], Gauge::default;
    /// Statements that wait for a connection
    waiting: Gauge = "goms_mysql_waiting" NO, Gauge::default;
    /// Connections to MySQL that could not be made
    connect_errors: Counter = "goms_mysql_connect_errors" NO, Counter::default;
    /// Reads of the cache
    cache: Counter = "goms_cache_reads" [("outcome", "hit miss tombstone failed")], Counter::default;
    /// Whether the cache is in use
    cache_up: Gauge = "goms_cache_up" NO, Gauge::default;
    /// Lines of the log that found the queue full
    dropped: Counter = "goms_log_lines_dropped" NO, Counter::default;
    /// The program
    build: Gauge = "goms_build_info" [("version", VERSION)], Gauge::default;
    /// CPU time of the process
    cpu: Counter<f64, AtomicU64> = "process_cpu_seconds" NO, Counter::default;
    /// Resident memory of the process
    memory: Gauge = "process_resident_memory_bytes" NO, Gauge::default;
    /// Open files of the process, sockets included
    files: Gauge = "process_open_fds" NO, Gauge::default;
    /// When the process started, in Unix time
    start: Gauge = "process_start_time_seconds" NO, Gauge::default;
}

impl Metrics {
    /// Has something done before the figures are read.
    pub(crate) fn probe(&self, probe: impl Fn() + Send + 'static) {
        let probes = self.probes.lock();
        let mut probes = probes.unwrap_or_else(PoisonError::into_inner);
        probes.push(Box::new(probe));
    }

    /// All of it, as Prometheus reads it.
    pub(crate) fn text(&self) -> String {
        let probes = self.probes.lock();
        for probe in &*probes.unwrap_or_else(PoisonError::into_inner) {
            probe();
        }
        let _ = self.ask_system(); // without its figures there are still ours
        self.build.get([VERSION]).set(1);
        let mut text = String::new();
        let _ = prometheus_text::encode(&mut text, &self.registry); // a string takes all
        text
    }

    /// Sets what the system knows of the process.
    fn ask_system(&self) -> Result<(), sysinfo::Error> {
        let (pid, mut system) = (sysinfo::get_current_pid()?, System::new()?);
        let asked = ProcessRefreshKind::nothing().with_memory().with_cpu();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, asked);
        if let Some(process) = system.process(pid) {
            let files = process.open_files().unwrap_or_default();
            self.files.get([]).set(files as i64);
            self.memory.get([]).set(process.memory() as i64);
            self.start.get([]).set(process.start_time() as i64);
            let cpu = process.accumulated_cpu_time() as f64 / 1e3;
            self.cpu.get([]).inc_by(cpu - self.cpu.get([]).get());
        }
        Ok(())
    }
}

/// Counts something for as long as it goes on.
pub(crate) struct Held<'a>(&'a Gauge);

impl<'a> Held<'a> {
    pub(crate) fn new(gauge: &'a Gauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}
