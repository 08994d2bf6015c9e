//! A store in a YAML file: durable, readable, and for one process at a time.
//!
//! The whole file is held in memory; each change writes it anew beside the old one and
//! then renames it, so that there is a whole file at every moment, whatever happens.

use crate::store::Cause;
use crate::store::Error;
use crate::store::Pings;
use crate::store::Protocol;
use crate::store::Result;
use crate::store::Store;
use crate::store::Table;
use crate::user::Name;
use crate::user::Sex;
use crate::user::Uid;
use crate::user::User;
use anyhow::Context;
use anyhow::bail;
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::fs::File;
use std::fs::TryLockError;
use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::Mutex;
use tokio::sync::OwnedMutexGuard;
use tokio::sync::RwLock;
use tokio::task::spawn_blocking;

/// A store in a YAML file.
#[derive(Debug)]
pub struct Yaml(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    table: RwLock<Table>,
    writer: Arc<Mutex<Writer>>,
}

/// Held by whoever writes the file: one at a time, so that no change is lost.
#[derive(Debug)]
struct Writer {
    /// The counts that the file holds.
    pings: Pings,
    /// Keeps other processes out for as long as it is open.
    _lock: File,
}

impl Yaml {
    /// Opens the store in the file at `path`. If there is none, the store is empty and
    /// the first change creates the file.
    ///
    /// # Errors
    ///
    /// The file is in use by another process, cannot be read, or is no such store: then
    /// the error tells the line.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        // Of a link the target, else a change would put a file in the link's place.
        let target = path.canonicalize().ok().filter(|_| path.is_symlink());
        let path = target.as_deref().unwrap_or(path);
        let _lock = lock(path)?;
        let table: Table = match std::fs::read_to_string(path) {
            Ok(text) if text.trim().is_empty() => Table::default(),
            Ok(text) => serde_yaml::from_str(&text).with_context(|| path.display().to_string())?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Table::default(),
            Err(error) => return Err(error).with_context(|| path.display().to_string()),
        };
        let pings = table.pings;
        Ok(Self(Arc::new(Inner {
            path: path.to_owned(),
            table: RwLock::new(table),
            writer: Arc::new(Mutex::new(Writer { pings, _lock })),
        })))
    }

    /// Makes a change, when it is this caller's turn: on a thread of its own, because a disk
    /// blocks, and to its end, even if the caller has gone. A half-made change would be worse
    /// than one nobody waits for. Who goes before that leaves nothing behind.
    async fn write<T, F>(&self, change: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Table) -> Result<T> + Send + 'static,
    {
        let inner = self.0.clone();
        let writer = inner.writer.clone().lock_owned().await;
        let written = spawn_blocking(move || inner.write(writer, change));
        written
            .await
            .unwrap_or_else(|error| Err(Error::Failed(error.into())))
    }
}

impl Inner {
    /// The change is made in a copy, and readers see it only when the file holds it.
    fn write<T>(
        &self,
        mut writer: OwnedMutexGuard<Writer>,
        change: impl FnOnce(&mut Table) -> Result<T>,
    ) -> Result<T> {
        let mut next = self.table.blocking_read().clone();
        let answer = change(&mut next)?;
        save(&self.path, &next).map_err(Error::Unavailable)?;
        writer.pings = next.pings;
        let mut table = self.table.blocking_write();
        next.pings = table.pings; // readers went on pinging meanwhile
        *table = next;
        Ok(answer)
    }
}

#[async_trait]
impl Store for Yaml {
    async fn create(&self, name: Name, sex: Sex) -> Result<User> {
        self.write(move |table| table.create(name, sex)).await
    }

    async fn read(&self, uid: Uid) -> Result<User> {
        self.0.table.read().await.read(uid)
    }

    async fn update(&self, user: User) -> Result<()> {
        self.write(move |table| table.update(user)).await
    }

    async fn delete(&self, uid: Uid) -> Result<()> {
        self.write(move |table| table.delete(uid)).await
    }

    /// The count is saved with the next change and by [`Store::close`]: a disk's time for
    /// each ping would be too dear for what a ping is worth.
    async fn ping(&self, protocol: Protocol) -> Result<i64> {
        Ok(self.0.table.write().await.ping(protocol))
    }

    async fn close(&self) -> Result<()> {
        if self.0.writer.lock().await.pings == self.0.table.read().await.pings {
            return Ok(());
        }
        self.write(|_| Ok(())).await
    }
}

/// Locks the store at `path` against other processes, until the file returned is closed.
///
/// The lock is on a file beside the store, because the store's own is replaced by each
/// change.
fn lock(path: &Path) -> anyhow::Result<File> {
    let path = with_suffix(path, ".lock");
    let shown = path.display();
    let lock = File::create(&path).with_context(|| format!("cannot create {shown}"))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => {
            bail!("{shown} is held: another process uses this store, stop that one first")
        }
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {shown}"))
        }
    }
}

/// Replaces the file at `path`, so that after a crash either the old or the new one is
/// there, and after the return the new one for good.
fn save(path: &Path, table: &Table) -> std::result::Result<(), Cause> {
    let text = serde_yaml::to_string(table)?;
    let fresh = with_suffix(path, ".new");
    let mut file = File::create(&fresh)?;
    if let Ok(old) = path.metadata() {
        file.set_permissions(old.permissions())?;
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&fresh, path)?;
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

/// In the file the users are a list, as a person would write it: each tells its uid itself.
pub(crate) mod list {
    use super::BTreeMap;
    use super::Uid;
    use super::User;
    use serde::Deserialize;
    use serde::Deserializer;
    use serde::Serializer;
    use serde::de::Error;

    pub(crate) fn serialize<S: Serializer>(
        users: &BTreeMap<Uid, User>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(users.values())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<Uid, User>, D::Error> {
        let mut users = BTreeMap::new();
        for user in Vec::<User>::deserialize(deserializer)? {
            let uid = user.uid;
            if users.insert(uid, user).is_some() {
                return Err(D::Error::custom(format!("two users have uid {uid}")));
            }
        }
        Ok(users)
    }
}
