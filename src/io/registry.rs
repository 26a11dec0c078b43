//! Registries of images: what stands under a name there, and another name for it.
//!
//! Given: a registry's host and a [`Login`]. Gives: digests and manifests by the OCI distribution API
//! (<https://github.com/opencontainers/distribution-spec/blob/main/spec.md>), each manifest proven by its digest, or a
//! [`RegistryError`] with the mend. Deliberately absent: layers, which the engine sends (`io/docker/push.rs`).

mod auth;
mod error;
mod name;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, StatusCode, Url};
use secrecy::SecretString;
use sha2::{Digest as _, Sha256};

use super::http::{Answer, Http, Request};
use super::logins::Login;

pub use error::{RegistryError, RegistryErrorKind};
pub use name::{Repository, canonical};

/// The forms of manifests that are understood, as `Accept` wants them.
const MANIFESTS: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
                         application/vnd.docker.distribution.manifest.v2+json, \
                         application/vnd.docker.distribution.manifest.list.v2+json";

/// A registry that is spoken to as one user, or as nobody.
#[derive(Debug)]
pub struct Registry {
    http: Arc<Http>,
    host: String,
    base: Url,
    login: Option<Login>,
    /// The authorization that was good last, by method and repository.
    granted: Mutex<HashMap<String, SecretString>>,
}

/// A manifest, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// `sha256:…` of the bytes.
    pub digest: String,
    /// Its form.
    pub media_type: String,
    /// The bytes.
    pub bytes: Bytes,
}

impl Registry {
    /// A registry by its host, with a port where it has one; Docker Hub is `docker.io`. Nothing is asked yet.
    ///
    /// # Errors
    /// A host that is none.
    pub fn new(http: Arc<Http>, host: &str, login: Option<Login>) -> Result<Self, RegistryError> {
        let base =
            name::base(host).ok_or_else(|| RegistryError::unexpected(host, "this is no host's name"))?;
        Ok(Self { http, host: host.to_owned(), base, login, granted: Mutex::default() })
    }

    /// Asks whether it is there and takes the login.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn ping(&self) -> Result<(), RegistryError> {
        let answer = self.ask(self.request(Method::GET, "")?, "").await?;
        if answer.status.is_success() { Ok(()) } else { Err(self.failed(&answer)) }
    }

    /// The digest of the manifest under a tag or digest; none where there is no such manifest or repository.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn digest(&self, repository: &str, reference: &str) -> Result<Option<String>, RegistryError> {
        let request = self.request(Method::HEAD, &format!("{repository}/manifests/{reference}"))?;
        let answer = self.ask(request, repository).await?;
        match (answer.status, answer.header("docker-content-digest")) {
            (StatusCode::NOT_FOUND, _) => Ok(None),
            (status, Some(digest)) if status.is_success() && is_digest(digest) => Ok(Some(digest.to_owned())),
            // The header is not obligatory; the bytes say the same.
            (status, _) if status.is_success() => {
                Ok(self.manifest(repository, reference).await?.map(|manifest| manifest.digest))
            }
            _ => Err(self.failed(&answer)),
        }
    }

    /// The manifest under a tag or digest; none where there is no such manifest or repository.
    ///
    /// # Errors
    /// [`RegistryError`]; also where the bytes are not those of the digest.
    pub async fn manifest(
        &self,
        repository: &str,
        reference: &str,
    ) -> Result<Option<Manifest>, RegistryError> {
        let request = self.request(Method::GET, &format!("{repository}/manifests/{reference}"))?;
        let answer = self.ask(request, repository).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        if !answer.status.is_success() {
            return Err(self.failed(&answer));
        }
        let digest = sha256(&answer.body);
        let asked = Some(reference).filter(|text| text.starts_with("sha256:"));
        let told = answer.header("docker-content-digest").filter(|text| text.starts_with("sha256:"));
        if let Some(other) = asked.into_iter().chain(told).find(|other| *other != digest) {
            return Err(RegistryError::unexpected(
                &self.host,
                &format!("the manifest of {repository} that it calls {other} has the digest {digest}"),
            ));
        }
        let media_type = answer.header(CONTENT_TYPE.as_str()).unwrap_or_default().to_owned();
        Ok(Some(Manifest { digest, media_type, bytes: answer.body }))
    }

    /// Gives a manifest that the repository has one more tag; no layer is sent. The tag moves where it was another's.
    ///
    /// # Errors
    /// [`RegistryError`]; also where the registry then calls it otherwise.
    pub async fn tag(&self, repository: &str, tag: &str, manifest: &Manifest) -> Result<(), RegistryError> {
        let mut request = self.request(Method::PUT, &format!("{repository}/manifests/{tag}"))?;
        let media_type = HeaderValue::from_str(&manifest.media_type)
            .map_err(|_| RegistryError::unexpected(&self.host, "the manifest's form has no name"))?;
        request.headers.insert(CONTENT_TYPE, media_type);
        request.body = manifest.bytes.clone();
        request.repeatable = true;
        let answer = self.ask(request, repository).await?;
        if !answer.status.is_success() {
            return Err(self.failed(&answer));
        }
        match answer.header("docker-content-digest") {
            Some(other) if other != manifest.digest => Err(RegistryError::unexpected(
                &self.host,
                &format!("{repository}:{tag} was to be {}, and it says {other}", manifest.digest),
            )),
            _ => Ok(()),
        }
    }

    fn request(&self, method: Method, path: &str) -> Result<Request, RegistryError> {
        let url = self.base.join(path).map_err(|_| RegistryError::unexpected(&self.host, "no valid name"))?;
        let mut request = Request::new(method, url);
        request.headers.insert(ACCEPT, HeaderValue::from_static(MANIFESTS));
        Ok(request)
    }

    /// Asks as whoever was let in last, and once more by what the registry wants for it.
    async fn ask(&self, mut request: Request, repository: &str) -> Result<Answer, RegistryError> {
        let writes = request.method == Method::PUT;
        let key = format!("{} {repository}", if writes { "write" } else { "read" });
        request.authorization = self.granted.lock().ok().and_then(|granted| granted.get(&key).cloned());
        let sent = |error| RegistryError::from_http(&self.host, &error);
        let answer = self.http.send(&request).await.map_err(sent)?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        let Some(authorization) = auth::authorization(self, &answer).await? else {
            return Err(self.failed(&answer));
        };
        request.authorization = Some(authorization.clone());
        let answer = self.http.send(&request).await.map_err(sent)?;
        if answer.status != StatusCode::UNAUTHORIZED
            && let Ok(mut granted) = self.granted.lock()
        {
            granted.insert(key, authorization);
        }
        Ok(answer)
    }

    fn failed(&self, answer: &Answer) -> RegistryError {
        RegistryError::from_answer(&self.host, answer, self.login.as_ref())
    }
}

/// The digest of bytes, as registries write it.
pub fn sha256(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// True for a digest by a registered algorithm: `sha256:` with 64 hex digits, `sha512:` with 128.
pub fn is_digest(text: &str) -> bool {
    let Some((algorithm, hex)) = text.split_once(':') else { return false };
    let length = match algorithm {
        "sha256" => 64,
        "sha512" => 128,
        _ => return false,
    };
    hex.len() == length && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
