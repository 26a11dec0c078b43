//! The ledger's file: appended to, never rewritten; what was appended is on the disk before anything else is done.
//!
//! Given: bytes. Gives: them on the disk. Several writers of one process share a flush: those that come while one is under way
//! wait for the next, which takes all of them, so that many calls at once do not queue for the disk. The blocking work is done on
//! threads for it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Mutex as Turn;

/// Bytes that a ledger may have: some hundred thousand calls.
const LARGEST: u64 = 256 << 20;

/// A file that is appended to.
#[derive(Debug)]
pub struct LedgerFile {
    path: PathBuf,
    waiting: Mutex<Waiting>,
    turn: Turn<()>,
    file: Arc<Mutex<File>>,
}

#[derive(Debug, Default)]
struct Waiting {
    bytes: Vec<u8>,
    /// The number of the batch that the waiting bytes are of.
    batch: u64,
    /// Batches below this number are on the disk.
    flushed: u64,
    /// Why a batch could not be written: nothing more is.
    broken: Option<String>,
}

/// The bytes of a file; none where it is not there.
///
/// # Errors
/// A file that cannot be read, or is larger than 256 MiB.
pub fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if file.metadata()?.len() > LARGEST {
        return Err(io::Error::other("it is larger than 256 MiB"));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Makes the folder, readable for its user alone, with a file that keeps git from taking it in.
///
/// # Errors
/// When the disk refuses.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    super::private::folder(folder)?;
    let ignore = folder.join(".gitignore");
    if !ignore.exists() {
        fs::write(ignore, "*\n")?;
    }
    Ok(())
}

impl LedgerFile {
    /// The file, made where it is not there, and cut to the bytes that are whole; what lay after them is kept beside it.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn open(path: &Path, whole: usize) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).read(true).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        let length = file.metadata()?.len();
        if length > whole as u64 {
            let mut torn = Vec::new();
            file.seek(SeekFrom::Start(whole as u64))?;
            file.read_to_end(&mut torn)?;
            super::private::replace(&path.with_extension("torn"), &torn)?;
            file.set_len(whole as u64)?;
        }
        file.seek(SeekFrom::End(0))?;
        file.sync_all()?;
        if let Some(folder) = path.parent() {
            // So that the file's name is on the disk too.
            File::open(folder)?.sync_all()?;
        }
        Ok(Self {
            path: path.to_owned(),
            waiting: Mutex::default(),
            turn: Turn::new(()),
            file: Arc::new(Mutex::new(file)),
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends bytes; they are on the disk when this returns.
    ///
    /// # Errors
    /// When the disk refuses; from then on nothing more is written.
    pub async fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let batch = {
            let mut waiting = self.waiting();
            waiting.bytes.extend_from_slice(bytes);
            waiting.batch
        };
        let turn = self.turn.lock().await;
        let taken = {
            let mut waiting = self.waiting();
            if let Some(why) = &waiting.broken {
                return Err(io::Error::other(why.clone()));
            }
            if waiting.flushed > batch {
                // Somebody else's flush took these bytes along.
                return Ok(());
            }
            waiting.batch += 1;
            std::mem::take(&mut waiting.bytes)
        };
        let file = Arc::clone(&self.file);
        let written = tokio::task::spawn_blocking(move || {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            file.write_all(&taken)?;
            file.sync_data()
        });
        let written = written.await.unwrap_or_else(|error| Err(io::Error::other(error.to_string())));
        // Nobody else begins a batch while this one has the turn.
        let mut waiting = self.waiting();
        match &written {
            Ok(()) => waiting.flushed = waiting.batch,
            Err(error) => waiting.broken = Some(error.to_string()),
        }
        drop(waiting);
        drop(turn);
        written
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A lock on a file that the kernel gives back when the process ends, however it does.
#[derive(Debug)]
pub struct FileLock {
    file: File,
}

impl FileLock {
    /// Takes the lock and writes who has it; the text of whoever has it where it is taken.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn take(path: &Path, text: &str) -> io::Result<Result<Self, String>> {
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).read(true).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                let mut held = String::new();
                file.take(64 << 10).read_to_string(&mut held)?;
                return Ok(Err(held));
            }
            Err(fs::TryLockError::Error(error)) => return Err(error),
        }
        file.set_len(0)?;
        file.write_all(text.as_bytes())?;
        file.sync_data()?;
        Ok(Ok(Self { file }))
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // The text of nobody: whoever reads it now must not take it for a holder.
        let _ = self.file.set_len(0);
        let _ = self.file.unlock();
    }
}
