//! Which checks a release has to pass. Pure.
//!
//! Given: a release, the addresses of its services, the marks of its pages. Gives: the checks, each with the request that it takes.
//! Deliberately absent: making them.

use std::collections::BTreeMap;
use std::fmt;

use dashdeploy_contract::{
    AddressField, Event, HealthCheck, Name, Reference, Release, Service, ServiceKind, Smoke,
};

use super::PageMark;
use super::addresses::Addresses;
use crate::io::http::origin_of;
use crate::io::outside::{OutsideMethod, OutsideRequest};

/// One check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Check {
    /// What runs is what was deployed.
    Digest {
        /// The service.
        service: Name,
    },
    /// The page served is of the build that was deployed.
    Page {
        /// The service.
        service: Name,
        /// The page's address.
        url: String,
        /// The build.
        mark: PageMark,
    },
    /// The health check's path answers from outside.
    Health {
        /// The service.
        service: Name,
        /// The address.
        url: String,
    },
    /// A request of the user's own.
    Smoke {
        /// The service.
        service: Name,
        /// The address.
        url: String,
        /// The status expected.
        status: u16,
        /// Text that the body must have.
        contains: Option<String>,
    },
    /// A browser that opened a page may ask the service.
    Preflight {
        /// The service that is asked.
        service: Name,
        /// The address.
        url: String,
        /// The page's origin.
        origin: String,
    },
}

impl Check {
    /// The service it is about.
    pub(super) fn service(&self) -> &Name {
        match self {
            Self::Digest { service }
            | Self::Page { service, .. }
            | Self::Health { service, .. }
            | Self::Smoke { service, .. }
            | Self::Preflight { service, .. } => service,
        }
    }

    /// What is asked from outside; none where the platform is asked.
    pub(super) fn request(&self) -> Option<OutsideRequest> {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        match self {
            Self::Digest { .. } => None,
            Self::Health { url, .. } | Self::Smoke { url, .. } => Some(OutsideRequest::get(url)),
            // As browsers ask for pages: some servers answer others with something else.
            Self::Page { url, .. } => Some(OutsideRequest {
                headers: vec![header("accept", "text/html,application/xhtml+xml,*/*;q=0.8")],
                ..OutsideRequest::get(url)
            }),
            // <https://fetch.spec.whatwg.org/#cors-preflight-request>
            Self::Preflight { url, origin, .. } => Some(OutsideRequest {
                method: OutsideMethod::Options,
                headers: vec![header("origin", origin), header("access-control-request-method", "GET")],
                url: url.clone(),
            }),
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Digest { .. } => f.write_str("digest"),
            Self::Page { mark, .. } => write!(f, "build id {}", mark.shown()),
            Self::Health { url, .. } => write!(f, "health GET {url}"),
            Self::Smoke { url, .. } => write!(f, "smoke test GET {url}"),
            Self::Preflight { origin, url, .. } => write!(f, "preflight OPTIONS {url} from {origin}"),
        }
    }
}

/// The checks of a release, in the order of their services, and what is to be told of each that is wanted and cannot be made: what
/// has no address from outside is not asked from there.
pub(super) fn checks(
    release: &Release,
    addresses: &Addresses,
    pages: &BTreeMap<Name, PageMark>,
) -> (Vec<Check>, Vec<Event>) {
    let bound = &release.bound;
    let (mut checks, mut unchecked) = (Vec::new(), Vec::new());
    for service in bound.services.values() {
        let name = &service.name;
        if release.images.contains_key(name) {
            checks.push(Check::Digest { service: name.clone() });
        }
        let mark = pages.get(name).and_then(|mark| Some((mark, addresses.of_path(name, "/")?)));
        checks.extend(mark.map(|(mark, url)| Check::Page { service: name.clone(), url, mark: mark.clone() }));
        let smoke: Vec<&Smoke> = bound.smoke.iter().filter(|smoke| smoke.service == *name).collect();
        // A smoke test of the same path says more.
        let path = health_path(service).filter(|path| !smoke.iter().any(|smoke| smoke.path == *path));
        let health = path.and_then(|path| addresses.of_path(name, path));
        checks.extend(health.map(|url| Check::Health { service: name.clone(), url }));
        for smoke in smoke {
            match smoke_test(addresses, smoke) {
                Some(check) => checks.push(check),
                None => {
                    let path = &smoke.path;
                    let message = format!(
                        "the smoke test of {path} was not made: service `{name}` has no address from outside"
                    );
                    unchecked.push(Event::Warning { message });
                }
            }
        }
    }
    let (preflights, provisional) = preflights(release, addresses);
    checks.extend(preflights);
    unchecked.extend(provisional);
    (checks, unchecked)
}

fn smoke_test(addresses: &Addresses, smoke: &Smoke) -> Option<Check> {
    Some(Check::Smoke {
        service: smoke.service.clone(),
        url: addresses.of_path(&smoke.service, &smoke.path)?,
        status: smoke.status,
        contains: smoke.contains.clone(),
    })
}

fn health_path(service: &Service) -> Option<&str> {
    match &service.health {
        HealthCheck::Http { path } => Some(path),
        _ => None,
    }
}

/// For every page that has the public address of another service built in, and is of another origin. Where a platform gave one of
/// them another address than the other was told, that is known to fail until the next release tells it.
fn preflights(release: &Release, addresses: &Addresses) -> (Vec<Check>, Vec<Event>) {
    let (mut found, mut provisional) = (Vec::new(), Vec::new());
    for page in release.bound.services.values().filter(|service| service.kind() == ServiceKind::Static) {
        let Some(origin) = addresses.origin(release, &page.name) else { continue };
        for name in called(release, page) {
            let Some(asked) = release.bound.services.get(name) else { continue };
            let url = addresses.of_path(name, health_path(asked).unwrap_or("/"));
            let Some(url) = url.filter(|url| origin_of(url) != origin) else { continue };
            if addresses.is_as_told(name) && addresses.is_as_told(&page.name) {
                found.push(Check::Preflight { service: name.clone(), url, origin: origin.clone() });
            } else {
                let message = format!(
                    "whether the page of `{}` may ask `{name}` is not looked at yet: a platform gave an address that was not foreseen",
                    page.name
                );
                provisional.push(Event::Notice { message });
            }
        }
    }
    (found, provisional)
}

/// The services whose public address is built into a page, each once; those that it reaches by its own origin left out.
fn called<'a>(release: &Release, page: &'a Service) -> Vec<&'a Name> {
    let public =
        page.env.values().flat_map(|text| text.references()).filter_map(|reference| match reference {
            Reference::Service { service, field: AddressField::Url | AddressField::Origin } => Some(service),
            _ => None,
        });
    let routed = |name: &Name| {
        release.wiring.same_origin.contains(&page.name) && page.proxy.values().any(|to| to == name)
    };
    let mut called: Vec<&Name> = public.filter(|name| **name != page.name && !routed(name)).collect();
    called.sort();
    called.dedup();
    called
}
