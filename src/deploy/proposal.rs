//! What a deploy would do, as data to be shown, saved and compared.
//!
//! Given: nothing; [`Proposal::of`] makes it of a release, a plan and what was observed. Gives: the types, each of which can
//! be written as JSON and read again. Deliberately absent: secrets' values and what targets' writers need (the changes'
//! payloads), who asks and when: the same input gives the same bytes.

pub mod graph;
mod make;
#[cfg(test)]
pub(crate) mod sample_tests;
mod wired;

use dashdeploy_contract::{Action, Address, FieldChange, Name, Risk, ServiceKind};
use serde::{Deserialize, Serialize};

pub use make::ProposalInput;

/// The version of the form that [`Proposal`] has as JSON. Raised whenever a field changes its meaning or goes.
pub const PROPOSAL_VERSION: u32 = 1;

/// What a deploy would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// [`PROPOSAL_VERSION`].
    pub version: u32,
    /// The project.
    pub project: Name,
    /// The environment.
    pub environment: Name,
    /// The release's number: 8 for r8; none where no ledger counts.
    pub release: Option<u32>,
    /// The number of the release before it; none where there is none.
    pub former: Option<u32>,
    /// The commit it was made from, where the project is in a git repository.
    pub commit: Option<String>,
    /// True where files differ from that commit.
    pub dirty: bool,
    /// The services, in the file's order.
    pub services: Vec<ProposedService>,
    /// The changes, in an order in which they can be applied one by one.
    pub changes: Vec<ProposedChange>,
    /// How many there are of each kind.
    pub counts: Counts,
    /// How page and service find each other.
    pub wiring: Vec<Wired>,
    /// What else is run, besides the changes.
    pub hooks: Vec<Hook>,
    /// What platforms will bill from then on.
    pub billable: Vec<Billable>,
    /// The secrets, by name.
    pub secrets: Vec<ProposedSecret>,
    /// What is probably not meant, each as a sentence.
    pub warnings: Vec<String>,
    /// What is as it should be.
    pub unchanged: Vec<Address>,
}

/// A service, before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposedService {
    /// Its name.
    pub name: Name,
    /// Built files, or a container.
    pub kind: ServiceKind,
    /// The target it is on.
    pub target: String,
    /// The target's name for people.
    pub title: String,
    /// Its region, where one is given.
    pub region: Option<String>,
    /// The image that runs, in short; none where nothing runs, or nobody can tell.
    pub image_before: Option<String>,
    /// The image that will run, in short; none where it has none.
    pub image_after: Option<String>,
    /// Where it will be reached from outside.
    pub address: PublicAddress,
    /// How many copies will run.
    pub copies: u32,
    /// Seconds for which it is expected not to answer, over all its changes; none where it answers all the time.
    pub downtime: Option<u32>,
}

/// Where a service is reached from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicAddress {
    /// The address; none where it has none, or none is known yet.
    pub url: Option<String>,
    /// How it is known.
    pub source: AddressSource,
}

/// How an address is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AddressSource {
    /// The user's own host name.
    Domain,
    /// It follows from names that we choose, before anything exists.
    Predicted,
    /// The platform gave it.
    Assigned,
    /// The platform gives it once the service is there, or the service has none.
    Unknown,
}

/// One step: a change of the plan without what its writer needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposedChange {
    /// What is changed.
    pub address: Address,
    /// The target it is shown under; for a push that of the service.
    pub target: String,
    /// The service it belongs to, where it belongs to one.
    pub service: Option<Name>,
    /// What is done to it.
    pub action: Action,
    /// The cause.
    pub reason: String,
    /// The fields that differ. A secret is shown by its fingerprint.
    pub fields: Vec<FieldChange>,
    /// What it may do to those who use the service.
    pub risk: Risk,
    /// Seconds for which the service is expected not to answer.
    pub downtime: Option<u32>,
    /// Changes of this plan that come before.
    pub needs: Vec<Address>,
    /// Services that must be healthy before.
    pub needs_healthy: Vec<Name>,
    /// True where the service's health decides over its success.
    pub gated: bool,
}

/// How many changes there are of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Things made.
    pub create: usize,
    /// Things changed in place.
    pub update: usize,
    /// Things put anew.
    pub replace: usize,
    /// Things taken away.
    pub delete: usize,
    /// Things done with what is there.
    pub run: usize,
    /// Things that stay as they are.
    pub unchanged: usize,
}

/// How a page finds a service, and the service the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wired {
    /// The page.
    pub page: Name,
    /// The service that it speaks to.
    pub service: Name,
    /// Which way was taken.
    pub way: Way,
    /// The path prefixes that the page's proxy hands on to the service.
    pub paths: Vec<String>,
    /// Where the page is opened.
    pub page_address: PublicAddress,
    /// Where the service is reached.
    pub service_address: PublicAddress,
    /// What is built into the page.
    pub built_in: Vec<Told>,
    /// What the service is told of the page.
    pub told: Vec<Told>,
}

