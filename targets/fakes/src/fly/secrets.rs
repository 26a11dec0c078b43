//! Secrets: set and forgotten, never shown; each change makes a version of all of them.
//!
//! Given: requests. Gives: names and digests. Deliberately absent: machines: they get secrets when they boot.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::body::{PutSecret, PutSecrets};
use super::fault::{Answer, Fault};
use super::route::strange;
use super::state::{App, Secret};
use super::{Fly, Stage, ids};
use crate::{Call, Reply};

impl Fly {
    pub(super) fn secret_route(&mut self, call: &Call, app: &str, rest: &[&str]) -> Answer {
        let (app, stage) = self.staged(app)?;
        match (call.method.as_str(), rest) {
            ("GET", []) => {
                at_least(app, call)?;
                let shown: Vec<Value> =
                    app.secrets.iter().map(|(name, secret)| stage.show_secret(name, secret)).collect();
                Ok(Reply::json(200, &json!({ "secrets": shown })))
            }
            ("POST", []) => {
                let asked: PutSecrets = call.json().map_err(Fault::bad)?;
                let values = asked.values.filter(|values| !values.is_empty());
                stage.put_secrets(app, values.ok_or_else(|| Fault::bad("values are required"))?)?;
                let shown: Vec<Value> =
                    app.secrets.iter().map(|(name, secret)| stage.show_secret(name, secret)).collect();
                Ok(Reply::json(200, &json!({ "version": app.secrets_version(), "secrets": shown })))
            }
            ("GET", [name]) => {
                at_least(app, call)?;
                let secret =
                    app.secrets.get(*name).ok_or_else(|| Fault::missing(&format!("secret {name}")))?;
                Ok(Reply::json(200, &stage.show_secret(name, secret)))
            }
            ("POST", [name]) => {
                let asked: PutSecret = call.json().map_err(Fault::bad)?;
                let value = asked.value.ok_or_else(|| Fault::bad("value is required"))?;
                stage.put_secrets(app, BTreeMap::from([((*name).to_owned(), Some(value))]))?;
                let mut shown = stage.show_secret(name, &app.secrets[*name]);
                shown["version"] = json!(app.secrets_version());
                Ok(Reply::json(201, &shown))
            }
            ("DELETE", [name]) => {
                if !app.secrets.contains_key(*name) {
                    return Err(Fault::missing(&format!("secret {name}")));
                }
                stage.put_secrets(app, BTreeMap::from([((*name).to_owned(), None)]))?;
                Ok(Reply::json(200, &json!({ "version": app.secrets_version() })))
            }
            _ => Err(strange(call)),
        }
    }
}

impl App {
    /// 0 before the first.
    pub(super) fn secrets_version(&self) -> u64 {
        self.secret_versions.len() as u64
    }
}

impl Stage {
    fn put_secrets(&self, app: &mut App, values: BTreeMap<String, Option<String>>) -> Result<(), Fault> {
        let plain = |name: &str| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        if let Some(name) = values.keys().find(|name| !plain(name)) {
            return Err(Fault::bad(format!("{name:?} is no name of a variable")));
        }
        let mut newest = app.secret_versions.last().map(|(_, values)| values.clone()).unwrap_or_default();
        for (name, value) in values {
            let Some(value) = value else {
                app.secrets.remove(&name);
                newest.remove(&name);
                continue;
            };
            let created = app.secrets.get(&name).map_or(self.now, |secret| secret.created);
            let secret = Secret { digest: ids::digest(&value), created, updated: self.now };
            app.secrets.insert(name.clone(), secret);
            newest.insert(name, value);
        }
        app.secret_versions.push((self.now, newest));
        Ok(())
    }

    fn show_secret(&self, name: &str, secret: &Secret) -> Value {
        json!({
            "name": name, "digest": secret.digest, "created_at": self.date(secret.created),
            "updated_at": self.date(secret.updated),
        })
    }

    /// The values that a machine gets that boots now: of the newest version that its host has, and at least of the one that
    /// it asks for.
    pub(super) fn secrets_for(&self, app: &App, at_least: u64) -> BTreeMap<String, String> {
        let here = |(number, (at, _)): &(usize, &(_, _))| {
            *number < usize::try_from(at_least).unwrap_or(usize::MAX)
                || self.now >= *at + self.options.secrets_lag
        };
        let mut versions = app.secret_versions.iter().enumerate();
        versions.rfind(here).map(|(_, (_, values))| values.clone()).unwrap_or_default()
    }
}

/// A version that is asked for must be there.
fn at_least(app: &App, call: &Call) -> Result<(), Fault> {
    let Some(asked) = call.asked("min_version") else { return Ok(()) };
    let asked: u64 = asked.parse().map_err(|_| Fault::bad("min_version is a number"))?;
    if asked > app.secrets_version() {
        return Err(Fault::bad(format!("there is no version {asked} of the secrets")));
    }
    Ok(())
}
