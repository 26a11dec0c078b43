//! A registry in memory: the OCI distribution protocol, as Docker Engine and other clients push and pull by it.
//!
//! Given: requests below `/v2/` (<https://github.com/opencontainers/distribution-spec/blob/main/spec.md>). Gives: what was pushed, and
//! only what was pushed whole: digests are checked, a manifest needs its blobs. Where repositories go by permit, those of apps
//! that do not exist are refused, as `registry.fly.io` does. Deliberately absent: a disk, tokens other than Basic, referrers.

mod blobs;
mod manifests;
mod store;

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

pub use store::{Found, Manifest, Store, digest};

use crate::{Call, Moment, Platform, Reply};

/// How a registry is set up.
#[derive(Clone)]
pub struct RegistryOptions {
    /// What it keeps.
    pub store: Arc<Store>,
    /// The passwords that are taken, whoever the user is; none where nobody is asked.
    pub passwords: Vec<String>,
    /// How many bytes of blobs it keeps at most.
    pub room: usize,
    /// The variable that names its host to a client.
    pub variable: Option<String>,
}

/// No password.
impl std::fmt::Debug for RegistryOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("RegistryOptions");
        shown.field("passwords", &self.passwords.len()).field("room", &self.room);
        shown.field("variable", &self.variable).finish_non_exhaustive()
    }
}

impl Default for RegistryOptions {
    fn default() -> Self {
        Self {
            store: Arc::new(Store::open()),
            passwords: Vec::new(),
            room: 4 << 30,
            variable: Some("FLY_REGISTRY_HOST".to_owned()),
        }
    }
}

/// A registry in memory.
#[derive(Debug)]
pub struct Registry {
    options: RegistryOptions,
    /// What is being sent, by its id: the repository and the bytes so far.
    uploads: BTreeMap<String, (String, Vec<u8>)>,
    count: u64,
}

/// A refusal: status, code, words.
struct Refused(u16, &'static str, String);

type Answer = Result<Reply, Refused>;

impl Refused {
    fn missing(code: &'static str, what: &str) -> Self {
        Self(404, code, format!("{what} is not known"))
    }

    fn reply(self) -> Reply {
        let Self(status, code, message) = self;
        let reply =
            Reply::json(status, &json!({ "errors": [{ "code": code, "message": message, "detail": null }] }));
        if status == 401 { reply.with("www-authenticate", "Basic realm=\"registry\"") } else { reply }
    }
}

impl Registry {
    /// A registry that keeps what its store keeps.
    pub fn new(options: RegistryOptions) -> Self {
        Self { options, uploads: BTreeMap::new(), count: 0 }
    }

    fn admit(&self, call: &Call) -> Result<(), Refused> {
        let basic = call.header("authorization").and_then(|value| value.strip_prefix("Basic "));
        let decoded = basic
            .and_then(|text| STANDARD.decode(text.trim()).ok())
            .and_then(|bytes| String::from_utf8(bytes).ok());
        let password = decoded.as_deref().and_then(|text| text.split_once(':')).map(|(_, password)| password);
        let taken = &self.options.passwords;
        if taken.is_empty() || password.is_some_and(|password| taken.iter().any(|known| known == password)) {
            return Ok(());
        }
        Err(Refused(401, "UNAUTHORIZED", "authentication required".to_owned()))
    }

    fn route(&mut self, call: &Call) -> Answer {
        let strange =
            || Refused(404, "UNSUPPORTED", format!("no such endpoint: {} {}", call.method, call.path));
        let rest = call.path.strip_prefix("/v2/").ok_or_else(strange)?;
        if rest.is_empty() {
            return Ok(Reply::json(200, &json!({})));
        }
        // A repository may have slashes in its name; what comes behind it is known.
        let split =
            |word: &str| rest.rsplit_once(word).map(|(name, what)| (name.to_owned(), what.to_owned()));
        if let Some((name, id)) = split("/blobs/uploads/").or_else(|| split("/blobs/uploads")) {
            self.known(&name)?;
            return self.upload(call, &name, &id);
        }
        if let Some((name, digest)) = split("/blobs/") {
            self.known(&name)?;
            return self.blob(call, &name, &digest);
        }
        if let Some((name, reference)) = split("/manifests/") {
            self.known(&name)?;
            return self.manifest(call, &name, &reference);
        }
        if let (Some(name), "GET") = (rest.strip_suffix("/tags/list"), call.method.as_str()) {
            let tags = self.options.store.tags(name).ok_or_else(|| Refused::missing("NAME_UNKNOWN", name))?;
            return Ok(Reply::json(200, &json!({ "name": name, "tags": tags })));
        }
        Err(strange())
    }

    fn known(&self, name: &str) -> Result<(), Refused> {
        let part = |part: &str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte))
        };
        if !name.split('/').all(part) {
            return Err(Refused(400, "NAME_INVALID", format!("invalid repository name: {name}")));
        }
        if !self.options.store.permitted(name) {
            return Err(Refused(404, "NAME_UNKNOWN", format!("app repository not found: {name}")));
        }
        Ok(())
    }
}

impl Platform for Registry {
    fn name(&self) -> &'static str {
        "registry"
    }

    fn answer(&mut self, call: &Call, _: Moment) -> Reply {
        let answer = self.admit(call).and_then(|()| self.route(call));
        answer.unwrap_or_else(Refused::reply).with("docker-distribution-api-version", "registry/2.0")
    }

    fn variables(&self, base: &str) -> Vec<(String, String)> {
        let host = base.trim_start_matches("http://").to_owned();
        self.options.variable.clone().map(|variable| (variable, host)).into_iter().collect()
    }

    fn objects(&self) -> Value {
        self.options.store.objects()
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
