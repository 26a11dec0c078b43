//! A web service, private service or background worker.

use dashdeploy_contract::{HealthCheck, Service, Source, image_reference, word};

use super::{Disk, Entry, Plan, python};
use crate::check::docker_command;
use crate::config::{Form, Place, Runtime};
use crate::size;

/// Seconds between SIGTERM and SIGKILL: Render's own default, written down so that it is seen
/// (<https://render.com/docs/deploys>).
const SHUTDOWN_SECONDS: u32 = 30;

/// Adds what such a service has besides what every service has.
pub(super) fn complete(mut entry: Entry, place: &Place, service: &Service) -> Entry {
    entry.plan =
        size::of(place, service).map(|plan| Plan { word: plan.word, about: word::comment(&plan.about()) });
    entry.instances = Some(service.replicas);
    entry.shutdown = Some(SHUTDOWN_SECONDS);
    entry.health = match &service.health {
        HealthCheck::Http { path } if place.form(service) == Form::Web => Some(path.clone()),
        _ => None,
    };
    entry.disk = service.volumes.first().map(|(volume, path)| Disk {
        name: volume.to_string(),
        path: path.clone(),
        size: size::gigabytes(place.bound.volumes.get(volume).and_then(|volume| volume.size)),
    });
    let credential = place.option(service, "registry_credential").map(str::to_owned);
    match (place.runtime(service), service.build()) {
        (Runtime::Image, _) => {
            entry.image = image(place, service);
            entry.image_credential = credential;
        }
        (Runtime::Python, Some(build)) => {
            entry.root = (build.context != ".").then(|| build.context.clone());
            let commands = python::commands(place, service, build);
            (entry.build_command, entry.start_command) = (Some(commands.build), Some(commands.start));
        }
        (_, Some(build)) => {
            entry.dockerfile = Some(format!("./{}", build.dockerfile));
            entry.context = Some(build.context.clone());
            entry.docker_credential = credential;
        }
        (_, None) => {}
    }
    entry.docker_command = docker_command(place, service).map(|words| words.join(" "));
    entry
}

/// The image that Render pulls. A release puts the digest in the tag's place.
pub(crate) fn image(place: &Place, service: &Service) -> Option<String> {
    match &service.source {
        Source::Image(image) => Some(with_registry(image)),
        Source::Build(_) => {
            let registry = place.bound.registry.as_deref()?;
            Some(format!("{registry}/{}", image_reference(place.bound, service)))
        }
    }
}

/// The whole name of an image: what an engine takes for Docker Hub says so, as in Render's examples.
fn with_registry(image: &str) -> String {
    let (first, rest) = image.split_once('/').unwrap_or(("", image));
    match first {
        "" => format!("docker.io/library/{rest}"),
        host if host.contains(['.', ':']) || host == "localhost" => image.to_owned(),
        _ => format!("docker.io/{image}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_are_those_of_docker_hub() {
        for (short, whole) in [
            ("postgres:16", "docker.io/library/postgres:16"),
            ("acme/api@sha256:0", "docker.io/acme/api@sha256:0"),
            ("ghcr.io/acme/api", "ghcr.io/acme/api"),
            ("registry:5000/api:1", "registry:5000/api:1"),
        ] {
            assert_eq!(with_registry(short), whole);
        }
    }
}
