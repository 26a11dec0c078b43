//! Secrets of a build: handed to single steps from memory, in no layer, no argument and no cache key.

use indexmap::IndexMap;
use secrecy::{ExposeSecret as _, SecretString};

/// Values by the id under which a step mounts them (`RUN --mount=type=secret,id=…`). The `Debug` form shows ids only.
#[derive(Default, Clone)]
pub struct BuildSecrets(IndexMap<String, SecretString>);

impl BuildSecrets {
    /// Puts a value under an id; a later value replaces an earlier one.
    pub fn insert(&mut self, id: &str, value: SecretString) {
        self.0.insert(id.to_owned(), value);
    }

    /// The value of an id, to be handed to BuildKit and nothing else.
    pub fn expose(&self, id: &str) -> Option<&str> {
        self.0.get(id).map(SecretString::expose_secret)
    }

    /// The ids, in the order in which they were put in.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl std::fmt::Debug for BuildSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
