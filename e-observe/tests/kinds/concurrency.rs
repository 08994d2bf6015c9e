//! Concurrency: many at once. What is wrong one time in a thousand shows when a thousand do it.

use crate::common::MYSQL;
use crate::common::PATIENCE;
use crate::common::REDIS;
use crate::common::client;
use crate::common::database::Database;
use crate::common::proxy::Network;
use crate::common::proxy::Proxy;
use crate::common::redis;
use crate::common::service::Service;
use crate::common::store;
use crate::common::store::name;
use anyhow::ensure;
use e_observe::store::Error;
use e_observe::store::Protocol;
use e_observe::user::Sex;
use serde_json::Value;
use sqlx::Connection;
use sqlx::Executor;
use sqlx::mysql::MySqlConnection;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Instant;
use tokio::task::JoinSet;

#[tokio::test]
async fn no_ping_is_lost_between_two_replicas() -> anyhow::Result<()> {
    let database = Database::create().await?;
    let url = database.url();
    let flags = ["--mysql-url", &url, "--mysql-connections", "32"];
    let replicas = [Service::start(&flags).await?, Service::start(&flags).await?];
    let mut clients = JoinSet::new();
    for number in 0..32 {
        let url = replicas[number % 2].url("/ping");
        clients.spawn(async move {
            let client = client()?;
            for _ in 0..10 {
                client.get(&url).send().await?.error_for_status()?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(client) = clients.join_next().await {
        client??;
    }
    let last = client()?.get(replicas[0].url("/ping")).send().await?;
    let last: Value = last.json().await?;
    assert_eq!(last["count"], 321);
    for replica in replicas {
        replica.stop().await?;
    }
    Ok(())
}

/// One writer counts the user's name up, over one replica; readers ask both. Whoever begins to
/// read after a write was answered must not see what was there before it.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_reads_what_was_there_before_a_write() -> anyhow::Result<()> {
    const WRITES: usize = 200;
    let database = Database::create().await?;
    let one = store::cached(&database.url(), &redis(REDIS)).await?;
    let other = store::cached(&database.url(), &redis(REDIS)).await?;
    let mut user = one.create(name("0")?, Sex::NotKnown).await?;
    let written = Arc::new(AtomicUsize::new(0));
    let mut readers = JoinSet::new();
    for users in [one.clone(), other.clone(), one.clone(), other.clone()] {
        let (written, uid) = (written.clone(), user.uid);
        readers.spawn(async move {
            loop {
                let before = written.load(Ordering::SeqCst);
                let read = users.read(uid).await?;
                let seen: usize = read.name.as_str().parse()?;
                assert!(
                    seen >= before,
                    "after {before} was written, {seen} was read"
                );
                if seen == WRITES {
                    return anyhow::Ok(());
                }
            }
        });
    }
    for number in 1..=WRITES {
        user.name = name(&number.to_string())?;
        one.update(user.clone()).await?;
        written.store(number, Ordering::SeqCst);
    }
    while let Some(reader) = readers.join_next().await {
        reader??;
    }
    one.close().await?;
    Ok(other.close().await?)
}

/// A caller goes away while MySQL works on its statement. The next one on that connection must
/// not be given the answer that comes then.
#[tokio::test]
async fn who_hangs_up_leaves_the_connection_whole() -> anyhow::Result<()> {
    let (database, proxy) = (Database::create().await?, Proxy::before(MYSQL).await?);
    let users = store::mysql_by_one(&database.by_way_of(proxy.addr)).await?;
    let user = users.create(name("gopher")?, Sex::NotKnown).await?;
    proxy.turn(Network::Hung);
    let caller = tokio::spawn({
        let (users, uid) = (users.clone(), user.uid);
        async move { users.read(uid).await }
    });
    proxy.holds().await?;
    caller.abort();
    proxy.turn(Network::Up);
    assert_eq!(users.ping(Protocol::Http).await?, 1);
    assert_eq!(users.read(user.uid).await?, user);
    assert_eq!(users.ping(Protocol::Http).await?, 2);
    Ok(users.close().await?)
}

/// A caller goes away while its write waits for a lock. The write is done all the same, and
/// the cache must not go on with the user from before.
#[tokio::test]
async fn a_write_is_seen_even_if_its_caller_hangs_up() -> anyhow::Result<()> {
    let database = Database::create().await?;
    let users = store::cached(&database.url(), &redis(REDIS)).await?;
    let mut user = users.create(name("gopher")?, Sex::NotKnown).await?;
    users.read(user.uid).await?;
    user.name = name("ferris")?;
    let (mut locker, mut watcher) = (database.connect().await?, database.connect().await?);
    let mut lock = locker.begin().await?;
    lock.execute("SELECT * FROM users FOR UPDATE").await?;
    let caller = tokio::spawn({
        let (users, user) = (users.clone(), user.clone());
        async move { users.update(user).await }
    });
    until(&mut watcher, UPDATES).await?;
    caller.abort();
    lock.commit().await?;
    until(&mut watcher, "SELECT * FROM users WHERE name = 'ferris'").await?;
    assert_eq!(users.read(user.uid).await?, user);
    Ok(users.close().await?)
}

/// The only connection waits for a lock, which it does for longer than anybody waits for a
/// connection.
#[tokio::test]
async fn a_caller_does_not_wait_long_for_a_busy_connection() -> anyhow::Result<()> {
    let database = Database::create().await?;
    let users = store::mysql_by_one(&database.url()).await?;
    let user = users.create(name("gopher")?, Sex::NotKnown).await?;
    let (mut locker, mut watcher) = (database.connect().await?, database.connect().await?);
    let mut lock = locker.begin().await?;
    lock.execute("SELECT * FROM users FOR UPDATE").await?;
    let first = tokio::spawn({
        let (users, user) = (users.clone(), user.clone());
        async move { users.update(user).await }
    });
    until(&mut watcher, UPDATES).await?;
    let second = users.read(user.uid).await;
    assert!(matches!(second, Err(Error::Unavailable(_))), "{second:?}");
    lock.commit().await?;
    first.await??;
    assert_eq!(users.read(user.uid).await?, user);
    Ok(users.close().await?)
}

/// Finds a row while an update is under way.
const UPDATES: &str = "SELECT * FROM information_schema.processlist \
                       WHERE db = DATABASE() AND info LIKE 'UPDATE users%'";

/// Asks until there is a row.
async fn until(connection: &mut MySqlConnection, query: &'static str) -> anyhow::Result<()> {
    let start = Instant::now();
    while connection.fetch_optional(query).await?.is_none() {
        ensure!(start.elapsed() < PATIENCE, "{query} finds nothing");
    }
    Ok(())
}

#[tokio::test]
async fn each_client_reads_back_its_own_user() -> anyhow::Result<()> {
    let database = Database::create().await?;
    let users = store::cached(&database.url(), &redis(REDIS)).await?;
    let mut clients = JoinSet::new();
    for number in 0..16 {
        let users = users.clone();
        clients.spawn(async move {
            let mut user = users
                .create(name(&format!("client {number}"))?, Sex::Male)
                .await?;
            for round in 0..5 {
                assert_eq!(users.read(user.uid).await?, user);
                assert_eq!(users.read(user.uid).await?, user, "from the cache");
                user.name = name(&format!("client {number}.{round}"))?;
                users.update(user.clone()).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(client) = clients.join_next().await {
        client??;
    }
    Ok(users.close().await?)
}
