//! What plans and observations carry for this target alone.
//!
//! Given: nothing; these are plain data, saved and read back as JSON. Deliberately absent: any secret's value.

use std::collections::BTreeMap;

use dashdeploy_contract::{Change, ErrorKind, Resource, TargetError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::desired::{Desired, DesiredVolume};
use crate::error::ours;
use crate::marks;
use crate::wire::Machine;

/// What the writer needs for one change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(crate) enum Task {
    /// Makes an app and marks it as ours; takes over one that is there, where that was asked for.
    App { app: String, org: Option<String>, owner: String, adopt: bool },
    /// Gives an app the addresses that it needs, and takes public ones from one that is not for everyone.
    Ips { app: String, public: bool, private: bool },
    /// Makes a volume, or makes one larger.
    Volume { app: String, region: String, volume: DesiredVolume, guest: Value },
    /// Sets secrets by the values at hand, and takes others away.
    Secrets(Secrets),
    /// Asks for the certificate of a host name.
    Certificate { app: String, host: String },
    /// Brings the machines to what shall be.
    Machines { desired: Box<Desired>, way: Way, former: Vec<Former> },
    /// Says of machines that the app has what it should have beside them.
    Mark { app: String, machines: Vec<String>, setup: String },
    /// Takes machines away.
    RemoveMachines { app: String, machines: Vec<String> },
    /// Takes volumes away, with all that is in them.
    RemoveVolumes { app: String, volumes: Vec<String> },
    /// Takes an app away with all that it has; one with a volume stays where data is kept.
    RemoveApp { app: String, keep_data: bool },
}

/// Secrets to be set and unset.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Secrets {
    /// The app.
    pub(crate) app: String,
    /// The names that get a value, with its fingerprint.
    pub(crate) set: BTreeMap<String, String>,
    /// The names that go at once.
    pub(crate) unset: Vec<String>,
    /// The names that go once the machines serve without them: until then there is a way back.
    pub(crate) unset_later: Vec<String>,
    /// The names of `set` that had a value before.
    pub(crate) known: Vec<String>,
}

/// How machines come to be what they shall be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Way {
    /// One after the other in place, each waited for.
    Rolling,
    /// All in place at once.
    Immediate,
    /// One new machine is tried and taken away again, then as `Rolling`.
    Canary,
    /// New machines beside the former ones, which give up the traffic once those are healthy.
    Exchange,
}

/// A machine before a change, for the way back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Former {
    /// Its id.
    pub(crate) id: String,
    /// Its whole configuration; values of secrets are not in it.
    pub(crate) config: Value,
}

impl Former {
    /// True where it was started with secrets.
    pub(crate) fn has_secrets(&self) -> bool {
        let mark = self.config.get("metadata").and_then(|marks| marks.get(marks::SECRETS));
        mark.and_then(Value::as_str).is_some_and(|text| text != "{}")
    }

    /// Its part in an exchange when the plan was made.
    pub(crate) fn stage(&self) -> &str {
        let mark = self.config.get("metadata").and_then(|marks| marks.get(marks::STAGE));
        mark.and_then(Value::as_str).unwrap_or(marks::LIVE)
    }
}

/// What was seen of an app.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct SeenApp {
    /// Its name.
    pub(crate) app: String,
    /// How it stands to us.
    pub(crate) standing: Standing,
    /// Its organisation, where that was looked at.
    pub(crate) org: Option<String>,
    /// Fly's digests of its secrets, by name.
    pub(crate) secrets: BTreeMap<String, String>,
    /// What else it has; none where the marks of its machines say that all of it is as it should be.
    pub(crate) holdings: Option<Holdings>,
    /// Its machines.
    pub(crate) machines: Vec<SeenMachine>,
}

/// How an app stands to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Standing {
    /// It bears our mark.
    #[default]
    Marked,
    /// It is in our organisation and has nothing at all: a run was cut off between making and marking it.
    Empty,
    /// Somebody made it in our organisation.
    Unmarked,
    /// It bears the mark of another project, environment or service.
    Other,
    /// It is in another organisation.
    Elsewhere,
}

