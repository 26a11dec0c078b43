//! Services that name each other, and files that two services would write.

use std::collections::HashMap;

use dashdeploy_contract::{Finding, Name, Service, ServiceKind};

use crate::config::draft::Draft;
use crate::config::report::{Report, shown};
use crate::config::{FILE_NAMES, suggest};

pub(super) fn check(draft: &Draft, report: &Report) {
    for service in draft.project.services.values() {
        depends_on(draft, service, report);
        proxies(draft, service, report);
        headers(service, report);
    }
    domains(draft, report);
    smoke(draft, report);
    dockerfiles(draft, report);
}

/// The finding for a name that no service has.
pub(super) fn unknown(draft: &Draft, name: &Name, key: String) -> Finding {
    let known: Vec<&str> = draft.services.iter().map(Name::as_str).collect();
    let mut finding = Finding::error("unknown-service", key, format!("there is no service `{name}`"));
    finding.hint = suggest::hint(name.as_str(), &known);
    finding
}

/// The service of that name, where it can be read without doubt.
pub(super) fn certain<'a>(draft: &'a Draft, name: &Name) -> Option<&'a Service> {
    draft.project.services.get(name).filter(|_| !draft.doubtful.contains(name))
}

fn depends_on(draft: &Draft, service: &Service, report: &Report) {
    for (n, name) in service.depends_on.iter().enumerate() {
        let key = format!("services.{}.depends_on[{n}]", service.name);
        if !draft.services.contains(name) {
            report.add(unknown(draft, name, key));
        } else if *name == service.name {
            let message = format!("dependency cycle: {name} -> {name}");
            report.add(
                Finding::error("cycle", key, message).hint("a service cannot wait for itself: remove it"),
            );
        } else if service.depends_on[..n].contains(name) {
            report.add(
                Finding::error("named-twice", key, format!("`{name}` is named twice")).hint("remove one"),
            );
        }
    }
}

fn proxies(draft: &Draft, service: &Service, report: &Report) {
    for (prefix, name) in &service.proxy {
        let key = format!("services.{}.proxy.{prefix}", service.name);
        if !draft.services.contains(name) {
            report.add(unknown(draft, name, key));
            continue;
        }
        let Some(upstream) = certain(draft, name).or((*name == service.name).then_some(service)) else {
            continue;
        };
        let why = match upstream.port {
            _ if upstream.kind() == ServiceKind::Static => {
                "it serves files itself and takes no requests from others"
            }
            None => "it listens on no port",
            Some(_) => continue,
        };
        let message = format!("`{prefix}` cannot be handed on to `{name}`: {why}");
        report.add(Finding::error("proxy-upstream", key, message).hint("name a service with a `port`"));
    }
}

/// Header names are compared without regard to case (RFC 9110, section 5.1).
fn headers(service: &Service, report: &Report) {
    let mut seen = HashMap::new();
    for name in service.headers.keys() {
        if let Some(first) = seen.insert(name.to_ascii_lowercase(), name) {
            let key = format!("services.{}.headers.{name}", service.name);
            let message = format!("`{}` and `{}` are one header", shown(first), shown(name));
            report.add(Finding::error("header-twice", key, message).hint("remove one of the two"));
        }
    }
}

/// A host name leads to one service.
fn domains(draft: &Draft, report: &Report) {
    let mut seen: HashMap<&str, (&Name, &Name)> = HashMap::new();
    for (environment, chosen) in &draft.project.environments {
        for (service, changes) in &chosen.services {
            let Some(domain) = &changes.domain else { continue };
            if let Some((first, of)) = seen.insert(domain, (environment, service)) {
                let key = format!("environments.{environment}.services.{service}.domain");
                let message = format!("`{domain}` is the domain of `{of}` in `{first}` already");
                report
                    .add(Finding::error("domain-twice", key, message).hint("give one of them another name"));
            }
        }
    }
}

fn smoke(draft: &Draft, report: &Report) {
    for (n, test) in draft.project.smoke.iter().enumerate() {
        let key = format!("smoke[{n}].service");
        if !draft.services.contains(&test.service) {
            report.add(unknown(draft, &test.service, key));
        } else if certain(draft, &test.service).is_some_and(|service| service.port.is_none()) {
            let message = format!("`{}` listens on no port, so nothing can be asked of it", test.service);
            report.add(Finding::error("no-port", key, message).hint("name a service with a `port`"));
        }
    }
}

/// A generated Dockerfile must not replace another file.
fn dockerfiles(draft: &Draft, report: &Report) {
    let mut writers: HashMap<&str, &Service> = HashMap::new();
    let built = draft.project.services.values().filter_map(|service| Some((service, service.build()?)));
    for (service, build) in built {
        let key = format!("services.{}.dockerfile", service.name);
        let path = build.dockerfile.as_str();
        if service.is_generated() && FILE_NAMES.contains(&path) {
            let message = format!("`{path}` is the configuration itself");
            report.add(Finding::error("dockerfile-clash", key.clone(), message).hint("choose another path"));
        }
        let Some(other) = writers.get(path) else {
            writers.insert(path, service);
            continue;
        };
        // Two services may be stages of one Dockerfile that the user wrote.
        if service.is_generated() || other.is_generated() {
            let message =
                format!("`{}` and `{}` have the same Dockerfile: {}", other.name, service.name, shown(path));
            report.add(
                Finding::error("dockerfile-clash", key, message)
                    .hint("give one of them another `dockerfile:`"),
            );
        }
    }
}
