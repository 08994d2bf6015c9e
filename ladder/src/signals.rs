//! The signals that end this tool, taken so that what it has started can be stopped first.

use anyhow::anyhow;
use nix::sys::signal::Signal;
use tokio::signal::unix;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;

/// Ctrl-C, a request to end, and the end of the terminal.
pub struct Signals {
    interrupt: unix::Signal,
    terminate: unix::Signal,
    hangup: unix::Signal,
}

impl Signals {
    /// From here on none of them ends this process by itself.
    ///
    /// # Errors
    ///
    /// The system refuses.
    pub fn take() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the next one; the end of the terminal is a request to end, too.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::SIGINT,
            _ = self.terminate.recv() => Signal::SIGTERM,
            _ = self.hangup.recv() => Signal::SIGTERM,
        }
    }

    /// Does this work until a signal comes: what is dropped then takes its things away.
    ///
    /// # Errors
    ///
    /// That of the work, or a signal came.
    pub async fn or<T>(
        mut self,
        work: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        tokio::select! {
            biased;
            _ = self.next() => Err(anyhow!("interrupted")),
            done = work => done,
        }
    }
}
