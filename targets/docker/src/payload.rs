//! What plans and observations carry for this target alone.
//!
//! Given: nothing; these are plain data, saved and read back as JSON. Deliberately absent: any secret's value.

use dashdeploy_contract::{Change, ErrorKind, Name, Resource, TargetError};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::desired::DesiredContainer;
use crate::error::ours;
use crate::facts::Facts;

/// What the writer needs for one change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(crate) enum Task {
    /// Makes the network.
    MakeNetwork { name: String, labels: IndexMap<String, String> },
    /// Makes a volume.
    MakeVolume { name: String, volume: String, labels: IndexMap<String, String> },
    /// Makes and starts a container where none is.
    Create { desired: Box<DesiredContainer> },
    /// Puts a container in the place of another, which is kept aside.
    Replace {
        desired: Box<DesiredContainer>,
        /// The id of the container that is kept aside.
        former: String,
        /// True where that one ran.
        ran: bool,
        /// Ids of containers left by interrupted runs, in the way of the two.
        discard: Vec<String>,
        /// True where the former goes on serving until requests are handed over ([`Task::HandOver`]).
        #[serde(default)]
        overlaps: bool,
    },
    /// Lets the container under a service's name have the service's requests, and ends the former one.
    HandOver(HandOver),
    /// Starts a container that is as it should be but does not run.
    Start { id: String, name: String, how: Wake },
    /// Takes a container back that an interrupted replacement left aside.
    TakeBack { id: String, name: String },
    /// Stops a container and keeps it aside.
    SetAside { id: String, name: String, ran: bool },
    /// Takes a container away for good.
    RemoveContainer { id: String, name: String, unnamed_volumes: bool },
    /// Takes a network away.
    RemoveNetwork { id: String, name: String },
    /// Takes a volume away, with all that is in it.
    RemoveVolume { name: String },
}

/// Requests that go over from one container of a service to the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HandOver {
    /// The service.
    pub(crate) service: Name,
    /// The name of the container that is to have the requests.
    pub(crate) name: String,
    /// The network's name.
    pub(crate) network: String,
    /// The names by which it is found in the network.
    pub(crate) aliases: Vec<String>,
    /// The id of the container that has them until then; none where none runs.
    pub(crate) former: Option<String>,
}

/// How a container is brought to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Wake {
    /// It is stopped.
    Start,
    /// It runs, but is not healthy.
    Restart,
    /// It is paused.
    Unpause,
    /// It runs; only its health is waited for.
    Wait,
}

/// What was seen of one thing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Seen {
    /// A container.
    Container(SeenContainer),
    /// A network.
    Network {
        /// Its name.
        name: String,
        /// Containers connected that are not ours.
        others: Vec<String>,
        /// Whose it is, where it is not ours.
        owner: Option<String>,
    },
    /// A volume.
    Volume {
        /// Its name.
        name: String,
        /// Whose it is, where it is not ours.
        owner: Option<String>,
    },
}

/// What was seen of a container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SeenContainer {
    /// Its name.
    pub(crate) name: String,
    /// Its part in the stack.
    pub(crate) part: Part,
    /// The engine's word for its state: `created running paused restarting removing exited dead`.
    pub(crate) state: String,
    /// The Compose project it belongs to.
    pub(crate) project: Option<String>,
    /// The folder that project was started from.
    pub(crate) folder: Option<String>,
    /// The service as Compose names it.
    pub(crate) composed: Option<String>,
    /// True where it runs and its health check, if it has one, passes.
    #[serde(default)]
    pub(crate) serves: bool,
    /// What is compared.
    pub(crate) facts: Facts,
}

/// A container's part in the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Part {
    /// It holds its service's name.
    Current,
    /// It was replaced and kept aside.
    Former,
    /// Another copy of a service.
    Stray,
    /// Started by hand for one command (`docker compose run`).
    OneOff,
}

impl SeenContainer {
    pub(crate) fn runs(&self) -> bool {
        matches!(self.state.as_str(), "running" | "restarting" | "paused")
    }

    /// The ports of the host it publishes.
    pub(crate) fn host_ports(&self) -> impl Iterator<Item = u16> {
        let ports = self.facts.fields.iter().filter(|(field, _)| field.starts_with("ports."));
        ports.flat_map(|(_, hosts)| hosts.split(' ')).filter_map(|host| host.rsplit_once(':')?.1.parse().ok())
    }

    /// The volumes it mounts, by the engine's names.
    pub(crate) fn volumes(&self) -> impl Iterator<Item = &str> {
        let mounts = self.facts.fields.iter().filter(|(field, _)| field.starts_with("mounts."));
        mounts.map(|(_, volume)| volume.as_str())
    }
}

impl Task {
    pub(crate) fn json(&self) -> serde_json::Value {
        // Plain data with string keys: nothing that JSON could refuse.
        serde_json::to_value(self).unwrap_or_default()
    }

    /// The task of a change.
    ///
    /// # Errors
    /// `Unexpected` for a plan that another version wrote, or another target's.
    pub(crate) fn of(change: &Change) -> Result<Self, TargetError> {
        serde_json::from_value(change.payload.clone()).map_err(|error| {
            ours(ErrorKind::Unexpected, format!("read the plan for {}", change.address), error.to_string())
                .hint("make the plan anew: another version wrote it")
        })
    }
}

impl Seen {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// What was seen of a resource.
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
}
