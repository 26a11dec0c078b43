//! Logins at registries.
//!
//! Given: a registry's host. Gives: the user name and password, or token, that it wants. Deliberately absent: the registries'
//! own protocol.

use secrecy::SecretString;

/// A login at a registry. Its `Debug` form does not show the password.
#[derive(Debug, Clone)]
pub struct Login {
    /// The user name.
    pub username: String,
    /// The password or token.
    pub password: SecretString,
}

/// Where logins come from.
pub trait Logins: Send + Sync + std::fmt::Debug {
    /// The login for a registry's host with its port, as `ghcr.io` or `127.0.0.1:5000`; Docker Hub is `docker.io`. None where
    /// nothing is known of it. Blocks: a credential helper may be a program.
    ///
    /// # Errors
    /// A sentence, where a source of logins is broken: a file that cannot be read, a helper that fails.
    fn login(&self, registry: &str) -> Result<Option<Login>, String>;
}
