//! What follows from dashdeploy.yaml alone: projects, addresses, which paths Vercel can hand on, findings.
//!
//! Given: a bound project. Gives: names as Vercel takes them. Deliberately absent: whether a name is still free, which only
//! Vercel knows.

use std::collections::BTreeMap;

use dashdeploy_contract::{
    Bound, Build, Descriptor, Desk, Finding, Name, Service, ServiceAddress, ServiceKind, derived_name,
};
use indexmap::IndexMap;

/// The word under `target:`.
pub(crate) const TARGET: &str = "vercel";

/// The longest name of a project: it becomes a label of a host name.
const LONGEST: usize = 63;

/// The pages of an environment that are on Vercel, each with how it is built.
pub(crate) fn pages(bound: &Bound) -> Vec<(&Service, &Build)> {
    let pages = bound.services_on(TARGET).filter(|service| service.kind() == ServiceKind::Static);
    pages.filter_map(|service| Some((service, service.build()?))).collect()
}

/// The project of a page on Vercel: the option `project`, else a name that says whose it is. Addresses under vercel.app are
/// shared by all of Vercel.
pub(crate) fn project(descriptor: &Descriptor, bound: &Bound, service: &Service) -> String {
    if let Some(name) = descriptor.option(bound, service, "project").filter(|name| is_project(name)) {
        return name.to_owned();
    }
    let (project, environment) = (bound.project.as_str(), bound.environment.as_str());
    if environment == "production" {
        derived_name(&[project, service.name.as_str()], LONGEST)
    } else {
        derived_name(&[project, environment, service.name.as_str()], LONGEST)
    }
}

/// Of what Vercel allows (vercel.com/docs/projects: a-z, 0-9, `.`, `_`, `-`, 100 at most, no `---`) what a host name does too.
fn is_project(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=LONGEST).contains(&name.len())
        && name.chars().all(allowed)
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.contains("---")
}

/// Addresses: `https://<project>.vercel.app`. A page has no address for other services of its own.
pub(crate) fn addresses(descriptor: &Descriptor, bound: &Bound) -> IndexMap<Name, ServiceAddress> {
    let address = |(service, _): (&Service, &Build)| {
        let host = format!("{}.vercel.app", project(descriptor, bound, service));
        let address =
            ServiceAddress { url: Some(format!("https://{host}")), host: Some(host), port: Some(443) };
        (service.name.clone(), address)
    };
    pages(bound).into_iter().map(address).collect()
}

/// The public address of the service that a path is handed on to, where it is known and Vercel can reach it.
pub(crate) fn upstream<'a>(desk: &Desk<'a>, service: &Name) -> Option<&'a str> {
    let url = desk.wiring.services.get(service)?.url.as_deref()?;
    url.starts_with("https://").then_some(url)
}

/// True where every path that a page hands on leads to a known address.
pub(crate) fn routes(desk: &Desk, service: &Service) -> bool {
    service.proxy.values().all(|named| upstream(desk, named).is_some())
}

/// What Vercel cannot take, each with the mend.
pub(crate) fn check(descriptor: &Descriptor, bound: &Bound) -> Vec<Finding> {
    let mut findings = descriptor.check_options(bound);
    findings.extend(bound.services_on(TARGET).filter_map(|service| not_hosted(bound, service)));
    let mut projects: BTreeMap<String, &Name> = BTreeMap::new();
    let mut folders: BTreeMap<&str, &Name> = BTreeMap::new();
    for (service, build) in pages(bound) {
        findings.extend(unfit_project(descriptor, bound, service));
        if let Some(other) = projects.insert(project(descriptor, bound, service), &service.name) {
            let message = format!("`{other}` and `{}` would be one project of Vercel", service.name);
            let hint = "give each a name of its own with the option `project`";
            findings.push(
                Finding::error("same-project", bound.option_key(service, "project"), message).hint(hint),
            );
        }
        if let Some(other) = folders.insert(&build.context, &service.name) {
            let message = format!("`{other}` and `{}` would have one vercel.json", service.name);
            let key = format!("services.{}.build.context", service.name);
            let hint =
                "Vercel reads one file in a folder: give each page a folder of its own, or another target";
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
    let message = format!("Vercel serves files and runs no containers: `{}` cannot be there", service.name);
    let hint =
        "give it a target that runs containers, such as `fly` or `render`, and keep the pages on `vercel`";
    Some(Finding::error("not-hosted", key, message).hint(hint))
}

fn unfit_project(descriptor: &Descriptor, bound: &Bound, service: &Service) -> Option<Finding> {
    let written = descriptor.option(bound, service, "project").filter(|name| !is_project(name))?;
    let message = format!("`{}` is no name of a project that becomes an address", written.escape_debug());
    let hint = format!("a-z, 0-9 and - are allowed, {LONGEST} at most, no - at either end, no ---");
    Some(Finding::error("invalid-option", bound.option_key(service, "project"), message).hint(hint))
}
