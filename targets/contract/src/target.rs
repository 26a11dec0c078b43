//! What every target must answer: a pure half that decides, a reader that looks, a writer that does.

use std::sync::Arc;

use async_trait::async_trait;
use indexmap::IndexMap;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::{
    Access, Address, Bound, Change, Desk, ExecRequest, ExecSession, Finding, Health, HealthWatch, LogFeed,
    LogQuery, Manifests, Name, Observed, OptionRule, PageServer, Plan, Portability, Release, Served, Service,
    ServiceAddress, Supplies, TargetError, Template, Writes,
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
    /// The variables that its base addresses may come from, by the vendor's own names.
    #[serde(default)]
    pub settings: Vec<Setting>,
    /// How a pipeline gets short-lived credentials for it instead of stored ones; none where it cannot.
    #[serde(default)]
    pub federation: Option<Federation>,
    /// What it can do.
    pub capabilities: Capabilities,
    /// True where this version writes its files and checks for it, and cannot deploy to it yet.
    #[serde(default)]
    pub files_only: bool,
    /// Choices that only this target offers.
    #[serde(default)]
    pub options: Vec<OptionRule>,
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

/// A variable that says where a platform is, instead of its public address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// The variable's name.
    pub variable: String,
    /// What it holds.
    pub purpose: String,
    /// What counts without it.
    pub default: String,
}

/// How a run of GitHub Actions gets short-lived credentials by OpenID Connect
/// (<https://docs.github.com/actions/concepts/security/openid-connect>).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Federation {
    /// The action that logs in, such as `azure/login`.
    pub action: String,
    /// Its inputs, each with the variable of the repository or environment that it is taken from. None of them is secret.
    pub inputs: IndexMap<String, String>,
    /// The input that takes the region of dashdeploy.yaml, where that names one.
    #[serde(default)]
    pub region: Option<String>,
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

/// Where a target takes the image of a service from.
#[derive(Debug, Clone)]
pub enum ImageHome {
    /// The engine that built it.
    Engine,
    /// The registry that dashdeploy.yaml names.
    Registry,
    /// A repository of the platform's own.
    Own(OwnRepository),
    /// It takes none: the platform builds the service from a commit.
    Unneeded,
}

/// A repository of a platform's own registry.
#[derive(Debug, Clone)]
pub struct OwnRepository {
    /// Host and path: `registry.fly.io/shop-api`.
    pub repository: String,
    /// Who pushes.
    pub user: String,
    /// The password.
    pub password: SecretString,
    /// The change after which the repository is there.
    pub after: Address,
}

/// A secret of a service that is to be set, or not to be there any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretEdit {
    /// The service.
    pub service: Name,
    /// The variable.
    pub variable: String,
    /// The fingerprint of its new value, which the writer gets; none where it goes.
    pub fingerprint: Option<String>,
}

/// What stands for a fingerprint in a release where nobody here knows the value and the platform keeps one that it does not
/// tell anything of: it stays as it is, and is no difference.
pub const KEPT: &str = "kept";

