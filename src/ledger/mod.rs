//! The ledger: the history of an environment's releases, the journal of the run that is going on, and the lock around it.
//!
//! Given: what a run is about to do and what came of it. Gives: lines to be written, the [`History`] that lines tell, the
//! rules of a lease. Deliberately absent: files, object stores, clocks (`io::ledger`). The ledger is a history and a crash
//! journal, not the truth: what exists is discovered from ownership marks on the platforms.

mod entry;
mod history;
mod lease;
mod line;

pub use entry::{
    Actor, Begin, Begun, Called, Ended, Ending, Entry, Final, Header, Intended, Outcome, RunKind, Status,
};
pub use history::{History, LedgerRun, Step};
pub use lease::{Lapse, Lease, Observation, Timing};
pub use line::{Line, ScanError, Scanned, encode, scan};

/// The version of the ledger's form. A newer one is refused, older ones are read.
pub const SCHEMA: u32 = 1;
