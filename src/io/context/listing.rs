//! A context as a list of entries whose contents are read when they are asked for.
//!
//! Given: a [`ContextSource`]. Gives: its entries in the order in which BuildKit wants them (by path component, a folder
//! before what is in it), and the content of any of them in pieces.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use sha2::{Digest as _, Sha256};

use super::entry::{EARLIEST, link_target, mode, shrank};
use super::walk::{self, Sink, Stop, unreadable};
use super::{ContextError, ContextNews, ContextSource};

/// Bytes of one piece of content.
const PIECE: usize = 128 * 1024;
const NANOS: u64 = 1_000_000_000;

/// One entry of a context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its path in the context, `/`-separated.
    pub path: String,
    /// Unix permission bits.
    pub mode: u32,
    /// Nanoseconds since 1970.
    pub modified: u64,
    /// What it is.
    pub content: Content,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A folder.
    Folder,
    /// A link to this path.
    Link(String),
    /// A file on the disk, with its size.
    Disk(PathBuf, u64),
    /// A file that exists only here.
    Memory(Vec<u8>),
}

impl Entry {
    /// A file from memory. Its time follows from its content: BuildKit takes a file of the same size and time for unchanged.
    pub fn in_memory(path: &str, bytes: &[u8]) -> Self {
        let digest = Sha256::digest(bytes);
        let mark = digest.iter().take(6).fold(0, |mark, byte| (mark << 8) | u64::from(*byte));
        let content = Content::Memory(bytes.to_vec());
        Self { path: path.to_owned(), mode: 0o644, modified: EARLIEST * NANOS + mark, content }
    }

    /// Bytes of its content.
    pub fn size(&self) -> u64 {
        match &self.content {
            Content::Folder | Content::Link(_) => 0,
            Content::Disk(_, size) => *size,
            Content::Memory(bytes) => bytes.len() as u64,
        }
    }

    /// Hands its content on in pieces until `take` says false. Blocks.
    ///
    /// # Errors
    /// [`ContextError`] where the file cannot be read, or became shorter since it was listed.
    pub fn read(&self, mut take: impl FnMut(Vec<u8>) -> bool) -> Result<(), ContextError> {
        let (path, mut left) = match &self.content {
            Content::Folder | Content::Link(_) => return Ok(()),
            Content::Memory(bytes) => {
                bytes.chunks(PIECE).all(|piece| take(piece.to_vec()));
                return Ok(());
            }
            Content::Disk(path, size) => (path, *size),
        };
        let failed = |error: io::Error| unreadable(self.path.clone(), &error);
        let mut file = File::open(path).map_err(failed)?;
        while left > 0 {
            let wanted = left.min(PIECE as u64);
            let mut piece = Vec::with_capacity(usize::try_from(wanted).unwrap_or(PIECE));
            let read = (&mut file).take(wanted).read_to_end(&mut piece).map_err(failed)?;
            if (read as u64) < wanted {
                return Err(shrank(&self.path));
            }
            left -= wanted;
            if !take(piece) {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// The entries of a context. Blocks while it walks.
///
/// # Errors
/// [`ContextError`] for the first entry that cannot be sent.
pub fn list(source: &ContextSource, mut news: impl FnMut(ContextNews)) -> Result<Vec<Entry>, ContextError> {
    let whole;
    let mut walked = walk::send(source, Listing::default(), &mut news);
    if matches!(walked, Err(Stop::LinkOnTheWay)) {
        whole = ContextSource { only: Vec::new(), ..source.clone() };
        walked = walk::send(&whole, Listing::default(), &mut news);
    }
    match walked {
        Ok(listing) => Ok(listing.in_order()),
        Err(Stop::Broken(error)) => Err(error),
        // A list has no reader that could go, and all is sent when all is wanted.
        Err(Stop::ReaderGone | Stop::LinkOnTheWay) => Ok(Vec::new()),
    }
}

#[derive(Default)]
struct Listing {
    entries: Vec<Entry>,
}

impl Listing {
    fn in_order(mut self) -> Vec<Entry> {
        // The walk is in order already, but for files in memory that the disk does not have.
        self.entries.sort_by(|a, b| a.path.split('/').cmp(b.path.split('/')));
        self.entries
    }
}

impl Sink for Listing {
    fn is_closed(&self) -> bool {
        false
    }

    fn folder(&mut self, path: &str) -> Result<(), Stop> {
        let modified = EARLIEST * NANOS;
        self.entries.push(Entry { path: path.to_owned(), mode: 0o755, modified, content: Content::Folder });
        Ok(())
    }

    fn bytes(&mut self, path: &str, bytes: &[u8]) -> Result<(), Stop> {
        self.entries.push(Entry::in_memory(path, bytes));
        Ok(())
    }

    fn link(&mut self, full: &Path, path: &str) -> Result<bool, Stop> {
        let Some(target) = link_target(full, path)? else {
            return Ok(false);
        };
        let modified = EARLIEST * NANOS;
        self.entries.push(Entry {
            path: path.to_owned(),
            mode: 0o777,
            modified,
            content: Content::Link(target),
        });
        Ok(true)
    }

    fn file(&mut self, full: &Path, path: &str, metadata: &Metadata) -> Result<Option<u64>, Stop> {
        let since = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let nanos = since.and_then(|time| u64::try_from(time.as_nanos()).ok()).unwrap_or_default();
        let size = metadata.len();
        let content = Content::Disk(full.to_owned(), size);
        let modified = nanos.max(EARLIEST * NANOS);
        self.entries.push(Entry { path: path.to_owned(), mode: mode(metadata), modified, content });
        Ok(Some(size))
    }
}
