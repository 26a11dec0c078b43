//! The past of an environment for a reader: its releases, and whether one of them can come back.
//!
//! Given: rows that whoever keeps the ledger fills in; two releases and what is known of images, secrets and schemas today.
//! Gives: a table's data, and a verdict with what stands in the way of a rollback and what is to be thought of. Deliberately
//! absent: the ledger itself, and the decision whether to roll back in spite of a doubt.

use std::collections::BTreeMap;

use dashdeploy_contract::{Name, Release, Requirement, Service};
use indexmap::IndexMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A release in the past.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryRow {
    /// Its number: 7 for r7; none for what makes no release, such as a removal.
    pub number: Option<u32>,
    /// What was done.
    pub kind: HistoryKind,
    /// The number of the release that a rollback brought back.
    pub rollback_of: Option<u32>,
    /// When it began.
    pub at: Timestamp,
    /// What came of it.
    pub outcome: HistoryOutcome,
    /// Who did it.
    pub by: String,
    /// The whole id of the commit it was made from.
    pub commit: Option<String>,
    /// True where files differed from that commit.
    pub dirty: bool,
    /// The images of its services, in short.
    pub images: IndexMap<Name, String>,
    /// True for the release that runs.
    pub runs: bool,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HistoryKind {
    /// A release was deployed.
    Deploy,
    /// The content of a former release was deployed, as a new one.
    Rollback,
    /// The environment was taken away.
    Destroy,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HistoryOutcome {
    /// It is done, and was verified.
    Done,
    /// It failed, and nothing was changed.
    Failed,
    /// It failed, and the former release was brought back.
    RolledBack,
    /// It failed, and something is left to be done by hand.
    Partial,
    /// It was interrupted.
    Interrupted,
    /// Its end is not in the ledger: it still runs, or it was killed.
    Open,
}

/// What a verdict over a rollback is made of.
pub struct RollbackInput<'a> {
    /// The release that is to come back.
    pub then: &'a Release,
    /// The release that runs.
    pub now: Option<&'a Release>,
    /// For each service of `then` whether its image is still there; one that is missing was not looked for.
    pub images: &'a BTreeMap<Name, bool>,
    /// The fingerprints of the secrets that services would get today.
    pub secrets: &'a IndexMap<Name, IndexMap<String, String>>,
    /// For services that say so, the version of the schema of their data: then and today.
    pub schemas: &'a BTreeMap<Name, (String, String)>,
}

/// Whether a release can come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollbackVerdict {
    /// The number of the release that is to come back.
    pub to: Option<u32>,
    /// The number of the one that runs.
    pub from: Option<u32>,
    /// What makes it impossible.
    pub blockers: Vec<RollbackReason>,
    /// What may make it other than it was.
    pub doubts: Vec<RollbackReason>,
}

/// A reason against a rollback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollbackReason {
    /// A stable word: `image-gone`, `secret-differs`.
    pub code: String,
    /// The service it is about.
    pub service: Name,
    /// One sentence without a full stop.
    pub message: String,
}

impl HistoryOutcome {
    /// The words shown to people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::RolledBack => "failed, rolled back",
            Self::Partial => "partial",
            Self::Interrupted => "interrupted",
            Self::Open => "not ended",
        }
    }
}

impl RollbackVerdict {
    /// The verdict.
    pub fn of(input: &RollbackInput) -> Self {
        let mut verdict = Self {
            to: input.then.number,
            from: input.now.and_then(|now| now.number),
            blockers: Vec::new(),
            doubts: Vec::new(),
        };
        for service in input.then.bound.services.values() {
            verdict.image(input, service);
            verdict.secrets(input, service);
            verdict.volumes(input, service);
            verdict.schema(input, service);
        }
        verdict.newcomers(input);
        verdict
    }

    /// True where nothing stands in the way.
    pub fn is_possible(&self) -> bool {
        self.blockers.is_empty()
    }

    /// True where nothing stands in the way and nothing is to be thought of.
    pub fn is_clear(&self) -> bool {
        self.is_possible() && self.doubts.is_empty()
    }

    fn block(&mut self, code: &str, service: &Service, message: String) {
        self.blockers.push(reason(code, &service.name, message));
    }

    fn doubt(&mut self, code: &str, service: &Service, message: String) {
        self.doubts.push(reason(code, &service.name, message));
    }

    fn image(&mut self, input: &RollbackInput, service: &Service) {
        let Some(image) = input.then.images.get(&service.name) else { return };
        let named = image.digest.as_deref().unwrap_or(&image.reference);
        match input.images.get(&service.name) {
            Some(true) => {}
            Some(false) => {
                self.block("image-gone", service, format!("its image {named} is not there any more"))
            }
            None => self.doubt("image-unknown", service, format!("its image {named} was not looked for")),
        }
    }

    fn secrets(&mut self, input: &RollbackInput, service: &Service) {
        let then = input.then.secrets.get(&service.name);
        let now = input.secrets.get(&service.name);
        for (variable, requirement) in &service.secrets {
            let then = then.and_then(|prints| prints.get(variable));
            let now = now.and_then(|prints| prints.get(variable));
            let message = match (then, now) {
                (Some(then), Some(now)) if then != now => format!("the value of {variable} is another today"),
                (None, Some(_)) => format!("{variable} had no value then and has one today"),
                (_, None) if *requirement == Requirement::Required => {
                    let message = format!("{variable} is required and has no value today");
                    self.block("secret-missing", service, message);
                    continue;
                }
                (Some(_), None) => format!("{variable} had a value then and has none today"),
                _ => continue,
            };
            self.doubt("secret-differs", service, message);
        }
    }

    /// Data stays as it is today; only where it is mounted goes back.
    fn volumes(&mut self, input: &RollbackInput, service: &Service) {
        let Some(now) = input.now else { return };
        let mounts = now.bound.services.get(&service.name).map(|service| &service.volumes);
        for (volume, path) in &service.volumes {
            match mounts.and_then(|mounts| mounts.get(volume)) {
                Some(today) if today == path => {}
                Some(today) => {
                    let message = format!("volume {volume} was mounted at {path} and is at {today} today");
                    self.doubt("volume-differs", service, message);
                }
                None => {
                    let message = format!("volume {volume} is not mounted today: its data may be gone");
                    self.doubt("volume-gone", service, message);
                }
            }
        }
        let (was, is) = (service, mounts.into_iter().flatten());
        let left: Vec<&Name> =
            is.map(|(name, _)| name).filter(|name| !was.volumes.contains_key(*name)).collect();
        for volume in left {
            let message = format!("volume {volume} was not mounted then: the release does not see its data");
            self.doubt("volume-new", service, message);
        }
    }

    fn schema(&mut self, input: &RollbackInput, service: &Service) {
        if let Some((then, now)) = input.schemas.get(&service.name).filter(|(then, now)| then != now) {
            let message =
                format!("its data has schema {now} today and had {then} then; nothing takes it back");
            self.doubt("schema-differs", service, message);
        }
    }

    fn newcomers(&mut self, input: &RollbackInput) {
        let today = input.now.into_iter().flat_map(|now| now.bound.services.values());
        for service in today.filter(|service| !input.then.bound.services.contains_key(&service.name)) {
            self.doubt("service-new", service, "it is not part of that release".to_owned());
        }
    }
}

fn reason(code: &str, service: &Name, message: String) -> RollbackReason {
    RollbackReason { code: code.to_owned(), service: service.clone(), message }
}

#[cfg(test)]
#[path = "past_tests.rs"]
mod tests;
