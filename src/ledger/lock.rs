//! Who is at an environment: one run at a time.
//!
//! Given: a place, who asks. Gives: a guard that is let go by [`LockGuard::release`], when it is dropped, and by the kernel when the
//! process ends, however it does: a killed run blocks nobody.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::place::{ci_run, user};
use super::{LedgerPlace, LockError};
use crate::io::clock;
use crate::io::env::Environment;
use crate::io::ledger_file::{FileLock, make_folder};
use crate::io::signal::Interrupt;

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// What `unlock` wants.
    pub id: String,
    /// What is done: `deploy`.
    pub operation: String,
    /// `user@host`.
    pub user: String,
    /// The process.
    pub pid: u32,
    /// The run of a CI, by its address.
    pub ci: Option<String>,
    /// Since when, RFC 3339 in UTC.
    pub since: String,
}

/// How to take a lock.
#[derive(Debug, Clone, Copy, Default)]
pub struct LockOptions {
    /// How long to wait for it.
    pub timeout: Duration,
}

/// The taking of locks.
pub struct Lock;

/// A lock that is held.
#[derive(Debug)]
pub struct LockGuard {
    file: Mutex<Option<FileLock>>,
}

impl Holder {
    /// This process.
    pub fn of_this_process(environment: &Environment, operation: &str) -> Self {
        Self {
            id: clock::unique(),
            operation: operation.to_owned(),
            user: user(environment),
            pid: clock::process_id(),
            ci: ci_run(environment),
            since: clock::timestamp(),
        }
    }

    /// `deploy by ada@laptop, process 4711, since 2026-11-25T08:00:00Z`.
    pub fn sentence(&self) -> String {
        let ci = self.ci.as_ref().map(|ci| format!(", {ci}")).unwrap_or_default();
        format!("{} by {}, process {}{ci}, since {}", self.operation, self.user, self.pid, self.since)
    }
}

impl Lock {
    /// Takes the lock; waits for it as long as the options say.
    ///
    /// # Errors
    /// [`LockError::Held`] names who has it.
    pub async fn acquire(
        place: &LedgerPlace,
        holder: Holder,
        options: LockOptions,
        interrupt: &Interrupt,
    ) -> Result<Arc<LockGuard>, LockError> {
        let until = tokio::time::Instant::now() + options.timeout;
        let mut pause = Duration::from_secs(1);
        loop {
            let held = match take(place, &holder).await? {
                Ok(lock) => return Ok(Arc::new(LockGuard { file: Mutex::new(Some(lock)) })),
                Err(held) => held,
            };
            let left = until.saturating_duration_since(tokio::time::Instant::now());
            if left.is_zero() {
                return Err(LockError::Held { place: place.name.clone(), holder: held });
            }
            tokio::select! {
                () = tokio::time::sleep(pause.min(left)) => {}
                () = interrupt.raised() => return Err(LockError::Interrupted),
            }
            pause = (pause * 2).min(Duration::from_secs(16));
        }
    }
}

async fn take(place: &LedgerPlace, holder: &Holder) -> Result<Result<FileLock, Option<Holder>>, LockError> {
    let text = serde_json::to_string(holder).unwrap_or_default();
    let (folder, path) = (place.folder.clone(), place.lock.clone());
    let taking = tokio::task::spawn_blocking(move || {
        make_folder(&folder)?;
        FileLock::take(&path, &text)
    });
    let taken = taking.await.unwrap_or_else(|error| Err(std::io::Error::other(error.to_string())));
    let taken = taken.map_err(|error| io(&place.lock, &error))?;
    Ok(taken.map_err(|text| serde_json::from_str(&text).ok()))
}

fn io(path: &Path, error: &std::io::Error) -> LockError {
    LockError::Io { file: path.display().to_string(), reason: error.to_string() }
}

impl LockGuard {
    /// True where somebody else may have it by now. The kernel keeps a lock of this machine.
    pub fn is_lost(&self) -> bool {
        self.file.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// Lets others at it.
    pub async fn release(&self) {
        drop(self.file.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}
