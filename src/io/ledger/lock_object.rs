//! The lock among machines: an object that is created or replaced on condition, and renewed while it is held.
//!
//! Given: an object store and who wants it. Gives: a lease that renews itself, or who has it. Somebody who stopped renewing is
//! passed over after the lease's time, as this machine saw it pass.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::LockRecord;
use super::objects::{Objects, ObjectsError, Put, Version};
use crate::io::clock;
use crate::ledger::{Lease, Observation, Timing};

/// The object.
pub(super) const KEY: &str = "lock.json";
/// How long one renewal may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a conditional write is tried again that somebody else's came before.
const TRIES: usize = 4;

/// Somebody who waits for the lock, and what was seen of it.
pub(super) struct Waiting {
    timing: Timing,
    begun: Instant,
    seen: Observation,
}

/// The lease, held.
pub(super) struct LeaseLock {
    held: Arc<Held>,
    renewal: Mutex<Option<JoinHandle<()>>>,
}

struct Held {
    objects: Arc<dyn Objects>,
    begun: Instant,
    state: Mutex<State>,
}

struct State {
    record: LockRecord,
    version: Version,
    lease: Lease,
}

impl Waiting {
    pub(super) fn new(timing: Timing) -> Self {
        Self { timing, begun: Instant::now(), seen: Observation::default() }
    }

    /// Tries once. `dead` is the id of a holder that is known to be dead.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub(super) async fn take(
        &mut self,
        objects: &Arc<dyn Objects>,
        mut record: LockRecord,
        dead: Option<&str>,
    ) -> Result<Result<LeaseLock, LockRecord>, ObjectsError> {
        let mut holder = None;
        for _ in 0..TRIES {
            let sent = (self.begun.elapsed(), clock::unix_seconds());
            let put = match read(&**objects).await? {
                // The answer of a try before may have been lost.
                Some((there, version)) if there.id == record.id => {
                    return Ok(Ok(self.held(objects, there, version, sent)));
                }
                Some((there, version)) => {
                    let mark = format!("{} {} {version:?}", there.id, there.beat);
                    let stale = self.seen.is_stale(self.timing, &mark, self.begun.elapsed());
                    if !(there.released || stale || dead == Some(there.id.as_str())) {
                        return Ok(Err(there));
                    }
                    record.fence = there.fence + 1;
                    holder = Some(there);
                    objects.replace(KEY, bytes(&record), &version).await?
                }
                None => {
                    record.fence = 1;
                    objects.create(KEY, bytes(&record)).await?
                }
            };
            if let Put::Done(version) = put {
                return Ok(Ok(self.held(objects, record, version, sent)));
            }
        }
        // Others were first again and again: whoever was seen last stands for them.
        holder.map(Err).map(Ok).unwrap_or_else(|| {
            Err(ObjectsError {
                operation: "take the lock",
                place: format!("{}/{KEY}", objects.shown()),
                reason: "it is neither there nor can it be made".to_owned(),
                hint: "see that the login may read what it writes there".to_owned(),
            })
        })
    }

    fn held(
        &self,
        objects: &Arc<dyn Objects>,
        record: LockRecord,
        version: Version,
        sent: (Duration, i64),
    ) -> LeaseLock {
        let lease = Lease::new(self.timing, sent.0, sent.1);
        let state = Mutex::new(State { record, version, lease });
        let held = Arc::new(Held { objects: Arc::clone(objects), begun: self.begun, state });
        let renewing = Arc::clone(&held);
        let every = self.timing.renew;
        let renewal = tokio::spawn(async move {
            while !renewing.is_lost() {
                tokio::time::sleep(every).await;
                renewing.renew().await;
            }
        });
        LeaseLock { held, renewal: Mutex::new(Some(renewal)) }
    }
}

impl LeaseLock {
    /// As it is written down now.
    pub(super) fn record(&self) -> LockRecord {
        self.held.state().record.clone()
    }

    pub(super) fn is_lost(&self) -> bool {
        self.held.is_lost()
    }

    /// Gives it back, unless it is lost.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub(super) async fn release(&self) -> Result<(), ObjectsError> {
        let renewal = self.renewal.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(renewal) = renewal {
            renewal.abort();
            // Ended: a renewal that is on its way in the store is met by the reading below.
            let _ = renewal.await;
        }
        let (mut record, mut version) = {
            let state = self.held.state();
            (state.record.clone(), state.version.clone())
        };
        record.released = true;
        for _ in 0..TRIES {
            if let Put::Done(_) = self.held.objects.replace(KEY, bytes(&record), &version).await? {
                break;
            }
            match read(&*self.held.objects).await? {
                Some((there, newer)) if there.id == record.id && !there.released => version = newer,
                _ => break,
            }
        }
        self.held.state().lease.taken();
        Ok(())
    }
}

impl Drop for LeaseLock {
    fn drop(&mut self) {
        if let Some(renewal) = self.renewal.lock().unwrap_or_else(PoisonError::into_inner).take() {
            renewal.abort();
        }
    }
}

impl Held {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_lost(&self) -> bool {
        self.state().lease.lapse(self.begun.elapsed(), clock::unix_seconds()).is_some()
    }

    /// Renews it once. It counts from the moment it was sent.
    async fn renew(&self) {
        if self.is_lost() {
            return;
        }
        let (mut record, version) = {
            let state = self.state();
            (state.record.clone(), state.version.clone())
        };
        record.beat += 1;
        let sent = (self.begun.elapsed(), clock::unix_seconds());
        let renewed = tokio::time::timeout(PATIENCE, self.write(record, version)).await;
        let mut state = self.state();
        match renewed {
            Ok(Ok(Some((record, version)))) => {
                (state.record, state.version) = (record, version);
                state.lease.renewed(sent.0, sent.1);
            }
            Ok(Ok(None)) => state.lease.taken(),
            Ok(Err(_)) | Err(_) => state.lease.failed(),
        }
    }

    /// The record as it is there after the renewal; none where somebody else's is.
    async fn write(
        &self,
        record: LockRecord,
        mut version: Version,
    ) -> Result<Option<(LockRecord, Version)>, ObjectsError> {
        for _ in 0..TRIES {
            if let Put::Done(version) = self.objects.replace(KEY, bytes(&record), &version).await? {
                return Ok(Some((record, version)));
            }
            match read(&*self.objects).await? {
                Some((there, newer)) if there == record => return Ok(Some((record, newer))),
                // An earlier renewal of ours, whose answer was lost.
                Some((there, newer)) if there.id == record.id && !there.released => version = newer,
                _ => return Ok(None),
            }
        }
        Ok(None)
    }
}

/// The record that is there.
pub(super) async fn read(objects: &dyn Objects) -> Result<Option<(LockRecord, Version)>, ObjectsError> {
    let Some((bytes, version)) = objects.get(KEY).await? else { return Ok(None) };
    let record = serde_json::from_slice(&bytes).map_err(|_| ObjectsError {
        operation: "read",
        place: format!("{}/{KEY}", objects.shown()),
        reason: "it is no lock that dashdeploy wrote".to_owned(),
        hint:
            "where nobody deploys, delete that object; else install the version of dashdeploy that wrote it"
                .to_owned(),
    })?;
    Ok(Some((record, version)))
}

/// The record as it is written.
pub(super) fn bytes(record: &LockRecord) -> Vec<u8> {
    // A record is made of texts and numbers, which can always be written as JSON.
    serde_json::to_vec(record).unwrap_or_default()
}
