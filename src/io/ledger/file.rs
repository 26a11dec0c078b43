//! The journal of this machine: lines that are on the disk before their caller goes on.
//!
//! Given: entries. Gives: their numbers, once they are on the disk. Calls that come at the same time share one write and one
//! sync. A cut line is kept in a file beside and cut off before the next is written. On a full disk a reserve is given back,
//! so that what was done already can still be written down; nothing new is begun then.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{LedgerError, LedgerPlace, folder, fresh_id};
use crate::ledger::{Entry, Header, Line, SCHEMA, encode, scan};

/// Bytes kept for the results and the end of a run on a full disk.
const RESERVE: usize = 256 << 10;

/// The journal, open for one run.
pub(super) struct Journal {
    path: PathBuf,
    reserve: PathBuf,
    pending: Mutex<Pending>,
    disk: Mutex<Disk>,
}

/// Lines that are not on the disk yet.
struct Pending {
    next: u64,
    bytes: Vec<u8>,
}

struct Disk {
    file: File,
    /// Bytes of whole lines.
    length: u64,
    /// The last line that is on the disk.
    upto: u64,
    /// Why nothing can be written any more.
    broken: Option<String>,
    /// True once the reserve was given back.
    tight: bool,
}

impl Journal {
    /// Opens the journal to write to it, and gives the lines that are there. `lineage` is that of the shared ledger, where
    /// there is one: a journal of another history is moved aside.
    ///
    /// # Errors
    /// Whatever would keep the run from being written down: a full disk, a folder that cannot be written to, another run.
    pub(super) fn open(
        place: &LedgerPlace,
        lineage: Option<&str>,
    ) -> Result<(Arc<Self>, Vec<Line>), LedgerError> {
        folder::prepare(place)?;
        let path = place.file("jsonl");
        let (mut file, mut lines, mut length) = read_whole(&path)?;
        let known = lines.first().and_then(|line| lineage_of(&line.entry));
        if let Some(other) = known.filter(|known| lineage.is_some_and(|wanted| wanted != *known)) {
            let short: String = other.chars().take(8).collect();
            let aside = place.file(&format!("{short}.jsonl"));
            fs::rename(&path, &aside).map_err(|error| LedgerError::disk("move aside", &path, error))?;
            (file, lines, length) = read_whole(&path)?;
        }
        file.seek(SeekFrom::Start(length)).map_err(|error| LedgerError::disk("write", &path, error))?;
        let next = lines.last().map_or(1, |line| line.number + 1);
        let reserve = place.file("reserve");
        let disk = Disk { file, length, upto: next - 1, broken: None, tight: false };
        let pending = Mutex::new(Pending { next, bytes: Vec::new() });
        let journal = Arc::new(Self { path, reserve, pending, disk: Mutex::new(disk) });
        journal.keep_reserve()?;
        if lines.is_empty() {
            lines.push(journal.write_header(place, lineage)?);
        }
        folder::sync(&place.folder()).map_err(|error| LedgerError::disk("write", &place.folder(), error))?;
        Ok((journal, lines))
    }

    /// Writes an entry and gives its number once it is on the disk. Dropping the future takes nothing back.
    ///
    /// # Errors
    /// When the disk refuses. The line is not there then, and the journal takes no more.
    pub(super) async fn append(self: &Arc<Self>, entry: &Entry) -> Result<u64, LedgerError> {
        let number = self.enqueue(entry)?;
        let journal = Arc::clone(self);
        let written = tokio::task::spawn_blocking(move || journal.commit(number)).await;
        written.map_err(|error| LedgerError::disk("write", &self.path, io::Error::other(error)))??;
        Ok(number)
    }

