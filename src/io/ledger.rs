//! The ledger and the lock where they lie: in the project's folder, and in a bucket where several machines share them.
//!
//! Given: a [`LedgerPlace`]. Gives: the [`crate::ledger::History`] that is there, a [`Run`] to write a journal with, a
//! [`LockGuard`], and writes that are journalled and fenced ([`JournaledWrites`]). What a run is about to do is on the disk
//! before it is done. Deliberately absent: what entries mean and when a lease is lost (`crate::ledger`).

mod actor;
#[cfg(feature = "shared-ledger")]
mod bucket;
mod error;
mod file;
mod folder;
mod lock;
mod lock_file;
mod lock_object;
mod objects;
mod open;
mod place;
mod records;
mod run;
mod unlock;
mod writes;

#[cfg(feature = "shared-ledger")]
#[cfg(test)]
mod kit_tests;
#[cfg(feature = "shared-ledger")]
#[cfg(test)]
mod ledger_tests;
#[cfg(feature = "shared-ledger")]
#[cfg(test)]
mod lock_tests;
#[cfg(feature = "shared-ledger")]
#[cfg(test)]
mod writes_tests;

pub use actor::actor;
#[cfg(feature = "shared-ledger")]
pub use bucket::Bucket;
pub use error::{LedgerError, LockError};
pub use lock::{Holder, Lock, LockGuard, LockOptions, LockRecord};
pub use objects::{Objects, ObjectsError, Put, Version};
pub use open::Ledger;
pub use place::LedgerPlace;
pub use run::Run;
pub use unlock::unlock;
pub use writes::JournaledWrites;

/// An id that nobody else has: 32 hex digits from the system's source of randomness.
///
/// # Errors
/// When the system has none.
fn fresh_id() -> std::io::Result<String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
