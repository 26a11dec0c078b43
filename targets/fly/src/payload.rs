//! What plans and observations carry for this target alone: plain data, saved and read back as JSON, without any secret's value.

use std::collections::BTreeMap;

use dashdeploy_contract::{Change, ErrorKind, Resource, TargetError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::desired::Desired;
use crate::error::ours;

/// What the writer needs for one change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(crate) enum Task {
    /// Makes the app, or takes it over, and marks it.
    App { desired: Box<Desired>, adopt: bool },
    /// Gives the app its addresses.
    Ips { app: String, public: bool, private: bool },
    /// Makes the volume, or makes it larger.
    Volume { desired: Box<Desired> },
    /// Sets secrets by the values at hand, and takes others away.
    Secrets { app: String, set: Vec<String>, unset: Vec<String> },
    /// Brings the machines to what shall be.
    Machines { desired: Box<Desired>, former: Vec<Former> },
    /// Asks for a certificate.
    Certificate { app: String, host: String },
    /// Takes machines away.
    RemoveMachines { app: String, machines: Vec<String> },
    /// Takes a volume away, with all that is in it.
    RemoveVolumes { app: String, volumes: Vec<String> },
    /// Takes an app away, with all that it has.
    RemoveApp { app: String },
}

/// A machine before a change, for the way back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Former {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Its whole configuration; values of secrets are not in it.
    pub(crate) config: Value,
    /// True where it took traffic.
    pub(crate) live: bool,
}

/// What was seen of an app.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct SeenApp {
    /// The app's name.
    pub(crate) app: String,
    /// True where it bears our mark, or was taken over.
    pub(crate) marked: bool,
    /// True where it has nothing at all: a run was cut off between making and marking it.
    pub(crate) empty: bool,
    /// Its organisation, where that was looked at.
    pub(crate) org: Option<String>,
    /// Its secrets: name and Fly's digest.
    pub(crate) secrets: BTreeMap<String, String>,
    /// Its volumes, where they were looked at.
    pub(crate) volumes: Option<Vec<SeenVolume>>,
    /// How many public and private addresses it has, where they were looked at.
    pub(crate) ips: Option<(usize, usize)>,
    /// The state of its certificate, where the service has a host name of the user's own; none where none was asked for.
    pub(crate) certificate: Option<String>,
    /// Its machines.
    pub(crate) machines: Vec<SeenMachine>,
}

/// What was seen of a machine.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct SeenMachine {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) state: String,
    pub(crate) region: String,
    pub(crate) ours: bool,
    pub(crate) config: Value,
}

/// What was seen of a volume.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct SeenVolume {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) region: String,
    pub(crate) size: u64,
}

impl SeenMachine {
    /// A mark of its metadata.
    pub(crate) fn mark(&self, name: &str) -> Option<&str> {
        self.config.get("metadata")?.get(name)?.as_str()
    }

    /// The secrets it was started with: our fingerprint and Fly's digest, by name.
    pub(crate) fn secrets(&self) -> BTreeMap<String, (String, String)> {
        self.mark("dashdeploy_secrets").and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    /// The volume it has.
    pub(crate) fn volume(&self) -> Option<&str> {
        self.config.get("mounts")?.get(0)?.get("volume")?.as_str()
    }
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

impl SeenApp {
    pub(crate) fn json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// What was seen, from the resource of an app.
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
