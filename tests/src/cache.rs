//! A part of Redis that is a test's own: an account, and the keys that it may touch.

use crate::database::SECRET;
use anyhow::Context;
use ladder::services::REDIS_ADDR;
use ladder::services::REDIS_ADMIN;
use redis::Client;
use redis::Cmd;
use redis::FromRedisValue;
use std::collections::HashMap;

/// An account for the keys of one database.
#[derive(Debug)]
pub(crate) struct Cache {
    /// The account's name: that of the database.
    name: String,
}

impl Cache {
    pub(crate) async fn create(database: &str) -> anyhow::Result<Self> {
        let name = database.to_owned();
        let cache = Self { name };
        cache.take(SECRET).await?;
        Ok(cache)
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://{}:{SECRET}@{REDIS_ADDR}", self.name)
    }

    /// From now on the account takes this password and no other; connections end.
    pub(crate) async fn take(&self, password: &str) -> anyhow::Result<()> {
        let mut set = Cmd::new();
        set.arg(&["ACL", "SETUSER", &self.name, "reset", "on", "+@all"]);
        set.arg(format!(">{password}")).arg(self.keys());
        let () = ask(&set).await?;
        let _: i64 = ask(Cmd::new().arg(&["CLIENT", "KILL", "USER", &self.name])).await?;
        Ok(())
    }

    /// The numbers of the account's connections, each with the last command that came on it.
    pub(crate) async fn connections(&self) -> anyhow::Result<HashMap<String, String>> {
        let list: String = ask(Cmd::new().arg(&["CLIENT", "LIST"])).await?;
        let own = format!(" user={} ", self.name);
        let own = list.lines().filter(|line| line.contains(&own));
        let field = |line: &str, name: &str| {
            let value = line.split(' ').find_map(|field| field.strip_prefix(name));
            value.unwrap_or_default().to_owned()
        };
        let connections = own.map(|line| (field(line, "id="), field(line, "cmd=")));
        Ok(connections.collect())
    }

    pub(crate) async fn drop(&self) -> anyhow::Result<()> {
        let keys: Vec<String> = ask(Cmd::new().arg("KEYS").arg(&self.keys()[1..])).await?;
        for key in keys {
            let _: i64 = ask(Cmd::new().arg("DEL").arg(key)).await?;
        }
        let _: i64 = ask(Cmd::new().arg(&["ACL", "DELUSER", &self.name])).await?;
        Ok(())
    }

    fn keys(&self) -> String {
        format!("~*:{}:*", self.name)
    }
}

async fn ask<T: FromRedisValue>(command: &Cmd) -> anyhow::Result<T> {
    let client = Client::open(REDIS_ADMIN)?;
    let connected = client.get_multiplexed_async_connection().await;
    let mut connection = connected.context("no Redis, type: cargo lesson services up")?;
    Ok(command.query_async(&mut connection).await?)
}
