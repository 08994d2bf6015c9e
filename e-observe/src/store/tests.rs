use super::Error;
use super::Memory;
use super::MockStore;
use super::Pings;
use super::Protocol;
use super::Store;
use super::Table;
use crate::user::Name;
use crate::user::Sex;
use crate::user::Uid;

#[test]
fn a_uid_is_never_given_twice() -> anyhow::Result<()> {
    let (mut table, name) = (Table::default(), Name::try_from("gopher".to_owned())?);
    let first = table.create(name.clone(), Sex::NotKnown)?;
    table.delete(first.uid)?;
    let second = table.create(name, Sex::NotKnown)?;
    assert_eq!(i64::from(second.uid), 2);
    assert!(matches!(table.read(first.uid), Err(Error::NotFound(uid)) if uid == first.uid));
    Ok(())
}

#[test]
fn a_user_written_by_hand_keeps_its_uid_from_others() -> anyhow::Result<()> {
    let (mut table, name) = (Table::default(), Name::try_from("gopher".to_owned())?);
    let user = table.create(name.clone(), Sex::NotKnown)?;
    table.last_uid = 0; // as in a file that a person has written
    assert_ne!(table.create(name, Sex::NotKnown)?.uid, user.uid);
    Ok(())
}

#[test]
fn the_last_uid_is_given_and_then_none() -> anyhow::Result<()> {
    let (mut table, name) = (Table::default(), Name::try_from("gopher".to_owned())?);
    table.last_uid = Uid::MAX - 1;
    let last = table.create(name.clone(), Sex::NotKnown)?;
    assert_eq!(i64::from(last.uid), Uid::MAX);
    let refused = table.create(name, Sex::NotKnown);
    assert!(matches!(refused, Err(Error::Failed(_))), "{refused:?}");
    Ok(())
}

#[test]
fn each_protocol_has_its_own_count() {
    let mut table = Table::default();
    let counts = [Protocol::Http, Protocol::Grpc, Protocol::Http].map(|it| table.ping(it));
    assert_eq!(counts, [1, 1, 2]);
    assert_eq!(table.pings, Pings { http: 2, grpc: 1 });
}

#[tokio::test]
async fn the_fake_counts_pings_too() -> anyhow::Result<()> {
    let store = Memory::default();
    assert_eq!(store.ping(Protocol::Http).await?, 1);
    assert_eq!(store.ping(Protocol::Http).await?, 2);
    Ok(())
}

impl Memory {
    /// Makes every call hang until the guard is dropped. A mock cannot do that: it has to
    /// answer.
    pub(crate) async fn hang(&self) -> impl Drop + '_ {
        self.table.write().await
    }
}

/// A store that fails each call in this way.
pub(crate) fn failing(error: fn() -> Error) -> MockStore {
    let mut store = MockStore::new();
    store.expect_create().returning(move |_, _| Err(error()));
    store.expect_read().returning(move |_| Err(error()));
    store.expect_update().returning(move |_| Err(error()));
    store.expect_delete().returning(move |_| Err(error()));
    store.expect_ping().returning(move |_| Err(error()));
    store
}

/// The two ways in which each call can fail. The cause is for the log alone.
pub(crate) const UNAVAILABLE: fn() -> Error = || Error::Unavailable("unspeakable".into());
pub(crate) const FAILED: fn() -> Error = || Error::Failed("unspeakable".into());
