//! Where users are kept: the one seam between the ways in and everything behind them.
//!
//! A store is chosen in `main.rs` and nowhere else. The trait has no default bodies, so
//! that a store that wraps another cannot forget to pass a call on.

use crate::user::Name;
use crate::user::Sex;
use crate::user::Uid;
use crate::user::User;
use async_trait::async_trait;
use std::collections::BTreeMap;
use tokio::sync::RwLock;

/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such user.
    #[error("there is no user {0}")]
    NotFound(Uid),
    /// The store cannot be reached or takes no more work; the same call may work later.
    #[error("the store is not available")]
    Unavailable(#[source] Cause),
    /// The store answered, but not as it should; trying again will not help.
    #[error("the store failed")]
    Failed(#[source] Cause),
}

/// The cause of a store's error: for the log, never for a client.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// What a store answers.
pub type Result<T> = std::result::Result<T, Error>;

/// The way in that a ping came by; each has a count of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP.
    Http,
    /// gRPC.
    Grpc,
}

/// Keeps users, and counts pings.
///
/// Each call may end in [`Error::Unavailable`] or [`Error::Failed`], and one about a user that
/// does not exist in [`Error::NotFound`].
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub trait Store: Send + Sync {
    /// Adds a user under a uid that was never given to another.
    async fn create(&self, name: Name, sex: Sex) -> Result<User>;

    /// Finds a user.
    async fn read(&self, uid: Uid) -> Result<User>;

    /// Replaces the user of the same uid.
    async fn update(&self, user: User) -> Result<()>;

    /// Removes a user.
    async fn delete(&self, uid: Uid) -> Result<()>;

    /// Counts a ping and returns how many have come by this protocol, this one included.
    async fn ping(&self, protocol: Protocol) -> Result<i64>;

    /// Saves what is only in memory and releases what the store holds. It is the last call
    /// that a store gets.
    async fn close(&self) -> Result<()>;
}

/// The users and counts themselves. Each store that holds them in memory puts its own lock
/// around them.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// The highest uid given so far. It outlives its user, so that no uid is given twice.
    pub last_uid: i64,
    /// How many pings have come.
    pub pings: Pings,
    /// The users, each under its uid.
    pub users: BTreeMap<Uid, User>,
}

/// How many pings have come, by protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pings {
    /// Those over HTTP.
    pub http: i64,
    /// Those over gRPC.
    pub grpc: i64,
}

impl Table {
    /// As [`Store::create`]. It fails when the uids are used up.
    pub fn create(&mut self, name: Name, sex: Sex) -> Result<User> {
        let highest = self.users.keys().next_back().map_or(0, |uid| (*uid).into());
        let next = self.last_uid.max(highest).saturating_add(1);
        let uid = Uid::try_from(next).map_err(|_| Error::Failed("no uid is left".into()))?;
        let user = User { uid, name, sex };
        self.last_uid = uid.into();
        self.users.insert(uid, user.clone());
        Ok(user)
    }

    /// As [`Store::read`].
    pub fn read(&self, uid: Uid) -> Result<User> {
        self.users.get(&uid).cloned().ok_or(Error::NotFound(uid))
    }

    /// As [`Store::update`].
    pub fn update(&mut self, user: User) -> Result<()> {
        let uid = user.uid;
        *self.users.get_mut(&uid).ok_or(Error::NotFound(uid))? = user;
        Ok(())
    }

    /// As [`Store::delete`].
    pub fn delete(&mut self, uid: Uid) -> Result<()> {
        self.users.remove(&uid).ok_or(Error::NotFound(uid))?;
        Ok(())
    }

    /// As [`Store::ping`].
    pub fn ping(&mut self, protocol: Protocol) -> i64 {
        let count = match protocol {
            Protocol::Http => &mut self.pings.http,
            Protocol::Grpc => &mut self.pings.grpc,
        };
        *count = count.saturating_add(1);
        *count
    }
}

/// A store that lives and dies with the process.
#[derive(Debug, Default)]
pub struct Memory {
    table: RwLock<Table>,
}

#[async_trait]
impl Store for Memory {
    async fn create(&self, name: Name, sex: Sex) -> Result<User> {
        self.table.write().await.create(name, sex)
    }

    async fn read(&self, uid: Uid) -> Result<User> {
        self.table.read().await.read(uid)
    }

    async fn update(&self, user: User) -> Result<()> {
        self.table.write().await.update(user)
    }

    async fn delete(&self, uid: Uid) -> Result<()> {
        self.table.write().await.delete(uid)
    }

    async fn ping(&self, protocol: Protocol) -> Result<i64> {
        Ok(self.table.write().await.ping(protocol))
    }

    async fn close(&self) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests;