/// What an app has beside machines and secrets.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Holdings {
    /// Its volumes.
    pub(crate) volumes: Vec<SeenVolume>,
    /// True where it has an address of the private network.
    pub(crate) private: bool,
    /// How many public addresses of version 6 and of version 4 it has.
    pub(crate) public: (usize, usize),
    /// The state of the certificate of the service's own host name; none where none was asked for.
    pub(crate) certificate: Option<String>,
}

/// What was seen of a machine.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct SeenMachine {
    /// Its id.
    pub(crate) id: String,
    /// Its name.
    pub(crate) name: String,
    /// The platform's word for its state.
    pub(crate) state: String,
    /// Where it runs.
    pub(crate) region: String,
    /// False where its host does not answer.
    pub(crate) reachable: bool,
    /// True where it bears our marks for this service.
    pub(crate) ours: bool,
    /// Its configuration.
    pub(crate) config: Value,
}

/// What was seen of a volume.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct SeenVolume {
    /// Its id.
    pub(crate) id: String,
    /// Its name, which others may have too.
    pub(crate) name: String,
    /// Where it is.
    pub(crate) region: String,
    /// Gigabytes; none where that was not looked at.
    pub(crate) size: Option<u64>,
    /// Days that snapshots are kept, where that is told.
    pub(crate) snapshots: Option<u32>,
}

impl SeenMachine {
    /// What is seen of a machine of ours.
    pub(crate) fn of(machine: &Machine) -> Self {
        Self {
            id: machine.id.clone(),
            name: machine.name.clone(),
            state: machine.state.clone(),
            region: machine.region.clone(),
            reachable: machine.is_reachable(),
            ours: true,
            config: machine.known_config().cloned().unwrap_or_default(),
        }
    }

    /// A mark of its metadata.
    pub(crate) fn mark(&self, name: &str) -> Option<&str> {
        self.config.get("metadata")?.get(name)?.as_str()
    }

    /// Its part in an exchange of machines.
    pub(crate) fn stage(&self) -> &str {
        self.mark(marks::STAGE).unwrap_or(marks::LIVE)
    }

    /// The secrets it was started with: our fingerprint and Fly's digest, by name.
    pub(crate) fn secrets(&self) -> BTreeMap<String, (String, String)> {
        self.mark(marks::SECRETS).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    /// Its mount: the volume's id, its name, the folder.
    pub(crate) fn mount(&self) -> Option<(&str, &str, &str)> {
        let mount = self.config.get("mounts")?.get(0)?;
        let text = |name: &str| mount.get(name).and_then(Value::as_str).unwrap_or_default();
        Some((text("volume"), text("name"), text("path")))
    }
}

impl Task {
    /// The payload of a change.
    pub(crate) fn json(&self) -> Value {
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

impl SeenApp {
    /// The payload of a resource.
    pub(crate) fn json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// What was seen, from the resource of an app.
    ///
    /// # Errors
    /// `Unexpected` for an observation of another version or target.
    pub(crate) fn of(resource: &Resource) -> Result<Self, TargetError> {
        serde_json::from_value(resource.payload.clone()).map_err(|error| {
            let operation = format!("read what was seen of {}", resource.address);
            ours(ErrorKind::Unexpected, operation, error.to_string())
        })
    }

    /// Its volumes: those that were looked at, or those that its machines mount.
    pub(crate) fn volumes(&self) -> Vec<SeenVolume> {
        if let Some(holdings) = &self.holdings {
            return holdings.volumes.clone();
        }
        let mounted = self.machines.iter().filter_map(|machine| {
            let (id, name, _) = machine.mount()?;
            let (region, size) = (machine.region.clone(), None);
            Some(SeenVolume { id: id.to_owned(), name: name.to_owned(), region, size, snapshots: None })
        });
        mounted.collect()
    }
}
