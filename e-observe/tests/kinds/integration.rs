//! Integration: the stores on a real MySQL and a real Redis. What SQL means, only the server
//! knows.

use crate::common::MYSQL;
use crate::common::PATIENCE;
use crate::common::REDIS;
use crate::common::database::Database;
use crate::common::proxy::Network;
use crate::common::proxy::Proxy;
use crate::common::redis;
use crate::common::store;
use crate::common::store::name;
use ::redis::AsyncCommands;
use ::redis::aio::MultiplexedConnection;
use anyhow::Context;
use e_observe::store::Error;
use e_observe::store::Protocol;
use e_observe::user::Sex;
use e_observe::user::User;
use sqlx::Executor;
use tokio::time::timeout;

#[tokio::test]
async fn a_name_is_kept_byte_by_byte() -> anyhow::Result<()> {
    let database = Database::create().await?;
    let users = store::mysql(&database.url()).await?;
    for text in [
        "🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀",
        "'; DROP TABLE u; -",
        "a ",
        "Ä",
        "%_\\",
    ] {
        let user = users.create(name(text)?, Sex::NotKnown).await?;
        assert_eq!(users.read(user.uid).await?.name.as_str(), text);
    }
    Ok(users.close().await?)
}

/// MySQL counts changed rows unless it is told to count found ones: 0 would mean that there
/// is no such user.
#[tokio::test]
async fn an_update_that_changes_nothing_finds_its_user() -> anyhow::Result<()> {
    let database = Database::create().await?;
    let users = store::mysql(&database.url()).await?;
    let user = users.create(name("gopher")?, Sex::NotKnown).await?;
    users.update(user.clone()).await?;
    users.delete(user.uid).await?;
    let gone = users.update(user).await;
    assert!(matches!(gone, Err(Error::NotFound(_))), "{gone:?}");
    Ok(users.close().await?)
}

#[tokio::test]
async fn a_uid_is_never_given_twice() -> anyhow::Result<()> {
    let database = Database::create().await?;
    let users = store::mysql(&database.url()).await?;
    let first = users.create(name("gopher")?, Sex::NotKnown).await?;
    users.delete(first.uid).await?;
    users.close().await?;
    let users = store::mysql(&database.url()).await?;
    let second = users.create(name("gopher")?, Sex::NotKnown).await?;
    assert!(second.uid > first.uid, "{second}");
    Ok(users.close().await?)
}

#[tokio::test]
async fn of_starts_at_the_same_time_each_finds_its_tables() -> anyhow::Result<()> {
    let database = Database::create().await?;
    let url = database.url();
    let start = async || {
        let users = store::mysql(&url).await?;
        let count = users.ping(Protocol::Http).await?;
        users.close().await?;
        anyhow::Ok(count)
    };
    let counts = tokio::try_join!(start(), start(), start(), start())?;
    let mut counts = <[i64; 4]>::from(counts);
    counts.sort_unstable();
    assert_eq!(counts, [1, 2, 3, 4]);
    Ok(())
}

/// What somebody did by hand in the database is an error about that user, and not a user.
#[tokio::test]
async fn a_row_that_breaks_a_rule_is_an_error() -> anyhow::Result<()> {
    let database = Database::create().await?;
    let users = store::mysql(&database.url()).await?;
    let user = users.create(name("gopher")?, Sex::NotKnown).await?;
    database
        .connect()
        .await?
        .execute("UPDATE users SET name = ''")
        .await?;
    let broken = users.read(user.uid).await;
    assert!(matches!(broken, Err(Error::Failed(_))), "{broken:?}");
    Ok(users.close().await?)
}

/// A trigger sees the session in which it runs. What the server's own defaults are matters to
/// nobody.
#[tokio::test]
async fn the_session_is_the_services_own() -> anyhow::Result<()> {
    let database = Database::create().await?;
    let users = store::mysql(&database.url()).await?;
    let trigger = "CREATE TRIGGER tell BEFORE INSERT ON users FOR EACH ROW SET NEW.name = \
        CONCAT_WS(' ', IF(@@autocommit, 1, 0), @@innodb_lock_wait_timeout, @@lock_wait_timeout)";
    database.connect().await?.execute(trigger).await?;
    let user = users.create(name("gopher")?, Sex::NotKnown).await?;
    assert_eq!(users.read(user.uid).await?.name.as_str(), "1 4 4");
    Ok(users.close().await?)
}

