//! Addresses that Render gives a service when it is made: its host name inside, and the public one, which may be another than its
//! name promises (<https://render.com/docs/web-services>, <https://render.com/docs/private-network>).
//!
//! Given: what was seen of services, what shall be. Gives: wiring with the host names that are known, and a token for each that is
//! not; which services a value waits for; values with what was given put in. Deliberately absent: calls.

use std::collections::BTreeMap;

use dashdeploy_contract::{AddressField, Name, Observed, Reference, Service, Wiring};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::{Form, Place};
use crate::desired::Desired;
use crate::payload::Seen;
use crate::plan::address;
use crate::wire;

/// Characters of Unicode's private use area: no value that anybody writes has them.
const OPEN: char = '\u{e000}';
const CLOSE: char = '\u{e001}';

/// A service that is not there yet while its address stands in what another one shall be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Neighbour {
    /// Its name at Render.
    pub(crate) name: String,
    /// The workspace, where one is named.
    pub(crate) workspace: Option<String>,
    /// The public address that it is going to have unless somebody else has it, where that one is told.
    pub(crate) url: Option<String>,
}

/// The wiring with the host names of the services on Render: a token where there is none yet.
pub(crate) fn wired(place: &Place, wiring: &Wiring, observed: &Observed) -> Wiring {
    let mut wired = wiring.clone();
    for service in place.services().filter(|one| matches!(place.form(one), Form::Web | Form::Private)) {
        let slug = seen(service, observed).map(|seen| seen.slug).filter(|slug| !slug.is_empty());
        wired.services.entry(service.name.clone()).or_default().host =
            Some(slug.unwrap_or_else(|| token(&service.name)));
    }
    wired
}

fn seen(service: &Service, observed: &Observed) -> Option<Seen> {
    let there = observed.get(&address("service", &service.name)).filter(|resource| resource.owned)?;
    Seen::of(there).ok()
}

fn token(service: &Name) -> String {
    format!("{OPEN}{service}{CLOSE}")
}

/// The services that are not there yet and whose addresses stand in what a service shall be.
pub(crate) fn neighbours(place: &Place, observed: &Observed, desired: &Desired) -> BTreeMap<Name, Neighbour> {
    let texts = texts(desired);
    let stands = |what: &str| texts.iter().any(|text| text.contains(what));
    let mut found = BTreeMap::new();
    for other in place.services() {
        if other.name == desired.service || seen(other, observed).is_some() {
            continue;
        }
        let url = place.url(other).filter(|url| place.is_predicted(other) && stands(url));
        if url.is_some() || stands(&token(&other.name)) {
            let workspace = place.option(other, "workspace").map(str::to_owned);
            found.insert(other.name.clone(), Neighbour { name: place.name(other), workspace, url });
        }
    }
    found
}

/// Everything of a service that may hold an address.
fn texts(desired: &Desired) -> Vec<String> {
    let site = desired.site.as_ref().map(|site| [site.routes.to_string(), site.headers.to_string()]);
    desired.env.values().cloned().chain(site.into_iter().flatten()).collect()
}

/// How much a service needs to know another one's address before it is made: less for who may call it than for whom it calls.
pub(crate) fn calls(service: &Service, other: &Name) -> bool {
    let field = |reference: &Reference| match reference {
        Reference::Service { service, field } => service == other && *field != AddressField::Origin,
        _ => false,
    };
    service.env.values().flat_map(|text| text.references()).any(field)
        || service.proxy.values().any(|upstream| upstream == other)
}

/// What shall be, with the addresses that a neighbour was given.
pub(crate) fn put_in(desired: &mut Desired, name: &Name, neighbour: &Neighbour, there: &wire::Service) {
    let url = there.service_details.url.as_deref().filter(|url| url.starts_with("https://"));
    let change = |text: &str| {
        let text = text.replace(&token(name), &there.slug);
        match (&neighbour.url, url) {
            (Some(told), Some(given)) => text.replace(told, given),
            _ => text,
        }
    };
    for value in desired.env.values_mut() {
        *value = change(value);
    }
    if let Some(site) = &mut desired.site {
        for rules in [&mut site.routes, &mut site.headers] {
            in_texts(rules, &change);
        }
    }
}

fn in_texts(value: &mut Value, change: &dyn Fn(&str) -> String) {
    match value {
        Value::String(text) => *text = change(text),
        Value::Array(all) => all.iter_mut().for_each(|one| in_texts(one, change)),
        Value::Object(all) => all.values_mut().for_each(|one| in_texts(one, change)),
        _ => {}
    }
}

/// The first service whose host name a service still waits for.
pub(crate) fn awaited(desired: &Desired) -> Option<String> {
    let name = |text: &String| Some(text.split_once(OPEN)?.1.split_once(CLOSE)?.0.to_owned());
    desired.env.values().find_map(name)
}

/// A value for people.
pub(crate) fn shown(value: &str) -> String {
    value.replace(OPEN, "(the host name of ").replace(CLOSE, ")")
}
