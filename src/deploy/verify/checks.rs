//! Which checks a release has to pass. Pure.

use std::collections::BTreeMap;
use std::fmt;

use dashdeploy_contract::{AddressField, HealthCheck, Name, Reference, Release, Service, ServiceKind, Smoke};

use super::PageMark;

/// One check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
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
    pub fn service(&self) -> &Name {
        match self {
            Self::Digest { service }
            | Self::Page { service, .. }
            | Self::Health { service, .. }
            | Self::Smoke { service, .. }
            | Self::Preflight { service, .. } => service,
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

/// The checks of a release, in the order of their services. What has no address from outside is not asked from there.
pub fn checks(release: &Release, pages: &BTreeMap<Name, PageMark>) -> Vec<Check> {
    let bound = &release.bound;
    let url = |service: &Name| release.wiring.services.get(service).and_then(|address| address.url.clone());
    let mut checks = Vec::new();
    for service in bound.services.values() {
        let name = &service.name;
        if release.images.contains_key(name) {
            checks.push(Check::Digest { service: name.clone() });
        }
        let Some(url) = url(name) else { continue };
        if let Some(mark) = pages.get(name) {
            checks.push(Check::Page { service: name.clone(), url: format!("{url}/"), mark: mark.clone() });
        }
        let smoke: Vec<&Smoke> = bound.smoke.iter().filter(|smoke| smoke.service == *name).collect();
        if let Some(path) = health_path(service)
            && !smoke.iter().any(|smoke| smoke.path == path)
        {
            checks.push(Check::Health { service: name.clone(), url: format!("{url}{path}") });
        }
        checks.extend(smoke.into_iter().map(|smoke| Check::Smoke {
            service: name.clone(),
            url: format!("{url}{}", smoke.path),
            status: smoke.status,
            contains: smoke.contains.clone(),
        }));
    }
    checks.extend(preflights(release, &url));
    checks
}

fn health_path(service: &Service) -> Option<&str> {
    match &service.health {
        HealthCheck::Http { path } => Some(path),
        _ => None,
    }
}

/// For every page that has the public address of another service built in, and is of another origin.
fn preflights(release: &Release, url: &dyn Fn(&Name) -> Option<String>) -> Vec<Check> {
    let bound = &release.bound;
    let mut found: Vec<Check> = Vec::new();
    for page in bound.services.values().filter(|service| service.kind() == ServiceKind::Static) {
        let Some(origin) = url(&page.name) else { continue };
        for reference in page.env.values().flat_map(|text| text.references()) {
            let Reference::Service { service, field: AddressField::Url | AddressField::Origin } = reference
            else {
                continue;
            };
            let proxied = release.wiring.same_origin.contains(&page.name)
                && page.proxy.values().any(|to| to == service);
            let asked = bound.services.get(service).filter(|_| !proxied && *service != page.name);
            let (Some(asked), Some(address)) = (asked, url(service)) else { continue };
            if address == origin {
                continue;
            }
            let path = health_path(asked).unwrap_or("/");
            let check = Check::Preflight {
                service: service.clone(),
                url: format!("{address}{path}"),
                origin: origin.clone(),
            };
            if !found.contains(&check) {
                found.push(check);
            }
        }
    }
    found
}
