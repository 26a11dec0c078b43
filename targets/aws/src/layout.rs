//! Who is reached how: which services run as containers, which are pages, and what stands in front of each.
//!
//! Given: a bound project with its addresses. Gives: the questions that every file and the report ask. Deliberately absent:
//! any resource of CloudFormation.

use dashdeploy_contract::{
    AddressField, Descriptor, Desk, Name, Publish, Reference, Service, ServiceKind, Source, ValuePart,
    Volume, Writers,
};

use crate::names::Names;
use crate::{TARGET, config};

/// An environment as it is laid out on AWS.
pub(crate) struct Layout<'a> {
    pub(crate) descriptor: &'a Descriptor,
    pub(crate) desk: &'a Desk<'a>,
    pub(crate) names: Names,
    /// Services that run as containers, in the file's order.
    pub(crate) containers: Vec<&'a Service>,
    /// Pages, in the file's order.
    pub(crate) pages: Vec<&'a Service>,
}

/// What answers a service's public name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Edge {
    /// Nothing: it has no public name of its own.
    None,
    /// A distribution of CloudFront.
    CloudFront,
    /// The load balancer itself.
    Balancer,
}

impl<'a> Layout<'a> {
    pub(crate) fn of(descriptor: &'a Descriptor, desk: &'a Desk<'a>) -> Self {
        let of = |kind| desk.bound.services_on(TARGET).filter(move |service| service.kind() == kind);
        Self {
            descriptor,
            desk,
            names: Names::of(desk.bound),
            containers: of(ServiceKind::Web).collect(),
            pages: of(ServiceKind::Static).collect(),
        }
    }

    /// An option's value.
    pub(crate) fn option(&self, service: &Service, name: &str) -> Option<&'a str> {
        self.descriptor.option(self.desk.bound, service, name)
    }

    /// The region of everything.
    pub(crate) fn region(&self) -> &'a str {
        config::region(self.desk.bound)
    }

    /// The user's own host name of a service.
    pub(crate) fn domain(&self, service: &Service) -> Option<&'a str> {
        self.desk.bound.domains.get(&service.name).map(String::as_str)
    }

    /// The pages that hand paths on to a service.
    pub(crate) fn is_proxied(&self, service: &Service) -> bool {
        self.pages.iter().any(|page| self.routes(page) && page.proxy.values().any(|to| *to == service.name))
    }

    /// True where CloudFront hands the page's paths on.
    pub(crate) fn routes(&self, page: &Service) -> bool {
        self.desk.wiring.same_origin.contains(&page.name)
    }

    /// What answers a service's own public name. One that a page hands paths on to needs none, unless it has a domain or is
    /// named by its address elsewhere.
    pub(crate) fn edge(&self, service: &Service) -> Edge {
        let public = service.port.is_some()
            && (service.publish != Publish::No || self.domain(service).is_some() || self.is_named(service));
        let own = self.domain(service).is_some() || !self.is_proxied(service) || self.is_named(service);
        match self.option(service, "edge") {
            _ if !public || !own => Edge::None,
            Some("alb") => Edge::Balancer,
            _ => Edge::CloudFront,
        }
    }

    /// True where a variable somewhere needs the service's public address and is not known to have it.
    fn is_named(&self, service: &Service) -> bool {
        self.desk.bound.services.values().any(|other| {
            let parts = other.env.values().flat_map(|text| self.desk.parts(text, other));
            parts.into_iter().any(|part| part == ValuePart::Url(service.name.clone()))
        })
    }

    /// True where the load balancer has a target group for the service.
    pub(crate) fn is_balanced(&self, service: &Service) -> bool {
        self.edge(service) != Edge::None || (service.port.is_some() && self.is_proxied(service))
    }

    /// Services with a target group.
    pub(crate) fn balanced(&self) -> Vec<&'a Service> {
        self.containers.iter().copied().filter(|service| self.is_balanced(service)).collect()
    }

    /// Services whose requests come from CloudFront: their own distribution, or a page's.
    pub(crate) fn is_behind_cloudfront(&self, service: &Service) -> bool {
        self.edge(service) == Edge::CloudFront || self.is_proxied(service)
    }

    /// Services that others reach by a name inside the network.
    pub(crate) fn internal(&self) -> Vec<&'a Service> {
        let named = |service: &&Service| {
            let texts = self.containers.iter().flat_map(|other| other.env.values());
            texts.flat_map(|text| text.references()).any(|reference| {
                matches!(reference, Reference::Service { service: named, field: AddressField::Host }
                    if *named == service.name)
            })
        };
        self.containers.iter().copied().filter(|s| s.port.is_some()).filter(named).collect()
    }

    /// The volumes that containers mount, in the file's order.
    pub(crate) fn volumes(&self) -> Vec<(&'a Name, &'a Volume)> {
        let mounted = |volume: &Name| self.containers.iter().any(|s| s.volumes.contains_key(volume));
        self.desk.bound.volumes.iter().filter(|(volume, _)| mounted(volume)).collect()
    }

    /// True where the former task has to stop before the new one starts.
    pub(crate) fn is_single(&self, service: &Service) -> bool {
        let single = |volume: &Name| {
            self.desk.bound.volumes.get(volume).is_some_and(|volume| volume.writers == Writers::Single)
        };
        service.volumes.keys().any(single)
    }

    /// True where the service's image lies in a repository that the core stack makes.
    pub(crate) fn has_repository(&self, service: &Service) -> bool {
        matches!(service.source, Source::Build(_)) && self.desk.bound.registry.is_none()
    }
}
