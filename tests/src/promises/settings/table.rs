//! All settings, and what may be said to each.

use crate::stage::Stage;
use std::path::PathBuf;

/// A setting, by the name of its flag.
pub(super) struct Setting {
    pub(super) flag: &'static str,
    /// The lesson that brought it.
    since: &'static str,
    /// What is logged at debug if nobody sets it.
    pub(super) default: &'static str,
    /// What may stand in a file, a variable and a flag, and what is logged of each.
    pub(super) values: [(&'static str, &'static str); 3],
    /// What it does not take.
    pub(super) bad: &'static str,
}

const SETTINGS: &[Setting] = &[
    Setting {
        flag: "store",
        since: "e-conf",
        default: "store: ", // yaml, and later mysql
        values: [
            ("memory", "store: Memory"),
            ("yaml", "store: Yaml"),
            ("grpc", "store: Grpc"),
        ],
        bad: "mongo",
    },
    Setting {
        flag: "log-filter",
        since: "e-conf",
        default: "",
        values: [
            ("debug,a=warn", "target: Some(\"a\")"),
            ("debug,b=warn", "target: Some(\"b\")"),
            ("debug,c=warn", "target: Some(\"c\")"),
        ],
        bad: "==",
    },
    Setting {
        flag: "yaml-file",
        since: "e-conf",
        default: "file: \"users.yaml\"",
        values: [
            ("a.yaml", "file: \"a.yaml\""),
            ("b.yaml", "file: \"b.yaml\""),
            ("c.yaml", "file: \"c.yaml\""),
        ],
        bad: "",
    },
    Setting {
        flag: "http-addr",
        since: "e-conf",
        default: "addr: 127.0.0.1:8080",
        values: [
            ("127.0.0.1:1", "addr: 127.0.0.1:1 "),
            ("127.0.0.1:2", "addr: 127.0.0.1:2 "),
            ("127.0.0.1:3", "addr: 127.0.0.1:3 "),
        ],
        bad: "localhost",
    },
    Setting {
        flag: "grpc-addr",
        since: "e-conf",
        default: "addr: 127.0.0.1:50051",
        values: [
            ("127.0.0.1:1", "addr: 127.0.0.1:1,"),
            ("127.0.0.1:2", "addr: 127.0.0.1:2,"),
            ("127.0.0.1:3", "addr: 127.0.0.1:3,"),
        ],
        bad: "127.0.0.1:66000",
    },
    Setting {
        flag: "grpc-upstream",
        since: "e-conf",
        default: "upstream: http://127.0.0.1:50051/",
        values: [
            ("http://a:1", "upstream: http://a:1/"),
            ("http://b:1", "upstream: http://b:1/"),
            ("http://c:1", "upstream: http://c:1/"),
        ],
        bad: "a:1",
    },
    Setting {
        flag: "mysql-url",
        since: "e-mysql",
        default: "mysql: Mysql { url: None",
        values: [
            ("mysql://u:unspeakable@a/d", "url: Some(mysql://a/d)"),
            ("mysql://u:unspeakable@b/d", "url: Some(mysql://b/d)"),
            ("mysql://u:unspeakable@c/d", "url: Some(mysql://c/d)"),
        ],
        bad: "mysql://u:unspeakable@a",
    },
    Setting {
        flag: "mysql-connections",
        since: "e-mysql",
        default: "connections: 16",
        values: [
            ("1", "connections: 1 "),
            ("2", "connections: 2 "),
            ("3", "connections: 3 "),
        ],
        bad: "0",
    },
    Setting {
        flag: "redis-url",
        since: "e-redis",
        default: "redis: Redis { url: None",
        values: [
            ("redis://:unspeakable@a", "url: Some(redis://a)"),
            ("redis://:unspeakable@b", "url: Some(redis://b)"),
            ("redis://:unspeakable@c", "url: Some(redis://c)"),
        ],
        bad: "unspeakable",
    },
    Setting {
        flag: "redis-ttl",
        since: "e-redis",
        default: "ttl: 60",
        values: [("1", "ttl: 1 "), ("2", "ttl: 2 "), ("3", "ttl: 3 ")],
        bad: "86401",
    },
    Setting {
        flag: "limit-requests",
        since: "e-limit",
        default: "requests: 1024",
        values: [
            ("1", "requests: 1,"),
            ("2", "requests: 2,"),
            ("3", "requests: 3,"),
        ],
        bad: "0",
    },
    Setting {
        flag: "limit-connections",
        since: "e-limit",
        default: "connections: 4096",
        values: [
            ("1", "connections: 1,"),
            ("2", "connections: 2,"),
            ("3", "connections: 3,"),
        ],
        bad: "0",
    },
    Setting {
        flag: "limit-idle",
        since: "e-limit",
        default: "idle: 75",
        values: [
            ("10", "idle: 10 "),
            ("20", "idle: 20 "),
            ("30", "idle: 30 "),
        ],
        bad: "0",
    },
    Setting {
        flag: "drain-delay",
        since: "e-drain",
        default: "delay: 300",
        values: [("1", "delay: 1,"), ("2", "delay: 2,"), ("3", "delay: 3,")],
        bad: "-1",
    },
    Setting {
        flag: "drain-timeout",
        since: "e-drain",
        default: "timeout: 8",
        values: [
            ("1", "timeout: 1 "),
            ("2", "timeout: 2 "),
            ("3", "timeout: 3 "),
        ],
        bad: "0",
    },
    Setting {
        flag: "log-format",
        since: "e-observe",
        default: "format: Text",
        values: [
            ("json", "format: Json"),
            ("text", "format: Text"),
            ("json", "format: Json"),
        ],
        bad: "xml",
    },
    Setting {
        flag: "observe-addr",
        since: "e-observe",
        default: "addr: 127.0.0.1:9090",
        values: [
            ("127.0.0.1:1", "addr: 127.0.0.1:1,"),
            ("127.0.0.1:2", "addr: 127.0.0.1:2,"),
            ("127.0.0.1:3", "addr: 127.0.0.1:3,"),
        ],
        bad: "9090",
    },
    Setting {
        flag: "observe-slow",
        since: "e-observe",
        default: "slow: 500",
        values: [("1", "slow: 1 "), ("2", "slow: 2 "), ("3", "slow: 3 ")],
        bad: "-1",
    },
];

impl Setting {
    /// Those that a stage's lesson has.
    pub(super) fn of(stage: &Stage) -> impl Iterator<Item = &'static Self> {
        let has = |setting: &&Self| stage.lesson.has(setting.since);
        SETTINGS.iter().filter(has)
    }

    /// `GOMS__HTTP__ADDR`.
    pub(super) fn variable(&self) -> String {
        format!("GOMS__{}", self.flag.to_uppercase().replacen('-', "__", 1))
    }

    /// `configs/http.yaml` and `addr`.
    pub(super) fn place(&self, stage: &Stage) -> (PathBuf, String, &'static str) {
        let (section, key) = self.flag.split_once('-').unwrap_or(("goms", self.flag));
        let name = format!("configs/{section}.yaml");
        (stage.folder().join(&name), name, key)
    }
}