    /// True once the disk was full, and nothing new may be begun.
    pub(super) fn is_tight(&self) -> bool {
        self.disk().tight
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Lets other runs of this machine write.
    pub(super) fn close(&self) {
        #[cfg(unix)]
        let _ = self.disk().file.unlock();
        let _ = fs::remove_file(&self.reserve);
    }

    fn write_header(&self, place: &LedgerPlace, lineage: Option<&str>) -> Result<Line, LedgerError> {
        let lineage = match lineage {
            Some(lineage) => lineage.to_owned(),
            None => fresh_id().map_err(|error| LedgerError::disk("name", &self.path, error))?,
        };
        let (project, environment) = (place.project.clone(), place.environment.clone());
        let entry = Entry::Header(Header { schema: SCHEMA, lineage, project, environment });
        let number = self.enqueue(&entry)?;
        self.commit(number)?;
        Ok(Line { number, entry })
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enqueue(&self, entry: &Entry) -> Result<u64, LedgerError> {
        let mut pending = self.pending();
        let number = pending.next;
        let line = encode(number, entry)
            .map_err(|error| LedgerError::disk("write", &self.path, io::Error::other(error)))?;
        pending.bytes.extend(line);
        pending.next += 1;
        Ok(number)
    }

    /// Puts everything on the disk that is pending, unless somebody did so with this line already.
    fn commit(&self, number: u64) -> Result<(), LedgerError> {
        let mut disk = self.disk();
        if let Some(reason) = &disk.broken {
            return Err(LedgerError::Stopped {
                path: self.path.display().to_string(),
                reason: reason.clone(),
            });
        }
        if disk.upto >= number {
            return Ok(());
        }
        let (bytes, last) = {
            let mut pending = self.pending();
            (std::mem::take(&mut pending.bytes), pending.next - 1)
        };
        match self.put(&mut disk, &bytes) {
            Ok(()) => {
                disk.length += bytes.len() as u64;
                disk.upto = last;
                Ok(())
            }
            Err(error) => {
                disk.broken = Some(error.to_string());
                Err(LedgerError::disk("write", &self.path, error))
            }
        }
    }

    /// Writes and syncs; on a full disk once more, after the reserve was given back. After any other failure it is not known
    /// what the disk holds, so that nothing is tried again.
    fn put(&self, disk: &mut Disk, bytes: &[u8]) -> io::Result<()> {
        let Err(error) = write(&mut disk.file, bytes) else { return Ok(()) };
        let cut = disk.file.set_len(disk.length).and_then(|()| disk.file.seek(SeekFrom::Start(disk.length)));
        let full = matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded);
        if !full || disk.tight || cut.is_err() || fs::remove_file(&self.reserve).is_err() {
            return Err(error);
        }
        disk.tight = true;
        write(&mut disk.file, bytes).inspect_err(|_| {
            let _ = disk.file.set_len(disk.length);
        })
    }

    fn keep_reserve(&self) -> Result<(), LedgerError> {
        let keep = || -> io::Result<()> {
            let mut file = tempfile::Builder::new()
                .prefix(".reserve-")
                .tempfile_in(self.reserve.parent().ok_or(ErrorKind::InvalidInput)?)?;
            file.write_all(&vec![0; RESERVE])?;
            file.as_file().sync_all()?;
            file.persist(&self.reserve).map_err(|error| error.error)?;
            Ok(())
        };
        keep().map_err(|error| LedgerError::disk("write", &self.reserve, error))
    }
}

fn write(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    file.sync_data()
}

/// The file, held for this run; its lines, and where they end. What was torn is kept aside and cut.
fn read_whole(path: &Path) -> Result<(File, Vec<Line>, u64), LedgerError> {
    let file = folder::open(path)?;
    hold(&file, path)?;
    let bytes = folder::read(path)?;
    let scanned = scan(&bytes)
        .map_err(|problem| LedgerError::Unreadable { ledger: path.display().to_string(), problem })?;
    if let Some(torn) = bytes.get(scanned.whole..).filter(|torn| !torn.is_empty()) {
        keep_aside(path, torn)?;
        file.set_len(scanned.whole as u64)
            .and_then(|()| file.sync_all())
            .map_err(|error| LedgerError::disk("write", path, error))?;
    }
    Ok((file, scanned.lines, scanned.whole as u64))
}

/// One run at a time, whatever became of the lock. Where locks keep others from reading too, the lock has to do.
#[cfg(unix)]
fn hold(file: &File, path: &Path) -> Result<(), LedgerError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(fs::TryLockError::WouldBlock) => Err(LedgerError::Busy { path: path.display().to_string() }),
        Err(fs::TryLockError::Error(error)) => Err(LedgerError::disk("hold", path, error)),
    }
}

#[cfg(not(unix))]
fn hold(_: &File, _: &Path) -> Result<(), LedgerError> {
    Ok(())
}

fn keep_aside(path: &Path, torn: &[u8]) -> Result<(), LedgerError> {
    let aside = path.with_extension("torn");
    let mut file = folder::open(&aside)?;
    let add = file.seek(SeekFrom::End(0)).and_then(|_| write(&mut file, torn));
    add.map_err(|error| LedgerError::disk("write", &aside, error))
}

/// The lineage that a header tells.
pub(super) fn lineage_of(entry: &Entry) -> Option<&str> {
    match entry {
        Entry::Header(header) => Some(&header.lineage),
        _ => None,
    }
}
