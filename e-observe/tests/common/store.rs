//! Stores of the service's own library, with nothing between them and the test.

use anyhow::Context;
use clap::Parser;
use e_observe::flag::Settings;
use e_observe::mysql::Mysql;
use e_observe::redis;
use e_observe::store::Store;
use e_observe::user::Name;
use e_observe::yaml::Yaml;
use std::path::Path;
use std::sync::Arc;

/// A store in this file.
///
/// # Errors
///
/// The file cannot be used.
pub(crate) fn yaml(path: &Path) -> anyhow::Result<Arc<dyn Store>> {
    Ok(Arc::new(Yaml::open(path)?))
}

/// A store in this database.
///
/// # Errors
///
/// The database cannot be used.
pub(crate) async fn mysql(url: &str) -> anyhow::Result<Arc<dyn Store>> {
    let settings = Settings::try_parse_from(["", "--mysql-url", url])?;
    Ok(Arc::new(Mysql::connect(&settings.mysql).await?))
}

/// A store in this database, over one connection.
///
/// # Errors
///
/// The database cannot be used.
pub(crate) async fn mysql_by_one(url: &str) -> anyhow::Result<Arc<dyn Store>> {
    let flags = ["", "--mysql-url", url, "--mysql-connections", "1"];
    let settings = Settings::try_parse_from(flags)?;
    Ok(Arc::new(Mysql::connect(&settings.mysql).await?))
}

/// A store in this database, with a cache in this Redis over it.
///
/// # Errors
///
/// The database cannot be used.
pub(crate) async fn cached(url: &str, cache: &str) -> anyhow::Result<Arc<dyn Store>> {
    let settings = Settings::try_parse_from(["", "--mysql-url", url, "--redis-url", cache])?;
    let (mysql, redis) = (settings.mysql.url, settings.redis.url);
    let (mysql, redis) = (mysql.context("given")?, redis.context("given")?);
    let store = self::mysql(url).await?;
    redis::over(store, &redis, settings.redis.ttl, mysql.database()).await
}

/// A name.
///
/// # Errors
///
/// The text breaks the rule.
pub(crate) fn name(text: &str) -> anyhow::Result<Name> {
    Ok(text.to_owned().try_into()?)
}
