//! What is there: services and what belongs to them.
//!
//! Given: nothing. Gives: the things as data, and how they are found. Deliberately absent: how they look in answers (`show`), and
//! how they change.

use std::collections::BTreeMap;

use serde_json::Value;

use super::body::{
    Autoscaling, BuildFilter, Cache, Cidr, Generation, Kind, MaintenanceMode, Plan, Policy, Region, Registry,
    RouteKind, SecretFile,
};
use super::deploy::Deploy;
use super::workload::Container;
use crate::Moment;

/// A service.
pub(super) struct Service {
    pub(super) id: String,
    pub(super) owner: String,
    pub(super) name: String,
    pub(super) slug: String,
    pub(super) kind: Kind,
    pub(super) auto_deploy: bool,
    pub(super) environment: Option<String>,
    pub(super) source: Source,
    pub(super) build_filter: Option<BuildFilter>,
    pub(super) root_dir: String,
    pub(super) env: BTreeMap<String, String>,
    pub(super) files: BTreeMap<String, String>,
    pub(super) settings: Settings,
    pub(super) disk: Option<Disk>,
    pub(super) routes: Vec<Route>,
    pub(super) headers: Vec<Header>,
    pub(super) domains: Vec<Domain>,
    pub(super) suspended: bool,
    pub(super) created: Moment,
    pub(super) updated: Moment,
    /// Oldest first.
    pub(super) deploys: Vec<Deploy>,
    /// What runs, the newest first; those that are on their way out behind.
    pub(super) running: Vec<Running>,
}

/// What a service is made of.
#[derive(Debug, Clone)]
pub(super) enum Source {
    Image { path: String, credential: Option<String> },
    Repository { url: String, branch: String, build: String, publish: String },
}

/// What else is set.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) plan: Plan,
    pub(super) region: Region,
    pub(super) instances: u32,
    pub(super) health: String,
    pub(super) shutdown: u16,
    pub(super) prepare: String,
    pub(super) command: String,
    pub(super) docker_context: String,
    pub(super) dockerfile: String,
    pub(super) previews: Generation,
    pub(super) subdomain: Policy,
    pub(super) allowed: Option<Vec<Cidr>>,
    pub(super) autoscaling: Option<Autoscaling>,
    pub(super) maintenance: Option<MaintenanceMode>,
    pub(super) cache: Option<Cache>,
}

/// The instances of a deploy.
pub(super) struct Running {
    pub(super) deploy: String,
    pub(super) instances: Vec<String>,
    pub(super) since: Moment,
    /// From when on requests reach them, where that is settled.
    pub(super) ready: Option<Moment>,
    /// When they are stopped, where that is settled.
    pub(super) until: Option<Moment>,
    pub(super) disk: bool,
    /// What is started in each; none for a static site.
    pub(super) container: Option<Container>,
    pub(super) files: BTreeMap<String, String>,
}

#[derive(Debug, Clone)]
pub(super) struct Disk {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) size: u32,
    pub(super) mount: String,
    pub(super) created: Moment,
    pub(super) updated: Moment,
}

#[derive(Debug, Clone)]
pub(super) struct Route {
    pub(super) id: String,
    pub(super) kind: RouteKind,
    pub(super) source: String,
    pub(super) destination: String,
}

#[derive(Debug, Clone)]
pub(super) struct Header {
    pub(super) id: String,
    pub(super) path: String,
    pub(super) name: String,
    pub(super) value: String,
}

#[derive(Debug, Clone)]
pub(super) struct Domain {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) apex: bool,
    /// The name that it sends visitors to; empty where it serves itself.
    pub(super) redirect: String,
    pub(super) verified: bool,
    pub(super) created: Moment,
}

/// What images are pulled with.
pub(super) struct Credential {
    pub(super) id: String,
    pub(super) owner: String,
    pub(super) name: String,
    pub(super) registry: Registry,
    pub(super) username: String,
    pub(super) token: String,
    pub(super) created: Moment,
    pub(super) updated: Moment,
}

impl Service {
    /// The port that requests are sent to.
    pub(super) fn port(&self) -> u16 {
        self.env.get("PORT").and_then(|port| port.parse().ok()).unwrap_or(super::PORT)
    }

    /// What a deploy of it starts now.
    pub(super) fn container(&self, image: &str) -> Container {
        Container { image: image.to_owned(), env: self.env.clone(), port: self.port() }
    }

    /// True where autoscaling decides how many instances there are.
    pub(super) fn autoscales(&self) -> bool {
        self.settings.autoscaling.as_ref().is_some_and(|autoscaling| autoscaling.enabled)
    }

    /// The instances that requests are sent to.
    pub(super) fn serving(&self, now: Moment) -> Option<&Running> {
        self.running
            .iter()
            .find(|running| running.ready.is_some_and(|ready| ready <= now) && running.until.is_none())
    }
}

/// Files as the vendor lists them.
pub(super) fn files(all: &BTreeMap<String, String>) -> impl Iterator<Item = SecretFile> {
    all.iter().map(|(name, content)| SecretFile { name: name.clone(), content: content.clone() })
}

/// What is left out of an answer where there is none.
pub(super) fn set(object: &mut Value, name: &str, value: Option<Value>) {
    if let Some(value) = value {
        object[name] = value;
    }
}
