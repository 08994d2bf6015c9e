//! A cache in Redis over the store in MySQL: cache-aside.
//!
//! A store that wraps a store. A read asks Redis first and puts there what it had to fetch.
//! Redis may be slow, gone or wrong at any time: then a call does without. `redis/link.rs`
//! keeps the connection.
//!
//! A reader must not put back what a writer has just made stale. Three commands see to it:
//! the writer, before it writes, leaves a tombstone that outlives any request; a reader
//! that found nothing installs with `NX`, which a tombstone defeats; a reader that finds a
//! tombstone installs nothing. If Redis cannot be reached at the write, the tombstone waits
//! until it can, and this process does without the cache until then. What other processes
//! may read in the meantime, and what a Redis that lost tombstones may give, is bounded by
//! the TTL.

mod link;

use crate::flag::Flags;
use crate::flag::Kind;
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

/// Part of each key. It is raised with a migration that changes what a user is, because
/// releases from before and after it run side by side for a while.
const SCHEMA: u32 = 1;

/// How long a tombstone stands, in milliseconds: longer than any request may live.
const TOMBSTONE: u64 = 10_000;

/// Puts the cache over the store, if that is MySQL and a cache is named.
///
/// # Errors
///
/// The URL is none of Redis. That Redis cannot be reached is no error.
pub async fn over(store: Arc<dyn Store>, flags: &Flags) -> anyhow::Result<Arc<dyn Store>> {
    let (Kind::Mysql, Some(url)) = (flags.store, &flags.redis.url) else {
        return Ok(store);
    };
    let link = Link::new(url.expose())
        .await
        .with_context(|| format!("redis-url {url}"))?;
    let database = flags
        .mysql
        .url
        .as_ref()
        .map_or("", |url| url.expose().path());
    let prefix = format!("goms:{}:{SCHEMA}:user:", database.trim_start_matches('/'));
    let ttl = flags.redis.ttl;
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
        if let Ok(text) = serde_json::to_string(&user) {
            let unless_buried = SetOptions::default()
                .conditional_set(ExistenceCheck::NX)
                .with_expiration(SetExpiry::EX(self.ttl));
            let _: Option<()> = self
                .link
                .call(&Cmd::set_options(key, text, unless_buried))
                .await;
        }
        Ok(user)
    }

    /// Keeps readers from caching this user until the write to come is over.
    async fn bury(&self, uid: Uid) {
        let tombstone = Cmd::pset_ex(self.key(uid), "", TOMBSTONE);
        self.link.insist(tombstone).await;
    }
}

#[async_trait]
impl Store for Cached {
    async fn create(&self, name: Name, sex: Sex) -> Result<User> {
        self.store.create(name, sex).await
    }

    async fn read(&self, uid: Uid) -> Result<User> {
        let key = self.key(uid);
        let kept: Option<Option<String>> = self.link.call(&Cmd::get(&key)).await;
        match kept {
            Some(None) => self.fetch(uid, &key).await,
            Some(Some(text)) => match serde_json::from_str(&text) {
                Ok::<User, _>(user) if user.uid == uid => Ok(user),
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
