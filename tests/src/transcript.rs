//! What the processes of one test say: kept for the case that it fails, and searched for
//! what none of them may ever say.

use crate::database::SECRET;
use anyhow::ensure;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use tokio::io::AsyncBufReadExt;
use tokio::io::AsyncRead;
use tokio::io::BufReader;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How long the last words of a process may be on their way when it has ended.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What was said, and those who still listen.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    said: Arc<Mutex<String>>,
    listeners: Mutex<JoinSet<()>>,
}

impl Transcript {
    /// Adds a line, or some.
    pub(crate) fn say(&self, text: &str) {
        add(&self.said, text);
    }

    /// Adds each line of a running process, and hands it on, too.
    pub(crate) fn listen(
        &self,
        output: impl AsyncRead + Send + Unpin + 'static,
        log: watch::Sender<Vec<String>>,
    ) {
        let said = self.said.clone();
        lock(&self.listeners).spawn(async move {
            let mut lines = BufReader::new(output).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                add(&said, &line);
                log.send_modify(|log| log.push(line));
            }
        });
    }

    /// Waits until all is here that the processes have said; they have ended.
    pub(crate) async fn complete(&self) {
        let mut listeners = std::mem::take(&mut *lock(&self.listeners));
        let all = async { while listeners.join_next().await.is_some() {} };
        // Somebody whom a process has left behind may keep its output open.
        let _ = timeout(LAST_WORDS, all).await;
    }

    /// Wants what every lesson promises, whatever the test: none has shown the password of
    /// its stores, and no thread of it has panicked. A lesson's own test panics where it fails,
    /// as a README may show.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let said = lock(&self.said);
        ensure!(!said.contains(SECRET), "it shows a password");
        let mut panics = said.split("panicked at ").skip(1);
        let of_test = |at: &str| {
            let file = at.split(':').next().unwrap_or_default();
            file.starts_with("e-") && file.contains("/tests/")
        };
        ensure!(panics.all(of_test), "it panicked");
        Ok(())
    }

    /// All of it, to be read.
    pub(crate) fn text(&self) -> String {
        let said = lock(&self.said);
        format!("--- what was run, and what it said\n{said}")
    }
}

fn add(said: &Mutex<String>, text: &str) {
    let mut said = lock(said);
    said.push_str(text);
    said.push('\n');
}

/// What a listener that has panicked leaves is as good as before.
fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
