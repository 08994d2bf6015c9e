//! The table of lessons. The one place that knows.

use super::Lesson;
use super::Needs;
use super::PURE;
use super::Pain;

/// Lessons that are still to come; READMEs already name them.
pub(crate) const PLANNED: &[&str] = &["e-test", "e-k8s", "e-istio"];

/// All lessons, in reading order.
pub(crate) const LESSONS: &[Lesson] = &[
    Lesson {
        name: "e-docker",
        concern: "containers",
        needs: Needs::Nothing,
        adds: &["Dockerfile", "src/main.rs"],
        outcome: "`docker stop`: 10 s → under 1 s",
        // The lesson before is a process that ignores SIGTERM; without Docker it is done by hand.
        pain: Pain {
            first: &["docker run --rm --detach --name $name $lesson"],
            command: "docker stop $name",
        },
        floor: PURE,
        big: false,
    },
    Lesson {
        name: "e-module",
        concern: "modules, crates, dependencies",
        needs: Needs::Nothing,
        adds: &[
            "src/lib.rs",
            "src/user.rs",
            "src/store.rs",
            "src/command.rs",
        ],
        outcome: "`create gopher 0`: nothing → `uid=1 name=gopher sex=0`",
        pain: Pain {
            first: &[],
            command: "$lesson create gopher 0",
        },
        floor: PURE,
        big: false,
    },
    Lesson {
        name: "e-yaml",
        concern: "serialization",
        needs: Needs::Nothing,
        adds: &["src/yaml.rs"],
        outcome: "`create gopher 0`, `read 1`: nobody → gopher",
        pain: Pain {
            first: &[],
            command: "$lesson create gopher 0; $lesson read 1",
        },
        floor: PURE,
        big: false,
    },
    Lesson {
        name: "e-flag",
        concern: "command line",
        needs: Needs::Nothing,
        adds: &["src/flag.rs"],
        outcome: "`--yaml-file a/users.yaml read 1`: cannot read these arguments → obeyed",
        pain: Pain {
            first: &[
                "mkdir a",
                "$lesson --yaml-file a/users.yaml create ferris 1",
            ],
            command: "$lesson --yaml-file a/users.yaml read 1",
        },
        floor: PURE,
        big: false,
    },
    Lesson {
        name: "e-http",
        concern: "HTTP and JSON",
        needs: Needs::Nothing,
        adds: &["src/http.rs", "src/http"],
        outcome: "`curl -d name=gopher -d sex=0 localhost:8080/users`: refused → 201",
        pain: Pain {
            first: &["$lesson &"],
            command: "curl -sSi -d name=gopher -d sex=0 http://127.0.0.1:8080/users",
        },
        floor: PURE,
        big: true,
    },
    Lesson {
        name: "e-grpc",
        concern: "gRPC",
        needs: Needs::Nothing,
        adds: &["src/grpc.rs", "src/grpc", "api/user.proto", "build.rs"],
        outcome: "`--store grpc read 1`: no such store → the user, from the other process",
        pain: Pain {
            first: &["$lesson create gopher 0", "$lesson &"],
            command: "$lesson --store grpc read 1",
        },
        floor: PURE,
        big: false,
    },
    Lesson {
        name: "e-conf",
        concern: "configuration",
        needs: Needs::Nothing,
        adds: &["src/conf.rs", "src/conf", "configs"],
        outcome: "`GOMS__HTTP__ADDR=127.0.0.1:8081`: ignored → obeyed",
        pain: Pain {
            first: &["GOMS__HTTP__ADDR=127.0.0.1:8081 $lesson &"],
            command: "curl -sS http://127.0.0.1:8081/ping",
        },
        floor: PURE,
        big: false,
    },
    Lesson {
        name: "e-mysql",
        concern: "relational database",
        needs: Needs::Mysql,
        adds: &[
            "src/mysql.rs",
            "src/mysql",
            "migrations",
            "configs/mysql.yaml",
        ],
        outcome: "a second replica: \"is held\" → reads the first one's user",
        pain: Pain {
            first: &["$lesson create gopher 0", "$lesson &"],
            command: "$lesson read 1",
        },
        floor: PURE,
        big: true,
    },
    Lesson {
        name: "e-redis",
        concern: "cache",
        needs: Needs::Redis,
        adds: &["src/redis.rs", "src/redis", "configs/redis.yaml"],
        outcome: "read a user twice, count the SELECTs: 2 → 1",
        pain: Pain {
            first: &["$lesson create gopher 0"],
            command: "for i in 1 2; do $lesson --log-filter sqlx=debug read 1; done | grep -c 'SELECT name'",
        },
        floor: PURE,
        big: true,
    },
];
