//! What came of a run, as the ledger keeps it.

use std::collections::BTreeMap;
use std::time::Duration;

use dashdeploy_contract::Name;

use super::super::{CliError, Exit};
use crate::deploy::{Outcome, Verdict};
use crate::ledger::{Ending, RunOutcome};

/// The last entry of a run: from its outcome, or the error that kept it from having one.
pub(crate) fn ending(
    came: Result<&Outcome, &CliError>,
    took: Duration,
    pages: BTreeMap<Name, String>,
) -> Ending {
    let (outcome, message, evidence) = match came {
        Ok(outcome) => (of(outcome), said(outcome), lines(outcome)),
        Err(error) if error.exit == Exit::Interrupted => {
            (RunOutcome::Interrupted, Some(error.report.message.clone()), Vec::new())
        }
        Err(error) => (RunOutcome::Failed, Some(error.report.message.clone()), Vec::new()),
    };
    Ending { outcome, message, pages, millis: u64::try_from(took.as_millis()).unwrap_or(u64::MAX), evidence }
}

fn of(outcome: &Outcome) -> RunOutcome {
    match (&outcome.verdict, outcome.left.is_empty()) {
        (Verdict::Done, _) => RunOutcome::Deployed,
        (Verdict::Interrupted, _) => RunOutcome::Interrupted,
        (_, false) => RunOutcome::Partial,
        _ if outcome.restored => RunOutcome::RolledBack,
        _ => RunOutcome::Failed,
    }
}

fn said(outcome: &Outcome) -> Option<String> {
    match &outcome.verdict {
        Verdict::Done => None,
        Verdict::Interrupted => Some("interrupted".to_owned()),
        Verdict::ChangeFailed(failed) => Some(failed.1.to_string()),
        Verdict::Unhealthy(evidence) | Verdict::Unverified(evidence) => {
            Some(format!("{}: {}", evidence.service, evidence.reason))
        }
    }
}

fn lines(outcome: &Outcome) -> Vec<String> {
    match &outcome.verdict {
        Verdict::Unhealthy(evidence) | Verdict::Unverified(evidence) => {
            evidence.log.iter().map(|line| line.text.clone()).collect()
        }
        _ => Vec::new(),
    }
}
