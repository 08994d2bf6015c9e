//! A process group: a command with all that it starts, so that all of it can be ended.

use anyhow::Context;
use nix::sys::signal::Signal;
use nix::sys::signal::killpg;
use nix::unistd::Pid;

/// The group of a process that was started as the head of its own, killed when this is
/// dropped.
#[derive(Debug)]
pub struct Group(Pid);

impl Group {
    /// The group that this process heads.
    ///
    /// # Errors
    ///
    /// The process has already been waited for, and so has no id.
    pub fn of(id: Option<u32>) -> anyhow::Result<Self> {
        let id = id.context("the process has ended already")?;
        Ok(Self(Pid::from_raw(id.try_into()?)))
    }

    /// The id of its head.
    pub fn id(&self) -> Pid {
        self.0
    }

    /// Sends all of it a signal.
    ///
    /// # Errors
    ///
    /// None of it is left.
    pub fn signal(&self, signal: Signal) -> nix::Result<()> {
        killpg(self.0, signal)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = self.signal(Signal::SIGKILL);
    }
}
