//! Migrations bring the tables up to date, by one process at a time. An up-to-date schema is
//! only read, so that a start needs no right to create and works on a read-only replica.

use super::session::number;
use anyhow::ensure;
use sqlx::migrate::MigrateError;
use sqlx::migrate::Migration;
use sqlx::mysql::MySqlConnection;

/// Counts our tables, or those of another program that have the same names.
const TABLES: &str = "SELECT COUNT(*) FROM information_schema.tables \
    WHERE table_schema = DATABASE() AND table_name IN ('users', 'pings')";

/// Runs the migrations that are missing, under a lock that ends with the connection.
pub(super) async fn run(connection: &mut MySqlConnection) -> anyhow::Result<()> {
    let mut migrator = sqlx::migrate!();
    let known = applied(connection).await?;
    let is_known = |it: &Migration| known.contains(&(it.version, true, it.checksum.to_vec()));
    if migrator.iter().all(is_known) {
        return Ok(());
    }
    let lock = sqlx::query_scalar("SELECT GET_LOCK(MD5(CONCAT('goms', DATABASE())), 30)");
    let locked: Option<i64> = lock.fetch_one(&mut *connection).await?;
    ensure!(locked == Some(1), "another process is still migrating");
    let ours = applied(connection).await?.iter().any(|it| it.0 == 1);
    let tables = sqlx::query_scalar(TABLES);
    let tables: i64 = tables.fetch_one(&mut *connection).await?;
    ensure!(
        ours || tables == 0,
        "its tables are another program's: name another database"
    );
    migrator.set_ignore_missing(true); // a release can be rolled back, its tables cannot
    migrator.set_locking(false); // MariaDB answers sqlx's own lock with NULL, and at once
    let mut migrated = migrator.run(&mut *connection).await;
    if let Err(MigrateError::Dirty(version)) = migrated {
        // It was cut off. Each step is written so that it can be run again.
        let forget = sqlx::query("DELETE FROM _sqlx_migrations WHERE version = ?");
        forget.bind(version).execute(&mut *connection).await?;
        migrated = migrator.run(&mut *connection).await;
    }
    Ok(migrated?)
}

/// The migrations that the database knows: version, whether it was finished, checksum.
async fn applied(connection: &mut MySqlConnection) -> sqlx::Result<Vec<(i64, bool, Vec<u8>)>> {
    let known = sqlx::query_as("SELECT version, success, checksum FROM _sqlx_migrations");
    match known.fetch_all(connection).await {
        Err(error) if number(&error) == Some(1146) => Ok(Vec::new()), // no such table
        known => known,
    }
}
