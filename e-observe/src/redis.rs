//! A cache in Redis over the store in MySQL: cache-aside.
//!
//! It is a store that wraps a store. A read asks Redis first, and puts there what it had to
//! fetch. Redis may be slow, gone or wrong at any time; then a call does without it.
//! `redis/link.rs` keeps the connection.
//!
//! A reader must not put back what a writer has just made stale. Three commands see to that.
//! The writer, before it writes, leaves a tombstone that outlives any request. A reader that
//! found nothing installs with `NX`, which a tombstone defeats. A reader that finds a
//! tombstone installs nothing. If Redis does not take a tombstone, it is set later, and until
//! then this process does without the cache. What other processes may read in the meantime,
//! and what a Redis that lost tombstones may give, is bounded by the TTL.

mod link;

use crate::conf::secret::SecretUrl;
use crate::observe::metrics::METRICS;
use crate::observe::trace;
use crate::store::Protocol;
use crate::store::Result;
use crate::store::Store;
use crate::user::Name;
use crate::user::Sex;
use crate::user::Uid;
use crate::user::User;
use ::redis::Cmd;
use ::redis::ExistenceCheck;
use ::redis::SetExpiry;
use ::redis::SetOptions;
use anyhow::Context;
use async_trait::async_trait;
use link::Link;
use std::sync::Arc;
use std::time::Duration;

/// How each value starts. A migration that changes what a user is raises it, because releases
/// from before and after it run side by side for a while. It is no part of the key: a
/// tombstone is meant for all of them.
const VERSION: &str = "1:";

/// Puts a cache over the store in this database. It keeps a user for `ttl` seconds.
///
/// # Errors
///
/// The URL is not one of Redis. It is no error if Redis cannot be reached.
pub async fn over(
    store: Arc<dyn Store>,
    url: &SecretUrl,
    ttl: u64,
    database: &str,
) -> anyhow::Result<Arc<dyn Store>> {
    let link = Link::new(url.expose(), Duration::from_secs(ttl)).await;
    let link = link.with_context(|| format!("redis-url {url}"))?;
    let prefix = format!("goms:{database}:user:");
    Ok(Arc::new(Cached {
        store,
        link,
        prefix,
        ttl,
    }))
}

/// A store with a cache over it.
struct Cached {
    store: Arc<dyn Store>,
    link: Link,
    prefix: String,
    /// In seconds.
    ttl: u64,
}

impl Cached {
    fn key(&self, uid: Uid) -> String {
        format!("{}{uid}", self.prefix)
    }

    /// Reads from the store, and keeps the user in the cache for the next reader.
    async fn fetch(&self, uid: Uid, key: &str) -> Result<User> {
        let user = self.store.read(uid).await?;
        if let Ok(json) = serde_json::to_string(&user) {
            let value = format!("{VERSION}{json}");
            let unless_buried = SetOptions::default()
                .conditional_set(ExistenceCheck::NX)
                .with_expiration(SetExpiry::EX(self.ttl));
            let install = Cmd::set_options(key, value, unless_buried);
            let _: Option<()> = self.link.call(&install).await;
        }
        Ok(user)
    }

    /// Keeps readers from caching this user until the write that follows is over.
    async fn bury(&self, uid: Uid) {
        self.link.set_tombstone(self.key(uid)).await;
    }
}

#[async_trait]
impl Store for Cached {
    async fn create(&self, name: Name, sex: Sex) -> Result<User> {
        self.store.create(name, sex).await
    }

    async fn read(&self, uid: Uid) -> Result<User> {
        let key = self.key(uid);
        let kept: Option<Option<Vec<u8>>> = self.link.call(&Cmd::get(&key)).await;
        let outcome = match &kept {
            None => "failed",
            Some(None) => "miss",
            Some(Some(value)) if value.is_empty() => "tombstone",
            Some(Some(_)) => "hit",
        };
        METRICS.cache.get([outcome]).inc();
        trace::note(|it| it.cache = Some(outcome));
        match kept {
            Some(None) => self.fetch(uid, &key).await,
            Some(Some(value)) => match parse(&value) {
                Some(user) if user.uid == uid => Ok(user),
                _ => self.store.read(uid).await, // a tombstone, or nothing of ours
            },
            None => self.store.read(uid).await,
        }
    }

    async fn update(&self, user: User) -> Result<()> {
        self.bury(user.uid).await;
        self.store.update(user).await
    }

    async fn delete(&self, uid: Uid) -> Result<()> {
        self.bury(uid).await;
        self.store.delete(uid).await
    }

    async fn ping(&self, protocol: Protocol) -> Result<i64> {
        self.store.ping(protocol).await
    }

    async fn close(&self) -> Result<()> {
        self.store.close().await
    }
}

/// Reads a value of this version.
fn parse(value: &[u8]) -> Option<User> {
    serde_json::from_slice(value.strip_prefix(VERSION.as_bytes())?).ok()
}

#[cfg(test)]
mod tests;
