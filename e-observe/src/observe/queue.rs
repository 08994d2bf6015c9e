//! The log's way to standard output. A pipe that nobody reads is full after 64 KiB, and
//! whoever writes to it then waits: each request would, and so would the end.
//!
//! Here a thread waits in their place. Lines queue for it, and those that find the queue full
//! are dropped and counted. (tracing-appender has such a thread, too, but it prints into the
//! same pipe when it ends, and hangs there.)

use super::metrics::METRICS;
use anyhow::Context;
use std::fs::File;
use std::io;
use std::io::Write;
use std::os::fd::AsFd;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::thread;
use std::time::Duration;
use tracing::Level;
use tracing::Metadata;
use tracing::error;
use tracing_subscriber::fmt::MakeWriter;

/// How many bytes may queue: some thousand lines. What is said at `info` and above, such as
/// the last line, finds room even if there is none for the rest.
const SIZE: usize = 1 << 20;
const RESERVE: usize = 1 << 16;

/// How long the end waits for a reader.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// How long lines gather before they are written: to wake the thread for each would cost a
/// request more than the line itself.
const PAUSE: Duration = Duration::from_millis(5);

static LINES: Mutex<Lines> = Mutex::new(Lines {
    queued: Vec::new(),
    written: true,
});
static CHANGED: Condvar = Condvar::new();

struct Lines {
    queued: Vec<u8>,
    /// Whether the thread has nothing left to write.
    written: bool,
}

/// Gives tracing a place for each line.
pub struct Queue;

impl MakeWriter<'_> for Queue {
    type Writer = Place;

    fn make_writer(&self) -> Place {
        Place { size: SIZE }
    }

    fn make_writer_for(&self, line: &Metadata<'_>) -> Place {
        let reserve = usize::from(*line.level() <= Level::INFO) * RESERVE;
        Place {
            size: SIZE + reserve,
        }
    }
}

/// Where tracing writes, a whole line at a time.
pub struct Place {
    /// How many bytes the queue may then have.
    size: usize,
}

impl Write for Place {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.queued.len() + line.len() <= self.size {
            lines.queued.extend_from_slice(line);
            if std::mem::take(&mut lines.written) {
                CHANGED.notify_all(); // else the thread is at work, and will see it
            }
        } else {
            METRICS.dropped.get([]).inc();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Starts the thread.
///
/// # Errors
///
/// The machine refuses a thread, or there is no standard output.
pub fn start() -> anyhow::Result<()> {
    // A descriptor of its own: the usual one has a lock, for which commands would wait.
    let output = io::stdout().as_fd().try_clone_to_owned();
    let output = File::from(output.context("standard output")?);
    let thread = thread::Builder::new().name("log".to_owned());
    let started = thread.spawn(move || write(output));
    started.context("the machine refuses a thread for the log")?;
    Ok(())
}

fn write(mut output: File) {
    let (mut taken, mut told) = (Vec::new(), 0);
    loop {
        let mut lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
        while lines.queued.is_empty() {
            lines.written = true;
            CHANGED.notify_all();
            lines = CHANGED.wait(lines).unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::swap(&mut lines.queued, &mut taken);
        drop(lines);
        let _ = output.write_all(&taken); // there is nowhere to complain
        taken.clear();
        thread::sleep(PAUSE);
        let dropped = METRICS.dropped.get([]).get();
        if dropped > told {
            error!(dropped, "lines of this log are missing");
            told = dropped;
        }
    }
}

/// Waits until all is written, for a second at most.
pub fn flush() {
    let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    let _ = CHANGED.wait_timeout_while(lines, FLUSH_TIMEOUT, |lines| !lines.written);
}

#[cfg(test)]
mod tests;
