//! What a registry keeps, in memory: blobs, manifests, tags, by repository.
//!
//! Given: bytes. Gives: the same bytes by their digest. Deliberately absent: HTTP, and a disk: what is kept ends with the
//! process.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::held;

/// What a registry keeps, shared by the registry and by the platform that pulls from it.
#[derive(Debug, Default)]
pub struct Store {
    inner: Mutex<Inner>,
    /// True where a repository is there only once [`Store::permit`] was called for it.
    permits: bool,
}

#[derive(Debug, Default)]
struct Inner {
    repositories: BTreeMap<String, Repository>,
    permitted: BTreeSet<String>,
}

#[derive(Debug, Default)]
struct Repository {
    blobs: BTreeMap<String, Vec<u8>>,
    manifests: BTreeMap<String, Manifest>,
    tags: BTreeMap<String, String>,
}

/// A manifest as it was pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Its media type.
    pub media_type: String,
    /// Its bytes.
    pub body: Vec<u8>,
}

/// An image that was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The manifest's digest.
    pub digest: String,
    /// The labels of the image, where it has a configuration.
    pub labels: BTreeMap<String, String>,
}

/// The digest of bytes: `sha256:…`.
pub fn digest(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

impl Store {
    /// A store in which any repository may be made.
    pub fn open() -> Self {
        Self::default()
    }

    /// A store with repositories only where they were permitted: those of apps that exist.
    pub fn by_permit() -> Self {
        Self { permits: true, ..Self::default() }
    }

    /// A repository may be made.
    pub fn permit(&self, repository: &str) {
        held(&self.inner).permitted.insert(repository.to_owned());
    }

    /// A repository is gone, with everything in it.
    pub fn forbid(&self, repository: &str) {
        let mut inner = held(&self.inner);
        inner.permitted.remove(repository);
        inner.repositories.remove(repository);
    }

    /// True where something may be pushed to a repository.
    pub fn permitted(&self, repository: &str) -> bool {
        !self.permits || held(&self.inner).permitted.contains(repository)
    }

    /// Keeps a blob.
    pub fn keep(&self, repository: &str, digest: &str, bytes: Vec<u8>) {
        held(&self.inner).of(repository).blobs.insert(digest.to_owned(), bytes);
    }

    /// A blob.
    pub fn blob(&self, repository: &str, digest: &str) -> Option<Vec<u8>> {
        held(&self.inner).repositories.get(repository)?.blobs.get(digest).cloned()
    }

    /// A blob's size in bytes.
    pub fn size(&self, repository: &str, digest: &str) -> Option<usize> {
        held(&self.inner).repositories.get(repository)?.blobs.get(digest).map(Vec::len)
    }

    /// Keeps a manifest, under a tag where the reference is one. Its digest.
    pub fn put(&self, repository: &str, reference: &str, manifest: Manifest) -> String {
        let digest = digest(&manifest.body);
        let mut inner = held(&self.inner);
        let kept = inner.of(repository);
        if !reference.starts_with("sha256:") {
            kept.tags.insert(reference.to_owned(), digest.clone());
        }
        kept.manifests.insert(digest.clone(), manifest);
        digest
    }

    /// A manifest by tag or digest, with its digest.
    pub fn manifest(&self, repository: &str, reference: &str) -> Option<(String, Manifest)> {
        let inner = held(&self.inner);
        let kept = inner.repositories.get(repository)?;
        let digest = kept.tags.get(reference).map_or(reference, String::as_str);
        kept.manifests.get(digest).map(|manifest| (digest.to_owned(), manifest.clone()))
    }

    /// Forgets a manifest, and the tags that mean it; false where there is none.
    pub fn forget(&self, repository: &str, reference: &str) -> bool {
        let mut inner = held(&self.inner);
        let Some(kept) = inner.repositories.get_mut(repository) else { return false };
        let digest = kept.tags.get(reference).cloned().unwrap_or_else(|| reference.to_owned());
        kept.tags.retain(|_, meant| *meant != digest);
        kept.manifests.remove(&digest).is_some()
    }

    /// The tags of a repository; none where there is no such repository.
    pub fn tags(&self, repository: &str) -> Option<Vec<String>> {
        Some(held(&self.inner).repositories.get(repository)?.tags.keys().cloned().collect())
    }

    /// An image by tag or digest, as a platform looks for it before it pulls.
    pub fn image(&self, repository: &str, reference: &str) -> Option<Found> {
        let (digest, manifest) = self.manifest(repository, reference)?;
        Some(Found { digest, labels: self.labels(repository, &manifest).unwrap_or_default() })
    }

    fn labels(&self, repository: &str, manifest: &Manifest) -> Option<BTreeMap<String, String>> {
        let manifest: Value = serde_json::from_slice(&manifest.body).ok()?;
        let config = self.blob(repository, manifest["config"]["digest"].as_str()?)?;
        let config: Value = serde_json::from_slice(&config).ok()?;
        let labels = config["config"]["Labels"].as_object()?.iter();
        Some(labels.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect())
    }

    /// What of these digests a repository lacks.
    pub fn lacks(&self, repository: &str, digests: &[String]) -> Vec<String> {
        let inner = held(&self.inner);
        let kept = inner.repositories.get(repository);
        let has = |digest: &String| {
            kept.is_some_and(|kept| kept.blobs.contains_key(digest) || kept.manifests.contains_key(digest))
        };
        digests.iter().filter(|digest| !has(digest)).cloned().collect()
    }

    /// The bytes of all blobs together.
    pub fn bytes(&self) -> usize {
        held(&self.inner).repositories.values().flat_map(|kept| kept.blobs.values()).map(Vec::len).sum()
    }

    /// What is there: tags, digests, sizes.
    pub fn objects(&self) -> Value {
        let inner = held(&self.inner);
        let repositories = inner.repositories.iter().map(|(name, kept)| {
            let blobs: BTreeMap<&String, usize> =
                kept.blobs.iter().map(|(digest, bytes)| (digest, bytes.len())).collect();
            let manifests: Vec<&String> = kept.manifests.keys().collect();
            (name.clone(), json!({ "tags": kept.tags, "manifests": manifests, "blobs": blobs }))
        });
        json!({ "repositories": Value::Object(repositories.collect()) })
    }
}

impl Inner {
    fn of(&mut self, repository: &str) -> &mut Repository {
        self.repositories.entry(repository.to_owned()).or_default()
    }
}
