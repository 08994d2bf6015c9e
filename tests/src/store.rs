//! What a service keeps its users in, and how it is told.

use crate::stage::Stage;

/// What a service can be told to keep its users in, from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    Memory,
    Yaml,
    Mysql,
}

impl Stage {
    /// The stores that keep users longer than one process lives.
    pub(crate) fn durable(&self) -> Vec<Store> {
        let yaml = self.lesson.has("e-yaml").then_some(Store::Yaml);
        let mysql = self.lesson.has("e-mysql").then_some(Store::Mysql);
        yaml.into_iter().chain(mysql).collect()
    }

    /// All stores: e-yaml replaces the one in memory, e-flag gives the choice.
    pub(crate) fn stores(&self) -> Vec<Store> {
        let choice = self.lesson.has("e-flag") || !self.lesson.has("e-yaml");
        let memory = choice.then_some(Store::Memory);
        memory.into_iter().chain(self.durable()).collect()
    }

    /// The flags that choose a store.
    pub(crate) fn on(&self, store: Store) -> &'static [&'static str] {
        match store {
            _ if !self.lesson.has("e-flag") => &[],
            Store::Memory => &["--store", "memory"],
            Store::Yaml => &["--store", "yaml"],
            Store::Mysql => &["--store", "mysql"],
        }
    }
}
