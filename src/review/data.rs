//! What the program writes, against the volumes that outlive its container.

use dashdeploy_contract::Finding;

use super::Pair;
use crate::detect::code::Written;

/// Where generated images keep the application.
const HOME: &str = "/app";

pub(super) fn compare(pair: &mut Pair<'_>) {
    if let Some(evidence) = pair.code.loopback(pair.draft) {
        let message =
            "the server listens on the loopback address only: nothing outside its container reaches it";
        pair.in_code(
            Finding::warning("listens-on-loopback", "", message).hint("listen on 0.0.0.0"),
            &evidence,
        );
    }
    if !pair.draft.is_server() {
        return;
    }
    for written in pair.code.written(pair.draft) {
        if !is_kept(pair, &written) {
            lost(pair, &written);
        }
    }
}

/// True where the path lies in a volume, by itself, by a link, or moved there by its variable.
fn is_kept(pair: &Pair<'_>, written: &Written) -> bool {
    let service = pair.service;
    let mounted =
        |path: &str| service.volumes.values().any(|mount| is_below(path, mount) || is_below(mount, path));
    let whole =
        if written.path.starts_with('/') { written.path.clone() } else { format!("{HOME}/{}", written.path) };
    let links = super::build_of(service).map(|build| &build.links);
    let linked = links
        .into_iter()
        .flatten()
        .any(|(from, to)| (is_below(&written.path, from) || is_below(from, &written.path)) && mounted(to));
    mounted(&whole) || linked || written.moved_by.iter().any(|name| pair.is_declared(name))
}

fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder.trim_end_matches('/'))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn lost(pair: &mut Pair<'_>, written: &Written) {
    let (path, service) = (&written.path, pair.service.name.clone());
    let message =
        format!("`{path}` is written to and lies in no volume: what is in it is lost with the container");
    let hint = match pair.service.volumes.values().next() {
        Some(mount) if !path.starts_with('/') => {
            format!(
                "keep it in the volume at `{mount}`: under `services.{service}.build.links`, `{path}: {mount}/{path}`"
            )
        }
        _ if path.starts_with('/') => format!(
            "mount a volume there: `services.{service}.volumes: {{ data: {path} }}`, and name it under `volumes:`"
        ),
        _ => format!(
            "mount a volume, `services.{service}.volumes: {{ data: /data }}`, name it under `volumes:`, and link it under `services.{service}.build.links`: `{path}: /data`"
        ),
    };
    pair.in_code(Finding::warning("data-not-kept", "", message).hint(hint), &written.evidence);
}
