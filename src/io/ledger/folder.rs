//! The folder `.dashdeploy/ledger` of a project: its user's alone, and never part of a repository.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use super::{LedgerError, LedgerPlace};
use crate::io::private;

/// The largest ledger that is read: 256 MiB.
const LARGEST: u64 = 256 << 20;

/// Makes the folder where it is missing: 0700, with a `.gitignore` that keeps all of it out of the repository.
pub(super) fn prepare(place: &LedgerPlace) -> Result<(), LedgerError> {
    let folder = place.folder();
    for part in [place.root().join(".dashdeploy"), folder.clone()] {
        match fs::symlink_metadata(&part) {
            Ok(there) if there.is_dir() => {}
            Ok(_) => {
                let reason =
                    io::Error::new(ErrorKind::NotADirectory, "it is a link or no folder: move it away");
                return Err(LedgerError::disk("use", &part, reason));
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                make(&part, part == folder).map_err(|error| LedgerError::disk("make", &part, error))?;
            }
            Err(error) => return Err(LedgerError::disk("look at", &part, error)),
        }
    }
    let ignore = folder.join(".gitignore");
    if fs::symlink_metadata(&ignore).is_err() {
        private::replace(&ignore, b"*\n").map_err(|error| LedgerError::disk("write", &ignore, error))?;
    }
    Ok(())
}

/// Two programs may make it at the same time.
fn make(folder: &Path, private: bool) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    if private {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    #[cfg(not(unix))]
    let _ = private;
    match builder.recursive(false).create(folder) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

/// A file for its user alone, opened to be read and written; made where it is missing.
pub(super) fn open(path: &Path) -> Result<fs::File, LedgerError> {
    regular(path)?;
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600).custom_flags(NOFOLLOW);
    }
    options.open(path).map_err(|error| LedgerError::disk("write", path, error))
}

#[cfg(unix)]
// The bits of a flag of `open` always fit: they come from a C int.
#[allow(clippy::cast_possible_wrap)]
const NOFOLLOW: i32 = rustix::fs::OFlags::NOFOLLOW.bits() as i32;

/// The bytes of a ledger of this machine; empty where there is none.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, LedgerError> {
    regular(path)?;
    match fs::metadata(path).map(|there| there.len()) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Ok(length) if length > LARGEST => {
            let reason = io::Error::new(ErrorKind::FileTooLarge, "it has more than 256 MiB: move it away");
            return Err(LedgerError::disk("read", path, reason));
        }
        _ => {}
    }
    fs::read(path).map_err(|error| LedgerError::disk("read", path, error))
}

/// Refuses links, pipes and devices.
fn regular(path: &Path) -> Result<(), LedgerError> {
    match fs::symlink_metadata(path) {
        Ok(there) if !there.is_file() => {
            let reason = io::Error::new(ErrorKind::InvalidInput, "it is no regular file: move it away");
            Err(LedgerError::disk("use", path, reason))
        }
        _ => Ok(()),
    }
}

/// Makes a new name in a folder last through a power failure.
pub(super) fn sync(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    fs::File::open(folder)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}
