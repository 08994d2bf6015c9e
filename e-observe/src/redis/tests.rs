use super::VERSION;
use super::over;
use super::parse;
use crate::flag::Settings;
use crate::store::Error;
use crate::store::MockStore;
use crate::user::tests::user;
use anyhow::Context;
use clap::Parser;
use proptest::prelude::*;
use std::sync::Arc;

proptest! {
    #[test]
    fn any_user_survives_the_cache(user in user()) {
        let value = format!("{VERSION}{}", serde_json::to_string(&user)?);
        prop_assert_eq!(parse(value.as_bytes()), Some(user));
    }

    #[test]
    fn no_value_makes_it_panic(value in prop::collection::vec(any::<u8>(), 0..100)) {
        prop_assert_eq!(parse(&value), None);
    }
}

#[test]
fn a_value_of_another_version_is_none_of_ours() {
    let value = br#"2:{"uid":1,"name":"gopher","sex":0}"#;
    assert_eq!(parse(value), None);
}

/// Nobody listens on port 1.
#[tokio::test]
async fn without_redis_each_call_goes_to_the_store_once() -> anyhow::Result<()> {
    let user: crate::user::User = serde_json::from_str(r#"{"uid":1,"name":"gopher","sex":0}"#)?;
    let mut mock = MockStore::new();
    let found = user.clone();
    mock.expect_read()
        .times(1)
        .returning(move |_| Ok(found.clone()));
    mock.expect_update().times(1).returning(|_| Ok(()));
    mock.expect_delete()
        .times(1)
        .returning(|uid| Err(Error::NotFound(uid)));
    mock.expect_ping().times(1).returning(|_| Ok(7));
    mock.expect_close().times(1).returning(|| Ok(()));
    let settings = Settings::try_parse_from(["", "--redis-url", "redis://127.0.0.1:1"])?;
    let url = settings.redis.url.context("given")?;
    let cached = over(Arc::new(mock), &url, 60, "none").await?;
    assert_eq!(cached.read(user.uid).await?, user);
    cached.update(user.clone()).await?;
    let deleted = cached.delete(user.uid).await;
    assert!(matches!(deleted, Err(Error::NotFound(_))), "{deleted:?}");
    assert_eq!(cached.ping(crate::store::Protocol::Http).await?, 7);
    Ok(cached.close().await?)
}
