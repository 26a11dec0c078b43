//! Registry credentials of a workspace: what private images are pulled with.
//!
//! Given: a bound project. Gives: Render's word for the registry of a service's image, and the name under which dashdeploy keeps a
//! credential for it. Deliberately absent: tokens. Source: <https://render.com/docs/deploying-an-image#credentials-for-private-images>.

use std::collections::BTreeSet;

use dashdeploy_contract::{Bound, Service, derived_name};
use serde::{Deserialize, Serialize};

use crate::config::{Place, Runtime};
use crate::manifests::image;

/// The longest name; Render documents no limit.
const LONGEST: usize = 60;
/// The registry that every workspace pulls from without a login.
const HUB: &str = "docker.io";

/// What a service's image is pulled with, where no option names a credential.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Pull {
    /// The credential's name, which tells that it is ours.
    pub(crate) name: String,
    /// Render's word for the registry.
    pub(crate) registry: String,
}

/// What a service's image is pulled with; none where an option says it, or the login of this environment is for another registry.
pub(crate) fn pull(place: &Place, service: &Service) -> Option<Pull> {
    if place.runtime(service) != Runtime::Image || place.option(service, "registry_credential").is_some() {
        return None;
    }
    let host = host(&image(place, service)?);
    let registry = word(&host).filter(|_| login_host(place).as_deref() == Some(host.as_str()))?;
    Some(Pull { name: name(place.bound, registry), registry: registry.to_owned() })
}

/// True where a credential is for the registry that an image lies at: a run may push elsewhere than dashdeploy.yaml says.
pub(crate) fn is_for(pull: &Pull, image: &str) -> bool {
    word(&host(image)) == Some(pull.registry.as_str())
}

/// The one registry that the login is for: the one that images are pushed to, else the only one that images are taken from.
fn login_host(place: &Place) -> Option<String> {
    if let Some(registry) = &place.bound.registry {
        return Some(host(registry));
    }
    let all: BTreeSet<String> =
        place.services().filter_map(|service| image(place, service)).map(|image| host(&image)).collect();
    let private: Vec<&String> = all.iter().filter(|host| *host != HUB).collect();
    match private.as_slice() {
        [] => all.first().cloned(),
        [only] => Some((*only).clone()),
        _ => None,
    }
}

fn host(image: &str) -> String {
    match image.split('/').next().unwrap_or_default() {
        "index.docker.io" | "registry-1.docker.io" => HUB.to_owned(),
        host => host.to_owned(),
    }
}

fn name(bound: &Bound, registry: &str) -> String {
    let registry = registry.to_ascii_lowercase().replace('_', "-");
    derived_name(&["dashdeploy", bound.project.as_str(), bound.environment.as_str(), &registry], LONGEST)
}

/// Render's word for a registry (`registry` of <https://api-docs.render.com/reference/create-registry-credential>); none where it
/// keeps no credentials for it.
fn word(host: &str) -> Option<&'static str> {
    match host {
        "ghcr.io" => Some("GITHUB"),
        "registry.gitlab.com" => Some("GITLAB"),
        HUB => Some("DOCKER"),
        host if host.ends_with("-docker.pkg.dev") => Some("GOOGLE_ARTIFACT"),
        host if host.contains(".dkr.ecr.") && host.ends_with(".amazonaws.com") => Some("AWS_ECR"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registries_that_render_keeps_credentials_for() {
        for (image, known) in [
            ("ghcr.io/acme", Some("GITHUB")),
            ("registry.gitlab.com/acme/shop", Some("GITLAB")),
            ("index.docker.io/acme", Some("DOCKER")),
            ("europe-west4-docker.pkg.dev/p/r", Some("GOOGLE_ARTIFACT")),
            ("123456789012.dkr.ecr.eu-central-1.amazonaws.com/x", Some("AWS_ECR")),
            ("registry.example.com/acme", None),
        ] {
            assert_eq!(word(&host(image)), known, "{image}");
        }
    }
}
