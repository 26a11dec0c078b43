//! A project seen in one environment: overrides applied, dependencies derived.

use indexmap::{IndexMap, IndexSet};
use serde::{Deserialize, Serialize};

use crate::{AddressField, Environment, Name, Project, Reference, Service, ServiceOverride, Smoke, Volume};

/// A project bound to one environment. What targets and templates look at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bound {
    /// The project's name.
    pub project: Name,
    /// The environment's name.
    pub environment: Name,
    /// The environment's own target.
    pub target: Name,
    /// The region, where one is given.
    pub region: Option<String>,
    /// Where images are pushed to, as `ghcr.io/acme`, where that is given.
    pub registry: Option<String>,
    /// The services with the environment's overrides applied, in the file's order.
    pub services: IndexMap<Name, Service>,
    /// The target of each service.
    pub targets: IndexMap<Name, Name>,
    /// The named volumes.
    pub volumes: IndexMap<Name, Volume>,
    /// What must hold after a deploy.
    pub smoke: Vec<Smoke>,
}

/// The environment asked for is not in dashdeploy.yaml.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no environment `{asked}` in dashdeploy.yaml")]
pub struct UnknownEnvironment {
    /// What was asked for.
    pub asked: String,
    /// What there is.
    pub known: Vec<Name>,
}

impl Project {
    /// The project as it is in an environment.
    ///
    /// # Errors
    /// [`UnknownEnvironment`] names those that there are.
    pub fn bind(&self, environment: &str) -> Result<Bound, UnknownEnvironment> {
        let found = self.environments.iter().find(|(name, _)| name.as_str() == environment);
        let (name, chosen) = found.ok_or_else(|| UnknownEnvironment {
            asked: environment.to_owned(),
            known: self.environments.keys().cloned().collect(),
        })?;
        let services = self.services.values().map(|service| {
            let service = chosen
                .services
                .get(&service.name)
                .map_or_else(|| service.clone(), |changes| overridden(service, changes));
            (service.name.clone(), service)
        });
        Ok(Bound {
            project: self.name.clone(),
            environment: name.clone(),
            target: chosen.target.clone(),
            region: chosen.region.clone(),
            registry: chosen.registry.clone().or_else(|| self.registry.clone()),
            services: services.collect(),
            targets: self.services.keys().map(|s| (s.clone(), target_of(chosen, s))).collect(),
            volumes: self.volumes.clone(),
            smoke: self.smoke.clone(),
        })
    }
}

fn target_of(environment: &Environment, service: &Name) -> Name {
    let own = environment.services.get(service).and_then(|changes| changes.target.clone());
    own.unwrap_or_else(|| environment.target.clone())
}

fn overridden(service: &Service, changes: &ServiceOverride) -> Service {
    let mut service = service.clone();
    for (key, value) in &changes.env {
        service.env.insert(key.clone(), value.clone());
    }
    for (key, requirement) in &changes.secrets {
        service.secrets.insert(key.clone(), *requirement);
    }
    service.publish = changes.publish.unwrap_or(service.publish);
    service.resources = changes.resources.unwrap_or(service.resources);
    service
}

impl Bound {
    /// The services that must be healthy before this one starts: those it names, those it proxies to, and those whose
    /// internal address (`host`, `port`) its variables hold. Public addresses (`url`, `origin`) make no dependency, so that
    /// an API may know its page's origin while the page waits for the API.
    pub fn dependencies(&self, service: &Service) -> Vec<Name> {
        let internal = service.env.values().flat_map(|text| text.references()).filter_map(|r| match r {
            Reference::Service { service, field: AddressField::Host | AddressField::Port } => Some(service),
            _ => None,
        });
        let all: IndexSet<&Name> =
            service.depends_on.iter().chain(service.proxy.values()).chain(internal).collect();
        all.into_iter()
            .filter(|name| **name != service.name && self.services.contains_key(*name))
            .cloned()
            .collect()
    }
}
