//! What follows from a ledger's entries: releases, which one serves, what was cut off. Pure.

use std::collections::BTreeMap;

use dashdeploy_contract::Release;
use indexmap::IndexMap;
use jiff::Timestamp;

use super::{Begin, Done, Ending, Entry, Kind, RunOutcome};
use crate::deploy::{HistoryKind, HistoryOutcome, HistoryRow};

/// A release that was put.
#[derive(Debug, Clone, PartialEq)]
pub struct PastRelease {
    /// Its number: 7 for r7.
    pub number: u32,
    /// Its content.
    pub release: Release,
    /// The build ids of its pages.
    pub pages: BTreeMap<dashdeploy_contract::Name, String>,
}

/// A run whose end is not in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenRun {
    /// Its id.
    pub run: String,
    /// When it began.
    pub started: String,
    /// What it was about to do and may have done.
    pub intents: Vec<OpenIntent>,
}

/// A call or change of which nobody knows whether it was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenIntent {
    /// What it was.
    pub operation: String,
    /// What it was done to.
    pub to: String,
}

/// What follows from a ledger's entries.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct History {
    runs: Vec<PastRun>,
}

#[derive(Debug, Clone, PartialEq)]
struct PastRun {
    begin: Begin,
    end: Option<Ending>,
    open: IndexMap<u64, OpenIntent>,
}

impl History {
    /// What follows from entries in their order.
    pub fn of(entries: &[Entry]) -> Self {
        let mut history = Self::default();
        for entry in entries {
            history.take(entry);
        }
        history
    }

    /// Takes in one more entry.
    pub(super) fn take(&mut self, entry: &Entry) {
        match entry {
            Entry::Header { .. } => {}
            Entry::Begin(begin) => {
                self.runs.push(PastRun { begin: (**begin).clone(), end: None, open: IndexMap::new() });
            }
            Entry::Intent { run, number, operation, to } => {
                let open = OpenIntent { operation: operation.clone(), to: to.clone() };
                self.run(run, |past| drop(past.open.insert(*number, open)));
            }
            // What nobody knows stays open.
            Entry::Result { done: Done::Unknown { .. }, .. } => {}
            Entry::Result { run, number, .. } => self.run(run, |past| drop(past.open.shift_remove(number))),
            Entry::End { run, ending, .. } => self.run(run, |past| past.end = Some(ending.clone())),
        }
    }

    fn run(&mut self, id: &str, change: impl FnOnce(&mut PastRun)) {
        if let Some(past) = self.runs.iter_mut().rev().find(|past| past.begin.run == id) {
            change(past);
        }
    }

    /// The release that serves: the last one that was deployed and verified, unless the environment was taken away since.
    pub fn serving(&self) -> Option<PastRelease> {
        let destroyed = |past: &PastRun| past.outcome() == Some(RunOutcome::Destroyed);
        self.runs.iter().rev().take_while(|past| !destroyed(past)).find_map(PastRun::good)
    }

    /// A release by its number, where it was deployed and verified.
    pub fn good(&self, number: u32) -> Option<PastRelease> {
        self.runs.iter().rev().filter_map(PastRun::good).find(|past| past.number == number)
    }

    /// The last good release before a number.
    pub fn before(&self, number: u32) -> Option<PastRelease> {
        self.runs.iter().rev().filter_map(PastRun::good).find(|past| past.number < number)
    }

    /// The number of the next release: each is given once, also to one that fails.
    pub fn next_number(&self) -> u32 {
        self.runs.iter().filter_map(|past| past.begin.release.number).max().unwrap_or(0) + 1
    }

    /// The last run, where its end is not in the ledger.
    pub fn open_run(&self) -> Option<OpenRun> {
        let last = self.runs.last().filter(|past| past.end.is_none())?;
        Some(OpenRun {
            run: last.begin.run.clone(),
            started: last.begin.at.clone(),
            intents: last.open.values().cloned().collect(),
        })
    }

    /// The runs as rows of a table, oldest first.
    pub fn rows(&self) -> Vec<HistoryRow> {
        let serving = self.serving().map(|past| past.number);
        self.runs.iter().map(|past| past.row(serving)).collect()
    }
}

impl PastRun {
    fn outcome(&self) -> Option<RunOutcome> {
        self.end.as_ref().map(|end| end.outcome)
    }

    fn good(&self) -> Option<PastRelease> {
        let end = self.end.as_ref().filter(|end| end.outcome == RunOutcome::Deployed)?;
        let number = self.begin.release.number?;
        Some(PastRelease { number, release: self.begin.release.clone(), pages: end.pages.clone() })
    }

    fn row(&self, serving: Option<u32>) -> HistoryRow {
        let release = &self.begin.release;
        let image = |image: &dashdeploy_contract::ReleaseImage| image.id.short().to_owned();
        HistoryRow {
            number: release.number.filter(|_| self.begin.kind != Kind::Destroy),
            kind: match self.begin.kind {
                Kind::Deploy => HistoryKind::Deploy,
                Kind::Rollback { .. } => HistoryKind::Rollback,
                Kind::Destroy => HistoryKind::Destroy,
            },
            rollback_of: match self.begin.kind {
                Kind::Rollback { of } => Some(of),
                _ => None,
            },
            at: self.begin.at.parse().unwrap_or(Timestamp::UNIX_EPOCH),
            outcome: match self.outcome() {
                None => HistoryOutcome::Open,
                Some(RunOutcome::Deployed | RunOutcome::Destroyed) => HistoryOutcome::Done,
                Some(RunOutcome::Failed) => HistoryOutcome::Failed,
                Some(RunOutcome::RolledBack) => HistoryOutcome::RolledBack,
                Some(RunOutcome::Partial) => HistoryOutcome::Partial,
                Some(RunOutcome::Interrupted) => HistoryOutcome::Interrupted,
            },
            by: self.begin.who.ci.clone().unwrap_or_else(|| self.begin.who.user.clone()),
            commit: release.git.as_ref().map(|git| git.commit.clone()),
            dirty: release.git.as_ref().is_some_and(|git| git.dirty),
            images: release.images.iter().map(|(service, found)| (service.clone(), image(found))).collect(),
            runs: self.outcome() == Some(RunOutcome::Deployed) && release.number == serving,
        }
    }
}
