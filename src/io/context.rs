//! The build context: a folder as a stream of tar bytes.
//!
//! Given: a folder, the rules of its ignore file and files that exist only in memory. Gives: a [`ContextStream`] that a
//! request's body reads while a blocking thread walks, so that a context of any size needs a few megabytes. The same sources
//! give the same bytes: entries in order of their names, owner 0:0, mode 0644 or 0755. Links are stored, never followed.
//! Deliberately absent: which files are ignored (`build::ignore`), what is done with the bytes (`build`).

mod entry;
pub mod inspect;
pub mod listing;
mod walk;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use futures_util::Stream;
use tokio::sync::mpsc;

use crate::build::ignore::IgnoreRules;

/// Bytes of one chunk of the stream.
const CHUNK: usize = 256 * 1024;
/// Chunks that may wait for the reader.
const CHUNKS_AHEAD: usize = 8;

/// What is to be sent.
#[derive(Debug, Clone, Default)]
pub struct ContextSource {
    /// The folder.
    pub root: PathBuf,
    /// What is left out.
    pub rules: IgnoreRules,
    /// Files that are sent with this content whatever the disk and the rules say: path in the context, content.
    pub overlay: Vec<(String, Vec<u8>)>,
    /// Paths that are wanted, with what is below them; empty for everything.
    pub only: Vec<String>,
}

impl ContextSource {
    fn wants(&self, path: &str) -> bool {
        self.only.is_empty()
            || self.leads_to_wanted(path)
            || self.only.iter().any(|wanted| is_below(path, wanted))
    }

    fn leads_to_wanted(&self, path: &str) -> bool {
        self.only.iter().any(|wanted| wanted == path || is_below(wanted, path))
    }
}

fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// Something that happened while a context was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContextNews {
    /// So much has been read; told at most ten times a second, and once at the end.
    Sent {
        /// Bytes of file content.
        bytes: u64,
        /// Files and links.
        files: u64,
    },
    /// Something that cannot be part of an image was left out.
    LeftOut {
        /// Its path in the context.
        path: String,
        /// What it is, as `a socket`.
        what: &'static str,
    },
}

/// Why a context cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct ContextError {
    /// The path in the context, or the context's own.
    pub path: String,
    /// What is wrong with it.
    pub reason: String,
    /// What mends it.
    pub hint: &'static str,
}

/// A context on its way.
pub struct ContextStream {
    receiver: mpsc::Receiver<io::Result<Bytes>>,
}

/// Where a walk leaves its error; read after the request that carried the stream has failed.
#[derive(Debug, Clone, Default)]
pub struct ContextFailure(Arc<OnceLock<ContextError>>);

impl ContextFailure {
    /// Leaves an error; the first one stays.
    pub fn set(&self, error: ContextError) {
        // A second error follows from the first.
        let _ = self.0.set(error);
    }

    /// The error, once the walk has met one.
    pub fn get(&self) -> Option<&ContextError> {
        self.0.get()
    }
}

impl ContextStream {
    /// Starts to read a context on a blocking thread; dropping the stream ends it. Must be called within a Tokio runtime.
    /// An error is left in `slot` before the stream breaks.
    pub fn start(
        source: ContextSource,
        slot: ContextFailure,
        news: impl FnMut(ContextNews) + Send + 'static,
    ) -> Self {
        let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
        // The thread ends with the walk, or when the receiver is gone; nobody waits for it.
        drop(tokio::task::spawn_blocking(move || {
            let writer = ChunkWriter { sender: sender.clone(), buffer: Vec::with_capacity(CHUNK) };
            let sent = walk::send(&source, entry::Tar::new(writer), news).and_then(|mut tar| tar.finish());
            match sent {
                // A tar stream is always asked for everything.
                Ok(()) | Err(walk::Stop::ReaderGone | walk::Stop::LinkOnTheWay) => {}
                Err(walk::Stop::Broken(error)) => {
                    let message = error.to_string();
                    // Set before the body breaks, so that whoever sees the broken request finds the cause.
                    slot.set(error);
                    let _ = sender.blocking_send(Err(io::Error::other(message)));
                }
            }
        }));
        Self { receiver }
    }

    /// The tar bytes.
    pub fn into_body(self) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
        futures_util::stream::unfold(self.receiver, |mut receiver| async move {
            receiver.recv().await.map(|chunk| (chunk, receiver))
        })
    }
}

/// Hands written bytes on in chunks; fails once nobody reads.
struct ChunkWriter {
    sender: mpsc::Sender<io::Result<Bytes>>,
    buffer: Vec<u8>,
}

impl ChunkWriter {
    fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    fn send(&mut self) -> io::Result<()> {
        let full = std::mem::replace(&mut self.buffer, Vec::with_capacity(CHUNK));
        self.sender
            .blocking_send(Ok(Bytes::from(full)))
            .map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
    }
}

impl io::Write for ChunkWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(CHUNK - self.buffer.len());
        self.buffer.extend_from_slice(&bytes[..taken]);
        if self.buffer.len() == CHUNK {
            self.send()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() { Ok(()) } else { self.send() }
    }
}

/// True for a folder, also through a link.
pub fn is_folder(path: &std::path::Path) -> bool {
    path.is_dir()
}

/// Bytes that a Dockerfile or an ignore file may have.
const TEXT_LIMIT: u64 = 1 << 20;

/// The text of a small file; none where there is no such file. What is not UTF-8 is replaced.
///
/// # Errors
/// Any other failure to read it, and more than 1 MiB.
pub fn read_text(path: &std::path::Path) -> io::Result<Option<String>> {
    use std::io::Read as _;
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(TEXT_LIMIT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > TEXT_LIMIT {
        return Err(io::Error::other("it is larger than 1 MiB"));
    }
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}
