//! Logins at registries.
//!
//! Given: the process environment and the files that `docker login` and `podman login` write. Gives: the user name and
//! password, or token, that a registry wants. Deliberately absent: the registries' own protocol.
//!
//! The first source that knows the registry wins: `DASHDEPLOY_REGISTRY_USERNAME` and `_PASSWORD` (for the registry of the
//! project alone), docker's and podman's files with their credential helpers, then the tokens that platforms and their CI
//! runs put into the environment.

mod ecr;
mod files;
mod helper;
mod mend;
mod platform;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use secrecy::{ExposeSecret as _, SecretString};

use super::env::Environment;
use super::http::Http;
use super::registry::Repository;

pub use files::server as docker_server;
pub use mend::mend;

/// What docker calls the user whose password is an identity token.
const IDENTITY: &str = "<token>";

/// A login at a registry. Its `Debug` form does not show the password.
#[derive(Debug, Clone)]
pub struct Login {
    /// The user name; `<token>` where the password is an identity token.
    pub username: String,
    /// The password or token.
    pub password: SecretString,
}

impl Login {
    /// A login by user and password.
    pub fn new(username: impl Into<String>, password: impl Into<SecretString>) -> Self {
        Self { username: username.into(), password: password.into() }
    }

    /// A login by identity token: a refresh token of OAuth 2 that the registry's token server gave.
    pub fn identity(token: impl Into<SecretString>) -> Self {
        Self::new(IDENTITY, token)
    }

    /// True where the password is an identity token.
    pub fn is_identity_token(&self) -> bool {
        self.username == IDENTITY
    }

    /// The text without the password in it, where that is longer than three characters.
    pub fn redact(&self, text: &str) -> String {
        let password = self.password.expose_secret();
        if password.chars().count() > 3 { text.replace(password, "•••") } else { text.to_owned() }
    }
}

/// Where logins come from.
pub trait Logins: Send + Sync + std::fmt::Debug {
    /// The login for a registry's host with its port, as `ghcr.io` or `127.0.0.1:5000`; Docker Hub is `docker.io`, or
    /// `https://index.docker.io/v1/` as docker and BuildKit call it. None where nothing is known of it. Blocks: a
    /// credential helper may be a program.
    ///
    /// # Errors
    /// A sentence, where a source of logins is broken: a file that cannot be read, a helper that fails.
    fn login(&self, registry: &str) -> Result<Option<Login>, String>;
}

/// One login for one registry, given by whoever owns it.
#[derive(Debug)]
pub struct Fixed {
    host: String,
    login: Login,
}

impl Fixed {
    /// The login for a host.
    pub fn new(host: impl Into<String>, login: Login) -> Self {
        Self { host: host.into(), login }
    }
}

impl Logins for Fixed {
    fn login(&self, registry: &str) -> Result<Option<Login>, String> {
        Ok((files::host_of(registry) == self.host).then(|| self.login.clone()))
    }
}

/// The logins of this machine and this run. Each registry is looked up once.
pub struct MachineLogins {
    variables: BTreeMap<String, String>,
    own: Option<String>,
    http: Arc<Http>,
    known: Mutex<HashMap<String, Option<Login>>>,
}

impl std::fmt::Debug for MachineLogins {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MachineLogins").field("own", &self.own).finish_non_exhaustive()
    }
}

impl MachineLogins {
    /// The logins of a process. `registry` is where the project's images are pushed to, as `ghcr.io/acme`.
    pub fn new(environment: &Environment, registry: Option<&str>, http: Arc<Http>) -> Self {
        let own = registry.map(|registry| Repository::below(registry, "any").host);
        Self { variables: environment.variables.clone(), own, http, known: Mutex::default() }
    }

    fn look_up(&self, host: &str) -> Result<Option<Login>, String> {
        let get = |name: &str| self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty());
        if self.own.as_deref() == Some(host)
            && let Some(login) = platform::explicit(&get)?
        {
            return Ok(Some(login));
        }
        if let Some(login) = files::login(host, &get)? {
            return Ok(Some(login));
        }
        if let Some(login) = platform::token(host, &get)? {
            return Ok(Some(login));
        }
        ecr::login(host, &get, &self.http)
    }
}

impl Logins for MachineLogins {
    fn login(&self, registry: &str) -> Result<Option<Login>, String> {
        let host = files::host_of(registry);
        // A poisoned lock means that a look-up panicked elsewhere: then it is looked up anew.
        if let Some(known) = self.known.lock().ok().and_then(|known| known.get(host).cloned()) {
            return Ok(known);
        }
        let found = self.look_up(host)?;
        if let Ok(mut known) = self.known.lock() {
            known.insert(host.to_owned(), found.clone());
        }
        Ok(found)
    }
}
