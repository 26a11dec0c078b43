//! What follows from dashdeploy.yaml alone: sites, addresses, which paths Netlify can hand on, findings.
//!
//! Given: a bound project. Gives: names as Netlify takes them. Deliberately absent: whether a name is still free, which only
//! Netlify knows.

use std::collections::BTreeMap;

use dashdeploy_contract::{
    Bound, Build, Descriptor, Desk, Finding, Name, Service, ServiceAddress, ServiceKind, derived_name,
};
use indexmap::IndexMap;

/// The word under `target:`.
pub(crate) const TARGET: &str = "netlify";

/// The longest name of a site: it is a label of a host name. Netlify's own command line refuses more (`netlify-cli` 27,
/// `validateSiteName`).
const LONGEST: usize = 63;

/// The pages of an environment that are on Netlify, each with how it is built.
pub(crate) fn pages(bound: &Bound) -> Vec<(&Service, &Build)> {
    let pages = bound.services_on(TARGET).filter(|service| service.kind() == ServiceKind::Static);
    pages.filter_map(|service| Some((service, service.build()?))).collect()
}

/// The site of a page: the option `site`, else a name that says whose it is. Names are shared by all of Netlify.
pub(crate) fn site(descriptor: &Descriptor, bound: &Bound, service: &Service) -> String {
    if let Some(site) = descriptor.option(bound, service, "site").filter(|site| is_site(site)) {
        return site.to_owned();
    }
    let (project, environment) = (bound.project.as_str(), bound.environment.as_str());
    if environment == "production" {
        derived_name(&[project, service.name.as_str()], LONGEST)
    } else {
        derived_name(&[project, environment, service.name.as_str()], LONGEST)
    }
}

/// Letters, digits and `-` (`netlify-cli` 27, `validateSiteName`), as a label of a host name has them.
fn is_site(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=LONGEST).contains(&name.len())
        && name.chars().all(allowed)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// Addresses: `https://<site>.netlify.app`. A page has no address for other services of its own.
pub(crate) fn addresses(descriptor: &Descriptor, bound: &Bound) -> IndexMap<Name, ServiceAddress> {
    let address = |(service, _): (&Service, &Build)| {
        let host = format!("{}.netlify.app", site(descriptor, bound, service));
        let address =
            ServiceAddress { url: Some(format!("https://{host}")), host: Some(host), port: Some(443) };
        (service.name.clone(), address)
    };
    pages(bound).into_iter().map(address).collect()
}

/// The public address of the service that a path is handed on to, where it is known and Netlify can reach it.
pub(crate) fn upstream<'a>(desk: &Desk<'a>, service: &Name) -> Option<&'a str> {
    let url = desk.wiring.services.get(service)?.url.as_deref()?;
    url.starts_with("https://").then_some(url)
}

/// True where every path that a page hands on leads to a known address.
pub(crate) fn routes(desk: &Desk, service: &Service) -> bool {
    service.proxy.values().all(|named| upstream(desk, named).is_some())
}

/// What Netlify cannot take, each with the mend.
pub(crate) fn check(descriptor: &Descriptor, bound: &Bound) -> Vec<Finding> {
    let mut findings = descriptor.check_options(bound);
    findings.extend(bound.services_on(TARGET).filter_map(|service| not_hosted(bound, service)));
    let mut sites: BTreeMap<String, &Name> = BTreeMap::new();
    let mut folders: BTreeMap<&str, &Name> = BTreeMap::new();
    for (service, build) in pages(bound) {
        findings.extend(unfit_site(descriptor, bound, service));
        if let Some(other) = sites.insert(site(descriptor, bound, service), &service.name) {
            let message = format!("`{other}` and `{}` would be one site of Netlify", service.name);
            let hint = "give each a name of its own with the option `site`";
            findings.push(Finding::error("same-site", bound.option_key(service, "site"), message).hint(hint));
        }
        if let Some(other) = folders.insert(&build.context, &service.name) {
            let message = format!("`{other}` and `{}` would have one netlify.toml", service.name);
            let key = format!("services.{}.build.context", service.name);
            let hint =
                "Netlify reads one file in a folder: give each page a folder of its own, or another target";
            findings.push(Finding::error("same-folder", key, message).hint(hint));
        }
    }
    findings
}

fn not_hosted(bound: &Bound, service: &Service) -> Option<Finding> {
    if service.kind() == ServiceKind::Static {
        return None;
    }
    let key = format!("environments.{}.services.{}.target", bound.environment, service.name);
    let message = format!("Netlify serves files and runs no containers: `{}` cannot be there", service.name);
    let hint =
        "give it a target that runs containers, such as `fly` or `render`, and keep the pages on `netlify`";
    Some(Finding::error("not-hosted", key, message).hint(hint))
}

fn unfit_site(descriptor: &Descriptor, bound: &Bound, service: &Service) -> Option<Finding> {
    let written = descriptor.option(bound, service, "site").filter(|site| !is_site(site))?;
    let message = format!("`{}` is no name of a site", written.escape_debug());
    let hint = format!("a-z, 0-9 and - are allowed, {LONGEST} at most, no - at either end");
    Some(Finding::error("invalid-option", bound.option_key(service, "site"), message).hint(hint))
}
