//! Addresses filled into variables: how API and page find each other.
//!
//! Given: a [`Text`], the service it belongs to, the addresses a target predicts or has assigned. Gives: the finished
//! string. Where a `static` service hands a path on to another service, that service's public address is
//! [`SAME_ORIGIN`], so that the built page works under whatever host name it is opened.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;

use crate::{AddressField, Bound, Desk, Name, Part, Reference, Service, ServiceKind, Target, Text};

/// The public address of a service of the same origin, as a page sees it: `/.`.
///
/// It is neither empty (front ends of the form `import.meta.env.X || "http://localhost:8000"` take the empty string for
/// unset) nor `/` (`/` + `/api/health` would name a host called `api`): `/.` + `/api/health` is the path `/./api/health`,
/// which every browser normalises to `/api/health` (WHATWG URL Standard, section 4.4, single-dot path segment).
const SAME_ORIGIN: &str = "/.";

/// Where one service is reached.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct ServiceAddress {
    /// The address a browser uses, without trailing slash; none where it cannot be reached from outside.
    pub url: Option<String>,
    /// The host name for other services.
    pub host: Option<String>,
    /// The port for other services.
    pub port: Option<u16>,
}

/// The addresses of one environment, and the variables of the process that `${env:…}` may name.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Wiring {
    /// The services' addresses.
    pub services: IndexMap<Name, ServiceAddress>,
    /// The `static` services whose `proxy` paths are routed by their target, so that page and service have one origin.
    pub same_origin: BTreeSet<Name>,
    /// What `${env:NAME}` stands for.
    pub environment: BTreeMap<String, String>,
    /// What `${release}` stands for.
    pub release: Option<String>,
}

/// A reference that cannot be filled in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{reference}` cannot be filled in: {reason}")]
pub struct Unresolved {
    /// The reference as written.
    pub reference: String,
    /// Why, and what to do.
    pub reason: String,
}

impl Wiring {
    /// The addresses of an environment as its targets know them beforehand; a service's own host name counts before what
    /// its target would give it. `target` finds a target by its name.
    pub fn of<'t>(bound: &Bound, target: &dyn Fn(&str) -> Option<&'t dyn Target>) -> Self {
        let mut wiring = Self::default();
        let mut asked = BTreeSet::new();
        for name in bound.targets.values() {
            if asked.insert(name)
                && let Some(target) = target(name.as_str())
            {
                wiring.services.extend(target.addresses(bound));
            }
        }
        for (service, domain) in &bound.domains {
            wiring.services.entry(service.clone()).or_default().url = Some(format!("https://{domain}"));
        }
        let routed = bound.services.values().filter(|service| {
            let host = bound.targets.get(&service.name).and_then(|name| target(name.as_str()));
            let desk = Desk { bound, wiring: &wiring, suffix: None };
            !service.proxy.is_empty() && host.is_some_and(|target| target.routes(&desk, service))
        });
        wiring.same_origin = routed.map(|service| service.name.clone()).collect();
        wiring
    }

    /// The text with every reference filled in, as seen by `service`. Never blank for an unknown reference.
    ///
    /// # Errors
    /// [`Unresolved`] names the reference and why it has no value.
    pub fn resolve(&self, text: &Text, service: &Service) -> Result<String, Unresolved> {
        text.parts.iter().try_fold(String::new(), |mut done, part| {
            match part {
                Part::Literal(literal) => done.push_str(literal),
                Part::Reference(reference) => done.push_str(&self.value(reference, service)?),
            }
            Ok(done)
        })
    }

    fn value(&self, reference: &Reference, service: &Service) -> Result<String, Unresolved> {
        let (value, missing) = match reference {
            Reference::Service { service: named, field } => (
                self.address(named, *field, service),
                format!("service `{named}` has no such address here; does it publish a port?"),
            ),
            Reference::VolumePath(volume) => (
                service.volumes.get(volume).cloned(),
                format!("service `{}` does not mount volume `{volume}`", service.name),
            ),
            Reference::Environment(name) => (
                self.environment.get(name).cloned(),
                format!("the variable `{name}` is not set; set it in the environment that runs dashdeploy"),
            ),
            Reference::Release => (self.release.clone(), "there is no release yet".to_owned()),
        };
        value.ok_or_else(|| Unresolved { reference: reference.to_string(), reason: missing })
    }

    fn address(&self, named: &Name, field: AddressField, service: &Service) -> Option<String> {
        let address = self.services.get(named)?;
        let public = matches!(field, AddressField::Url | AddressField::Origin);
        if public && self.same_origin.contains(&service.name) && proxies_to(service, named) {
            return Some(SAME_ORIGIN.to_owned());
        }
        match field {
            AddressField::Url | AddressField::Origin => address.url.clone(),
            AddressField::Host => address.host.clone(),
            AddressField::Port => address.port.map(|port| port.to_string()),
        }
    }
}

fn proxies_to(service: &Service, named: &Name) -> bool {
    service.kind() == ServiceKind::Static && service.proxy.values().any(|upstream| upstream == named)
}
