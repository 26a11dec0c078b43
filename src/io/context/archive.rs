//! A context as a stream of tar bytes, for engines that do not fetch files one by one.
//!
//! Given: listed entries. Gives: a [`ContextStream`] that a request's body reads while a blocking thread writes, so that a
//! context of any size needs a few megabytes. The same sources give the same bytes: entries in order of their names, owner
//! 0:0, mode 0644 or 0755.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::Stream;
use tar::{Builder, EntryType, Header};
use tokio::sync::mpsc;

use super::listing::{Content, Entry, Stamp, shrank};
use super::walk::unreadable;
use super::{ContextError, ContextFailure, ContextNews, Pace};

/// Bytes of one chunk of the stream.
const CHUNK: usize = 256 * 1024;
/// Chunks that may wait for the reader.
const CHUNKS_AHEAD: usize = 8;
/// Files up to this size are read before their header is written, so that one that changes meanwhile stays whole.
const READ_AT_ONCE: u64 = 1 << 20;
const NANOS: u64 = 1_000_000_000;

/// A context on its way.
pub struct ContextStream {
    receiver: mpsc::Receiver<io::Result<Bytes>>,
}

/// Why the writing ended early.
enum Stop {
    /// The request was dropped: nobody wants the rest.
    ReaderGone,
    Broken(ContextError),
}

impl From<ContextError> for Stop {
    fn from(error: ContextError) -> Self {
        Self::Broken(error)
    }
}

impl ContextStream {
    /// Starts to read a context below `root` on a blocking thread; dropping the stream ends it. Must be called within a Tokio
    /// runtime. An error is left in `slot` before the stream breaks.
    pub fn start(
        root: &Path,
        entries: Arc<Vec<Entry>>,
        slot: ContextFailure,
        news: impl FnMut(ContextNews) + Send + 'static,
    ) -> Self {
        let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
        let root = root.to_owned();
        // The thread ends with the list, or when the receiver is gone; nobody waits for it.
        drop(tokio::task::spawn_blocking(move || {
            let writer = ChunkWriter { sender: sender.clone(), buffer: Vec::with_capacity(CHUNK) };
            if let Err(Stop::Broken(error)) = write(&root, &entries, writer, Pace::new(news)) {
                let message = error.to_string();
                // Set before the body breaks, so that whoever sees the broken request finds the cause.
                slot.set(error);
                let _ = sender.blocking_send(Err(io::Error::other(message)));
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

fn write<N: FnMut(ContextNews)>(
    root: &Path,
    entries: &[Entry],
    writer: ChunkWriter,
    mut pace: Pace<N>,
) -> Result<(), Stop> {
    let mut tar = Tar { builder: Builder::new(writer) };
    for entry in entries {
        if let Some(bytes) = tar.entry(root, entry)? {
            pace.add(bytes, 1);
        }
    }
    pace.tell();
    tar.builder.finish().and_then(|()| tar.builder.get_mut().flush()).map_err(|_| Stop::ReaderGone)
}

struct Tar {
    builder: Builder<ChunkWriter>,
}

impl Tar {
    /// Writes one entry; the bytes of its content, none for a folder and for what has gone meanwhile.
    fn entry(&mut self, root: &Path, entry: &Entry) -> Result<Option<u64>, Stop> {
        let seconds = entry.modified / NANOS;
        match &entry.content {
            Content::Folder => {
                let mut header = header(EntryType::Directory, entry.mode, 0, seconds);
                self.append(&mut header, &format!("{}/", entry.path), io::empty()).map(|()| None)
            }
            Content::Link(target) => {
                let mut header = header(EntryType::Symlink, entry.mode, 0, seconds);
                if header.set_link_name_literal(target).is_ok() {
                    return self.append(&mut header, &entry.path, io::empty()).map(|()| Some(0));
                }
                let appended = self.builder.append_link(&mut header, &entry.path, target);
                appended.map(|()| Some(0)).map_err(|_| Stop::ReaderGone)
            }
            Content::Memory(bytes) => {
                let size = bytes.len() as u64;
                let mut header = header(EntryType::Regular, entry.mode, size, seconds);
                self.append(&mut header, &entry.path, bytes.as_slice()).map(|()| Some(size))
            }
            Content::Disk(stamp) => self.file(root, entry, stamp, seconds),
        }
    }

    fn file(&mut self, root: &Path, entry: &Entry, stamp: &Stamp, seconds: u64) -> Result<Option<u64>, Stop> {
        let path = entry.path.as_str();
        let mut file = match File::open(root.join(path)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(path.to_owned(), &error).into()),
        };
        if stamp.size <= READ_AT_ONCE {
            let mut content = Vec::with_capacity(usize::try_from(stamp.size).unwrap_or_default());
            // Twice the announced size at most: a file that grows without end is not followed.
            let read = (&mut file).take(2 * READ_AT_ONCE).read_to_end(&mut content);
            read.map_err(|error| unreadable(path.to_owned(), &error))?;
            let size = content.len() as u64;
            let mut header = header(EntryType::Regular, entry.mode, size, seconds);
            return self.append(&mut header, path, content.as_slice()).map(|()| Some(size));
        }
        let mut reader = Exactly { file, left: stamp.size, trouble: None };
        let mut header = header(EntryType::Regular, entry.mode, stamp.size, seconds);
        let written = self.builder.append_data(&mut header, path, &mut reader);
        match (written, reader.trouble) {
            (_, Some(Trouble::Shrank)) => Err(shrank(path).into()),
            (_, Some(Trouble::Read(error))) => Err(unreadable(path.to_owned(), &error).into()),
            (Err(_), None) => Err(Stop::ReaderGone),
            (Ok(()), None) => Ok(Some(stamp.size)),
        }
    }

    fn append(&mut self, header: &mut Header, path: &str, content: impl Read) -> Result<(), Stop> {
        // Reading from memory cannot fail, and the names are plain: what remains is a reader that is gone.
        self.builder.append_data(header, path, content).map_err(|_| Stop::ReaderGone)
    }
}

fn header(kind: EntryType, mode: u32, size: u64, time: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    // Whole seconds. A file keeps its time, for nginx makes its ETag of time and size: with one fixed time a changed file of
    // the same size would be answered with 304. BuildKit's cache does not look at times.
    header.set_mtime(time);
    header.set_uid(0);
    header.set_gid(0);
    header
}

enum Trouble {
    Shrank,
    Read(io::Error),
}

/// Gives exactly the announced number of bytes, or keeps the reason why it cannot. What a file grew meanwhile is left out.
struct Exactly {
    file: File,
    left: u64,
    trouble: Option<Trouble>,
}

impl Read for Exactly {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if wanted == 0 {
            return Ok(0);
        }
        match self.file.read(&mut buffer[..wanted]) {
            Ok(0) => {
                self.trouble = Some(Trouble::Shrank);
                Err(io::ErrorKind::UnexpectedEof.into())
            }
            Ok(read) => {
                self.left -= read as u64;
                Ok(read)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                self.trouble = Some(Trouble::Read(io::Error::from(error.kind())));
                Err(error)
            }
        }
    }
}

/// Hands written bytes on in chunks; fails once nobody reads.
struct ChunkWriter {
    sender: mpsc::Sender<io::Result<Bytes>>,
    buffer: Vec<u8>,
}

impl ChunkWriter {
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
