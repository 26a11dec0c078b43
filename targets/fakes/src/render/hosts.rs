//! What runs under which name: what an edge before the platform must know.
//!
//! Given: the moment. Gives: each public name with what answers for it then. Deliberately absent: the answers.

use std::collections::BTreeMap;
use std::fmt;

use super::Render;
use super::body::{Kind, Policy};
use super::deploy::Artifact;
use super::state::Service;
use super::workload::Container;
use crate::Moment;

/// A public name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// `shop.onrender.com`, or a custom domain that was verified.
    pub name: String,
    /// The service's id.
    pub service: String,
    /// True where the service is suspended: the platform answers 503 in its place.
    pub suspended: bool,
    /// The name that visitors are sent to instead; empty where there is none.
    pub redirect: String,
    /// What answers; none where nothing runs, or nothing is ready: the platform answers 502 in its place.
    pub backend: Option<Backend>,
}

/// What answers for a name.
#[derive(Clone, PartialEq, Eq)]
pub struct Backend {
    /// The deploy that it belongs to.
    pub deploy: String,
    /// The ids of its instances; none of a static site.
    pub instances: Vec<String>,
    /// What runs in each of them; of a static site, nothing.
    pub container: Option<Container>,
    /// The commit of a static site.
    pub commit: Option<String>,
    /// The secret files, by name, as they lie below `/etc/secrets`.
    pub files: BTreeMap<String, String>,
}

/// The names of the secret files, and none of what is in them.
impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files: Vec<&String> = self.files.keys().collect();
        let mut shown = f.debug_struct("Backend");
        shown
            .field("deploy", &self.deploy)
            .field("instances", &self.instances)
            .field("container", &self.container);
        shown.field("commit", &self.commit).field("files", &files).finish()
    }
}

impl Render {
    /// All public names, as they are then.
    pub fn hosts(&mut self, now: Moment) -> Vec<Host> {
        self.settle(now);
        self.services.iter().flat_map(|service| self.hosts_of(service)).collect()
    }

    fn hosts_of(&self, service: &Service) -> Vec<Host> {
        if !matches!(service.kind, Kind::WebService | Kind::StaticSite) {
            return Vec::new();
        }
        let label = (service.settings.subdomain == Policy::Enabled)
            .then(|| (format!("{}.onrender.com", service.slug), String::new()));
        let domains = service
            .domains
            .iter()
            .filter(|domain| domain.verified)
            .map(|domain| (domain.name.clone(), domain.redirect.clone()));
        let host = |(name, redirect)| Host {
            name,
            service: service.id.clone(),
            suspended: service.suspended,
            redirect,
            backend: self.backend(service),
        };
        label.into_iter().chain(domains).map(host).collect()
    }

    fn backend(&self, service: &Service) -> Option<Backend> {
        let running = service.serving(self.now)?;
        let deploy = service.deploys.iter().find(|deploy| deploy.id == running.deploy)?;
        let commit = match &deploy.artifact {
            Artifact::Commit(id) => Some(id.clone()),
            Artifact::Image(_) => None,
        };
        let (container, files) = (running.container.clone(), running.files.clone());
        Some(Backend {
            deploy: deploy.id.clone(),
            instances: running.instances.clone(),
            container,
            commit,
            files,
        })
    }
}
