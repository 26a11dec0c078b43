//! What changes are carried out with: secret values, and where each service's image lies by digest.
//!
//! Given: the store of secrets; images as they are pushed, which may be while changes are carried out already. Gives: both to
//! a target's writer, and to nothing else.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::{Name, SecretStore};

/// Secret values, and images by digest.
#[derive(Debug, Default)]
pub struct Supplies {
    /// The values.
    pub secrets: SecretStore,
    images: Mutex<BTreeMap<Name, String>>,
}

impl Supplies {
    /// Secret values, and no image that would have to be fetched from anywhere.
    pub fn of(secrets: SecretStore) -> Self {
        Self { secrets, images: Mutex::default() }
    }

    /// Notes where the image of a service lies: `repository@sha256:…`.
    pub fn put_image(&self, service: &Name, by_digest: impl Into<String>) {
        self.images.lock().unwrap_or_else(PoisonError::into_inner).insert(service.clone(), by_digest.into());
    }

    /// Where all images lie that lie with a registry.
    pub fn images(&self) -> BTreeMap<Name, String> {
        self.images.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Where the image of a service lies: `repository@sha256:…`; none where it lies with the engine that runs it.
    pub fn image(&self, service: &Name) -> Option<String> {
        self.images.lock().unwrap_or_else(PoisonError::into_inner).get(service).cloned()
    }
}