/// A trigger fails with the number that a user has for a name.
#[tokio::test]
async fn each_error_of_the_server_has_its_meaning() -> anyhow::Result<()> {
    let database = Database::create().await?;
    let users = store::mysql_by_one(&database.url()).await?;
    let trigger = "CREATE TRIGGER fail BEFORE INSERT ON users FOR EACH ROW BEGIN \
        DECLARE number INT; \
        IF NEW.name = 'me' THEN SET NEW.name = CONNECTION_ID(); \
        ELSE SET number = NEW.name; SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = number; END IF; \
        END";
    database.connect().await?.execute(trigger).await?;
    let connection = async || {
        let user = users.create(name("me")?, Sex::NotKnown).await?;
        anyhow::Ok(users.read(user.uid).await?.name)
    };
    let (busy, leaving, broken) = (
        &[1021, 1047, 1114, 1135, 1205, 1226, 1317, 1969, 3024][..],
        &[1040, 1053, 1203, 1290, 1792, 1836, 1927, 4031],
        &[1062, 1064, 1142, 1146, 1264],
    );
    for number in [busy, leaving, broken].concat() {
        let before = connection().await?;
        let error = users
            .create(name(&number.to_string())?, Sex::NotKnown)
            .await;
        match broken.contains(&number) {
            true => assert!(
                matches!(error, Err(Error::Failed(_))),
                "{number}: {error:?}"
            ),
            false => assert!(
                matches!(error, Err(Error::Unavailable(_))),
                "{number}: {error:?}"
            ),
        }
        let stayed = connection().await? == before;
        assert_eq!(stayed, !leaving.contains(&number), "{number}");
    }
    Ok(users.close().await?)
}

/// A trigger makes the statement a deadlock's victim twice. A variable of the session keeps
/// its value through a rollback.
#[tokio::test]
async fn the_victim_of_a_deadlock_is_tried_again() -> anyhow::Result<()> {
    let database = Database::create().await?;
    let users = store::mysql(&database.url()).await?;
    let trigger = "CREATE TRIGGER deadlock BEFORE INSERT ON users FOR EACH ROW BEGIN \
        SET @times = IFNULL(@times, 0) + 1; \
        IF @times <= 2 THEN SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213; END IF; \
        END";
    database.connect().await?.execute(trigger).await?;
    let user = users.create(name("gopher")?, Sex::NotKnown).await?;
    assert_eq!(users.read(user.uid).await?, user);
    Ok(users.close().await?)
}

#[tokio::test]
async fn tables_of_another_program_are_left_alone() -> anyhow::Result<()> {
    let database = Database::create().await?;
    let mut connection = database.connect().await?;
    connection.execute("CREATE TABLE users (id INT)").await?;
    let refused = store::mysql(&database.url()).await.err();
    let told = refused.map(|error| error.to_string()).unwrap_or_default();
    assert!(told.contains("another program's"), "{told}");
    let tables = connection.fetch_all("SHOW TABLES").await?;
    assert_eq!(tables.len(), 1);
    Ok(())
}

/// A process that migrates holds a lock. A start that finds nothing to do must not ask for it:
/// on a read-only replica it could not even have it.
#[tokio::test]
async fn a_schema_that_is_up_to_date_is_only_read() -> anyhow::Result<()> {
    let database = Database::create().await?;
    store::mysql(&database.url()).await?.close().await?;
    let mut other = database.connect().await?;
    let lock = "SELECT GET_LOCK(MD5(CONCAT('goms', DATABASE())), 0)";
    other.execute(lock).await?;
    let started = timeout(PATIENCE, store::mysql(&database.url())).await;
    Ok(started.context("it waits for the lock")??.close().await?)
}

/// A newer release has been here, and the migration that we know was cut off.
#[tokio::test]
async fn a_migration_that_was_cut_off_is_done_again() -> anyhow::Result<()> {
    let database = Database::create().await?;
    store::mysql(&database.url()).await?.close().await?;
    let mut connection = database.connect().await?;
    let newer = "INSERT INTO _sqlx_migrations SELECT 9000, 'newer', installed_on, success, \
        checksum, execution_time FROM _sqlx_migrations";
    connection.execute(newer).await?;
    let cut_off = "UPDATE _sqlx_migrations SET success = 0 WHERE version = 1";
    connection.execute(cut_off).await?;
    connection.execute("DROP TABLE pings").await?;
    let users = store::mysql(&database.url()).await?;
    assert_eq!(users.ping(Protocol::Http).await?, 1);
    Ok(users.close().await?)
}

