//! The shared part of a ledger: its header, and the begins and ends of runs, one object each.
//!
//! Given: entries. Gives: them under the next number, unless somebody else was first. An object is never changed. Deliberately
//! absent: the calls of a run, which only the machine that made them knows.

use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::objects::{Objects, ObjectsError, Put};
use super::{LedgerError, LedgerPlace};
use crate::ledger::{Entry, Header, Line, SCHEMA, encode, scan};

/// Objects that are read at the same time.
const AT_ONCE: usize = 16;
/// How often the end of a run looks for the next number.
const TRIES: usize = 8;

/// The shared part of a ledger.
#[derive(Clone)]
pub(super) struct Records {
    objects: Arc<dyn Objects>,
}

/// What came of adding a record.
pub(super) enum Added {
    /// It is there.
    Done,
    /// Another has its number.
    Taken,
}

impl Records {
    pub(super) fn of(place: &LedgerPlace) -> Option<Self> {
        place.shared.clone().map(|objects| Self { objects })
    }

    /// Everything that is there, oldest first.
    ///
    /// # Errors
    /// When the store cannot be asked, or what it holds makes no sense.
    pub(super) async fn read(&self) -> Result<Vec<Line>, LedgerError> {
        let keys = self.objects.list("records").await?;
        let fetches: Vec<_> = keys.into_iter().map(|key| fetch(Arc::clone(&self.objects), key)).collect();
        let bodies: Vec<Vec<u8>> = stream::iter(fetches).buffered(AT_ONCE).try_collect().await?;
        let bytes = bodies.concat();
        let unreadable = |problem| LedgerError::Unreadable {
            ledger: format!("{}/records", self.objects.shown()),
            problem,
        };
        let scanned = scan(&bytes).map_err(unreadable)?;
        if scanned.whole < bytes.len() {
            // Objects are written whole or not at all: no cut explains it.
            let line = scanned.lines.len() + 1;
            let reason = "it is no line of a ledger";
            return Err(unreadable(crate::ledger::ScanError::Damaged { line, reason }));
        }
        Ok(scanned.lines)
    }

    /// Everything that is there; a header is written where nothing is.
    ///
    /// # Errors
    /// As [`Records::read`].
    pub(super) async fn read_or_begin(
        &self,
        place: &LedgerPlace,
        lineage: &str,
    ) -> Result<Vec<Line>, LedgerError> {
        let lines = self.read().await?;
        if !lines.is_empty() {
            return Ok(lines);
        }
        let (project, environment) = (place.project.clone(), place.environment.clone());
        let header = Header { schema: SCHEMA, lineage: lineage.to_owned(), project, environment };
        self.add(1, &Entry::Header(header)).await?;
        self.read().await
    }

    /// Adds a record under a number.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub(super) async fn add(&self, number: u64, entry: &Entry) -> Result<Added, ObjectsError> {
        let key = format!("records/{number:08}.json");
        let line = encode(number, entry).map_err(|error| ObjectsError {
            operation: "write",
            place: format!("{}/{key}", self.objects.shown()),
            reason: error.to_string(),
            hint: "report this".to_owned(),
        })?;
        match self.objects.create(&key, line.clone()).await? {
            Put::Done(_) => Ok(Added::Done),
            // The answer of an attempt before may have been lost.
            Put::Refused => match self.objects.get(&key).await? {
                Some((there, _)) if there == line => Ok(Added::Done),
                _ => Ok(Added::Taken),
            },
        }
    }

    /// Adds a record under the next number that is free.
    ///
    /// # Errors
    /// When the store cannot be asked, or others were first again and again.
    pub(super) async fn add_next(&self, entry: &Entry) -> Result<(), LedgerError> {
        for _ in 0..TRIES {
            let next = self.read().await?.last().map_or(1, |line| line.number + 1);
            if let Added::Done = self.add(next, entry).await? {
                return Ok(());
            }
        }
        Err(LedgerError::Shared(ObjectsError {
            operation: "add a record to",
            place: self.objects.shown(),
            reason: "others wrote to it at the same moment again and again".to_owned(),
            hint: "run the command again".to_owned(),
        }))
    }

    /// The store.
    pub(super) fn shown(&self) -> String {
        self.objects.shown()
    }
}

async fn fetch(objects: Arc<dyn Objects>, key: String) -> Result<Vec<u8>, ObjectsError> {
    let found = objects.get(&key).await?;
    found.map(|(bytes, _)| bytes).ok_or_else(|| ObjectsError {
        operation: "read",
        place: format!("{}/{key}", objects.shown()),
        reason: "it was there a moment ago and is gone".to_owned(),
        hint: "see who deletes objects of the ledger: a history is never shortened".to_owned(),
    })
}
