//! The end of a connection whose client may still be sending.
//!
//! To close a socket with unread bytes in it resets the connection, and a reset can overtake
//! the answer: a client that uploads too much would never see its 413. So the service closes
//! its own side first, then reads and discards until the client is done, and only then closes
//! the socket (RFC 9112, section 9.6).

use super::Drain;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use std::time::Duration;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;
use tokio::time::Sleep;
use tokio::time::sleep;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// How long a client may go on sending after its answer.
const LINGER_TIMEOUT: Duration = Duration::from_secs(5);

/// How much it may send in that time, in bytes.
const LINGER_BYTES: usize = 64 << 20;

/// A stream that lingers when it is shut down.
pub struct Linger<S> {
    stream: S,
    drain: Drain,
    end: Option<End>,
}

/// What is left to do for a stream whose own side is closed.
struct End {
    clock: Pin<Box<Sleep>>,
    discarded: usize,
    /// Held from the first byte on: the stop waits for clients that send, not for silent ones.
    in_flight: Option<TaskTrackerToken>,
}

impl<S> Linger<S> {
    /// Wraps a stream.
    pub fn new(stream: S, drain: Drain) -> Self {
        let end = None;
        Self { stream, drain, end }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Linger<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Linger<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { stream, drain, end } = self.get_mut();
        if end.is_none() {
            ready!(Pin::new(&mut *stream).poll_shutdown(cx))?;
        }
        let end = end.get_or_insert_with(|| End {
            clock: Box::pin(sleep(LINGER_TIMEOUT)),
            discarded: 0,
            in_flight: None,
        });
        // The clock goes first: a fast sender uses up the task's budget, and then the clock
        // would never be asked.
        while end.clock.as_mut().poll(cx).is_pending() && end.discarded < LINGER_BYTES {
            let mut discarded = [MaybeUninit::uninit(); 16 * 1024];
            let mut discarded = ReadBuf::uninit(&mut discarded);
            let read = ready!(Pin::new(&mut *stream).poll_read(cx, &mut discarded));
            let length = discarded.filled().len();
            if read.is_err() || length == 0 {
                break; // the client is done, or gone
            }
            end.discarded += length;
            end.in_flight.get_or_insert_with(|| drain.in_flight());
        }
        Poll::Ready(Ok(()))
    }
}
