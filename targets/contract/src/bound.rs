//! A project seen in one environment: overrides applied, dependencies derived.

use indexmap::{IndexMap, IndexSet};
use serde::{Deserialize, Serialize};

use crate::{
    AddressField, Descriptor, Environment, Hooks, Name, Options, Project, Reference, Service, ServiceKind,
    ServiceOverride, Smoke, Volume,
};

/// A project bound to one environment. What targets and templates look at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bound {
    /// The project's name.
    pub project: Name,
    /// The environment's name.
    pub environment: Name,
    /// The environment's own target.
    pub target: Name,
    /// The region of the environment, where one is given: that of its own target.
    pub region: Option<String>,
    /// The regions of single services, where one is given.
    pub regions: IndexMap<Name, String>,
    /// Where images are pushed to, as `ghcr.io/acme`, where that is given.
    pub registry: Option<String>,
    /// Where its history and lock lie, as `s3://bucket/prefix`; none for the project's folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ledger: Option<String>,
    /// The services with the environment's overrides applied, in the file's order.
    pub services: IndexMap<Name, Service>,
    /// The target of each service.
    pub targets: IndexMap<Name, Name>,
    /// The user's own host names, by service.
    pub domains: IndexMap<Name, String>,
    /// The options of each service's target that count for it.
    pub options: IndexMap<Name, Options>,
    /// Those of them that are written for the service alone.
    pub own_options: IndexMap<Name, Options>,
    /// The named volumes.
    pub volumes: IndexMap<Name, Volume>,
    /// What must hold after a deploy.
    pub smoke: Vec<Smoke>,
    /// What is run on this machine around a deploy.
    #[serde(default, skip_serializing_if = "Hooks::is_empty")]
    pub hooks: Hooks,
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
            ledger: chosen.ledger.clone().or_else(|| self.ledger.clone()),
            services: services.collect(),
            targets: self.services.keys().map(|s| (s.clone(), target_of(chosen, s))).collect(),
            regions: each(chosen, |changes| changes.region.clone()),
            domains: each(chosen, |changes| changes.domain.clone()),
            options: self.services.keys().map(|s| (s.clone(), options_of(chosen, s))).collect(),
            own_options: each(chosen, |changes| Some(changes.options.clone())),
            volumes: self.volumes.clone(),
            smoke: self.smoke.clone(),
            hooks: chosen.hooks.clone().unwrap_or_else(|| self.hooks.clone()),
        })
    }
}

fn target_of(environment: &Environment, service: &Name) -> Name {
    let own = environment.services.get(service).and_then(|changes| changes.target.clone());
    own.unwrap_or_else(|| environment.target.clone())
}

fn each<T>(environment: &Environment, of: impl Fn(&ServiceOverride) -> Option<T>) -> IndexMap<Name, T> {
    environment.services.iter().filter_map(|(name, changes)| Some((name.clone(), of(changes)?))).collect()
}

/// The environment's options where the service is on the environment's own target, and the service's own before them.
fn options_of(environment: &Environment, service: &Name) -> Options {
    let shared = target_of(environment, service) == environment.target;
    let mut options = if shared { environment.options.clone() } else { Options::new() };
    if let Some(changes) = environment.services.get(service) {
        options.extend(changes.options.clone());
    }
    options
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
    service.replicas = changes.replicas.unwrap_or(service.replicas);
    service
}

impl Bound {
    /// The services that a target hosts, in the file's order.
    pub fn services_on<'a>(&'a self, target: &'a str) -> impl Iterator<Item = &'a Service> {
        self.services.values().filter(move |service| self.is_on(service, target))
    }

    /// True where a service is on a target.
    pub fn is_on(&self, service: &Service, target: &str) -> bool {
        self.targets.get(&service.name).is_some_and(|on| on.as_str() == target)
    }

    /// The region of a service: its own, else the environment's where it is on the environment's target.
    pub fn region_of(&self, service: &Service) -> Option<&str> {
        let shared = self.region.as_ref().filter(|_| self.is_on(service, self.target.as_str()));
        self.regions.get(&service.name).or(shared).map(String::as_str)
    }

    /// The key at which a service's region is written, or would be.
    pub fn region_key(&self, service: &Service) -> String {
        if self.regions.contains_key(&service.name) || !self.is_on(service, self.target.as_str()) {
            return format!("environments.{}.services.{}.region", self.environment, service.name);
        }
        format!("environments.{}.region", self.environment)
    }

    /// The key at which an option of a service is written.
    pub fn option_key(&self, service: &Service, option: &str) -> String {
        if self.own_options.get(&service.name).is_some_and(|own| own.contains_key(option)) {
            return format!("environments.{}.services.{}.options.{option}", self.environment, service.name);
        }
        format!("environments.{}.options.{option}", self.environment)
    }

    /// The same environment with every service that a target can host on that target: how it would be there. What is
    /// written for another target (region, options) does not count.
    #[must_use]
    pub fn moved_to(&self, descriptor: &Descriptor) -> Self {
        let mut moved = self.clone();
        let target = Name::from_any(&descriptor.name, "target");
        for service in self.services.values() {
            let hosts = match service.kind() {
                ServiceKind::Web => descriptor.capabilities.containers,
                ServiceKind::Static => {
                    descriptor.capabilities.containers || descriptor.capabilities.static_files
                }
            };
            if !hosts || self.is_on(service, &descriptor.name) {
                continue;
            }
            moved.targets.insert(service.name.clone(), target.clone());
            moved.regions.shift_remove(&service.name);
            moved.options.shift_remove(&service.name);
            moved.own_options.shift_remove(&service.name);
        }
        if self.target != target {
            moved.region = None;
            moved.target = target;
        }
        moved
    }

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
