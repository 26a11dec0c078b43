//! The ledger: what was deployed when and by whom, and the journal of the run that is under way.
//!
//! Given: runs as they begin, each call of theirs before it is made and after it was answered, their ends. Gives: the releases of
//! an environment ([`History`]), the run that was cut off, and the lock that keeps two runs apart. The ledger is a history, not the
//! truth: what exists is found on the platforms by marks, so that a lost ledger costs the past and nothing else. Deliberately
//! absent: values of secrets (releases hold fingerprints) and any file or store (`io`).
//!
//! | room | what is in it |
//! |---|---|
//! | `entry`, `line` | what is written, and how a line of it looks |
//! | `history` | what follows from it: pure |
//! | `journal` | a run under way; writes that are journalled |
//! | `lock` | who is at it |
//! | `place` | where all of it is |

mod entry;
mod error;
mod history;
mod journal;
mod line;
mod lock;
mod place;

pub use entry::{Begin, Done, Ending, Entry, Kind, RunOutcome, Who};
pub use error::{LedgerError, LockError};
pub use history::{History, OpenIntent, OpenRun, PastRelease};
pub use journal::{JournaledWrites, Ledger, Run};
pub use lock::{Holder, Lock, LockGuard, LockOptions};
pub use place::LedgerPlace;
