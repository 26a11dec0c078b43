//! Which way a page and the services it speaks to find each other.
//!
//! Given: a release and the addresses that the targets predict. Gives: a row for each page and service. Deliberately
//! absent: what `${env:NAME}` stands for, since whoever sets such a variable did not say that it may be shown.

use dashdeploy_contract::{AddressField, Name, Part, Reference, Release, Service, ServiceKind, Text, Wiring};
use indexmap::IndexSet;

use super::{AddressSource, PublicAddress, Told, Way, Wired};

/// A row for each page and each service whose public address it has, or to which it hands paths on.
pub(super) fn wired(release: &Release, predicted: &Wiring) -> Vec<Wired> {
    let pages = release.bound.services.values().filter(|service| service.kind() == ServiceKind::Static);
    pages.flat_map(|page| rows(release, predicted, page)).collect()
}

/// Where a service is reached from outside, and how that is known.
pub(super) fn public_address(release: &Release, predicted: &Wiring, service: &Name) -> PublicAddress {
    let url_in = |wiring: &Wiring| wiring.services.get(service).and_then(|address| address.url.clone());
    let url = url_in(&release.wiring);
    let source = match &url {
        None => AddressSource::Unknown,
        Some(_) if release.bound.domains.contains_key(service) => AddressSource::Domain,
        Some(_) if url == url_in(predicted) => AddressSource::Predicted,
        Some(_) => AddressSource::Assigned,
    };
    PublicAddress { url, source }
}

fn rows(release: &Release, predicted: &Wiring, page: &Service) -> Vec<Wired> {
    let named = page.env.values().flat_map(public_references);
    let partners: IndexSet<&Name> =
        named.chain(page.proxy.values()).filter(|name| **name != page.name).collect();
    let known = partners.into_iter().filter_map(|name| release.bound.services.get(name));
    known.map(|service| row(release, predicted, page, service)).collect()
}

fn row(release: &Release, predicted: &Wiring, page: &Service, service: &Service) -> Wired {
    let handed = page.proxy.iter().filter(|(_, upstream)| **upstream == service.name);
    let paths: Vec<String> = handed.map(|(path, _)| path.clone()).collect();
    let same = release.wiring.same_origin.contains(&page.name) && !paths.is_empty();
    Wired {
        page: page.name.clone(),
        service: service.name.clone(),
        way: if same { Way::SameOrigin } else { Way::Absolute },
        paths: if same { paths } else { Vec::new() },
        page_address: public_address(release, predicted, &page.name),
        service_address: public_address(release, predicted, &service.name),
        built_in: told(release, page, &service.name),
        told: told(release, service, &page.name),
    }
}

/// The variables of one service that hold the public address of another.
fn told(release: &Release, service: &Service, of: &Name) -> Vec<Told> {
    let holding = service.env.iter().filter(|(_, text)| public_references(text).any(|name| name == of));
    holding
        .map(|(variable, text)| Told {
            variable: variable.clone(),
            value: release.wiring.resolve(&without_environment(text), service).ok(),
        })
        .collect()
}

fn public_references(text: &Text) -> impl Iterator<Item = &Name> {
    text.references().filter_map(|reference| match reference {
        Reference::Service { service, field: AddressField::Url | AddressField::Origin } => Some(service),
        _ => None,
    })
}

/// The text with variables of the process left as they are written.
fn without_environment(text: &Text) -> Text {
    let parts = text.parts.iter().map(|part| match part {
        Part::Reference(reference @ Reference::Environment(_)) => Part::Literal(reference.to_string()),
        other => other.clone(),
    });
    Text { parts: parts.collect() }
}
