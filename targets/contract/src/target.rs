//! What every target must answer: a pure half that decides, a reader that looks, a writer that does.

use std::collections::BTreeMap;

use async_trait::async_trait;
use indexmap::IndexMap;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::{
    Bound, Change, ExecRequest, ExecSession, Finding, Health, HealthWatch, LogFeed, LogQuery, Name, Observed,
    Plan, Release, SecretStore, ServiceAddress, TargetError,
};

/// What dashdeploy knows of a target without asking it: its `target.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Descriptor {
    /// The word under `target:`.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// Its documentation.
    pub docs: String,
    /// The variables its credentials come from.
    #[serde(default)]
    pub credentials: Vec<Credential>,
    /// What it can do.
    pub capabilities: Capabilities,
}

/// A variable that a target's credentials come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credential {
    /// The variable's name.
    pub variable: String,
    /// What it holds.
    pub purpose: String,
    /// True where nothing works without it.
    #[serde(default)]
    pub required: bool,
}

/// What a target can do. Callers ask this, never a target's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capabilities {
    /// Runs containers.
    pub containers: bool,
    /// Serves built files without a container.
    pub static_files: bool,
    /// Keeps named volumes.
    pub volumes: bool,
    /// Routes a `static` service's `proxy` paths, so that page and API have one origin.
    pub same_origin: bool,
    /// Takes images that only the local engine has.
    pub local_images: bool,
    /// Runs commands in containers.
    pub exec: bool,
    /// Addresses are known before anything exists.
    pub predicts_addresses: bool,
}

/// How to reach a target: read by `io`, handed over once.
#[derive(Debug, Clone, Default)]
pub struct TargetOptions {
    /// The values of the descriptor's credential variables that are set.
    pub credentials: BTreeMap<String, SecretString>,
}

/// A file that a platform reads, as template name and context; the text is made by `render`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Manifest {
    /// Where it goes, relative to the project.
    pub path: String,
    /// The template's name and text.
    pub template: (&'static str, &'static str),
    /// What the template is given.
    pub context: serde_json::Value,
}

/// What a removal takes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// Everything but volumes.
    KeepData,
    /// Volumes too.
    DeleteData,
}

/// A platform. Everything here but the two `connect_…` is pure: no credentials, no network, same input same output.
#[async_trait]
pub trait Target: Send + Sync {
    /// What is known of it beforehand.
    fn descriptor(&self) -> &Descriptor;

    /// What it cannot carry of this project, each with the mend.
    fn check(&self, bound: &Bound) -> Vec<Finding>;

    /// The services' addresses, as far as they are known before anything exists.
    fn addresses(&self, bound: &Bound) -> IndexMap<Name, ServiceAddress>;

    /// The files it reads.
    fn manifests(&self, _bound: &Bound) -> Vec<Manifest> {
        Vec::new()
    }

    /// The changes that turn what is there into the release. Things without our ownership mark are never changed; where one
    /// is in the way, that is an error.
    ///
    /// # Errors
    /// [`TargetError`] when the release cannot be had: a thing of others in the way, a variable that cannot be filled in.
    fn plan(&self, release: &Release, observed: &Observed) -> Result<Plan, TargetError>;

    /// The changes that take the environment away, except what does not bear our mark.
    ///
    /// # Errors
    /// As for [`Target::plan`].
    fn plan_removal(&self, bound: &Bound, observed: &Observed, removal: Removal)
    -> Result<Plan, TargetError>;

    /// The half that looks. It sends no write.
    ///
    /// # Errors
    /// [`TargetError`] when the platform cannot be reached or the credentials do not do.
    async fn connect_reader(&self, options: &TargetOptions) -> Result<Box<dyn Reader>, TargetError>;

    /// The half that does. A dry run never asks for it.
    ///
    /// # Errors
    /// As for [`Target::connect_reader`].
    async fn connect_writer(&self, options: &TargetOptions) -> Result<Box<dyn Writer>, TargetError>;
}

/// Looks at a platform; never changes it.
#[async_trait]
pub trait Reader: Send + Sync {
    /// What is there for the environment, our own or in our way. Secret values are replaced by fingerprints.
    ///
    /// # Errors
    /// [`TargetError`] when the platform cannot be asked.
    async fn observe(&self, bound: &Bound) -> Result<Observed, TargetError>;

    /// One sample of a service's health.
    ///
    /// # Errors
    /// [`TargetError`] when the platform cannot be asked.
    async fn health(&self, bound: &Bound, service: &Name) -> Result<Health, TargetError>;

    /// A subscription to health changes, open when this returns; none where the platform has no such thing and
    /// [`Reader::health`] has to be asked again and again.
    ///
    /// # Errors
    /// [`TargetError`] when the platform cannot be asked.
    async fn watch(&self, _bound: &Bound) -> Result<Option<Box<dyn HealthWatch>>, TargetError> {
        Ok(None)
    }

    /// The services' logs.
    ///
    /// # Errors
    /// [`TargetError`] when the platform cannot be asked.
    async fn logs(&self, bound: &Bound, query: &LogQuery) -> Result<Box<dyn LogFeed>, TargetError>;
}

/// Changes a platform, one change at a time.
#[async_trait]
pub trait Writer: Send + Sync {
    /// Carries out exactly one change; safe to repeat after a crash or a lost reply. Where it replaces a thing, the former
    /// one is kept aside until [`Writer::settle`] or [`Writer::revert`].
    ///
    /// # Errors
    /// [`TargetError`]; nothing is left half made by the failed change itself.
    async fn apply(&self, bound: &Bound, change: &Change, secrets: &SecretStore) -> Result<(), TargetError>;

    /// Takes back what [`Writer::apply`] did: a thing created goes, a thing replaced is the former one again. Data is never
    /// taken away. Safe to repeat.
    ///
    /// # Errors
    /// [`TargetError`] when the former state cannot be had again.
    async fn revert(&self, bound: &Bound, change: &Change) -> Result<(), TargetError>;

    /// Drops what was kept for [`Writer::revert`], after the verdict was good. Safe to repeat.
    ///
    /// # Errors
    /// [`TargetError`] when something could not be dropped.
    async fn settle(&self, _bound: &Bound, _change: &Change) -> Result<(), TargetError> {
        Ok(())
    }

    /// Runs a command in a service's container.
    ///
    /// # Errors
    /// [`TargetError`] of kind `Unsupported` where the target has no such thing.
    async fn exec(&self, _bound: &Bound, _request: &ExecRequest) -> Result<ExecSession, TargetError> {
        Err(TargetError::unsupported("target", "exec"))
    }
}
