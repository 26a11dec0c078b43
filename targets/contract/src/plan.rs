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

impl Address {
    /// The address of a thing: the target, what kind of thing, its name.
    pub fn new(target: &str, kind: &str, name: &str) -> Self {
        Self(format!("{target}/{kind}/{name}"))
    }

    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
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