#[tokio::test]
async fn a_user_who_was_read_is_in_the_cache_for_a_minute() -> anyhow::Result<()> {
    let database = Database::create().await?;
    let users = store::cached(&database.url(), &redis(REDIS)).await?;
    let user = users.create(name("gopher")?, Sex::NotKnown).await?;
    users.read(user.uid).await?;
    let mut cache = cache().await?;
    let key = key(&database, &user);
    let kept: String = cache.get(&key).await?;
    assert_eq!(kept, r#"1:{"uid":1,"name":"gopher","sex":0}"#);
    let seconds: i64 = cache.ttl(&key).await?;
    assert!((55..=60).contains(&seconds), "it is kept for {seconds} s");
    // The next read does not ask MySQL.
    database
        .connect()
        .await?
        .execute("DELETE FROM users")
        .await?;
    assert_eq!(users.read(user.uid).await?, user);
    Ok(users.close().await?)
}

#[tokio::test]
async fn a_write_takes_a_user_out_of_the_cache() -> anyhow::Result<()> {
    let database = Database::create().await?;
    let users = store::cached(&database.url(), &redis(REDIS)).await?;
    let mut user = users.create(name("gopher")?, Sex::NotKnown).await?;
    users.read(user.uid).await?;
    user.name = name("ferris")?;
    users.update(user.clone()).await?;
    assert_eq!(users.read(user.uid).await?, user);
    let (mut cache, key) = (cache().await?, key(&database, &user));
    let kept: String = cache.get(&key).await?;
    assert_eq!(kept, "", "a tombstone keeps readers from caching");
    let seconds: i64 = cache.ttl(&key).await?;
    assert!((15..=20).contains(&seconds), "it stands for {seconds} s");
    users.delete(user.uid).await?;
    let gone = users.read(user.uid).await;
    assert!(matches!(gone, Err(Error::NotFound(_))), "{gone:?}");
    Ok(users.close().await?)
}

/// A reader who found nothing is on the way to MySQL when another replica leaves a tombstone.
/// What this reader brings back may be older than the write that follows.
#[tokio::test]
async fn a_reader_does_not_put_a_user_over_a_tombstone() -> anyhow::Result<()> {
    let (database, proxy) = (Database::create().await?, Proxy::before(MYSQL).await?);
    let users = store::cached(&database.by_way_of(proxy.addr), &redis(REDIS)).await?;
    let user = users.create(name("gopher")?, Sex::NotKnown).await?;
    proxy.turn(Network::Hung);
    let reader = tokio::spawn({
        let (users, uid) = (users.clone(), user.uid);
        async move { users.read(uid).await }
    });
    proxy.holds().await?;
    let (mut cache, key) = (cache().await?, key(&database, &user));
    let () = cache.set_ex(&key, "", 20).await?;
    proxy.turn(Network::Up);
    assert_eq!(reader.await??, user);
    let kept: String = cache.get(&key).await?;
    assert_eq!(kept, "", "the tombstone is gone");
    Ok(users.close().await?)
}

/// From another release, another program, or another user.
#[tokio::test]
async fn what_the_cache_should_not_hold_is_not_believed() -> anyhow::Result<()> {
    let database = Database::create().await?;
    let users = store::cached(&database.url(), &redis(REDIS)).await?;
    let user = users.create(name("gopher")?, Sex::NotKnown).await?;
    let mut cache = cache().await?;
    for value in [
        r#"2:{"uid":1,"name":"other","sex":0}"#,
        r#"1:{"uid":2,"name":"other","sex":0}"#,
        r#"1:{"uid":1,"name":"","sex":0}"#,
        "nonsense",
    ] {
        let () = cache.set(key(&database, &user), value).await?;
        assert_eq!(users.read(user.uid).await?, user, "the cache held {value}");
    }
    Ok(users.close().await?)
}

async fn cache() -> anyhow::Result<MultiplexedConnection> {
    let client = ::redis::Client::open(redis(REDIS))?;
    Ok(client.get_multiplexed_async_connection().await?)
}

fn key(database: &Database, user: &User) -> String {
    format!("goms:{}:user:{}", database.name, user.uid)
}
