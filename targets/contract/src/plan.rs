//! Plans: the ordered changes from observed to desired.
//!
//! A plan is data: it can be shown, saved and applied later. It holds no secret's value.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Name;

/// Where a thing stands in an environment: `docker/container/web`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Address(String);

/// What a change does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Makes a thing that is not there.
    Create,
    /// Changes a thing in place.
    Update,
    /// Puts a new thing in the place of an old one.
    Replace,
    /// Takes a thing away.
    Delete,
    /// Does something with what is there, such as starting it.
    Run,
}

/// What a change may do to those who use the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Nothing.
    Safe,
    /// Requests fail for a moment.
    InterruptsTraffic,
    /// Data is gone afterwards.
    LosesData,
}

/// A field that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// The field, as `env.LOG_LEVEL` or `image`.
    pub field: String,
    /// What it is; none where it is not set. A secret is shown by its fingerprint.
    pub from: Option<String>,
    /// What it will be; none where it will not be set.
    pub to: Option<String>,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What is changed.
    pub address: Address,
    /// What is done to it.
    pub action: Action,
    /// The service it belongs to, where it belongs to one.
    pub service: Option<Name>,
    /// The cause, for the reader: `image changed`, `not there yet`.
    pub reason: String,
    /// The fields that differ.
    pub fields: Vec<FieldChange>,
    /// What it may do to those who use the service.
    pub risk: Risk,
    /// Seconds for which the service is expected not to answer; none where it answers all the time, or nobody asks it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub downtime: Option<u32>,
    /// What the platform will bill from then on: `1 machine shared-cpu-1x with 512 MB`. None where nothing is added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billable: Option<String>,
    /// True where the service's image must lie where the target takes it from before ([`crate::ImageHome`]).
    #[serde(default)]
    pub takes_image: bool,
    /// Changes that must have been applied before.
    pub needs: Vec<Address>,
    /// Services that must be healthy before.
    pub needs_healthy: Vec<Name>,
    /// True where the service's health decides over this change's success.
    pub gated: bool,
    /// What the target's writer needs; its form is the target's business. Never a secret's value.
    pub payload: serde_json::Value,
}

/// The ordered changes from observed to desired.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Plan {
    /// The changes, in an order in which they can be applied one by one.
    pub changes: Vec<Change>,
    /// What is as it should be.
    pub unchanged: Vec<Address>,
}

impl Change {
    /// A change with its cause and what the writer needs; nothing said about risk and order.
    pub fn new(
        address: Address,
        action: Action,
        reason: impl Into<String>,
        payload: serde_json::Value,
    ) -> Self {
        Self {
            address,
            action,
            service: None,
            reason: reason.into(),
            fields: Vec::new(),
            risk: Risk::Safe,
            downtime: None,
            billable: None,
            takes_image: false,
            needs: Vec::new(),
            needs_healthy: Vec::new(),
            gated: false,
            payload,
        }
    }
}

impl Address {
    /// The address of a thing: the target, what kind of thing, its name.
    pub fn new(target: &str, kind: &str, name: &str) -> Self {
        Self(format!("{target}/{kind}/{name}"))
    }

    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The target: `docker` in `docker/container/web`.
    pub fn target(&self) -> &str {
        self.0.split('/').next().unwrap_or_default()
    }

    /// What kind of thing it is: `container` in `docker/container/web`.
    pub fn kind(&self) -> &str {
        self.0.split('/').nth(1).unwrap_or_default()
    }

    /// The thing's name: `web` in `docker/container/web`.
    pub fn name(&self) -> &str {
        self.0.splitn(3, '/').nth(2).unwrap_or_default()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Plan {
    /// True where nothing has to be done.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The changes so that each comes after those it needs, otherwise as they stand. Needs never form a circle; were there one,
    /// the given order is the best there is.
    #[must_use]
    pub fn in_order(mut self) -> Self {
        let mut open = std::mem::take(&mut self.changes);
        while !open.is_empty() {
            let ready = open.iter().position(|change| {
                change.needs.iter().all(|need| !open.iter().any(|other| other.address == *need))
            });
            self.changes.push(open.remove(ready.unwrap_or(0)));
        }
        self
    }

    /// How many changes have an action.
    pub fn count(&self, action: Action) -> usize {
        self.changes.iter().filter(|change| change.action == action).count()
    }
}

impl Action {
    /// The mark before a change in a list, readable without colour.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Create => "+",
            Self::Update => "~",
            Self::Replace => "±",
            Self::Delete => "-",
            Self::Run => ">",
        }
    }
}
