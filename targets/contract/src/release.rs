//! Releases: immutable content that is put somewhere.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::{Bound, Name, SecretStore, Wiring, fingerprint};

/// The content digest of an image, as `sha256:…`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ImageId(pub String);

/// The image of a service in a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseImage {
    /// The name by which the engine or registry knows it, with a tag.
    pub reference: String,
    /// Its content.
    pub id: ImageId,
}

/// Immutable: a project in an environment, its images by content, its variables filled in, the names and fingerprints of its
/// secrets.
#[derive(Debug, Clone, PartialEq)]
pub struct Release {
    /// The project in its environment.
    pub bound: Bound,
    /// The services' images.
    pub images: IndexMap<Name, ReleaseImage>,
    /// The addresses its variables are filled in with.
    pub wiring: Wiring,
    /// For each service the secrets that have a value, with their fingerprints.
    pub secrets: IndexMap<Name, IndexMap<String, String>>,
    /// The project's folder, as ownership marks show it.
    pub project_dir: String,
}

impl Release {
    /// The fingerprints of all secrets of the environment that have a value in the store.
    pub fn fingerprints(bound: &Bound, store: &SecretStore) -> IndexMap<Name, IndexMap<String, String>> {
        let of = |service: &crate::Service| {
            let known = service.secrets.keys().filter_map(|variable| {
                let value = store.expose(&service.name, variable)?;
                Some((variable.clone(), fingerprint(&bound.project, &bound.environment, variable, value)))
            });
            known.collect::<IndexMap<_, _>>()
        };
        bound.services.values().map(|service| (service.name.clone(), of(service))).collect()
    }
}

impl ImageId {
    /// The tag made from the content: `dd-` and the first 16 hex digits.
    pub fn content_tag(&self) -> String {
        let hex = self.0.strip_prefix("sha256:").unwrap_or(&self.0);
        format!("dd-{}", hex.get(..16).unwrap_or(hex))
    }

    /// The first twelve hex digits, as the engine's own lists show it.
    pub fn short(&self) -> &str {
        let hex = self.0.strip_prefix("sha256:").unwrap_or(&self.0);
        hex.get(..12).unwrap_or(hex)
    }
}
