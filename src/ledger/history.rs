//! What a ledger's lines tell: releases, what serves, what failed, what was left unfinished.
//!
//! Given: the lines, oldest first. Gives: a [`History`]. Deliberately absent: any platform; whether a release still serves is
//! for its target to say.

use std::collections::HashMap;

use dashdeploy_contract::{GitSource, Release};

use super::{Begun, Called, Ended, Ending, Entry, Final, Header, Intended, Line, Outcome, RunKind, Status};

/// The history of an environment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct History {
    header: Option<Header>,
    runs: Vec<LedgerRun>,
}

/// A run as the ledger tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct LedgerRun {
    /// How it began.
    pub begun: Begun,
    /// Its calls, as far as this machine knows them.
    pub steps: Vec<Step>,
    /// How it ended, and when; none while it goes on, or where it was killed.
    pub ended: Option<Ended>,
}

/// A call of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The number of its intent.
    pub number: u64,
    /// What was intended.
    pub intended: Intended,
    /// What came of it; none where that was not written any more.
    pub outcome: Option<Outcome>,
}

impl History {
    /// The history that lines tell. Results and ends of runs that are not among them are left out.
    pub fn of(lines: &[Line]) -> Self {
        let mut history = Self::default();
        let mut places = HashMap::new();
        for line in lines {
            history.add(line, &mut places);
        }
        history
    }

    fn add(&mut self, line: &Line, places: &mut HashMap<String, usize>) {
        match &line.entry {
            Entry::Header(header) => self.header = Some(header.clone()),
            Entry::Begin(begun) => {
                places.entry(begun.run.clone()).or_insert_with(|| {
                    self.runs.push(LedgerRun { begun: (**begun).clone(), steps: Vec::new(), ended: None });
                    self.runs.len() - 1
                });
            }
            Entry::Intent(intended) => {
                if let Some(run) = places.get(&intended.run).and_then(|place| self.runs.get_mut(*place)) {
                    let intended = intended.clone();
                    run.steps.push(Step { number: line.number, intended, outcome: None });
                }
            }
            Entry::Result(called) => {
                if let Some(run) = places.get(&called.run).and_then(|place| self.runs.get_mut(*place)) {
                    run.settle(called);
                }
            }
            Entry::End(ended) => {
                if let Some(run) = places.get(&ended.run).and_then(|place| self.runs.get_mut(*place)) {
                    run.end(ended);
                }
            }
        }
    }

    /// The ledger's own id; none while nothing has been written.
    pub fn lineage(&self) -> Option<&str> {
        self.header.as_ref().map(|header| header.lineage.as_str())
    }

    /// Every run, oldest first.
    pub fn runs(&self) -> &[LedgerRun] {
        &self.runs
    }

    /// The runs that made a release, oldest first, each with the release's number.
    pub fn releases(&self) -> impl DoubleEndedIterator<Item = (u32, &LedgerRun)> {
        self.runs.iter().filter_map(|run| Some((run.number()?, run)))
    }

    /// The run that made a release.
    pub fn release(&self, number: u32) -> Option<&LedgerRun> {
        self.releases().find(|(known, _)| *known == number).map(|(_, run)| run)
    }

    /// The release that was deployed last, by a deploy or a rollback; none where there was none, or the environment was taken
    /// away since.
    pub fn serving(&self) -> Option<&Release> {
        let decisive = self.runs.iter().rev().find_map(|run| match run.outcome()? {
            Final::Deployed => Some(run.begun.release.as_ref()),
            Final::Destroyed => Some(None),
            _ => None,
        });
        decisive.flatten()
    }

    /// True where the release that was deployed last is this content.
    pub fn is_serving(&self, release: &Release) -> bool {
        self.serving().is_some_and(|known| is_same(known, release))
    }

    /// The last run that put the same content there and failed, where none did so with success since.
    pub fn failed(&self, release: &Release) -> Option<&LedgerRun> {
        let same = |run: &&LedgerRun| run.begun.release.as_ref().is_some_and(|known| is_same(known, release));
        let decisive = self.runs.iter().rev().filter(same).find(|run| {
            matches!(
                run.outcome(),
                Some(Final::Deployed | Final::Failed | Final::RolledBack | Final::Partial)
            )
        })?;
        (decisive.outcome() != Some(Final::Deployed)).then_some(decisive)
    }

    /// The last run, where it has no end: it goes on, or was killed. Its [`LedgerRun::open_steps`] may have happened or not.
    pub fn open_run(&self) -> Option<&LedgerRun> {
        self.runs.last().filter(|run| run.ended.is_none())
    }

    /// The number of the next release.
    pub fn next_number(&self) -> u32 {
        self.releases().map(|(number, _)| number).max().unwrap_or(0).saturating_add(1)
    }
}

impl LedgerRun {
    /// The number of the release that it made; none where it made none.
    pub fn number(&self) -> Option<u32> {
        self.begun.release.as_ref()?.number
    }

    /// How it ended.
    pub fn outcome(&self) -> Option<Final> {
        self.ending().map(|ending| ending.outcome)
    }

    /// How it ended, with all that was said.
    pub fn ending(&self) -> Option<&Ending> {
        self.ended.as_ref().map(|ended| &ended.ending)
    }

    /// The commit that it was made from.
    pub fn git(&self) -> Option<&GitSource> {
        self.begun.git.as_ref().or_else(|| self.begun.release.as_ref()?.git.as_ref())
    }

    /// The calls of which it is not known whether they happened.
    pub fn open_steps(&self) -> impl Iterator<Item = &Step> {
        let unknown =
            |step: &&Step| step.outcome.as_ref().is_none_or(|outcome| outcome.status == Status::Unknown);
        self.steps.iter().filter(unknown)
    }

    /// The release that a rollback brought back.
    pub fn rollback_of(&self) -> Option<u32> {
        match self.begun.kind {
            RunKind::Rollback { of } => Some(of),
            _ => None,
        }
    }

    fn end(&mut self, ended: &Ended) {
        if self.ended.is_some() {
            return;
        }
        // What was pushed is known when it is there, and the release was written down before.
        for (service, image) in self.begun.release.iter_mut().flat_map(|release| &mut release.images) {
            if let Some(digest) = ended.ending.images.get(service.as_str()) {
                image.digest = Some(digest.clone());
            }
        }
        self.ended = Some(ended.clone());
    }

    fn settle(&mut self, called: &Called) {
        if let Some(step) = self.steps.iter_mut().rev().find(|step| step.number == called.intent) {
            step.outcome = Some(called.outcome.clone());
        }
    }
}

/// True where two releases are the same content, whoever made them, when, and in which folder. Where the history lies is no
/// content.
fn is_same(one: &Release, other: &Release) -> bool {
    let content = |release: &Release| {
        let mut bare = release.clone();
        (bare.number, bare.git, bare.bound.ledger) = (None, None, None);
        bare.project_dir.clear();
        bare.wiring.release = None;
        // Where an image lies is not what it is.
        bare.images.values_mut().for_each(|image| image.digest = None);
        bare
    };
    content(one) == content(other)
}

#[cfg(test)]
#[path = "history_tests.rs"]
mod tests;
