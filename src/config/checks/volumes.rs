//! Volumes: known, used, at paths of their own, written by as many as they allow.

use std::collections::HashMap;

use dashdeploy_contract::{Finding, Name, Service, Writers};

use crate::config::draft::Draft;
use crate::config::report::Report;
use crate::config::suggest;

pub(super) fn check(draft: &Draft, report: &Report) {
    for service in draft.project.services.values() {
        mounts(draft, service, report);
        copies(draft, service, service.replicas, &format!("services.{}.replicas", service.name), report);
    }
    copies_in_environments(draft, report);
    let readable = |name: &Name| {
        let certain = !report.doubts(&format!("services.{name}.volumes"));
        certain && draft.project.services.contains_key(name)
    };
    let all_known = draft.services.iter().all(readable);
    for (name, volume) in &draft.project.volumes {
        let users: Vec<&Service> =
            draft.project.services.values().filter(|service| service.volumes.contains_key(name)).collect();
        // A service that cannot be read may be the one that uses it.
        if users.is_empty() && all_known {
            let finding = Finding::warning(
                "unused-volume",
                format!("volumes.{name}"),
                format!("no service mounts `{name}`"),
            );
            report.add(
                finding.hint(format!("mount it (`volumes: {{ {name}: /data }}` in a service), or remove it")),
            );
        }
        let single = volume.writers == Writers::Single && !report.doubts(&format!("volumes.{name}"));
        if let (true, [first, second, ..]) = (single, users.as_slice()) {
            let key = format!("services.{}.volumes.{name}", second.name);
            let message = format!(
                "`{name}` allows one writer, but `{}` and `{}` both mount it",
                first.name, second.name
            );
            let hint = format!("write `writers: many` under `volumes.{name}` if what is in it bears that");
            report.add(Finding::error("single-writer", key, message).hint(hint));
        }
    }
}

fn copies_in_environments(draft: &Draft, report: &Report) {
    for (environment, chosen) in &draft.project.environments {
        for (name, changes) in &chosen.services {
            let Some((service, replicas)) = draft.project.services.get(name).zip(changes.replicas) else {
                continue;
            };
            let key = format!("environments.{environment}.services.{name}.replicas");
            copies(draft, service, replicas, &key, report);
        }
    }
}

/// Several copies write at once.
fn copies(draft: &Draft, service: &Service, replicas: u32, key: &str, report: &Report) {
    let single = service.volumes.keys().find(|name| {
        let volume = draft.project.volumes.get(*name);
        volume.is_some_and(|volume| volume.writers == Writers::Single)
            && !report.doubts(&format!("volumes.{name}"))
    });
    let Some(volume) = single.filter(|_| replicas > 1) else { return };
    let message = format!("`{volume}` allows one writer, but `{}` is to run {replicas} times", service.name);
    let hint = format!(
        "write `replicas: 1`, or `writers: many` under `volumes.{volume}` if what is in it bears that"
    );
    report.add(Finding::error("single-writer", key, message).hint(hint));
}

fn mounts(draft: &Draft, service: &Service, report: &Report) {
    let mut seen: HashMap<&str, &Name> = HashMap::new();
    for (name, path) in &service.volumes {
        let key = format!("services.{}.volumes.{name}", service.name);
        if !draft.volumes.contains(name) {
            report.add(unknown(draft, name, key.clone()));
        }
        if service.read_only && path == "/tmp" {
            let message =
                "nothing can be mounted at `/tmp`: a read-only service has a file system in memory there";
            let finding = Finding::error("forbidden-mount", key.clone(), message);
            report.add(finding.hint("mount it elsewhere, or write `read_only: false`"));
        }
        if let Some(other) = seen.insert(path, name) {
            let message = format!("`{other}` and `{name}` are both mounted at `{path}`");
            report.add(Finding::error("mount-clash", key, message).hint("give one of them another path"));
        }
    }
}

/// The finding for a name that no volume has.
pub(super) fn unknown(draft: &Draft, name: &Name, key: String) -> Finding {
    let known: Vec<&str> = draft.volumes.iter().map(Name::as_str).collect();
    let mut finding = Finding::error("unknown-volume", key, format!("there is no volume `{name}`"));
    finding.hint = suggest::nearest(name.as_str(), known.iter().copied())
        .map(|near| format!("did you mean `{near}`?"))
        .or_else(|| Some(format!("add it: `volumes: {{ {name}: {{ size: 1Gi }} }}` at the top level")));
    finding
}
