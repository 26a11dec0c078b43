//! `dashdeploy unlock ID`: frees the lock of an environment from a run that is dead.

use serde_json::json;

use super::deploying::args::LedgerArgs;
use super::load::load;
use super::{CliError, CliResult, Context, Exit};
use crate::io::ledger::{LedgerError, LedgerPlace, LockError, unlock};

/// Free an environment's lock from a run that is dead
///
/// A run that ends, however it ends, frees the lock on its own machine; a shared one runs out 75 seconds after its holder died.
/// This command is for what is left: it takes exactly the id that the error of the waiting run names.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The lock's id, as the error names it
    id: String,
    #[command(flatten)]
    ledger: LedgerArgs,
}

pub(super) async fn run(context: &Context, args: &Args) -> CliResult {
    let loaded = load(context)?;
    let bound = loaded.bind(context)?;
    let place = LedgerPlace::of(&context.environment, &loaded.dir, &bound, args.ledger.url.as_deref())?;
    if context.global.dry_run {
        let text = format!("would free the lock {} of environment `{}`", args.id, bound.environment);
        context.console.answer(json!({ "unlocked": null, "environment": bound.environment }), &text);
        return Ok(Exit::Done);
    }
    let freed = unlock(&place, &args.id).await?;
    let text = format!(
        "The lock of environment `{}` is free. It was held by {}, for {}.",
        bound.environment,
        freed.holder.actor.words(),
        freed.holder.operation
    );
    context.console.answer(json!({ "unlocked": freed, "environment": bound.environment }), &text);
    Ok(Exit::Done)
}

impl From<LedgerError> for CliError {
    fn from(error: LedgerError) -> Self {
        let (exit, code) = match &error {
            LedgerError::Place { .. } => (Exit::Usage, "invalid-ledger"),
            LedgerError::Busy { .. } => (Exit::Locked, "locked"),
            LedgerError::Moved { .. } => (Exit::Failed, "ledger-moved"),
            LedgerError::Unreadable { .. } => (Exit::Failed, "ledger-unreadable"),
            LedgerError::Unpublished { .. } => (Exit::Partial, "ledger-unpublished"),
            _ => (Exit::Failed, "ledger"),
        };
        let hint = error.hint();
        let failed = Self::new(exit, code, error.to_string());
        hint.into_iter().fold(failed, Self::hint)
    }
}

impl From<LockError> for CliError {
    fn from(error: LockError) -> Self {
        let (exit, code) = match error {
            LockError::Ledger(error) => return error.into(),
            LockError::Held { .. } | LockError::Alive { .. } => (Exit::Locked, "locked"),
            LockError::WrongId { .. } => (Exit::Usage, "wrong-lock-id"),
            LockError::NotLocked { .. } => (Exit::Failed, "not-locked"),
            LockError::Interrupted => (Exit::Interrupted, "interrupted"),
        };
        let hint = error.hint();
        let failed = Self::new(exit, code, error.to_string());
        hint.into_iter().fold(failed, Self::hint)
    }
}
