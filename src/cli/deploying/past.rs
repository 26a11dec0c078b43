//! Former releases, as the ledger tells of them.

use dashdeploy_contract::{Release, ReleaseImage};
use jiff::Timestamp;

use crate::deploy::{HistoryKind, HistoryOutcome, HistoryRow};
use crate::ledger::{Final, History, LedgerRun, RunKind};

/// The releases that were deployed and verified, newest first, with their numbers.
fn all_good(history: &History) -> impl Iterator<Item = (u32, &Release)> {
    let good = history.releases().rev().filter(|(_, run)| run.outcome() == Some(Final::Deployed));
    good.filter_map(|(number, run)| Some((number, run.begun.release.as_ref()?)))
}

/// A release by its number, where it was deployed and verified.
pub(crate) fn good(history: &History, asked: u32) -> Option<(u32, &Release)> {
    all_good(history).find(|(number, _)| *number == asked)
}

/// The last good release before a number.
pub(crate) fn before(history: &History, asked: u32) -> Option<(u32, &Release)> {
    all_good(history).find(|(number, _)| *number < asked)
}

/// The runs as rows of a table, oldest first; those that only set secrets are none.
pub(crate) fn rows(history: &History) -> Vec<HistoryRow> {
    let serving = history.serving().and_then(|release| release.number);
    let runs = history.runs().iter().filter(|run| run.begun.kind != RunKind::Secrets);
    runs.map(|run| row(run, serving)).collect()
}

fn row(run: &LedgerRun, serving: Option<u32>) -> HistoryRow {
    let image = |image: &ReleaseImage| image.id.short().to_owned();
    let images = run.begun.release.iter().flat_map(|release| &release.images);
    let removes = run.begun.kind == RunKind::Destroy;
    HistoryRow {
        number: run.number().filter(|_| !removes),
        kind: match run.begun.kind {
            RunKind::Rollback { .. } => HistoryKind::Rollback,
            RunKind::Destroy => HistoryKind::Destroy,
            RunKind::Deploy | RunKind::Secrets => HistoryKind::Deploy,
        },
        rollback_of: run.rollback_of(),
        at: Timestamp::from_second(run.begun.at).unwrap_or(Timestamp::UNIX_EPOCH),
        outcome: match run.outcome() {
            None => HistoryOutcome::Open,
            Some(Final::Deployed | Final::Destroyed | Final::Changed) => HistoryOutcome::Done,
            Some(Final::Failed) => HistoryOutcome::Failed,
            Some(Final::RolledBack) => HistoryOutcome::RolledBack,
            Some(Final::Partial) => HistoryOutcome::Partial,
            Some(Final::Interrupted) => HistoryOutcome::Interrupted,
        },
        by: format!("{}@{}", run.begun.actor.user, run.begun.actor.host),
        commit: run.git().map(|git| git.commit.clone()),
        dirty: run.git().is_some_and(|git| git.dirty),
        images: images.map(|(service, found)| (service.clone(), image(found))).collect(),
        runs: run.outcome() == Some(Final::Deployed) && !removes && run.number() == serving,
    }
}
