//! Whether what a registry has under a digest is the engine's image.

use serde_json::Value;

use crate::io::docker::EngineImage;
use crate::io::registry::{Manifest, Repository};

/// True where the engine itself knows the digest as this image's: it pushed or fetched it under that name, or keeps images
/// by the digests of their manifests.
pub(super) fn known(image: &EngineImage, repository: &Repository, digest: &str) -> bool {
    let full = format!("{repository}@{digest}");
    // The engine leaves Docker Hub's name out.
    let short = full.strip_prefix("docker.io/").unwrap_or(&full);
    let shortest = short.strip_prefix("library/").unwrap_or(short);
    image.id == digest
        || image.repo_digests.iter().any(|found| [&full, short, shortest].contains(&found.as_str()))
}

/// The digest of the configuration that a manifest names; none for an index of several.
pub(super) fn configuration(manifest: &Manifest) -> Option<String> {
    let parsed: Value = serde_json::from_slice(&manifest.bytes).ok()?;
    Some(parsed["config"]["digest"].as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_engine_knows() {
        let image = EngineImage {
            id: "sha256:aa".to_owned(),
            repo_digests: vec!["acme/x@sha256:bb".to_owned(), "r:5000/x@sha256:cc".to_owned()],
        };
        let hub = Repository::below("docker.io/acme", "x");
        let own = Repository::below("r:5000", "x");
        assert!(known(&image, &hub, "sha256:bb") && known(&image, &own, "sha256:cc"));
        assert!(known(&image, &own, "sha256:aa"), "kept by containerd");
        assert!(!known(&image, &own, "sha256:bb") && !known(&image, &hub, "sha256:dd"));
    }

    #[test]
    fn manifests_name_their_configuration() {
        let manifest = |text: &'static str| Manifest {
            digest: String::new(),
            media_type: String::new(),
            bytes: text.into(),
        };
        let named = configuration(&manifest(r#"{"config":{"digest":"sha256:aa"}}"#));
        assert_eq!(named.as_deref(), Some("sha256:aa"));
        assert_eq!(configuration(&manifest(r#"{"manifests":[]}"#)), None);
        assert_eq!(configuration(&manifest("<html>")), None);
    }
}
