//! A run that nobody else has a hand in: the lock is taken, the ledger opened, and both are let go whatever happens.
//!
//! Given: a [`Stack`], the flags, the work. Gives: what the work gives. Deliberately absent: what is written into the ledger.

use std::sync::Arc;
use std::time::Duration;

use super::super::stack::Stack;
use super::super::{CliError, CliResult, Context, Exit};
use super::args::LockArgs;
use crate::console::safe;
use crate::ledger::{Holder, Ledger, LedgerError, LedgerPlace, Lock, LockError, LockGuard, LockOptions};

/// The ledger of an environment and the lock on it.
pub(crate) struct Held {
    pub(crate) ledger: Ledger,
    pub(crate) lock: Arc<LockGuard>,
}

/// Where the ledger of an environment is; a rehearsal has one of its own.
pub(crate) fn place(stack: &Stack) -> LedgerPlace {
    #[cfg(feature = "rehearse")]
    if let Some(rehearsal) = &stack.rehearsal {
        return rehearsal.ledger(&stack.bound);
    }
    LedgerPlace::of(&stack.loaded.dir, &stack.bound)
}

/// The ledger, for looking into it.
///
/// # Errors
/// A ledger that is broken or cannot be reached.
pub(crate) async fn open(stack: &Stack) -> CliResult<Ledger> {
    Ok(Ledger::open(&place(stack)).await?)
}

/// Takes the lock and opens the ledger. The lock is to be released by [`Held::release`].
///
/// # Errors
/// Exit code 7 where somebody else is at it.
pub(crate) async fn hold(
    context: &Context,
    stack: &Stack,
    operation: &str,
    args: &LockArgs,
) -> CliResult<Held> {
    let place = place(stack);
    let holder = Holder::of_this_process(&context.environment, operation);
    let options = LockOptions { timeout: Duration::from_secs(args.lock_timeout) };
    let lock = Lock::acquire(&place, holder, options, &context.interrupt()).await?;
    match Ledger::open(&place).await {
        Ok(ledger) => {
            let held = Held { ledger, lock };
            held.tell_cut_off(context);
            Ok(held)
        }
        Err(error) => {
            lock.release().await;
            Err(error.into())
        }
    }
}

impl Held {
    /// Lets others at it again.
    pub(crate) async fn release(&self) {
        self.lock.release().await;
    }

    /// Reads the ledger again, after a run of this process.
    ///
    /// # Errors
    /// As [`open`].
    pub(crate) async fn refresh(&mut self, stack: &Stack) -> CliResult<()> {
        self.ledger = open(stack).await?;
        Ok(())
    }

    /// Says where a former run was cut off; this one goes on from what is there.
    fn tell_cut_off(&self, context: &Context) {
        let Some(open) = self.ledger.history().open_run() else { return };
        let doing = open.intents.iter().map(|intent| intent.operation.clone()).collect::<Vec<_>>().join(", ");
        let during = if doing.is_empty() { String::new() } else { format!(" during: {}", safe(&doing)) };
        context.console.warning(&format!(
            "the run of {} was cut off{during}; this one goes on from what is there",
            open.started
        ));
    }
}

impl From<LedgerError> for CliError {
    fn from(error: LedgerError) -> Self {
        let failed = Self::new(Exit::Failed, "ledger", error.to_string());
        error.hint().into_iter().fold(failed, Self::hint)
    }
}

impl From<LockError> for CliError {
    fn from(error: LockError) -> Self {
        let exit = match error {
            LockError::Held { .. } => Exit::Locked,
            LockError::Interrupted => Exit::Interrupted,
            LockError::Io { .. } => Exit::Failed,
        };
        let failed = Self::new(exit, "locked", safe(&error.to_string()));
        match error {
            LockError::Held { .. } => failed.hint(
                "wait for it with --lock-timeout SECONDS; the lock is free as soon as that process ends",
            ),
            LockError::Interrupted => failed,
            LockError::Io { .. } => {
                failed.hint("make the folder .dashdeploy/ledger of the project writable for you")
            }
        }
    }
}
