//! The ladder: which lessons there are, in their order, and what each needs to run. The
//! one place that knows.

use anyhow::anyhow;
use std::path::PathBuf;

/// A lesson.
#[derive(Debug)]
pub(crate) struct Lesson {
    /// The crate's name.
    pub(crate) name: &'static str,
    /// The one concern that it adds.
    pub(crate) concern: &'static str,
    /// What its own defaults need started.
    pub(crate) needs: Needs,
}

/// Backing services, each level with those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Needs {
    /// None.
    Nothing,
    /// MySQL.
    Mysql,
    /// MySQL and Redis.
    Redis,
}

/// All lessons, in reading order.
pub(crate) const LESSONS: &[Lesson] = &[
    Lesson {
        name: "e-docker",
        concern: "containers",
        needs: Needs::Nothing,
    },
    Lesson {
        name: "e-module",
        concern: "modules, crates, dependencies",
        needs: Needs::Nothing,
    },
    Lesson {
        name: "e-yaml",
        concern: "serialization",
        needs: Needs::Nothing,
    },
    Lesson {
        name: "e-flag",
        concern: "command line",
        needs: Needs::Nothing,
    },
    Lesson {
        name: "e-http",
        concern: "HTTP and JSON",
        needs: Needs::Nothing,
    },
    Lesson {
        name: "e-grpc",
        concern: "gRPC",
        needs: Needs::Nothing,
    },
    Lesson {
        name: "e-conf",
        concern: "configuration",
        needs: Needs::Nothing,
    },
    Lesson {
        name: "e-mysql",
        concern: "relational database",
        needs: Needs::Mysql,
    },
    Lesson {
        name: "e-redis",
        concern: "cache",
        needs: Needs::Redis,
    },
];

impl Lesson {
    /// The lesson that holds all concerns so far.
    pub(crate) fn newest() -> &'static Self {
        &LESSONS[LESSONS.len() - 1]
    }

    /// Finds a lesson by its name.
    ///
    /// # Errors
    ///
    /// There is none of this name; the error lists those there are.
    pub(crate) fn find(name: &str) -> anyhow::Result<&'static Self> {
        LESSONS
            .iter()
            .find(|lesson| lesson.name == name)
            .ok_or_else(|| {
                let names: Vec<_> = LESSONS.iter().map(|lesson| lesson.name).collect();
                anyhow!("there is no lesson {name}; there are {}", names.join(", "))
            })
    }

    /// Whether it is the named lesson or a later one, and so has what that one brought.
    pub(crate) fn has(&self, name: &str) -> bool {
        let position = |name: &str| LESSONS.iter().position(|lesson| lesson.name == name);
        position(self.name) >= position(name)
    }
}

/// The workspace's folder.
pub(crate) fn root() -> PathBuf {
    let mut root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.pop();
    root
}

/// The folder of build output.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}
