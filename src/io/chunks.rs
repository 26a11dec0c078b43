//! Bytes that come asynchronously, for one who reads them on a thread.
//!
//! Given: chunks. Gives: a reader that waits for them. A stream that broke off is an error to the reader, never an end.

use std::io::{self, Read};

use bytes::{Buf as _, Bytes};
use tokio::sync::mpsc;

/// Chunks that may wait for the reader.
const AHEAD: usize = 16;

/// A feed and its reader.
pub fn channel() -> (Feed, Chunks) {
    let (sender, receiver) = mpsc::channel(AHEAD);
    (Feed { sender }, Chunks { receiver, current: Bytes::new(), whole: false })
}

/// Takes the bytes. Dropped before [`Feed::end`], it makes the reader fail.
pub struct Feed {
    sender: mpsc::Sender<Option<Bytes>>,
}

impl Feed {
    /// Hands on a chunk.
    ///
    /// # Errors
    /// Where the reader is gone; its own result says why.
    pub async fn send(&mut self, chunk: Bytes) -> Result<(), mpsc::error::SendError<Option<Bytes>>> {
        self.sender.send(Some(chunk)).await
    }

    /// Says that this was all.
    pub fn end(self) {
        // The channel may be full; the reader empties it or is gone.
        drop(tokio::spawn(async move { self.sender.send(None).await }));
    }
}

/// Reads what the feed sends; a feed that is dropped before its end is an error.
pub struct Chunks {
    receiver: mpsc::Receiver<Option<Bytes>>,
    current: Bytes,
    whole: bool,
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            if self.whole {
                return Ok(0);
            }
            match self.receiver.blocking_recv() {
                Some(Some(chunk)) => self.current = chunk,
                Some(None) => self.whole = true,
                None => return Err(io::Error::other("the transfer ended early")),
            }
        }
        let taken = self.current.len().min(buffer.len());
        buffer[..taken].copy_from_slice(&self.current[..taken]);
        self.current.advance(taken);
        Ok(taken)
    }
}