/// The two ways from a page to a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// Through the page's own origin, whose target hands paths on.
    SameOrigin,
    /// By an absolute address, so that the service has to allow the page's origin (CORS).
    Absolute,
}

/// A variable that carries an address from one service to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The variable.
    pub variable: String,
    /// Its value, with `${env:NAME}` left as it is written; none while the address is not known.
    pub value: Option<String>,
}

/// Something else that is run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// What kind of thing.
    pub kind: HookKind,
    /// The service it is run for; none for a hook of the whole project.
    pub service: Option<Name>,
    /// What exactly: a Dockerfile, a repository, a request, a command.
    pub what: String,
}

impl Hook {
    /// For what it is run: its service, or `here` for a command on this machine.
    pub fn whom(&self) -> &str {
        self.service.as_ref().map_or("here", Name::as_str)
    }
}

/// What else is run, in the order of a deploy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HookKind {
    /// An image, or files, are built.
    Build,
    /// A command of the user's, before the first change.
    Before,
    /// An image is put where its target takes it from.
    Push,
    /// A request of the user's own, from outside.
    Smoke,
    /// A preflight request, as a browser sends it from the page's origin.
    Preflight,
    /// A command of the user's, once all of it is verified.
    After,
}

/// What a platform will bill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Billable {
    /// What is billed.
    pub address: Address,
    /// The target it is shown under.
    pub target: String,
    /// How the platform counts it: `1 machine shared-cpu-1x with 512 MB`.
    pub what: String,
}

/// A secret by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposedSecret {
    /// The service that gets it.
    pub service: Name,
    /// The variable.
    pub variable: String,
    /// The fingerprint of the value that will count, where it can be told.
    pub fingerprint: Option<String>,
    /// What becomes of it.
    pub state: SecretState,
}

/// What becomes of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretState {
    /// It gets a value for the first time, as far as can be told.
    Set,
    /// Its value is another than before.
    Changed,
    /// Its value is that of before.
    Unchanged,
    /// No value is given here; that which the platform keeps stays.
    Kept,
}

impl Proposal {
    /// True where nothing has to be done.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The changes that take data away.
    pub fn loses_data(&self) -> impl Iterator<Item = &ProposedChange> {
        self.changes.iter().filter(|change| change.risk == Risk::LosesData)
    }

    /// The service of a name.
    pub fn service(&self, name: &Name) -> Option<&ProposedService> {
        self.services.iter().find(|service| service.name == *name)
    }

    /// The name for people of a target; its own name where nothing better is known.
    pub fn title<'a>(&'a self, target: &'a str) -> &'a str {
        let known = self.services.iter().find(|service| service.target == target);
        known.map_or(target, |service| service.title.as_str())
    }
}

impl ProposedService {
    /// True where another image will run than runs.
    pub fn changes_image(&self) -> bool {
        self.image_before != self.image_after
    }
}

impl Counts {
    /// The counts with their words, in the order in which they are shown; zeros are left out.
    pub fn words(&self) -> Vec<(usize, &'static str)> {
        let all = [
            (self.create, "to create"),
            (self.update, "to update"),
            (self.replace, "to replace"),
            (self.run, "to run"),
            (self.delete, "to delete"),
        ];
        all.into_iter().filter(|(count, _)| *count > 0).chain([(self.unchanged, "unchanged")]).collect()
    }

    /// `2 to create, 1 to replace, 3 unchanged`.
    pub fn sentence(&self) -> String {
        let parts: Vec<String> = self.words().iter().map(|(count, word)| format!("{count} {word}")).collect();
        parts.join(", ")
    }
}

impl HookKind {
    /// The word shown to people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Before => "before",
            Self::After => "after",
            Self::Push => "push",
            Self::Smoke => "smoke test",
            Self::Preflight => "preflight",
        }
    }
}

impl SecretState {
    /// The words shown to people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
            Self::Kept => "kept on the platform",
        }
    }
}

impl PublicAddress {
    /// The address and how it is known, for people.
    pub fn words(&self) -> String {
        let how = match self.source {
            AddressSource::Domain => "own host name",
            AddressSource::Predicted => "predicted",
            AddressSource::Assigned => "assigned by the platform",
            AddressSource::Unknown => "not known before the service is there",
        };
        match &self.url {
            Some(url) => format!("{url} ({how})"),
            None => how.to_owned(),
        }
    }
}

#[cfg(test)]
#[path = "proposal/tests.rs"]
mod tests;
