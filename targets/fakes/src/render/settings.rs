//! Variables and secret files of a service: read in clear, replaced as a whole, set and removed one by one.
//!
//! Given: requests below `/env-vars` and `/secret-files`. Gives: answers. Nothing is deployed by them: what is set takes effect with
//! the next deploy. Deliberately absent: groups of variables. Source: <https://api-docs.render.com/reference/get-env-vars-for-service>.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Render;
use super::body::{EnvVarOne, EnvVarPut, SecretFile, SecretFileOne};
use super::fault::{Answer, Fault};
use super::ids::{Ids, sha256};
use super::list::{Asked, wrapped};
use super::route::strange;
use super::state::files;
use crate::{Call, Reply};

/// Secret files of a service together, in bytes: <https://render.com/docs/configure-environment-variables#secret-files>.
const FILES_LIMIT: usize = 1024 * 1024;

impl Render {
    /// `/services/{id}/env-vars` and `/services/{id}/secret-files`.
    pub(super) fn setting_route(&mut self, call: &Call, id: &str, rest: &[&str]) -> Answer {
        self.service(id)?;
        match (call.method.as_str(), rest) {
            ("GET", ["env-vars"]) => Asked::new(call, &[])?.answer("envVar", self.variables(id)?),
            ("PUT", ["env-vars"]) => self.put_variables(call, id),
            ("GET", ["env-vars", key]) => self.variable(id, key),
            ("PUT", ["env-vars", key]) => self.put_variable(call, id, key),
            ("DELETE", ["env-vars", key]) => {
                self.staged(id)?.0.env.remove(*key).ok_or_else(|| Fault::missing(key))?;
                Ok(Reply::empty(204))
            }
            ("GET", ["secret-files"]) => Asked::new(call, &[])?.answer("secretFile", self.files(id)?),
            ("PUT", ["secret-files"]) => self.put_files(call, id),
            ("GET", ["secret-files", name]) => self.file(id, name, 200),
            ("PUT", ["secret-files", name]) => self.put_file(call, id, name),
            ("DELETE", ["secret-files", name]) => {
                self.staged(id)?.0.files.remove(*name).ok_or_else(|| Fault::missing(name))?;
                Ok(Reply::empty(204))
            }
            _ => Err(strange(call)),
        }
    }

    fn variables(&self, id: &str) -> Result<Vec<(String, Value)>, Fault> {
        let env = &self.service(id)?.env;
        Ok(env.iter().map(|(key, value)| (key.clone(), json!({ "key": key, "value": value }))).collect())
    }

    fn put_variables(&mut self, call: &Call, id: &str) -> Answer {
        let all: Vec<EnvVarPut> = list(call)?;
        let (service, stage) = self.staged(id)?;
        service.env = checked_variables(&all, &mut stage.ids)?;
        Ok(Reply::json(200, &wrapped("envVar", self.variables(id)?)))
    }

    fn variable(&self, id: &str, key: &str) -> Answer {
        let value = self.service(id)?.env.get(key).ok_or_else(|| Fault::missing(key))?;
        Ok(Reply::json(200, &json!({ "key": key, "value": value })))
    }

    fn put_variable(&mut self, call: &Call, id: &str, key: &str) -> Answer {
        let one: EnvVarOne = call.json().map_err(Fault::bad)?;
        let put = EnvVarPut { key: key.to_owned(), value: one.value, generate_value: one.generate_value };
        let (service, stage) = self.staged(id)?;
        service.env.extend(checked_variables(&[put], &mut stage.ids)?);
        self.variable(id, key)
    }

    fn files(&self, id: &str) -> Result<Vec<(String, Value)>, Fault> {
        Ok(files(&self.service(id)?.files).map(|file| (file.name.clone(), json!(file))).collect())
    }

    fn put_files(&mut self, call: &Call, id: &str) -> Answer {
        let all: Vec<SecretFile> = list(call)?;
        self.staged(id)?.0.files = checked_files(&all)?;
        Ok(Reply::json(200, &wrapped("secretFile", self.files(id)?)))
    }

    fn file(&self, id: &str, name: &str, status: u16) -> Answer {
        let content = self.service(id)?.files.get(name).ok_or_else(|| Fault::missing(name))?;
        Ok(Reply::json(status, &json!({ "name": name, "content": content })))
    }

    /// Answered with 201, as the vendor's document has it, also where the file was there.
    fn put_file(&mut self, call: &Call, id: &str, name: &str) -> Answer {
        let one: SecretFileOne = call.json().map_err(Fault::bad)?;
        let service = self.staged(id)?.0;
        let others = files(&service.files).filter(|file| file.name != name);
        let all: Vec<_> =
            others.chain([SecretFile { name: name.to_owned(), content: one.content }]).collect();
        service.files = checked_files(&all)?;
        self.file(id, name, 201)
    }
}

/// A body that is a list: an empty one is none.
fn list<T: serde::de::DeserializeOwned>(call: &Call) -> Result<Vec<T>, Fault> {
    call.json().map_err(Fault::bad)
}

/// Variables by name.
///
/// # Errors
/// 400 for a name that is none or comes twice, and where there is not one of value and `generateValue`.
pub(super) fn checked_variables(all: &[EnvVarPut], ids: &mut Ids) -> Result<BTreeMap<String, String>, Fault> {
    let mut checked = BTreeMap::new();
    for variable in all {
        let key = &variable.key;
        let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        if key.is_empty()
            || key.starts_with(|first: char| first.is_ascii_digit())
            || !key.bytes().all(letters)
        {
            return Err(Fault::bad(format!("invalid environment variable key: {key:?}")));
        }
        let value = match (&variable.value, variable.generate_value) {
            (Some(value), None) => value.clone(),
            (None, Some(true)) => sha256(&ids.letters(32)),
            _ => {
                return Err(Fault::bad(format!(
                    "environment variable {key}: one of value and generateValue is needed"
                )));
            }
        };
        if checked.insert(key.clone(), value).is_some() {
            return Err(Fault::bad(format!("duplicate environment variable key: {key}")));
        }
    }
    Ok(checked)
}

/// Files by name.
///
/// # Errors
/// 400 for a name that is none or comes twice, and where all together are too large.
pub(super) fn checked_files(all: &[SecretFile]) -> Result<BTreeMap<String, String>, Fault> {
    let mut checked = BTreeMap::new();
    for file in all {
        if file.name.is_empty() || file.name.contains('/') || file.name == "." || file.name == ".." {
            return Err(Fault::bad(format!("invalid secret file name: {:?}", file.name)));
        }
        if checked.insert(file.name.clone(), file.content.clone()).is_some() {
            return Err(Fault::bad(format!("duplicate secret file: {}", file.name)));
        }
    }
    let size: usize = checked.values().map(String::len).sum();
    if size > FILES_LIMIT { Err(Fault::bad("secret files may have 1 MB together")) } else { Ok(checked) }
}
