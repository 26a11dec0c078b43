//! The bytes of a connection: bodies that break, drip, or tell when they are sent; connections that are reset.
//!
//! Given: a stream, and what shall become of the answers on it. Gives: what hyper reads from and writes to. Deliberately
//! absent: what is answered.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use crate::held;

type Sent = Box<dyn FnOnce() + Send>;

/// What the two ends of a connection tell each other.
#[derive(Default)]
pub(crate) struct Line {
    reset: AtomicBool,
    sent: Mutex<Option<Sent>>,
}

impl Line {
    /// The connection ends with a reset instead of an orderly end.
    pub(crate) fn reset(&self) {
        self.reset.store(true, Ordering::Relaxed);
    }
}

/// A stream that resets where it is told to, and tells when an answer has gone out.
pub(crate) struct Wire {
    stream: TcpStream,
    line: Arc<Line>,
}

impl Wire {
    pub(crate) fn new(stream: TcpStream, line: Arc<Line>) -> Self {
        Self { stream, line }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.line.reset.load(Ordering::Relaxed) {
            // Where the socket is gone already there is nothing to reset.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = ready!(Pin::new(&mut self.stream).poll_flush(cx));
        if flushed.is_ok()
            && let Some(sent) = held(&self.line.sent).take()
        {
            sent();
        }
        Poll::Ready(flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// An answer's body.
pub(crate) struct Outgoing {
    parts: VecDeque<Bytes>,
    /// Before each part.
    pause: Duration,
    sleeping: Option<Pin<Box<Sleep>>>,
    /// The connection is cut where the body should go on.
    broken: bool,
    line: Arc<Line>,
    sent: Option<Sent>,
}

impl Outgoing {
    /// A body that is sent as it is.
    pub(crate) fn whole(body: Vec<u8>, line: Arc<Line>, sent: Option<Sent>) -> Self {
        let parts = if body.is_empty() { VecDeque::new() } else { VecDeque::from([Bytes::from(body)]) };
        Self { parts, pause: Duration::ZERO, sleeping: None, broken: false, line, sent }
    }

    /// Of the same body the first half; then the connection is cut.
    pub(crate) fn truncated(mut self) -> Self {
        for part in &mut self.parts {
            part.truncate(part.len() / 2);
        }
        self.parts.retain(|part| !part.is_empty());
        self.broken = true;
        self
    }

    /// The same byte by byte.
    pub(crate) fn dripping(mut self, pause: Duration) -> Self {
        self.parts =
            self.parts.iter().flat_map(|part| (0..part.len()).map(|at| part.slice(at..=at))).collect();
        self.pause = pause;
        self
    }
}

/// The body was to go on.
#[derive(Debug)]
pub(crate) struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cut on purpose")
    }
}

impl std::error::Error for Broken {}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if self.parts.is_empty() {
            if self.broken {
                self.line.reset();
                return Poll::Ready(Some(Err(Broken)));
            }
            return Poll::Ready(None);
        }
        if !self.pause.is_zero() {
            let pause = self.pause;
            let sleeping = self.sleeping.get_or_insert_with(|| Box::pin(sleep(pause)));
            ready!(sleeping.as_mut().poll(cx));
            self.sleeping = None;
        }
        Poll::Ready(self.parts.pop_front().map(|part| Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.parts.is_empty() && !self.broken
    }

    fn size_hint(&self) -> SizeHint {
        if self.broken {
            return SizeHint::default();
        }
        SizeHint::with_exact(self.parts.iter().map(|part| part.len() as u64).sum())
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        // hyper drops a body once it has taken all of it, and flushes after that; of one that it gives up it flushes nothing.
        if let Some(sent) = self.sent.take() {
            *held(&self.line.sent) = Some(sent);
        }
    }
}
