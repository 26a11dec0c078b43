//! What a run has a hand in besides the platform: images put where they are taken from, the journal, the look from outside.
//!
//! Given: nothing; this is the engine's side of it. Gives: [`Steps`], which `cli` fills in, and the changes for pushes.
//! Deliberately absent: registries, files, requests.

use std::collections::BTreeMap;

use async_trait::async_trait;
use dashdeploy_contract::{Action, Address, Change, Name, Plan, TargetError};

use super::outcome::Evidence;

/// The first part of the addresses of pushes.
pub const PUSH: &str = "push";

/// What a run has a hand in besides the platform.
#[async_trait]
pub trait Steps: Send + Sync {
    /// Writes into the journal that a change is about to be carried out; nothing is done where that fails.
    ///
    /// # Errors
    /// [`TargetError`] when the journal cannot be written, or the run's lock is lost.
    async fn begins(&self, _change: &Change) -> Result<(), TargetError> {
        Ok(())
    }

    /// Writes into the journal what came of a change.
    async fn ended(&self, _change: &Change, _result: Result<(), &TargetError>) {}

    /// Puts the image of a service where its target takes it from.
    ///
    /// # Errors
    /// [`TargetError`] when it cannot be put there.
    async fn push(&self, service: &Name) -> Result<(), TargetError>;

    /// Looks at the release from outside, once all of it serves: digests, build ids, smoke tests.
    ///
    /// # Errors
    /// The evidence of the first check that failed for good.
    async fn verify(&self) -> Result<(), Box<Evidence>> {
        Ok(())
    }
}

/// A run that nothing else has a hand in.
pub struct NoSteps;

#[async_trait]
impl Steps for NoSteps {
    async fn push(&self, service: &Name) -> Result<(), TargetError> {
        Err(TargetError::unsupported("push", format!("push the image of {service}")))
    }
}

/// A push that is still to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingPush {
    /// Where the image goes, without a tag: `registry.fly.io/shop-api`.
    pub repository: String,
    /// The change after which that is there.
    pub after: Option<Address>,
}

/// The plan with a change for each push that one of its changes waits for.
#[must_use]
pub fn with_pushes(mut plan: Plan, pending: &BTreeMap<Name, PendingPush>) -> Plan {
    let mut pushes = Vec::new();
    for (service, push) in pending {
        let address = Address::new(PUSH, "image", service.as_str());
        let mut waits = false;
        let takes = |change: &&mut Change| change.takes_image && change.service.as_ref() == Some(service);
        for change in plan.changes.iter_mut().filter(takes) {
            change.needs.push(address.clone());
            waits = true;
        }
        if waits {
            let mut change =
                Change::new(address, Action::Run, format!("to {}", push.repository), serde_json::Value::Null);
            change.service = Some(service.clone());
            change.needs.extend(push.after.clone());
            pushes.push(change);
        }
    }
    pushes.extend(std::mem::take(&mut plan.changes));
    plan.changes = pushes;
    plan.in_order()
}
