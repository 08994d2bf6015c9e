//! A store in a YAML file: durable, readable, and for one process at a time.
//!
//! The table is held in memory. Each change writes a whole new file beside the old one and
//! renames it into place, so that a complete file exists at every moment, even if the
//! machine crashes. `yaml/document.rs` says what the file looks like.

mod document;

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
use std::fs::File;
use std::fs::TryLockError;
use std::io;
use std::io::Write;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use tokio::sync::RwLock;
use tokio::sync::oneshot;

/// A store in a YAML file.
#[derive(Debug)]
pub struct Yaml {
    table: Arc<RwLock<Table>>,
    jobs: mpsc::Sender<Job>,
}

/// What the writer's thread does next.
type Job = Box<dyn FnOnce(&mut Writer) + Send>;

/// Writes the file. It lives on a thread of its own, because a disk blocks, and that thread
/// exists from the start, because a busy machine may refuse a new one later.
#[derive(Debug)]
struct Writer {
    path: PathBuf,
    table: Arc<RwLock<Table>>,
    /// The counts that the file holds.
    saved: Pings,
    /// Keeps other processes out until the store is closed.
    lock: File,
}

impl Yaml {
    /// Opens the store in the file at `path`. Without such a file the store is empty, and
    /// the first change creates the file.
    ///
    /// # Errors
    ///
    /// Another process uses the file, the file cannot be read, or it is not such a store. In
    /// the last case the error names the line.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        // A symbolic link has to survive the rename, so its target is what gets replaced.
        let target = path.canonicalize().ok().filter(|_| path.is_symlink());
        let path = target.as_deref().unwrap_or(path);
        let lock = lock(path)?;
        let table = match std::fs::read_to_string(path) {
            Ok(text) if text.trim().is_empty() => Table::default(),
            Ok(text) => document::from_str(&text).with_context(|| path.display().to_string())?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Table::default(),
            Err(error) => return Err(error).with_context(|| path.display().to_string()),
        };
        let saved = table.pings;
        let table = Arc::new(RwLock::new(table));
        let (jobs, queue) = mpsc::channel();
        let writer = Writer {
            path: path.to_owned(),
            table: table.clone(),
            saved,
            lock,
        };
        thread::Builder::new()
            .name("yaml".to_owned())
            .spawn(move || writer.run(queue))
            .context("the machine refuses a thread for the YAML store")?;
        Ok(Self { table, jobs })
    }

    /// Sends the writer a job, and waits for its answer.
    ///
    /// A job that has begun is finished even if its caller has gone, since half a change
    /// would be worse. One whose caller goes before that is never begun.
    async fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Writer) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let job = move |writer: &mut Writer| {
            if !reply.is_closed() {
                let _ = reply.send(job(writer)); // the caller may have gone meanwhile
            }
        };
        let sent = self.jobs.send(Box::new(job));
        sent.map_err(|_| Error::Failed("the writer has ended".into()))?;
        let lost = |error: oneshot::error::RecvError| Err(Error::Failed(error.into()));
        answer.await.unwrap_or_else(lost)
    }

    /// Makes a change and saves it.
    async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Table) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.ask(|writer| writer.write(change)).await
    }
}

impl Writer {
    /// Works until the store is dropped. A job that panics loses its own answer, and the next
    /// one is done all the same.
    fn run(mut self, queue: mpsc::Receiver<Job>) {
        for job in queue {
            let _ = catch_unwind(AssertUnwindSafe(|| job(&mut self)));
        }
    }

    /// Makes the change in a copy. Readers see it only when the file holds it.
    fn write<T>(&mut self, change: impl FnOnce(&mut Table) -> Result<T>) -> Result<T> {
        let mut next = self.table.blocking_read().clone();
        let answer = change(&mut next)?;
        save(&self.path, &next).map_err(Error::Unavailable)?;
        self.saved = next.pings;
        let mut table = self.table.blocking_write();
        next.pings = table.pings; // pings went on while the file was written
        *table = next;
        Ok(answer)
    }
}

#[async_trait]
impl Store for Yaml {
    async fn create(&self, name: Name, sex: Sex) -> Result<User> {
        self.change(move |table| table.create(name, sex)).await
    }

    async fn read(&self, uid: Uid) -> Result<User> {
        self.table.read().await.read(uid)
    }

    async fn update(&self, user: User) -> Result<()> {
        self.change(move |table| table.update(user)).await
    }

    async fn delete(&self, uid: Uid) -> Result<()> {
        self.change(move |table| table.delete(uid)).await
    }

    /// The next change saves the count, and so does [`Store::close`]. A write to the disk for
    /// each ping would cost more than a ping is worth.
    async fn ping(&self, protocol: Protocol) -> Result<i64> {
        Ok(self.table.write().await.ping(protocol))
    }

    async fn close(&self) -> Result<()> {
        let pings = self.table.read().await.pings;
        self.ask(move |writer| {
            if writer.saved != pings {
                writer.write(|_| Ok(()))?;
            }
            let unlocked = writer.lock.unlock();
            unlocked.map_err(|error| Error::Failed(error.into()))
        })
        .await
    }
}

/// Locks the store at `path` against other processes, until the returned file is closed.
///
/// The lock is on a second file, because each change replaces the store's own.
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

/// Replaces the file at `path`. After a crash either the old file or the new one is there;
/// after this returns it is the new one for good.
fn save(path: &Path, table: &Table) -> std::result::Result<(), Cause> {
    let text = document::to_string(table)?;
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

#[cfg(test)]
mod tests;
