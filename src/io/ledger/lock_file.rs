//! The lock among the processes of one machine: the kernel's, on a file of the project's folder.
//!
//! Given: a place and who wants it. Gives: the lock, or who has it. It ends with its process, however that ends, so that a dead
//! holder blocks nobody. Who holds it stands in a file beside, since a locked file cannot be read everywhere.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::{LedgerError, LedgerPlace, LockRecord, folder};
use crate::io::private;

/// How often, and after which pause, a holder that has not written its name yet is looked for.
const LOOKS: (u32, Duration) = (20, Duration::from_millis(10));

/// The lock, held.
pub(super) struct FileLock {
    path: PathBuf,
    names: PathBuf,
    record: LockRecord,
    file: Mutex<Option<File>>,
}

/// The lock, with the record of a former holder that ended without giving it back; or who holds it.
type Taken = Result<(FileLock, Option<LockRecord>), LockRecord>;

impl FileLock {
    /// Takes it, unless somebody holds it.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub(super) fn take(place: &LedgerPlace, mut record: LockRecord) -> Result<Taken, LedgerError> {
        folder::prepare(place)?;
        let (path, names) = (place.file("lock"), place.file("holder.json"));
        let Some(file) = try_hold(&path)? else { return Ok(Err(holder(&names, record))) };
        let former = read(&names);
        record.fence = former.as_ref().map_or(1, |former| former.fence + 1);
        write(&names, &record)?;
        let dead = former.filter(|former| !former.released);
        Ok(Ok((Self { path, names, record, file: Mutex::new(Some(file)) }, dead)))
    }

    pub(super) fn record(&self) -> &LockRecord {
        &self.record
    }

    /// True where the file is another one by now: somebody removed it, and others lock the new one.
    pub(super) fn is_lost(&self) -> bool {
        let held = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        held.as_ref().is_none_or(|file| !is_same(file, &self.path))
    }

    /// Gives it back.
    ///
    /// # Errors
    /// When that cannot be written; the lock is free all the same.
    pub(super) fn release(&self) -> Result<(), LedgerError> {
        let held = self.file.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(file) = held.filter(|file| is_same(file, &self.path)) else { return Ok(()) };
        let written = write(&self.names, &LockRecord { released: true, ..self.record.clone() });
        drop(file);
        written
    }

    /// Gives it back after it turned out that somebody else has the shared one. The name of a dead holder of this machine is
    /// kept: it tells who may be passed over.
    pub(super) fn give_back(self, former: Option<LockRecord>) -> Result<(), LedgerError> {
        match former {
            Some(former) => write(&self.names, &former),
            None => self.release(),
        }
    }

    /// Gives it back after it could not be told whether the shared one was taken. The name stays as one of the dead, so that
    /// this machine passes over what may have been left.
    pub(super) fn abandon(self, former: Option<LockRecord>) -> Result<(), LedgerError> {
        former.map_or(Ok(()), |former| write(&self.names, &former))
    }
}

/// Frees what a dead holder left; none where somebody lives who holds it.
///
/// # Errors
/// When the folder cannot be written to.
pub(super) fn clear(place: &LedgerPlace, id: &str) -> Result<Option<Cleared>, LedgerError> {
    folder::prepare(place)?;
    let names = place.file("holder.json");
    let Some(file) = try_hold(&place.file("lock"))? else { return Ok(None) };
    let cleared = match read(&names).filter(|record| !record.released) {
        Some(record) if record.id == id => {
            write(&names, &LockRecord { released: true, ..record.clone() })?;
            Cleared::Was(record)
        }
        Some(record) => Cleared::Other(record),
        None => Cleared::Nobody,
    };
    drop(file);
    Ok(Some(cleared))
}

/// What [`clear`] found.
pub(super) enum Cleared {
    /// The record that had the id.
    Was(LockRecord),
    /// A record with another id.
    Other(LockRecord),
    /// None.
    Nobody,
}

/// Who holds it by the file beside.
pub(super) fn named(place: &LedgerPlace) -> Option<LockRecord> {
    read(&place.file("holder.json"))
}

/// The file, locked; none where somebody else has it.
fn try_hold(path: &Path) -> Result<Option<File>, LedgerError> {
    // A file that was replaced between opening and locking is not the one that others lock.
    loop {
        let file = folder::open(path)?;
        match file.try_lock() {
            Ok(()) if is_same(&file, path) => return Ok(Some(file)),
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(LedgerError::disk("lock", path, error)),
        }
    }
}

/// Who holds it; somebody unknown where no name is written within a moment.
fn holder(names: &Path, asking: LockRecord) -> LockRecord {
    for _ in 0..LOOKS.0 {
        if let Some(record) = read(names).filter(|record| !record.released) {
            return record;
        }
        std::thread::sleep(LOOKS.1);
    }
    let mut unknown = LockRecord { id: "unknown".to_owned(), ..asking };
    unknown.holder.actor.user = "somebody".to_owned();
    unknown.holder.operation = "which did not say what for,".to_owned();
    unknown.holder.actor.pid = 0;
    unknown.holder.actor.ci = None;
    unknown
}

fn read(names: &Path) -> Option<LockRecord> {
    serde_json::from_slice(&fs::read(names).ok()?).ok()
}

fn write(names: &Path, record: &LockRecord) -> Result<(), LedgerError> {
    let written = serde_json::to_vec(record).map_err(std::io::Error::other);
    let written = written.and_then(|bytes| private::replace(names, &bytes));
    written.map_err(|error| LedgerError::disk("write", names, error))
}

#[cfg(unix)]
fn is_same(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let of = |there: fs::Metadata| (there.dev(), there.ino());
    file.metadata().ok().map(of) == fs::metadata(path).ok().map(of)
}

#[cfg(not(unix))]
fn is_same(_: &File, _: &Path) -> bool {
    true
}