/// A secret as a platform keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptSecret {
    /// The service.
    pub service: Name,
    /// The variable.
    pub variable: String,
    /// [`crate::fingerprint`] of its value, where that can be told.
    pub fingerprint: Option<String>,
    /// True where what runs has it already; false where it comes with the next deploy.
    pub in_use: bool,
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

    /// What it cannot carry of this project, each with the mend. What is wrong with options by their own rules is told by
    /// [`Descriptor::check_options`], for every target alike.
    fn check(&self, bound: &Bound) -> Vec<Finding>;

    /// The services' addresses, as far as they are known before anything exists.
    fn addresses(&self, bound: &Bound) -> IndexMap<Name, ServiceAddress>;

    /// How much of the project it carries: for each of its services a row for each of [`crate::Topic::raised`].
    fn portability(&self, desk: &Desk) -> Vec<Portability>;

    /// The templates of its files, by name.
    fn templates(&self) -> &'static [Template] {
        &[]
    }

    /// The files it reads, for the services that are on it.
    fn manifests(&self, _desk: &Desk) -> Manifests {
        Manifests::default()
    }

    /// True where it routes the `proxy` paths of a page, so that page and service have one origin.
    fn routes(&self, _desk: &Desk, _service: &Service) -> bool {
        self.descriptor().capabilities.same_origin
    }

    /// How an nginx that serves a page as a container reaches the services behind it; none where that is the Docker host's
    /// way, or where no such container runs.
    fn page_server(&self, _desk: &Desk, _service: &Service) -> Option<PageServer> {
        None
    }

    /// The path of a second Dockerfile of a service whose Dockerfile dashdeploy writes: the same steps without any mount, for
    /// a builder that takes none; none where the Dockerfile itself does. Relative to the project folder.
    fn plain_dockerfile(&self, _desk: &Desk, _service: &Service) -> Option<String> {
        None
    }

    /// The changes that turn what is there into the release. Things without our ownership mark are never changed; where one
    /// is in the way, that is an error.
    ///
    /// # Errors
    /// [`TargetError`] when the release cannot be had: a thing of others in the way, a variable that cannot be filled in.
    fn plan(&self, _release: &Release, _observed: &Observed) -> Result<Plan, TargetError> {
        Err(files_only(self.descriptor(), "plan"))
    }

    /// The changes that take the environment away, except what does not bear our mark.
    ///
    /// # Errors
    /// As for [`Target::plan`].
    fn plan_removal(
        &self,
        _bound: &Bound,
        _observed: &Observed,
        _removal: Removal,
    ) -> Result<Plan, TargetError> {
        Err(files_only(self.descriptor(), "plan a removal"))
    }

    /// The changes that set or unset secrets where the platform keeps them, without a deploy.
    ///
    /// # Errors
    /// [`TargetError`] of kind `Unsupported` where the platform keeps none.
    fn plan_secrets(
        &self,
        _bound: &Bound,
        _observed: &Observed,
        _edits: &[SecretEdit],
    ) -> Result<Plan, TargetError> {
        Err(TargetError::unsupported(self.descriptor().name.clone(), "keep secrets")
            .hint("they are read where the deploy runs: the environment, --secrets-file, .env"))
    }

    /// Where it takes a service's image from.
    fn image_home(&self, _access: &Access, _bound: &Bound, _service: &Service) -> ImageHome {
        ImageHome::Registry
    }

    /// The half that looks. It sends no write: nothing that it is handed could.
    ///
    /// # Errors
    /// [`TargetError`] when the platform cannot be reached or the credentials do not do.
    async fn connect_reader(&self, _access: &Access) -> Result<Box<dyn Reader>, TargetError> {
        Err(files_only(self.descriptor(), "connect"))
    }

    /// The half that does. A dry run never asks for it.
    ///
    /// # Errors
    /// As for [`Target::connect_reader`].
    async fn connect_writer(
        &self,
        _access: &Access,
        _writes: Arc<dyn Writes>,
    ) -> Result<Box<dyn Writer>, TargetError> {
        Err(files_only(self.descriptor(), "connect"))
    }
}

/// What a target answers that this version writes files for and cannot deploy to.
fn files_only(descriptor: &Descriptor, operation: &str) -> TargetError {
    TargetError::unsupported(descriptor.name.clone(), operation).hint(format!(
        "this version writes the files for {} and does not deploy to it; each file's head says how it is used",
        descriptor.title
    ))
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

    /// What a service really runs.
    ///
    /// # Errors
    /// [`TargetError`] when the platform cannot be asked.
    async fn served(&self, bound: &Bound, service: &Name) -> Result<Served, TargetError>;

    /// The secrets that the platform keeps for the environment; empty where it keeps none.
    ///
    /// # Errors
    /// [`TargetError`] when the platform cannot be asked.
    async fn secrets(&self, _bound: &Bound) -> Result<Vec<KeptSecret>, TargetError> {
        Ok(Vec::new())
    }

    /// What [`Reader::observe`] and [`Reader::secrets`] tell, where one look tells both; none where they are asked for apart.
    ///
    /// # Errors
    /// [`TargetError`] when the platform cannot be asked.
    async fn look_once(&self, _bound: &Bound) -> Result<Option<(Observed, Vec<KeptSecret>)>, TargetError> {
        Ok(None)
    }

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
    async fn apply(&self, bound: &Bound, change: &Change, supplies: &Supplies) -> Result<(), TargetError>;

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
