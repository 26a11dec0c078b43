//! The lock around a run: one holder of an environment at a time.
//!
//! Given: a [`LedgerPlace`] and who wants it. Gives: a [`LockGuard`], which may be lost, or [`LockError::Held`] with who has it.
//! On one machine the lock is the kernel's and ends with its process; a shared ledger adds a lease that is renewed. Taking it is
//! never cut short by an interruption, so that none is left behind.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::lock_file::FileLock;
use super::lock_object::{LeaseLock, Waiting};
use super::{LedgerError, LedgerPlace, LockError, fresh_id};
use crate::io::clock;
use crate::io::signal::Interrupt;
use crate::ledger::{Actor, Timing};

/// The first pause between two tries, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(16));
/// How often somebody who waits for a loss looks.
const LOOK: Duration = Duration::from_millis(500);

/// Who wants a lock, for what.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Holder {
    /// Who.
    pub actor: Actor,
    /// For what: `deploy`, `rollback`.
    pub operation: String,
}

/// A lock as it is written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockRecord {
    /// Its id, new each time it is taken.
    pub id: String,
    /// Who holds it.
    pub holder: Holder,
    /// When it was taken, by its holder's clock: seconds since 1970-01-01 UTC.
    pub since: i64,
    /// Grows by one each time it is taken.
    pub fence: u64,
    /// Grows by one each time it is renewed.
    #[serde(default)]
    pub beat: u64,
    /// True once its holder gave it back.
    #[serde(default)]
    pub released: bool,
}

/// How to wait for a lock.
#[derive(Debug, Clone, Copy, Default)]
pub struct LockOptions {
    /// How long; zero for not at all.
    pub timeout: Duration,
    /// How long things take.
    pub timing: Timing,
}

impl LockOptions {
    /// Waits so long.
    pub fn waiting(timeout: Duration) -> Self {
        Self { timeout, timing: Timing::default() }
    }
}

/// The lock of an environment.
#[derive(Debug)]
pub struct Lock;

/// A lock that is held until it is released, dropped or lost.
pub struct LockGuard {
    record: LockRecord,
    file: FileLock,
    lease: Option<LeaseLock>,
}

/// A try that found it held.
struct Denied(LockRecord);

impl Lock {
    /// Takes the lock; where it is held, waits for it as long as the options say. After a wait the caller looks at everything
    /// again: somebody deployed.
    ///
    /// # Errors
    /// [`LockError::Held`] with who has it; what keeps it from being asked for.
    pub async fn acquire(
        place: &LedgerPlace,
        holder: Holder,
        options: LockOptions,
        interrupt: &Interrupt,
    ) -> Result<Arc<LockGuard>, LockError> {
        let until = Instant::now() + options.timeout;
        let id = fresh_id().map_err(|error| LedgerError::disk("name", &place.file("lock"), error))?;
        let mut waiting = Waiting::new(options.timing);
        let mut pause = PAUSES.0;
        loop {
            let record = LockRecord {
                id: id.clone(),
                holder: holder.clone(),
                since: clock::unix_seconds(),
                fence: 1,
                beat: 0,
                released: false,
            };
            let Denied(held) = match attempt(place, record, &mut waiting).await? {
                Ok(guard) => return Ok(Arc::new(guard)),
                Err(denied) => denied,
            };
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(denied(place, held));
            }
            tokio::select! {
                () = interrupt.raised() => return Err(LockError::Interrupted),
                () = tokio::time::sleep(jittered(pause).min(left)) => {}
            }
            pause = (pause * 2).min(PAUSES.1);
        }
    }
}

/// One try: the machine's lock first, which tells at once who of this machine is dead.
async fn attempt(
    place: &LedgerPlace,
    record: LockRecord,
    waiting: &mut Waiting,
) -> Result<Result<LockGuard, Denied>, LockError> {
    let (file, former) = match FileLock::take(place, record)? {
        Ok(taken) => taken,
        Err(held) => return Ok(Err(Denied(held))),
    };
    let Some(objects) = &place.shared else {
        return Ok(Ok(LockGuard { record: file.record().clone(), file, lease: None }));
    };
    match waiting.take(objects, file.record().clone(), former.as_ref().map(|former| former.id.as_str())).await
    {
        Ok(Ok(lease)) => Ok(Ok(LockGuard { record: lease.record(), file, lease: Some(lease) })),
        Ok(Err(held)) => {
            file.give_back(former)?;
            Ok(Err(Denied(held)))
        }
        Err(error) => {
            file.abandon(former)?;
            Err(LockError::Ledger(error.into()))
        }
    }
}

fn denied(place: &LedgerPlace, held: LockRecord) -> LockError {
    let age = clock::unix_seconds().saturating_sub(held.since);
    LockError::Held {
        environment: place.environment().to_owned(),
        holder: Box::new(held.holder),
        id: held.id,
        since: held.since,
        age: Duration::from_secs(u64::try_from(age).unwrap_or(0)),
    }
}

/// Between half and the whole, so that those who wait do not come at the same moment.
fn jittered(pause: Duration) -> Duration {
    let share = u32::try_from(RandomState::new().build_hasher().finish() % 1000).unwrap_or(0);
    pause / 2 + pause / 2 * share / 1000
}

impl LockGuard {
    /// Its id.
    pub fn id(&self) -> &str {
        &self.record.id
    }

    /// Its number, which is larger than that of everybody who held it before.
    pub fn fence(&self) -> u64 {
        self.record.fence
    }

    /// True once it may not be relied on any more: nothing may be changed then. Looks at the clocks, so that a process that was
    /// stopped or a machine that slept sees it before its next step.
    pub fn is_lost(&self) -> bool {
        self.file.is_lost() || self.lease.as_ref().is_some_and(LeaseLock::is_lost)
    }

    /// Waits until it is lost; for ever where it never is.
    pub async fn lost(&self) {
        while !self.is_lost() {
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Gives it back. One that is lost is left to whoever has it.
    ///
    /// # Errors
    /// When that cannot be written: others have to wait for the lease to run out then.
    pub async fn release(&self) -> Result<(), LockError> {
        let lease = match &self.lease {
            Some(lease) => lease.release().await.map_err(LedgerError::from),
            None => Ok(()),
        };
        self.file.release()?;
        Ok(lease?)
    }
}

impl std::fmt::Debug for LockGuard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LockGuard").field("record", &self.record).finish_non_exhaustive()
    }
}
