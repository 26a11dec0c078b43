//! What follows from dashdeploy.yaml alone: names, addresses inside the network, regions, findings.
//!
//! Given: a bound project. Gives: names as Railway takes them. Deliberately absent: public addresses, which Railway assigns.

use dashdeploy_contract::{
    Bound, Descriptor, Desk, Finding, HealthCheck, Name, PageServer, Service, ServiceAddress, derived_name,
};
use indexmap::IndexMap;

use crate::runtime;

/// The word under `target:`.
pub(crate) const TARGET: &str = "railway";

/// The longest name of a service (docs.railway.com, "Services").
const LONGEST: usize = 32;

/// The regions (docs.railway.com, "Deployment Regions").
pub(crate) const REGIONS: [&str; 4] =
    ["us-west2", "us-east4-eqdc4a", "europe-west4-drams3a", "asia-southeast1-eqsg3a"];

/// Railway's own name server inside a project (docs.railway.com, "Private Networking", which names it for nginx).
const RESOLVER: &str = "[fd12::10]";

/// The name of a service within its project on Railway, and the first part of its name in the network. The environment is
/// one of the project's own, so that neither name has to be in it.
pub(crate) fn name(service: &Name) -> String {
    derived_name(&[service.as_str()], LONGEST)
}

/// The host name inside the network.
pub(crate) fn host(service: &Name) -> String {
    format!("{}.railway.internal", name(service))
}

/// Addresses inside the network; public ones are assigned later.
pub(crate) fn addresses(bound: &Bound) -> IndexMap<Name, ServiceAddress> {
    let address = |service: &Service| {
        let host = service.port.map(|_| host(&service.name));
        (service.name.clone(), ServiceAddress { url: None, host, port: service.port })
    };
    bound.services_on(TARGET).map(address).collect()
}

/// True where every service behind a page is in the same network.
pub(crate) fn routes(bound: &Bound, service: &Service) -> bool {
    service
        .proxy
        .values()
        .all(|named| bound.services.get(named).is_some_and(|other| bound.is_on(other, TARGET)))
}

/// How the nginx of a page reaches the services behind it.
pub(crate) fn page_server(desk: &Desk, service: &Service) -> Option<PageServer> {
    let bound = desk.bound;
    if !bound.is_on(service, TARGET) {
        return None;
    }
    let behind = service.proxy.values().filter_map(|named| bound.services.get(named));
    let upstreams = behind
        .filter(|other| bound.is_on(other, TARGET))
        .filter_map(|other| Some((other.name.clone(), format!("{}:{}", host(&other.name), other.port?))));
    let upstreams: IndexMap<Name, String> = upstreams.collect();
    let resolver = (!upstreams.is_empty()).then_some(RESOLVER);
    PageServer::of(TARGET, desk, service, resolver, upstreams)
}

/// What Railway cannot take, each with the mend.
pub(crate) fn check(descriptor: &Descriptor, bound: &Bound) -> Vec<Finding> {
    let mut findings = Vec::new();
    for service in bound.services_on(TARGET) {
        findings.extend(unknown_region(bound, service));
        findings.extend(volumes(bound, service));
        findings.extend(runtime::unfit(descriptor, bound, service));
        findings.extend(reserved(service));
    }
    findings.dedup();
    findings
}

fn unknown_region(bound: &Bound, service: &Service) -> Option<Finding> {
    let region = bound.region_of(service).filter(|region| !REGIONS.contains(region))?;
    let message = format!("Railway has no region `{}`", region.escape_debug());
    let hint = format!("its regions are {}", REGIONS.join(", "));
    Some(Finding::error("unknown-region", bound.region_key(service), message).hint(hint))
}

/// One volume for a service, and no copies beside it (docs.railway.com, "Volumes", caveats).
fn volumes(bound: &Bound, service: &Service) -> Vec<Finding> {
    let mut findings = Vec::new();
    let key = format!("services.{}", service.name);
    if service.volumes.len() > 1 {
        let message =
            format!("Railway gives a service one volume: `{}` has {}", service.name, service.volumes.len());
        let hint = "mount one volume, and keep the data in folders of it";
        findings.push(Finding::error("too-many-volumes", format!("{key}.volumes"), message).hint(hint));
    }
    if !service.volumes.is_empty() && service.replicas > 1 {
        let message = format!(
            "a service with a volume has no copies on Railway: `{}` wants {}",
            service.name, service.replicas
        );
        let hint = format!("write `replicas: 1` for `{}`", bound.environment);
        findings.push(Finding::error("replicas-with-volume", format!("{key}.replicas"), message).hint(hint));
    }
    let shared = |volume: &&Name| {
        let users = bound.services_on(TARGET).filter(|other| other.volumes.contains_key(*volume));
        users.count() > 1
    };
    if let Some(volume) = service.volumes.keys().find(shared) {
        let message = format!("Railway mounts a volume in one service: `{volume}` is in several");
        let hint = "give each service a volume of its own";
        findings.push(Finding::error("shared-volume", format!("volumes.{volume}"), message).hint(hint));
    }
    findings
}

/// `RAILWAY_…` is Railway's own, and `PORT` tells it where to ask for health.
fn reserved(service: &Service) -> Vec<Finding> {
    let names = service.env.keys().chain(service.secrets.keys()).filter(|name| name.starts_with("RAILWAY_"));
    let key = |name: &String| {
        let place = if service.secrets.contains_key(name) { "secrets" } else { "env" };
        format!("services.{}.{place}.{name}", service.name)
    };
    let reserved = names.map(|name| {
        Finding::error("reserved-variable", key(name), format!("`{name}` is one of Railway's own variables"))
            .hint("names that start with RAILWAY_ are set by Railway: choose another")
    });
    let mut findings: Vec<Finding> = reserved.collect();
    let port = service.port.map(|port| port.to_string());
    let other = service.env.get("PORT").filter(|text| text.as_literal() != port.as_deref());
    if other.is_some() && service.health != HealthCheck::None {
        let message =
            format!("Railway asks for health on PORT, and `{}` listens on another port", service.name);
        let hint = "leave PORT out, or give it the value of `port:`";
        findings.push(Finding::error("reserved-variable", key(&"PORT".to_owned()), message).hint(hint));
    }
    findings
}
