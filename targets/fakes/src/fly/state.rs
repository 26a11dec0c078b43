//! What is there: apps, and in them addresses, volumes, secrets, machines, certificates, lines of logs.
//!
//! Given: nothing. Gives: plain data. Deliberately absent: what changes it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::body::Config;
use super::options::Lag;
use crate::Moment;

/// An app.
#[derive(Default)]
pub(super) struct App {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) organisation: String,
    pub(super) network: String,
    pub(super) created: Moment,
    /// When it is gone.
    pub(super) ends: Option<Moment>,
    pub(super) hidden: Hidden,
    pub(super) ips: Vec<Ip>,
    pub(super) volumes: Vec<Volume>,
    pub(super) secrets: BTreeMap<String, Secret>,
    /// Each version of all secrets: when it was made, and the values.
    pub(super) secret_versions: Vec<(Moment, BTreeMap<String, String>)>,
    pub(super) machines: Vec<Machine>,
    pub(super) certificates: Vec<(String, Moment)>,
    pub(super) logs: Vec<Line>,
}

/// How long something is in no list.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Hidden {
    reads: u32,
    until: Moment,
}

impl Hidden {
    pub(super) fn new(lag: Lag, now: Moment) -> Self {
        Self { reads: lag.reads, until: now + lag.time }
    }

    /// True where a list that is read now has it.
    pub(super) fn listed(&mut self, now: Moment) -> bool {
        let hidden = self.reads > 0 || now < self.until;
        self.reads = self.reads.saturating_sub(1);
        !hidden
    }
}

/// An address.
pub(super) struct Ip {
    pub(super) address: String,
    pub(super) region: String,
    pub(super) shared: bool,
    pub(super) private: bool,
    pub(super) created: Moment,
}

/// A volume.
pub(super) struct Volume {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) region: String,
    pub(super) size_gb: u32,
    pub(super) encrypted: bool,
    pub(super) fstype: String,
    pub(super) snapshot_retention: u32,
    pub(super) auto_backup: bool,
    pub(super) created: Moment,
    pub(super) removed: bool,
    pub(super) machine: Option<String>,
    pub(super) snapshots: Vec<(String, Moment)>,
    pub(super) hidden: Hidden,
}

/// A secret. Its value stands in the version that is the newest.
pub(super) struct Secret {
    pub(super) digest: String,
    pub(super) created: Moment,
    pub(super) updated: Moment,
}

/// How far a machine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// It was made and not launched.
    Created,
    /// It boots; for the first time or not.
    Booting {
        since: Moment,
        first: bool,
    },
    Started {
        since: Moment,
    },
    /// Its program ended, and is started again then.
    Restarting {
        at: Moment,
    },
    Stopping {
        until: Moment,
    },
    Stopped,
    Destroying {
        until: Moment,
    },
    Destroyed,
}

/// The image that a machine runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Image {
    pub(super) registry: String,
    pub(super) repository: String,
    pub(super) tag: Option<String>,
    pub(super) digest: String,
    pub(super) labels: BTreeMap<String, String>,
}

/// A machine.
pub(super) struct Machine {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) region: String,
    pub(super) private_ip: String,
    pub(super) created: Moment,
    pub(super) updated: Moment,
    pub(super) hidden: Hidden,
    pub(super) phase: Phase,
    /// The newest version's id and configuration, as it was sent and as it was read.
    pub(super) instance: String,
    pub(super) raw: Value,
    pub(super) config: Config,
    pub(super) image: Image,
    /// The versions before, the newest last.
    pub(super) former: Vec<(String, Value)>,
    pub(super) min_secrets: u64,
    pub(super) skip_secrets: bool,
    /// True where no visitor is sent to it.
    pub(super) cordoned: bool,
    pub(super) lease: Option<Lease>,
    pub(super) restarts: u32,
    /// The newest last.
    pub(super) events: Vec<Event>,
    pub(super) checks: Vec<CheckResult>,
}

/// A lease.
#[derive(Debug, Clone)]
pub(super) struct Lease {
    pub(super) nonce: String,
    pub(super) ends: Moment,
    pub(super) description: String,
}

/// Something that happened to a machine.
pub(super) struct Event {
    pub(super) id: String,
    pub(super) kind: &'static str,
    pub(super) status: &'static str,
    pub(super) source: &'static str,
    pub(super) at: Moment,
    pub(super) request: Value,
}

/// What a check said last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CheckResult {
    pub(super) name: String,
    pub(super) passing: bool,
    pub(super) at: Moment,
}

/// A line of a log.
pub(super) struct Line {
    pub(super) at: Moment,
    pub(super) machine: String,
    pub(super) region: String,
    pub(super) message: String,
}

impl Machine {
    /// The word for how far it is.
    pub(super) fn state(&self, now: Moment, boot: Moment) -> &'static str {
        match self.phase {
            Phase::Created => "created",
            Phase::Booting { since, first: true } if now < since + boot / 2 => "created",
            Phase::Booting { .. } => "starting",
            Phase::Started { .. } => "started",
            Phase::Restarting { .. } => "restarting",
            Phase::Stopping { .. } => "stopping",
            Phase::Stopped => "stopped",
            Phase::Destroying { .. } => "destroying",
            Phase::Destroyed => "destroyed",
        }
    }

    /// True until it is being destroyed.
    pub(super) fn is_there(&self) -> bool {
        !matches!(self.phase, Phase::Destroying { .. } | Phase::Destroyed)
    }

    /// What it is called where it runs: the version is part of it, since each starts anew.
    pub(super) fn job(&self) -> String {
        format!("{}-{}", self.id, self.instance)
    }

    /// True where visitors are sent to it.
    pub(super) fn serves(&self) -> bool {
        matches!(self.phase, Phase::Started { .. })
            && !self.cordoned
            && self.config.services.as_ref().is_some_and(|services| !services.is_empty())
            && self.checks.len() == self.check_names().len()
            && self.checks.iter().all(|check| check.passing)
    }

    /// The names of its checks.
    pub(super) fn check_names(&self) -> Vec<String> {
        let services = self.config.services.iter().flatten().flat_map(|service| {
            let port = service.internal_port.unwrap_or_default();
            let checks = service.checks.iter().flatten().enumerate();
            checks.map(move |(number, check)| {
                format!("servicecheck-{number:02}-{}-{port}", check.r#type.as_deref().unwrap_or("tcp"))
            })
        });
        services.chain(self.config.checks.iter().flatten().map(|(name, _)| name.clone())).collect()
    }
}
