//! A run that nobody else has a hand in: the lock is taken, the ledger opened, and both are let go whatever happens.
//!
//! Given: a [`Stack`], the flags, the work. Gives: what the work gives. Deliberately absent: what is written into the ledger.

use std::sync::Arc;
use std::time::Duration;

use super::super::stack::Stack;
use super::super::{CliResult, Context};
use super::args::{LedgerArgs, LockArgs};
use crate::console::safe;
use crate::io::ledger::{Holder, Ledger, LedgerPlace, Lock, LockGuard, LockOptions, actor};

/// The ledger of an environment and the lock on it.
pub(crate) struct Held {
    pub(crate) ledger: Ledger,
    pub(crate) lock: Arc<LockGuard>,
    place: LedgerPlace,
}

/// Where the ledger of an environment is; a rehearsal has one of its own.
fn place(context: &Context, stack: &Stack, args: &LedgerArgs) -> CliResult<LedgerPlace> {
    #[cfg(feature = "rehearse")]
    if let Some(rehearsal) = &stack.rehearsal {
        return Ok(rehearsal.ledger(&stack.bound));
    }
    Ok(LedgerPlace::of(&context.environment, &stack.loaded.dir, &stack.bound, args.url.as_deref())?)
}

/// The ledger, for looking into it.
///
/// # Errors
/// An address that is none; a ledger that is broken or cannot be reached.
pub(crate) async fn open(context: &Context, stack: &Stack, args: &LedgerArgs) -> CliResult<Ledger> {
    let place = place(context, stack, args)?;
    Ok(Ledger::open(&place).await?)
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
    let place = place(context, stack, &args.ledger)?;
    let holder = Holder { actor: actor(&context.environment), operation: operation.to_owned() };
    let options = LockOptions::waiting(Duration::from_secs(args.lock_timeout));
    let lock = Lock::acquire(&place, holder, options, &context.interrupt()).await?;
    match Ledger::open(&place).await {
        Ok(ledger) => {
            let held = Held { ledger, lock, place };
            held.tell_cut_off(context);
            Ok(held)
        }
        Err(error) => {
            // The reason for which nothing is done is that of the ledger.
            let _ = lock.release().await;
            Err(error.into())
        }
    }
}

impl Held {
    /// Lets others at it again.
    pub(crate) async fn release(&self, context: &Context) {
        if let Err(error) = self.lock.release().await {
            context.console.warning(&format!("the lock could not be given back: {error}"));
        }
    }

    /// Reads the ledger again, after a run of this process.
    ///
    /// # Errors
    /// As [`open`].
    pub(crate) async fn refresh(&mut self) -> CliResult<()> {
        self.ledger = Ledger::open(&self.place).await?;
        Ok(())
    }

    /// Says where a former run was cut off; this one goes on from what is there.
    fn tell_cut_off(&self, context: &Context) {
        let Some(open) = self.ledger.history().open_run() else { return };
        let doing =
            open.open_steps().map(|step| step.intended.operation.clone()).collect::<Vec<_>>().join(", ");
        let during = if doing.is_empty() { String::new() } else { format!(" during: {}", safe(&doing)) };
        let who = safe(&open.begun.actor.words());
        context
            .console
            .warning(&format!("a run of {who} was cut off{during}; this one goes on from what is there"));
    }
}
