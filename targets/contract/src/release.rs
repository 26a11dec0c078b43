//! Releases: immutable content that is put somewhere.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::{Bound, Name, SecretStore, Supplies, Wiring, fingerprint};

/// The content digest of an image, as `sha256:…`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ImageId(pub String);

/// The image of a service in a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseImage {
    /// The name by which the engine or registry knows it, with a tag.
    pub reference: String,
    /// Its content: the digest of its configuration where it was built here, of its manifest where it is another's.
    pub id: ImageId,
    /// Where it lies at a registry, `repository@sha256:…`; none while it was not pushed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// The commit that a release was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitSource {
    /// The whole commit id.
    pub commit: String,
    /// The branch, where one is checked out.
    pub branch: Option<String>,
    /// The address of the remote `origin`, without a user or password; none where there is none.
    pub remote: Option<String>,
    /// True where files differ from the commit.
    pub dirty: bool,
}

/// Immutable: a project in an environment, its images by content, its variables filled in, the names and fingerprints of its
/// secrets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    /// Its number in its environment: 7 for r7; none where no ledger counts.
    #[serde(default)]
    pub number: Option<u32>,
    /// The commit it was made from, where the project is in a git repository.
    #[serde(default)]
    pub git: Option<GitSource>,
}

impl ReleaseImage {
    /// An image that was not pushed.
    pub fn new(reference: impl Into<String>, id: ImageId) -> Self {
        Self { reference: reference.into(), id, digest: None }
    }

    /// The digest of its manifest, where it was pushed: `sha256:…`.
    pub fn manifest_digest(&self) -> Option<&str> {
        self.digest.as_deref()?.rsplit_once('@').map(|(_, digest)| digest)
    }
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

impl Release {
    /// The same with every image by the digest under which it lies where its target takes it from: pushes are a part of
    /// carrying a plan out, so that a release does not know all of them when it is planned.
    #[must_use]
    pub fn pushed(&self, supplies: &Supplies) -> Self {
        let mut pushed = self.clone();
        for (service, image) in &mut pushed.images {
            image.digest = supplies.image(service).or_else(|| image.digest.take());
        }
        pushed
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
