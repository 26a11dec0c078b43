//! What a deploy has a hand in besides the platform: the journal, the pushes, the look from outside.
//!
//! Given: a prepared release and its run in the ledger. Gives: [`Steps`] for the engine.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use dashdeploy_contract::{
    Address, Change, ErrorKind, EventSink, Name, Reader, Release, Supplies, TargetError,
};

use super::super::stack::Stack;
use super::homes::Homes;
use crate::deploy::{Evidence, PUSH, PageMark, Steps, Verification};
use crate::io::docker::Engine;
use crate::io::ledger::{LedgerError, LockGuard, Run};
use crate::io::outside::Outside;
use crate::ledger::{Outcome, Status};
use crate::push::{PushFailure, PushFailureKind};

/// What a deploy has a hand in.
pub(super) struct Work<'a> {
    pub(super) stack: &'a Stack,
    pub(super) release: &'a Release,
    /// True where services are made by this run: a platform may give them other addresses than was predicted.
    pub(super) makes: bool,
    pub(super) homes: &'a Homes,
    pub(super) engine: Option<&'a Engine>,
    pub(super) supplies: &'a Supplies,
    pub(super) reader: &'a dyn Reader,
    pub(super) outside: &'a Outside,
    pub(super) pages: &'a BTreeMap<Name, PageMark>,
    pub(super) patience: Duration,
    pub(super) events: Arc<dyn EventSink>,
    pub(super) run: Arc<Run>,
    pub(super) lock: Arc<LockGuard>,
    /// The journal's numbers of changes that have begun.
    pub(super) begun: Mutex<BTreeMap<Address, u64>>,
}

#[async_trait]
impl Steps for Work<'_> {
    async fn begins(&self, change: &Change) -> Result<(), TargetError> {
        if self.lock.is_lost() {
            let message = "the lock is lost: somebody else may be at it";
            return Err(TargetError::new(ErrorKind::Interrupted, "deploy", "keep the lock", message)
                .hint("run the command again"));
        }
        let operation = format!("{} {}", change.action.symbol(), change.reason);
        let number = self.run.intent(&operation, change.address.as_str()).await;
        let number = number.map_err(|error| unwritten(&error))?;
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).insert(change.address.clone(), number);
        Ok(())
    }

    async fn ended(&self, change: &Change, result: Result<(), &TargetError>) {
        let number = self.begun.lock().unwrap_or_else(PoisonError::into_inner).remove(&change.address);
        let Some(number) = number else { return };
        let status = if result.is_ok() { Status::Ok } else { Status::Failed };
        // Where it cannot be written, the next intent fails, and nothing more is done.
        let _ = self.run.result(number, Outcome::new(status)).await;
    }

    async fn push(&self, service: &Name) -> Result<(), TargetError> {
        let image = self.release.images.get(service).filter(|_| self.engine.is_some());
        let (Some(image), Some(engine)) = (image, self.engine) else {
            return Err(TargetError::unsupported(PUSH, format!("push the image of {service}")));
        };
        let pushed =
            self.homes.push(engine, service, &image.id, self.supplies, Arc::clone(&self.events)).await;
        pushed.map_err(|failure| unpushed(*failure))
    }

    async fn verify(&self) -> Result<(), Box<Evidence>> {
        let mut release = self.release.pushed(self.supplies);
        if self.is_elsewhere().await? {
            // What was predicted is a stranger's, who is not asked. The round that follows has the address that was given, and
            // asks all there is to ask.
            release.wiring.services.values_mut().for_each(|address| address.url = None);
        }
        let verification = Verification {
            release: &release,
            reader: self.reader,
            outside: self.outside,
            pages: self.pages,
            secrets: &self.supplies.secrets,
            events: Arc::clone(&self.events),
            patience: self.patience,
        };
        verification.run().await
    }
}

impl Work<'_> {
    /// True where a platform gave a service another address than the release was made with.
    ///
    /// # Errors
    /// Where that cannot be told.
    async fn is_elsewhere(&self) -> Result<bool, Box<Evidence>> {
        if !self.makes {
            return Ok(false);
        }
        let observed = self.reader.observe(&self.release.bound).await.map_err(|error| {
            let service = self.release.bound.services.keys().next().cloned();
            Box::new(Evidence {
                service: service.unwrap_or_else(|| self.release.bound.project.clone()),
                reason: format!("which address it was given cannot be told: {error}"),
                log: Vec::new(),
                check: None,
                answer: None,
            })
        })?;
        Ok(!self.stack.given(&observed, &self.release.wiring).is_empty())
    }
}

fn unwritten(error: &LedgerError) -> TargetError {
    TargetError::new(ErrorKind::Unavailable, "ledger", "write the journal", error.to_string())
        .hint("nothing is changed without the journal: free disk space, or make the folder writable")
}

fn unpushed(failure: PushFailure) -> TargetError {
    let kind = match failure.kind {
        PushFailureKind::Denied => ErrorKind::Denied,
        PushFailureKind::Refused => ErrorKind::Invalid,
        PushFailureKind::Failed => ErrorKind::Unavailable,
    };
    let operation = format!("push the image of {}", failure.service);
    let error = TargetError::new(kind, PUSH, operation, failure.message);
    failure.hint.into_iter().fold(error, TargetError::hint)
}
