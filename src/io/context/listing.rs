//! A context as a list of entries whose contents are read when they are asked for.
//!
//! Given: a [`ContextSource`]. Gives: its entries in the order in which BuildKit wants them, each with what tells whether it
//! changed, and the content of any of them in pieces. Links are listed as they stand, never followed.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::walk::{Stop, unreadable, walk};
use super::{ContextError, ContextNews, ContextSource};

/// Bytes of one piece of content.
const PIECE: usize = 128 * 1024;
const NANOS: u64 = 1_000_000_000;
/// 2 January 1980: the earliest day that ZIP files (Python wheels among them) can name in every time zone.
pub(super) const EARLIEST: u64 = 315_619_200;

/// One entry of a context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its path in the context, `/`-separated.
    pub path: String,
    /// Unix permission bits: only whether it can be executed, since everything else depends on the checkout's umask.
    pub mode: u32,
    /// Nanoseconds since 1970. A folder's is fixed: it changes with files that are not sent.
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
    /// A file on the disk.
    Disk(Stamp),
    /// A file that exists only here.
    Memory(Vec<u8>),
}

/// What differs when a file on the disk was written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stamp {
    /// Bytes.
    pub size: u64,
    /// When its content was written, nanoseconds since 1970.
    pub modified: u64,
    /// When anything about it was changed, nanoseconds since 1970; 0 where the system does not tell.
    pub changed: u64,
    /// Its number on its file system; 0 where the system does not tell.
    pub inode: u64,
}

impl Stamp {
    #[cfg(unix)]
    pub(super) fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        let nanos = |seconds: i64, nanos: i64| {
            u64::try_from(seconds.saturating_mul(1_000_000_000).saturating_add(nanos)).unwrap_or_default()
        };
        Self {
            size: metadata.len(),
            modified: nanos(metadata.mtime(), metadata.mtime_nsec()),
            changed: nanos(metadata.ctime(), metadata.ctime_nsec()),
            inode: metadata.ino(),
        }
    }

    #[cfg(not(unix))]
    pub(super) fn of(metadata: &Metadata) -> Self {
        let epoch = std::time::UNIX_EPOCH;
        let since = metadata.modified().ok().and_then(|time| time.duration_since(epoch).ok());
        let modified = since.and_then(|time| u64::try_from(time.as_nanos()).ok()).unwrap_or_default();
        Self { size: metadata.len(), modified, changed: 0, inode: 0 }
    }

    /// The stamp of a file as it is now; none where it is gone.
    pub fn now(path: &Path) -> Option<Self> {
        fs::symlink_metadata(path).ok().map(|metadata| Self::of(&metadata))
    }
}

impl Entry {
    /// A file from memory. Its time follows from its content: BuildKit takes a file of the same size and time for unchanged.
    pub fn in_memory(path: &str, bytes: &[u8]) -> Self {
        let digest = Sha256::digest(bytes);
        let mark = digest.iter().take(6).fold(0, |mark, byte| (mark << 8) | u64::from(*byte));
        let content = Content::Memory(bytes.to_vec());
        Self { path: path.to_owned(), mode: 0o644, modified: EARLIEST * NANOS + mark, content }
    }

    /// An entry with a fixed time.
    pub(super) fn fixed(path: String, mode: u32, content: Content) -> Self {
        Self { path, mode, modified: EARLIEST * NANOS, content }
    }

    /// Bytes of its content.
    pub fn size(&self) -> u64 {
        match &self.content {
            Content::Folder | Content::Link(_) => 0,
            Content::Disk(stamp) => stamp.size,
            Content::Memory(bytes) => bytes.len() as u64,
        }
    }

    /// True for what has bytes to be read.
    pub fn is_file(&self) -> bool {
        matches!(self.content, Content::Disk(_) | Content::Memory(_))
    }

    /// Hands its content on in pieces until `take` says false; `root` is the context's folder. Blocks.
    ///
    /// # Errors
    /// [`ContextError`] where the file cannot be read, or became shorter since it was listed.
    pub fn read(&self, root: &Path, mut take: impl FnMut(Vec<u8>) -> bool) -> Result<(), ContextError> {
        let mut left = match &self.content {
            Content::Folder | Content::Link(_) => return Ok(()),
            Content::Memory(bytes) => {
                bytes.chunks(PIECE).all(|piece| take(piece.to_vec()));
                return Ok(());
            }
            Content::Disk(stamp) => stamp.size,
        };
        let failed = |error: io::Error| unreadable(self.path.clone(), &error);
        let mut file = File::open(root.join(&self.path)).map_err(failed)?;
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
    let mut walked = walk(source, &mut news);
    if matches!(walked, Err(Stop::LinkOnTheWay)) {
        walked = walk(&ContextSource { only: Vec::new(), ..source.clone() }, &mut news);
    }
    match walked {
        Ok(entries) => Ok(entries),
        Err(Stop::Broken(error)) => Err(error),
        // All is listed when all is wanted.
        Err(Stop::LinkOnTheWay) => Ok(Vec::new()),
    }
}

/// Where a link leads, none where it has gone meanwhile.
pub(super) fn link_target(full: &Path, path: &str) -> Result<Option<String>, ContextError> {
    let target = match fs::read_link(full) {
        Ok(target) => target,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(path.to_owned(), &error)),
    };
    let text = target.into_os_string().into_string().map_err(|_| ContextError {
        path: path.to_owned(),
        reason: "it links to a name that is not UTF-8".to_owned(),
        hint: "name it in the ignore file",
    })?;
    Ok(Some(text))
}

pub(super) fn shrank(path: &str) -> ContextError {
    ContextError {
        path: path.to_owned(),
        reason: "it became shorter while it was being sent".to_owned(),
        hint: "run the build again when nothing writes to it, or name it in the ignore file",
    }
}

#[cfg(unix)]
pub(super) fn mode(metadata: &Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    if metadata.permissions().mode() & 0o111 == 0 { 0o644 } else { 0o755 }
}

#[cfg(not(unix))]
pub(super) fn mode(_: &Metadata) -> u32 {
    0o755
}
