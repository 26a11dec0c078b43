//! A run that is being written down.
//!
//! Given: what is about to be done, and what came of it. Gives: back only once it is on the disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dashdeploy_contract::Release;

use super::LedgerError;
use super::file::Journal;
use super::records::Records;
use crate::io::clock;
use crate::ledger::{Begun, Called, Ended, Ending, Entry, Intended, Outcome, Status};

/// A run that is being written down.
pub struct Run {
    begun: Begun,
    journal: Arc<Journal>,
    records: Option<Records>,
    ended: AtomicBool,
}

impl Run {
    pub(super) fn new(begun: Begun, journal: Arc<Journal>, records: Option<Records>) -> Self {
        Self { begun, journal, records, ended: AtomicBool::new(false) }
    }

    /// Its id: 32 hex digits.
    pub fn id(&self) -> &str {
        &self.begun.run
    }

    /// What it puts there, with the number that the ledger gave it.
    pub fn release(&self) -> Option<&Release> {
        self.begun.release.as_ref()
    }

    /// Its release's number; none where it makes no release.
    pub fn number(&self) -> Option<u32> {
        self.release()?.number
    }

    /// Writes down that a call is about to be sent, and gives the number to write its result with. Neither text may hold a
    /// secret; the address has no query.
    ///
    /// # Errors
    /// Where it cannot be written: the call must not be sent then. On a full disk too, though the reserve would hold it.
    pub async fn intent(&self, operation: &str, address: &str) -> Result<u64, LedgerError> {
        self.refuse_after_end()?;
        if self.journal.is_tight() {
            return Err(self.full());
        }
        let entry = Entry::Intent(Intended {
            run: self.begun.run.clone(),
            at: clock::unix_seconds(),
            operation: operation.to_owned(),
            address: address.to_owned(),
        });
        let number = self.journal.append(&entry).await?;
        if self.journal.is_tight() {
            self.result(number, Outcome::new(Status::Failed)).await?;
            return Err(self.full());
        }
        Ok(number)
    }

    /// Writes down what came of an intended call.
    ///
    /// # Errors
    /// Where it cannot be written: its outcome is unknown to the next run then.
    pub async fn result(&self, intent: u64, outcome: Outcome) -> Result<(), LedgerError> {
        self.refuse_after_end()?;
        let called = Called { run: self.begun.run.clone(), at: clock::unix_seconds(), intent, outcome };
        self.journal.append(&Entry::Result(called)).await.map(drop)
    }

    /// Writes down how the run ended, here and in the shared part. Evidence goes through [`Ending::redacted`] before.
    ///
    /// # Errors
    /// Where it cannot be written; [`LedgerError::Unpublished`] where it is on this machine alone.
    pub async fn end(&self, ending: Ending) -> Result<(), LedgerError> {
        if self.ended.swap(true, Ordering::SeqCst) {
            return Err(self.over());
        }
        let ended =
            Ended { run: self.begun.run.clone(), at: clock::unix_seconds(), ending: ending.bounded() };
        let entry = Entry::End(ended);
        let here = self.journal.append(&entry).await.map(drop);
        self.journal.close();
        let Some(records) = &self.records else { return here };
        // Where this disk refuses, the shared part is all the more needed.
        match records.add_next(&entry).await {
            Ok(()) => here,
            Err(LedgerError::Shared(source)) if here.is_ok() => {
                Err(LedgerError::Unpublished { path: self.journal.path().display().to_string(), source })
            }
            Err(error) => Err(error),
        }
    }

    /// Where its end is written, for people.
    pub fn shown(&self) -> String {
        self.records.as_ref().map_or_else(|| self.journal.path().display().to_string(), Records::shown)
    }

    fn refuse_after_end(&self) -> Result<(), LedgerError> {
        if self.ended.load(Ordering::SeqCst) { Err(self.over()) } else { Ok(()) }
    }

    fn over(&self) -> LedgerError {
        LedgerError::Ended { run: self.begun.run.clone() }
    }

    fn full(&self) -> LedgerError {
        let reason = "the disk is full: what was done is written down, and nothing more is begun".to_owned();
        LedgerError::Stopped { path: self.journal.path().display().to_string(), reason }
    }
}
