//! Where the services of a release are reached from outside. Pure.
//!
//! Given: a release, what the platforms tell of its services. Gives: the address of each that has one, and what is worth a warning.
//! Deliberately absent: asking anybody.

use std::collections::{BTreeMap, BTreeSet};

use dashdeploy_contract::{Name, Publish, Release, Served};

use crate::io::http::origin_of;

/// Where services are reached from outside.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    known: BTreeMap<Name, String>,
    /// Services that are where variables say: what others were told of them is true.
    told: BTreeSet<Name>,
    /// What the user should know, one sentence each.
    pub(super) warnings: Vec<String>,
}

impl Addresses {
    /// The services whose platform is asked: those that are reached from outside.
    pub(super) fn asked_for(release: &Release) -> impl Iterator<Item = &Name> {
        let bound = &release.bound;
        let public = |name: &&Name| {
            bound.domains.contains_key(*name)
                || wired(release, name).is_some()
                || bound.services.get(*name).is_some_and(|service| service.publish != Publish::No)
        };
        bound.services.keys().filter(public)
    }

    /// The user's own host names; else the addresses that the platforms gave, which may be others than were predicted when
    /// variables were filled in; else those. A host name of the user's own that has no certificate yet leads nowhere: its service
    /// is looked at under the platform's own address, since DNS takes its time and is no reason to take a release back.
    pub(super) fn of(release: &Release, served: &BTreeMap<Name, Served>) -> Self {
        let mut addresses = Self::default();
        for service in release.bound.services.keys() {
            let told = served.get(service);
            let given = told.and_then(|served| served.url.as_deref()).map(bare);
            let wired = wired(release, service).map(bare);
            let address = match release.bound.domains.get(service) {
                Some(domain) => {
                    let missing = told.and_then(|served| served.certificate.as_deref());
                    match missing.filter(|state| *state != "active") {
                        Some(missing) => addresses.round(domain, missing, given),
                        None => wired,
                    }
                }
                None => given.or(wired),
            };
            let own = release.bound.domains.contains_key(service);
            let given = given.filter(|_| !own).map(origin_of);
            if wired.is_some_and(|wired| given.is_none_or(|given| given == origin_of(wired))) {
                addresses.told.insert(service.clone());
            }
            addresses.known.extend(address.map(|address| (service.clone(), address.to_owned())));
        }
        addresses
    }

    /// The way round a host name that does not lead anywhere yet.
    fn round<'a>(&mut self, domain: &str, missing: &str, given: Option<&'a str>) -> Option<&'a str> {
        let own = origin_of(&format!("https://{domain}"));
        let given = given.filter(|given| origin_of(given) != own);
        let looked = match given {
            Some(given) => format!("{given} is looked at instead"),
            None => "it is not looked at from outside".to_owned(),
        };
        self.warnings.push(format!("the certificate of {domain} is not active yet: {missing}; {looked}"));
        given
    }

    /// The address of a path of a service; none where it has none from outside.
    pub(super) fn of_path(&self, service: &Name, path: &str) -> Option<String> {
        self.known.get(service).map(|address| format!("{address}{path}"))
    }

    /// True where a service is where the others were told that it is.
    pub(super) fn is_as_told(&self, service: &Name) -> bool {
        self.told.contains(service)
    }

    /// The origin that browsers name for a page: that of the address it is meant to have, whether or not that leads there yet.
    pub(super) fn origin(&self, release: &Release, page: &Name) -> Option<String> {
        wired(release, page).or_else(|| self.known.get(page).map(String::as_str)).map(origin_of)
    }
}

fn wired<'a>(release: &'a Release, service: &Name) -> Option<&'a str> {
    release.wiring.services.get(service)?.url.as_deref()
}

fn bare(url: &str) -> &str {
    url.trim_end_matches('/')
}
