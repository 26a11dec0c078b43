//! References in variables: to services and volumes that are there, and to addresses that they can have.

use dashdeploy_contract::{AddressField, Bound, Finding, Publish, Reference, Service, ServiceKind};

use super::services::{certain, unknown};
use super::volumes;
use crate::config::draft::{Draft, LOCAL};
use crate::config::report::Report;

pub(super) fn check(draft: &Draft, bound: &[Bound], report: &Report) {
    for bound in bound {
        for service in bound.services.values() {
            for (variable, text) in &service.env {
                let key = draft.env_key(&bound.environment, &service.name, variable);
                for reference in text.references() {
                    // Where the mounts cannot be read, nothing is said about them a second time.
                    let unsure = matches!(reference, Reference::VolumePath(_))
                        && report.doubts(&format!("services.{}.volumes", service.name));
                    if let Some(finding) = wrong(draft, bound, service, reference, &key).filter(|_| !unsure) {
                        report.add(finding);
                    }
                }
            }
        }
    }
}

fn wrong(
    draft: &Draft,
    bound: &Bound,
    service: &Service,
    reference: &Reference,
    key: &str,
) -> Option<Finding> {
    match reference {
        Reference::Environment(_) | Reference::Release => None,
        Reference::VolumePath(volume) if !draft.volumes.contains(volume) => {
            Some(volumes::unknown(draft, volume, key.to_owned()))
        }
        Reference::VolumePath(volume) => {
            let mounted = service.volumes.contains_key(volume);
            let message =
                format!("`{reference}` has no value here: `{}` does not mount `{volume}`", service.name);
            let hint = format!("add `volumes: {{ {volume}: /path }}` to `{}`", service.name);
            (!mounted).then(|| Finding::error("unmounted-volume", key, message).hint(hint))
        }
        Reference::Service { service: name, .. } if !draft.services.contains(name) => {
            Some(unknown(draft, name, key.to_owned()))
        }
        Reference::Service { service: name, field } => {
            certain(draft, name)?;
            let named = bound.services.get(name)?;
            let finding = match (named.port, field) {
                (_, AddressField::Host) => return None,
                (None, _) => no_port(reference, named, key),
                (Some(_), AddressField::Port) => return None,
                (Some(_), AddressField::Url | AddressField::Origin) => {
                    unreachable(bound, service, named, reference, key)?
                }
            };
            Some(finding)
        }
    }
}

fn no_port(reference: &Reference, named: &Service, key: &str) -> Finding {
    let message = format!("`{reference}` has no value: `{}` listens on no port", named.name);
    Finding::error("no-port", key, message).hint(format!("add `port:` to `{}`", named.name))
}

/// A public address that a Docker host does not give. Other platforms give addresses of their own, whatever is published.
fn unreachable(
    bound: &Bound,
    service: &Service,
    named: &Service,
    reference: &Reference,
    key: &str,
) -> Option<Finding> {
    let here = bound.targets.get(&named.name).is_some_and(|target| target.as_str() == LOCAL.1);
    let same_origin =
        service.kind() == ServiceKind::Static && service.proxy.values().any(|name| *name == named.name);
    if named.publish != Publish::No || !here || same_origin {
        return None;
    }
    let message =
        format!("`{reference}` has no value in `{}`: `{}` publishes no port", bound.environment, named.name);
    let hint = format!(
        "add `publish:` to `{}`, or use `${{services.{}.host}}` and `${{services.{}.port}}` for another container",
        named.name, named.name, named.name
    );
    Some(Finding::error("unpublished", key, message).hint(hint))
}
