//! The validated project: what one dashdeploy.yaml describes, with no option left open.
//!
//! `config` makes it; everything after reads it. Key paths of the file (`services.api.port`) name its parts in findings, so
//! that no span has to be carried along.

use std::net::IpAddr;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::{Build, BuildKind, Name, Options, Recipe, Text};

/// What one dashdeploy.yaml describes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Project {
    /// Its name.
    pub name: Name,
    /// The deployable units, in the file's order.
    pub services: IndexMap<Name, Service>,
    /// The named volumes.
    pub volumes: IndexMap<Name, Volume>,
    /// What must hold after a deploy.
    pub smoke: Vec<Smoke>,
    /// What is run on this machine around a deploy, where an environment says nothing else.
    #[serde(default, skip_serializing_if = "Hooks::is_empty")]
    pub hooks: Hooks,
    /// The environments; `local` on target `docker` is always there.
    pub environments: IndexMap<Name, Environment>,
    /// Where its images are pushed to, as `ghcr.io/acme`: a host, a port, a path, without a name of an image.
    pub registry: Option<String>,
    /// Where its history and lock lie, for all who deploy it: `s3://bucket/prefix`, `az://…`, `gs://…`; none for the folder of
    /// the project itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ledger: Option<String>,
    /// What the guards let pass: the reason by the finding's fingerprint.
    #[serde(default)]
    pub allow: IndexMap<String, String>,
    /// Findings about the code that are not told: the reason by `CODE` or `CODE SERVICE`.
    #[serde(default)]
    pub silence: IndexMap<String, String>,
    /// Whose pipeline tests, builds and deploys it.
    #[serde(default)]
    pub ci: Ci,
}

/// Commands of the user's own that are run around a deploy: each is a line for `sh -c`, run in the project's folder of the machine
/// that deploys.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Hooks {
    /// Before the first change; the first that fails ends the deploy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<String>,
    /// Once the release runs and is verified.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
}

impl Hooks {
    /// True where nothing is run.
    pub fn is_empty(&self) -> bool {
        self.before.is_empty() && self.after.is_empty()
    }
}

/// Who runs a project's pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ci {
    /// Nobody: no file is written.
    #[default]
    None,
    /// GitHub Actions: `.github/workflows/deploy.yml`.
    Github,
    /// GitLab CI: `.gitlab-ci.yml`.
    Gitlab,
}

/// One deployable unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Service {
    /// Its name.
    pub name: Name,
    /// Where its image comes from.
    pub source: Source,
    /// The TCP port it listens on inside its container; none for a service that only works.
    pub port: Option<u16>,
    /// How a Docker host makes it reachable.
    pub publish: Publish,
    /// How to tell that it works.
    pub health: HealthCheck,
    /// Variables: at run time for a `web` service, at build time (and public) for a `static` one.
    pub env: IndexMap<String, Text>,
    /// Names of secret variables.
    pub secrets: IndexMap<String, Requirement>,
    /// Volumes and the absolute path of each in the container.
    pub volumes: IndexMap<Name, String>,
    /// Path prefixes that a `static` service hands on to another service, so that both have one origin.
    pub proxy: IndexMap<String, Name>,
    /// Services that must be healthy before this one starts, besides those that follow from references and proxies.
    pub depends_on: Vec<Name>,
    /// The command instead of the image's own.
    pub command: Option<Vec<String>>,
    /// What it may use.
    pub resources: Resources,
    /// How many copies run at once; at least 1.
    pub replicas: u32,
    /// What it logs.
    pub log: Log,
    /// False where the root file system may be written to.
    pub read_only: bool,
    /// Response headers of a `static` service that replace the built-in ones of the same name; an empty value removes one.
    pub headers: IndexMap<String, String>,
}

/// Where an image comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "a project has a handful of services")]
pub enum Source {
    /// Built from source.
    Build(Build),
    /// Taken from a registry.
    Image(String),
}

/// What kind of unit a service is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServiceKind {
    /// A container.
    Web,
    /// Built files.
    Static,
}

/// How a Docker host makes a service reachable from outside its network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Publish {
    /// Not at all.
    No,
    /// On a port of the host.
    Port {
        /// The address bound; loopback unless the service is public.
        address: IpAddr,
        /// The port on the host.
        port: u16,
    },
}

/// How to tell that a service works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthCheck {
    /// It works while its process lives, or while the image's own health check says so.
    None,
    /// A GET of this path on the service's port answers with a status below 400.
    Http {
        /// An absolute path.
        path: String,
    },
    /// A command in the container exits with 0.
    Command {
        /// Program and arguments.
        test: Vec<String>,
    },
}

