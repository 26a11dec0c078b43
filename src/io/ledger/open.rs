//! The ledger of an environment: its history, and the begin of a run.
//!
//! Given: a [`LedgerPlace`]. Gives: what its lines tell, of this machine and of the shared part, and a [`Run`] whose begin is
//! written down everywhere. Looking makes nothing.

use std::collections::HashSet;
use std::sync::Arc;

use super::file::{Journal, lineage_of};
use super::records::{Added, Records};
use super::{LedgerError, LedgerPlace, Run, folder, fresh_id};
use crate::io::clock;
use crate::ledger::{Begin, Begun, Entry, History, Line, scan};

/// The ledger of an environment.
pub struct Ledger {
    place: LedgerPlace,
    history: History,
}

impl Ledger {
    /// Reads it. Works on a machine that never deployed, where the ledger is shared.
    ///
    /// # Errors
    /// When it cannot be read, is damaged, or a newer version wrote it.
    pub async fn open(place: &LedgerPlace) -> Result<Self, LedgerError> {
        let shared = match Records::of(place) {
            Some(records) => records.read().await?,
            None => Vec::new(),
        };
        let path = place.file("jsonl");
        let unreadable = |problem| LedgerError::Unreadable { ledger: path.display().to_string(), problem };
        let local = scan(&folder::read(&path)?).map_err(unreadable)?.lines;
        Ok(Self { place: place.clone(), history: History::of(&merged(shared, local)) })
    }

    /// What it tells, as it was read.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Begins a run: gives it an id, and its release the next number. Everything is read again, since others may have written
    /// in the meantime; the caller holds the lock. When this returns, the begin is on the disk and in the shared part, and
    /// there is room for the end.
    ///
    /// # Errors
    /// Whatever would keep the run from being written down, before anything is changed; [`LedgerError::Moved`] where the
    /// release has a number that is not the next one any more.
    pub async fn begin(&self, begin: Begin) -> Result<Arc<Run>, LedgerError> {
        let records = Records::of(&self.place);
        let mut shared = match &records {
            Some(records) => records.read().await?,
            None => Vec::new(),
        };
        let lineage = shared.first().and_then(|line| lineage_of(&line.entry)).map(str::to_owned);
        let (journal, local) = self.journal(lineage).await?;
        if let Some(records) = &records {
            publish(records, &self.place, &shared, &local).await?;
            shared = records.read().await?;
        }
        let next = shared.last().map_or(1, |line| line.number + 1);
        let begun = begun(begin, History::of(&merged(shared, local)).next_number())?;
        let entry = Entry::Begin(Box::new(begun.clone()));
        if let Some(records) = &records
            && let Added::Taken = records.add(next, &entry).await?
        {
            let asked = begun.release.as_ref().and_then(|release| release.number).unwrap_or_default();
            return Err(LedgerError::Moved { asked, next: asked + 1 });
        }
        journal.append(&entry).await?;
        Ok(Arc::new(Run::new(begun, journal, records)))
    }

    async fn journal(&self, lineage: Option<String>) -> Result<(Arc<Journal>, Vec<Line>), LedgerError> {
        let place = self.place.clone();
        let opened = tokio::task::spawn_blocking(move || Journal::open(&place, lineage.as_deref())).await;
        opened.map_err(|error| {
            LedgerError::disk("open", &self.place.file("jsonl"), std::io::Error::other(error))
        })?
    }
}

/// What begins, with its id and number.
fn begun(begin: Begin, next: u32) -> Result<Begun, LedgerError> {
    let Begin { kind, mut release, git, actor } = begin;
    if let Some(release) = &mut release {
        let asked = *release.number.get_or_insert(next);
        if asked != next {
            return Err(LedgerError::Moved { asked, next });
        }
    }
    let run =
        fresh_id().map_err(|error| LedgerError::disk("name", std::path::Path::new("the run"), error))?;
    Ok(Begun { run, at: clock::unix_seconds(), kind, release, git, actor })
}

/// The lines of the shared part, with what only this machine knows of its runs. A journal of another history tells nothing.
fn merged(shared: Vec<Line>, local: Vec<Line>) -> Vec<Line> {
    let of = |lines: &[Line]| lines.first().and_then(|line| lineage_of(&line.entry)).map(str::to_owned);
    match (of(&shared), of(&local)) {
        (None, _) => local,
        (Some(one), Some(other)) if one == other => {
            let own =
                local.into_iter().filter(|line| !matches!(line.entry, Entry::Header(_) | Entry::Begin(_)));
            shared.into_iter().chain(own).collect()
        }
        _ => shared,
    }
}

/// Writes to the shared part what this machine knows and it does not: everything, where it is new; else ends that could not be
/// written when their runs ended.
async fn publish(
    records: &Records,
    place: &LedgerPlace,
    shared: &[Line],
    local: &[Line],
) -> Result<(), LedgerError> {
    if shared.is_empty() {
        let lineage = local.first().and_then(|line| lineage_of(&line.entry)).unwrap_or_default();
        records.read_or_begin(place, lineage).await?;
        for line in local {
            if matches!(line.entry, Entry::Begin(_) | Entry::End(_)) {
                records.add_next(&line.entry).await?;
            }
        }
        return Ok(());
    }
    let (mut begun, mut ended) = (HashSet::new(), HashSet::new());
    for line in shared {
        match &line.entry {
            Entry::Begin(entry) => begun.insert(entry.run.as_str()),
            Entry::End(entry) => ended.insert(entry.run.as_str()),
            _ => false,
        };
    }
    for line in local {
        if let Entry::End(entry) = &line.entry
            && begun.contains(entry.run.as_str())
            && !ended.contains(entry.run.as_str())
        {
            records.add_next(&line.entry).await?;
        }
    }
    Ok(())
}
