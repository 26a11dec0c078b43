//! What came of a run, as the ledger keeps it.

use std::collections::BTreeMap;
use std::time::Duration;

use dashdeploy_contract::Name;

use super::super::{CliError, Exit};
use crate::deploy::{Outcome, Verdict};
use crate::ledger::{Ending, Final};

/// What a run put, as it is known at its end.
#[derive(Default)]
pub(crate) struct Served {
    /// The build ids of its pages.
    pub(crate) pages: BTreeMap<Name, String>,
    /// Its images by digest.
    pub(crate) images: BTreeMap<Name, String>,
}

/// The last entry of a run: from its outcome, or the error that kept it from having one.
pub(crate) fn ending(came: Result<&Outcome, &CliError>, took: Duration, served: Served) -> Ending {
    let (outcome, message, evidence) = match came {
        Ok(outcome) => (of(outcome), said(outcome).unwrap_or_default(), lines(outcome)),
        Err(error) => {
            let interrupted = error.exit == Exit::Interrupted;
            let outcome = if interrupted { Final::Interrupted } else { Final::Failed };
            (outcome, error.report.message.clone(), Vec::new())
        }
    };
    let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let named = |all: BTreeMap<Name, String>| {
        all.into_iter().map(|(service, what)| (service.to_string(), what)).collect()
    };
    let (pages, images) = (named(served.pages), named(served.images));
    Ending { pages, images, millis, evidence, ..Ending::new(outcome, message) }
}

fn of(outcome: &Outcome) -> Final {
    match (&outcome.verdict, outcome.left.is_empty()) {
        (Verdict::Done, _) => Final::Deployed,
        (Verdict::Interrupted, _) => Final::Interrupted,
        (_, false) => Final::Partial,
        _ if outcome.restored => Final::RolledBack,
        _ => Final::Failed,
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
            let answer = evidence.answer.iter().map(|answer| format!("answer: {answer}"));
            evidence.log.iter().map(|line| line.text.clone()).chain(answer).collect()
        }
        _ => Vec::new(),
    }
}
