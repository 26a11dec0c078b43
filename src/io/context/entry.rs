//! One entry of a context in tar form.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write as _};
use std::path::Path;
use std::time::UNIX_EPOCH;

use tar::{Builder, EntryType, Header};

use super::walk::{Sink, Stop, unreadable};
use super::{ChunkWriter, ContextError};

/// 2 January 1980: the earliest day that ZIP files (Python wheels among them) can name in every time zone.
pub(super) const EARLIEST: u64 = 315_619_200;
/// Files up to this size are read before their header is written, so that one that changes meanwhile stays whole.
const READ_AT_ONCE: u64 = 1 << 20;

/// What a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    Link,
    /// Something an image cannot hold.
    Special(&'static str),
}

impl Kind {
    pub(super) fn of(metadata: &Metadata) -> Self {
        let kind = metadata.file_type();
        if kind.is_file() {
            return Self::File;
        }
        if kind.is_dir() {
            return Self::Folder;
        }
        if kind.is_symlink() {
            return Self::Link;
        }
        Self::Special(special(kind))
    }
}

#[cfg(unix)]
fn special(kind: fs::FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt as _;
    if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(not(unix))]
fn special(_: fs::FileType) -> &'static str {
    "neither a file nor a folder"
}

/// Writes entries.
pub(super) struct Tar {
    builder: Builder<ChunkWriter>,
}

impl Tar {
    pub(super) fn new(writer: ChunkWriter) -> Self {
        Self { builder: Builder::new(writer) }
    }

    pub(super) fn finish(&mut self) -> Result<(), Stop> {
        self.builder.finish().and_then(|()| self.builder.get_mut().flush()).map_err(|_| Stop::ReaderGone)
    }

    fn append(&mut self, header: &mut Header, path: &str, content: impl Read) -> Result<(), Stop> {
        // Reading from memory cannot fail, and the names are plain: what remains is a reader that is gone.
        self.builder.append_data(header, path, content).map_err(|_| Stop::ReaderGone)
    }
}

impl Sink for Tar {
    fn is_closed(&self) -> bool {
        self.builder.get_ref().is_closed()
    }

    /// The time of a folder is fixed: it changes with files that are not sent.
    fn folder(&mut self, path: &str) -> Result<(), Stop> {
        let mut header = header(EntryType::Directory, 0o755, 0, EARLIEST);
        self.append(&mut header, &format!("{path}/"), io::empty())
    }

    /// A file from memory.
    fn bytes(&mut self, path: &str, bytes: &[u8]) -> Result<(), Stop> {
        let mut header = header(EntryType::Regular, 0o644, bytes.len() as u64, EARLIEST);
        self.append(&mut header, path, bytes)
    }

    /// A link as it stands; false where it has gone meanwhile.
    fn link(&mut self, full: &Path, path: &str) -> Result<bool, Stop> {
        let Some(text) = link_target(full, path)? else {
            return Ok(false);
        };
        let text = text.as_str();
        let mut header = header(EntryType::Symlink, 0o777, 0, EARLIEST);
        if header.set_link_name_literal(text).is_ok() {
            return self.append(&mut header, path, io::empty()).map(|()| true);
        }
        self.builder.append_link(&mut header, path, text).map(|()| true).map_err(|_| Stop::ReaderGone)
    }

    /// A file; the bytes written, none where it has gone meanwhile.
    fn file(&mut self, full: &Path, path: &str, metadata: &Metadata) -> Result<Option<u64>, Stop> {
        let mut file = match File::open(full) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(path.to_owned(), &error).into()),
        };
        let (mode, time) = (mode(metadata), modified(metadata));
        if metadata.len() <= READ_AT_ONCE {
            let mut content = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default());
            // Twice the announced size at most: a file that grows without end is not followed.
            let read = (&mut file).take(2 * READ_AT_ONCE).read_to_end(&mut content);
            read.map_err(|error| unreadable(path.to_owned(), &error))?;
            let mut header = header(EntryType::Regular, mode, content.len() as u64, time);
            self.append(&mut header, path, content.as_slice())?;
            return Ok(Some(content.len() as u64));
        }
        let mut reader = Exactly { file, left: metadata.len(), trouble: None };
        let mut header = header(EntryType::Regular, mode, metadata.len(), time);
        let written = self.builder.append_data(&mut header, path, &mut reader);
        match (written, reader.trouble) {
            (_, Some(Trouble::Shrank)) => Err(shrank(path).into()),
            (_, Some(Trouble::Read(error))) => Err(unreadable(path.to_owned(), &error).into()),
            (Err(_), None) => Err(Stop::ReaderGone),
            (Ok(()), None) => Ok(Some(metadata.len())),
        }
    }
}

fn header(kind: EntryType, mode: u32, size: u64, time: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(time);
    header.set_uid(0);
    header.set_gid(0);
    header
}

/// Where a link leads, none where it has gone meanwhile.
pub(super) fn link_target(full: &Path, path: &str) -> Result<Option<String>, Stop> {
    let target = match fs::read_link(full) {
        Ok(target) => target,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(path.to_owned(), &error).into()),
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

/// Only whether it can be executed: everything else depends on the checkout's umask.
#[cfg(unix)]
pub(super) fn mode(metadata: &Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    if metadata.permissions().mode() & 0o111 == 0 { 0o644 } else { 0o755 }
}

#[cfg(not(unix))]
pub(super) fn mode(_: &Metadata) -> u32 {
    0o755
}

/// Whole seconds. A file keeps its time, for nginx makes its ETag of time and size: with one fixed time a changed file of the
/// same size would be answered with 304. BuildKit's cache does not look at times.
fn modified(metadata: &Metadata) -> u64 {
    let time = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    time.map_or(EARLIEST, |time| time.as_secs().max(EARLIEST))
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
