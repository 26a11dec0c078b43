//! What Render asks of a disk (<https://render.com/docs/disks>).

use dashdeploy_contract::{Finding, Service};

use crate::config::Place;

/// Paths that Render needs itself.
const RESERVED_PATHS: [&str; 9] = [
    "/",
    "/opt",
    "/opt/render",
    "/opt/render/project",
    "/opt/render/project/src",
    "/home",
    "/home/render",
    "/etc",
    "/etc/secrets",
];

/// The findings of a service's volumes.
pub(super) fn findings(place: &Place, service: &Service) -> Vec<Finding> {
    let key = format!("services.{}.volumes", service.name);
    let mut findings = Vec::new();
    if service.volumes.len() > 1 {
        let message = format!(
            "`{}` has {} volumes; a service on Render has one disk",
            service.name,
            service.volumes.len()
        );
        let hint = "keep one, and let the application write into folders of it";
        findings.push(Finding::error("more-than-one-disk", key.clone(), message).hint(hint));
    }
    for (volume, path) in &service.volumes {
        let trimmed = if path.len() > 1 { path.trim_end_matches('/') } else { path };
        if RESERVED_PATHS.contains(&trimmed) {
            let message = format!("Render mounts no disk at `{path}`");
            let hint = "choose a folder of its own, such as /data";
            findings.push(Finding::error("reserved-path", format!("{key}.{volume}"), message).hint(hint));
        }
        let shared =
            place.services().find(|other| other.name != service.name && other.volumes.contains_key(volume));
        if let Some(other) = shared {
            let message = format!(
                "`{}` and `{}` share the volume `{volume}`; a disk has one service",
                service.name, other.name
            );
            let hint = "keep it on one service, and let the other ask that one";
            findings.push(Finding::error("shared-disk", format!("{key}.{volume}"), message).hint(hint));
        }
    }
    if service.replicas > 1 && !service.volumes.is_empty() {
        let message = format!("`{}` has a disk: there are no copies of it", service.name);
        let key = format!("services.{}.replicas", service.name);
        findings.push(Finding::error("disk-and-copies", key, message).hint("write `replicas: 1`"));
    }
    findings
}
