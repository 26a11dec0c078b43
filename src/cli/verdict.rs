//! What came of applying a plan, as the user reads it.

use dashdeploy_contract::Address;

use super::{CliError, CliResult, Exit};
use crate::deploy::{Outcome, Verdict};

/// Makes the error of an outcome that is not as planned.
///
/// # Errors
/// 130 for an interruption, 4 where something that ran was brought back, 5 where something is left to do, else 1.
pub(super) fn conclude(outcome: &Outcome) -> CliResult<()> {
    let error = match &outcome.verdict {
        Verdict::Done if outcome.left.is_empty() => return Ok(()),
        Verdict::Done => {
            CliError::new(Exit::Partial, "partial", "everything runs, but something could not be tidied up")
        }
        Verdict::Interrupted => CliError::new(Exit::Interrupted, "interrupted", "interrupted"),
        Verdict::ChangeFailed(failed) => {
            let (_, error) = failed.as_ref();
            let failed = CliError::new(Exit::Failed, "change-failed", error.to_string());
            error.hint.iter().fold(failed, |failed, hint| failed.hint(hint.clone()))
        }
        Verdict::Unverified(evidence) => {
            let check = evidence.check.as_deref().unwrap_or("a check");
            let message = format!(
                "{check} of service `{}` is not as it should be: {}",
                evidence.service, evidence.reason
            );
            let answer = evidence.answer.iter().map(|answer| format!("answer: {answer}"));
            let lines = evidence.log.iter().map(|line| line.text.clone());
            CliError::new(Exit::Failed, "unverified", message)
                .evidence(lines.chain(answer))
                .hint("everything served, and the look from outside found this; mend the cause and run the command again")
        }
        Verdict::Unhealthy(evidence) => {
            let lines = evidence.log.iter().map(|line| line.text.clone());
            let hint = if evidence.log.is_empty() {
                "it printed nothing; mend the cause and run the command again"
            } else {
                "these are its last lines; mend the cause and run the command again"
            };
            CliError::new(
                Exit::Failed,
                "unhealthy",
                format!("service `{}` does not serve: {}", evidence.service, evidence.reason),
            )
            .evidence(lines)
            .hint(hint)
        }
    };
    Err(with_way_back(error, outcome))
}

fn with_way_back(mut error: CliError, outcome: &Outcome) -> CliError {
    let left = outcome.left.iter().map(|(address, why)| format!("{address}: {why}"));
    if !outcome.left.is_empty() {
        error.exit = if error.exit == Exit::Interrupted { error.exit } else { Exit::Partial };
        return error
            .evidence(left)
            .hint("the things listed could not be taken back: run the command again to finish");
    }
    if outcome.restored && error.exit == Exit::Failed {
        error.exit = Exit::RolledBack;
    }
    if outcome.reverted.is_empty() {
        return error;
    }
    let names: Vec<&str> = outcome.reverted.iter().map(Address::as_str).collect();
    error.hint(format!("what this run had changed was taken back: {}", names.join(", ")))
}
