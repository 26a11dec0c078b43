//! Manifests: pushed by tag or digest, looked for, fetched, forgotten.
//!
//! Given: requests below `/manifests`. Gives: answers, with the digest of the very bytes that were pushed. Deliberately absent:
//! another form than the one that was pushed.

use serde_json::Value;

use super::blobs::{described, unsupported};
use super::{Answer, Manifest, Refused, Registry, digest};
use crate::{Call, Reply};

impl Registry {
    /// `/v2/{name}/manifests/{reference}`.
    pub(super) fn manifest(&self, call: &Call, name: &str, reference: &str) -> Answer {
        let store = &self.options.store;
        let missing = || Refused::missing("MANIFEST_UNKNOWN", &format!("{name}:{reference}"));
        match call.method.as_str() {
            "PUT" => self.put_manifest(call, name, reference),
            "GET" | "HEAD" => {
                let (digest, manifest) = store.manifest(name, reference).ok_or_else(missing)?;
                // Of a HEAD the server sends the length alone.
                let reply = Reply { status: 200, body: manifest.body, ..Reply::default() };
                Ok(described(reply, &digest, &manifest.media_type))
            }
            "DELETE" if store.forget(name, reference) => Ok(Reply::empty(202)),
            "DELETE" => Err(missing()),
            _ => Err(unsupported(call)),
        }
    }

    fn put_manifest(&self, call: &Call, name: &str, reference: &str) -> Answer {
        let invalid = |why: String| Refused(400, "MANIFEST_INVALID", why);
        let parsed: Value = serde_json::from_slice(&call.body).map_err(|error| invalid(error.to_string()))?;
        let is = digest(&call.body);
        if reference.starts_with("sha256:") && reference != is {
            return Err(Refused(400, "DIGEST_INVALID", format!("the manifest is {is}")));
        }
        if parsed["schemaVersion"] != 2 {
            return Err(invalid("only schema 2 is taken".to_owned()));
        }
        let lacks = self.options.store.lacks(name, &needs(&parsed));
        if let Some(first) = lacks.first() {
            return Err(Refused(400, "MANIFEST_BLOB_UNKNOWN", format!("the repository has no {first}")));
        }
        let own = parsed["mediaType"].as_str();
        let media_type =
            call.header("content-type").or(own).unwrap_or("application/vnd.oci.image.manifest.v1+json");
        let manifest = Manifest { media_type: media_type.to_owned(), body: call.body.clone() };
        let digest = self.options.store.put(name, reference, manifest);
        Ok(Reply::empty(201)
            .with("location", format!("/v2/{name}/manifests/{digest}"))
            .with("docker-content-digest", digest))
    }
}

/// The digests that a manifest, or a list of them, is made of. Layers that are fetched elsewhere are left out.
fn needs(manifest: &Value) -> Vec<String> {
    let config = manifest.get("config").into_iter();
    let lists = ["layers", "manifests"].into_iter().filter_map(|list| manifest[list].as_array()).flatten();
    let here = config.chain(lists).filter(|part| part.get("urls").is_none());
    here.filter_map(|part| part["digest"].as_str().map(str::to_owned)).collect()
}
