//! Taking a lock from a holder that is dead, by hand.

use super::lock_file::{self, Cleared};
use super::lock_object::{self, KEY};
use super::objects::Put;
use super::{LedgerError, LedgerPlace, LockError, LockRecord};

/// Frees the lock that has exactly this id, and gives what it was. A process of this machine that lives is never robbed; one of
/// another machine finds that its lease is lost before its next change.
///
/// # Errors
/// [`LockError::WrongId`], [`LockError::NotLocked`], [`LockError::Alive`]; what keeps the lock from being asked for.
pub async fn unlock(place: &LedgerPlace, id: &str) -> Result<LockRecord, LockError> {
    let environment = place.environment().to_owned();
    let here = lock_file::clear(place, id)?;
    if here.is_none()
        && let Some(alive) = lock_file::named(place)
        && (place.shared.is_none() || alive.id == id)
    {
        return Err(if alive.id == id {
            LockError::Alive { environment, holder: Box::new(alive.holder) }
        } else {
            LockError::WrongId { environment, given: id.to_owned(), held: Box::new(alive) }
        });
    }
    let Some(objects) = &place.shared else {
        return match here {
            Some(Cleared::Was(record)) => Ok(record),
            Some(Cleared::Other(held)) => {
                Err(LockError::WrongId { environment, given: id.to_owned(), held: Box::new(held) })
            }
            _ => Err(LockError::NotLocked { environment }),
        };
    };
    loop {
        let found = lock_object::read(&**objects).await.map_err(LedgerError::from)?;
        let Some((record, version)) = found.filter(|(record, _)| !record.released) else {
            // An object that is not there looks like a bucket that is not there; a list does not.
            objects.list("records").await.map_err(LedgerError::from)?;
            return Err(LockError::NotLocked { environment });
        };
        if record.id != id {
            return Err(LockError::WrongId { environment, given: id.to_owned(), held: Box::new(record) });
        }
        let freed = LockRecord { released: true, ..record.clone() };
        let put =
            objects.replace(KEY, lock_object::bytes(&freed), &version).await.map_err(LedgerError::from)?;
        // A holder that lives may renew in between: its id is still the one that was given.
        if let Put::Done(_) = put {
            return Ok(record);
        }
    }
}
