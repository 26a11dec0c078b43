//! What is there: the resources of one environment as a target found them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Address, Health, Name};

/// The resources found on a platform for one environment, in a stable order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Observed {
    /// What was found, sorted by address.
    pub resources: Vec<Resource>,
}

/// One thing found on a platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// Its place in the plan's address space.
    pub address: Address,
    /// The platform's own id.
    pub id: String,
    /// The service it belongs to, where it belongs to one.
    pub service: Option<Name>,
    /// True where it bears our ownership mark for this project and environment. What does not is never changed.
    pub owned: bool,
    /// True for a thing of nobody's that `--adopt` may take over: made by hand, under the name that ours would have.
    #[serde(default)]
    pub adoptable: bool,
    /// How it is, for things that run.
    pub health: Option<Health>,
    /// Facts to show, such as `image`, `url`, `ports`, `started`; never a secret.
    pub facts: BTreeMap<String, String>,
    /// What the target's own planner compares; its form is the target's business. Never a secret's value.
    pub payload: serde_json::Value,
}

impl Observed {
    /// The resource at an address.
    pub fn get(&self, address: &Address) -> Option<&Resource> {
        self.resources.iter().find(|resource| resource.address == *address)
    }

    /// The same with everything that may be taken over taken for ours: what `--adopt` plans with.
    #[must_use]
    pub fn adopted(mut self) -> Self {
        self.resources
            .iter_mut()
            .filter(|resource| resource.adoptable)
            .for_each(|resource| resource.owned = true);
        self
    }

    /// The same with only what one target has.
    #[must_use]
    pub fn on(&self, target: &str) -> Self {
        let here = self.resources.iter().filter(|resource| resource.address.target() == target);
        Self { resources: here.cloned().collect() }
    }

    /// The running things of a service.
    pub fn of_service<'a>(&'a self, service: &'a Name) -> impl Iterator<Item = &'a Resource> {
        self.resources.iter().filter(move |r| r.service.as_ref() == Some(service) && r.health.is_some())
    }
}
