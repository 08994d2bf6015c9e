//! Which lesson has what: each has all that the ones before it have.

/// A lesson.
#[derive(Debug)]
pub(crate) struct Lesson {
    pub(crate) name: &'static str,
}

/// All lessons, in reading order.
pub(crate) const LESSONS: &[Lesson] = &[
    Lesson { name: "e-docker" },
    Lesson { name: "e-module" },
    Lesson { name: "e-yaml" },
    Lesson { name: "e-flag" },
    Lesson { name: "e-http" },
    Lesson { name: "e-grpc" },
    Lesson { name: "e-conf" },
    Lesson { name: "e-mysql" },
    Lesson { name: "e-redis" },
];

/// What a service can be told to keep its users in, from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    Memory,
    Yaml,
    Mysql,
}

impl Lesson {
    /// Whether it is the named lesson or a later one.
    pub(crate) fn has(&self, name: &str) -> bool {
        let position = |name: &str| LESSONS.iter().position(|lesson| lesson.name == name);
        position(self.name) >= position(name)
    }

    /// The stores that keep users longer than one process lives.
    pub(crate) fn durable(&self) -> Vec<Store> {
        let yaml = self.has("e-yaml").then_some(Store::Yaml);
        let mysql = self.has("e-mysql").then_some(Store::Mysql);
        yaml.into_iter().chain(mysql).collect()
    }

    /// All stores: e-yaml replaces the one in memory, e-flag gives the choice.
    pub(crate) fn stores(&self) -> Vec<Store> {
        let choice = self.has("e-flag") || !self.has("e-yaml");
        let memory = choice.then_some(Store::Memory);
        memory.into_iter().chain(self.durable()).collect()
    }

    /// The flags that choose a store.
    pub(crate) fn on(&self, store: Store) -> &'static [&'static str] {
        match store {
            _ if !self.has("e-flag") => &[],
            Store::Memory => &["--store", "memory"],
            Store::Yaml => &["--store", "yaml"],
            Store::Mysql => &["--store", "mysql"],
        }
    }
}