/// Whether a secret must have a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Requirement {
    /// Nothing starts without it.
    Required,
    /// Left unset when there is none.
    Optional,
}

/// What a service may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resources {
    /// Bytes of memory.
    pub memory: u64,
    /// Thousandths of a processor.
    pub cpu_millis: u32,
}

/// What a service logs. Where dashdeploy knows the server, `config` has put the variables that say so among the service's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Log {
    /// The least important messages that are logged; none for the application's own choice.
    pub level: Option<LogLevel>,
    /// Whether requests are logged.
    pub access: bool,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: None, access: true }
    }
}

/// How important a logged message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Everything.
    Debug,
    /// What happens.
    Info,
    /// What is odd.
    Warning,
    /// What went wrong.
    Error,
    /// What stops the service.
    Critical,
}

/// A named volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// Bytes wanted, where the platform asks; a Docker host does not limit it.
    pub size: Option<u64>,
    /// How many containers may write at once.
    pub writers: Writers,
}

/// How many containers may write to a volume at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Writers {
    /// One: the old container stops before the new one starts, and there is no second replica.
    Single,
    /// Any number.
    Many,
}

/// A request that must be answered as said after a deploy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Smoke {
    /// The service asked.
    pub service: Name,
    /// The absolute path asked for.
    pub path: String,
    /// The status expected.
    pub status: u16,
    /// Text that the body must contain.
    pub contains: Option<String>,
}

/// One environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// The target its services are deployed to.
    pub target: Name,
    /// The platform's word for the region, where it has one.
    pub region: Option<String>,
    /// Where its images are pushed to, instead of the project's own registry.
    pub registry: Option<String>,
    /// Where its history and lock lie, instead of the project's own ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ledger: Option<String>,
    /// What is run around a deploy there, instead of the project's own hooks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hooks: Option<Hooks>,
    /// Options of its target, for all services on it.
    pub options: Options,
    /// What differs for single services.
    pub services: IndexMap<Name, ServiceOverride>,
}

/// What differs for a service in one environment. Absent means: as the service says.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ServiceOverride {
    /// Another target.
    pub target: Option<Name>,
    /// Another region.
    pub region: Option<String>,
    /// Another way to be reached.
    pub publish: Option<Publish>,
    /// Variables added or replaced.
    pub env: IndexMap<String, Text>,
    /// Secrets added or replaced.
    pub secrets: IndexMap<String, Requirement>,
    /// Other limits.
    pub resources: Option<Resources>,
    /// Another number of copies.
    pub replicas: Option<u32>,
    /// The user's own host name, such as `api.example.com`.
    pub domain: Option<String>,
    /// Options of the service's target.
    pub options: Options,
}

impl Service {
    /// `static` for built files, `web` for everything else.
    pub fn kind(&self) -> ServiceKind {
        match self.build().map(|build| build.kind) {
            Some(BuildKind::Vite | BuildKind::Static) => ServiceKind::Static,
            _ => ServiceKind::Web,
        }
    }

    /// True for a single-page application: paths that are no file are answered with its page.
    pub fn is_spa(&self) -> bool {
        self.build().is_some_and(|build| matches!(build.recipe, Recipe::Spa(_)))
    }

    /// How it is built, unless its image is taken from a registry.
    pub fn build(&self) -> Option<&Build> {
        match &self.source {
            Source::Build(build) => Some(build),
            Source::Image(_) => None,
        }
    }

    /// True where dashdeploy writes the Dockerfile, and so knows the user, the paths and the tools in the image.
    pub fn is_generated(&self) -> bool {
        self.build().is_some_and(|build| build.kind != BuildKind::Dockerfile)
    }
}

impl LogLevel {
    /// Every level with its word, the least important first.
    pub const WORDS: [(&'static str, Self); 5] = [
        ("debug", Self::Debug),
        ("info", Self::Info),
        ("warning", Self::Warning),
        ("error", Self::Error),
        ("critical", Self::Critical),
    ];

    /// The word in dashdeploy.yaml, which Uvicorn and Gunicorn take as it is.
    pub fn as_str(self) -> &'static str {
        Self::WORDS.iter().find(|(_, level)| *level == self).map_or("info", |(word, _)| word)
    }
}

impl Requirement {
    /// The word in dashdeploy.yaml.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Optional => "optional",
        }
    }
}
