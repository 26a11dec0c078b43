//! What plans and observations carry for this target alone: plain data, saved and read back as JSON, without any secret's value.

use std::collections::BTreeMap;

use dashdeploy_contract::{Change, ErrorKind, Resource, TargetError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::desired::Desired;
use crate::error::ours;
use crate::registry::Pull;

/// What the writer needs for one change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(crate) enum Task {
    /// Makes the service, which deploys at once.
    Service { desired: Box<Desired> },
    /// Gives the service its variables; those of others stay.
    Variables { id: String, desired: Box<Desired>, unset: Vec<String> },
    /// Sets the service's settings.
    Settings { id: String, desired: Box<Desired>, former: Box<Former> },
    /// Sets the number of instances.
    Scale { id: String, to: u32, from: u32 },
    /// Makes the disk, or makes it larger.
    Disk { id: String, disk: Option<String>, desired: Box<Desired> },
    /// Deploys; a suspended service is resumed before.
    Deploy { id: String, desired: Box<Desired>, former: Box<Former>, resume: bool },
    /// Waits for a deploy that is under way already: nothing is called.
    Wait { id: String },
    /// Adds the user's own host name.
    Domain { id: Option<String>, desired: Box<Desired> },
    /// Sets and unsets secrets alone.
    Secrets { id: String, set: Vec<String>, unset: Vec<String> },
    /// Suspends a service whose data is to stay.
    Suspend { id: String },
    /// Takes a service away, with all that it has.
    Remove { id: String },
    /// Keeps the registry credential that private images are pulled with.
    Credential { pull: Pull, workspace: Option<String> },
    /// Takes our registry credential away.
    RemoveCredential { id: String },
}

/// A service before a change, for the way back.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Former {
    /// The image that serves, by digest where the platform tells it; none where none ever served.
    pub(crate) image: Option<String>,
    /// The commit that serves.
    pub(crate) commit: Option<String>,
    /// The registry credential's id.
    pub(crate) credential: Option<String>,
    pub(crate) shutdown: Option<u32>,
    /// What a static site is built by.
    pub(crate) site: Option<FormerSite>,
    pub(crate) plan: Option<String>,
    pub(crate) health: Option<String>,
    pub(crate) command: Option<String>,
}

/// What a static site was built by.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct FormerSite {
    pub(crate) repo: String,
    pub(crate) branch: Option<String>,
    pub(crate) root: String,
    pub(crate) build: String,
    pub(crate) publish: String,
}

/// What was seen of a service.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Its host name inside.
    pub(crate) slug: String,
    pub(crate) kind: String,
    pub(crate) suspended: bool,
    /// Who suspended it.
    pub(crate) suspenders: Vec<String>,
    pub(crate) region: Option<String>,
    pub(crate) plan: Option<String>,
    /// None where the platform itself decides how many there are.
    pub(crate) instances: Option<u32>,
    /// What it is made from: `image`, `docker`, `python`; none for static sites.
    pub(crate) runtime: Option<String>,
    /// True where each commit is deployed by itself.
    pub(crate) automatic: bool,
    /// The registry credential's id and name.
    pub(crate) credential: Option<(String, String)>,
    pub(crate) shutdown: Option<u32>,
    pub(crate) site: Option<FormerSite>,
    pub(crate) health: Option<String>,
    pub(crate) command: Option<String>,
    pub(crate) disk: Option<SeenDisk>,
    /// Plain variables that are ours by name, and the marks.
    pub(crate) env: BTreeMap<String, String>,
    /// Secrets: fingerprints of their values.
    pub(crate) secrets: BTreeMap<String, String>,
    /// Names of variables that are neither.
    pub(crate) others: Vec<String>,
    /// The newest deploy's status.
    pub(crate) status: Option<String>,
    /// The image that is set: what a restart takes.
    pub(crate) set_image: Option<String>,
    /// The newest deploy that is live or may become so.
    pub(crate) current: Option<Current>,
    /// The image by digest, or the commit, of the deploy that is live.
    pub(crate) live_image: Option<String>,
    pub(crate) live_commit: Option<String>,
    /// Whether the user's own host name is there, where the service has one.
    pub(crate) domain: Option<bool>,
}

/// A deploy that is live or may become so.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Current {
    pub(crate) image: Option<String>,
    pub(crate) digest: Option<String>,
    pub(crate) commit: Option<String>,
    /// True until it is live.
    pub(crate) under_way: bool,
    /// True where it is newer than the one that the mark names, and so has all that the mark tells.
    pub(crate) is_marked: bool,
}

/// What was seen of a disk.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct SeenDisk {
    pub(crate) id: String,
    pub(crate) size: u64,
    pub(crate) path: String,
}

impl Task {
    pub(crate) fn json(&self) -> Value {
        // Plain data with string keys: nothing that JSON could refuse.
        serde_json::to_value(self).unwrap_or_default()
    }

    /// The task of a change.
    ///
    /// # Errors
    /// `Unexpected` for a plan of another version or target.
    pub(crate) fn of(change: &Change) -> Result<Self, TargetError> {
        serde_json::from_value(change.payload.clone()).map_err(|error| {
            ours(ErrorKind::Unexpected, format!("read the plan for {}", change.address), error.to_string())
                .hint("make the plan anew: another version wrote it")
        })
    }
}

impl Seen {
    pub(crate) fn json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// What was seen, from a resource.
    ///
    /// # Errors
    /// `Unexpected` for an observation of another version or target.
    pub(crate) fn of(resource: &Resource) -> Result<Self, TargetError> {
        serde_json::from_value(resource.payload.clone()).map_err(|error| {
            ours(
                ErrorKind::Unexpected,
                format!("read what was seen of {}", resource.address),
                error.to_string(),
            )
        })
    }

    /// What it was before, for the way back.
    pub(crate) fn former(&self) -> Former {
        Former {
            image: self.live_image.clone(),
            commit: self.live_commit.clone(),
            credential: self.credential.as_ref().map(|(id, _)| id.clone()),
            shutdown: self.shutdown,
            site: self.site.clone(),
            plan: self.plan.clone(),
            health: self.health.clone(),
            command: self.command.clone(),
        }
    }
}
