//! A service's variables: ours set, others' left alone.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use dashdeploy_contract::{Change as Planned, ErrorKind, Method, Supplies, TargetError};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::{Before, Hand, pairs};
use crate::api::Change;
use crate::desired::{Desired, MARK};
use crate::error::ours;

impl Hand {
    /// All variables that are ours. A secret whose value is not at hand is left as it is.
    pub(super) fn wanted(
        &self,
        desired: &Desired,
        supplies: &Supplies,
        all: bool,
    ) -> Result<Before, TargetError> {
        let mut wanted: Before = BTreeMap::new();
        let plain = desired.env.iter().chain(&desired.marks);
        wanted.extend(plain.map(|(name, value)| (name.clone(), SecretString::from(value.clone()))));
        let names =
            |names: Vec<&String>| names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(",");
        let lists = [
            ("VARIABLES", names(desired.env.keys().collect())),
            ("SECRETS", names(desired.secrets.keys().collect())),
        ];
        wanted.extend(lists.map(|(mark, list)| (format!("{MARK}{mark}"), SecretString::from(list))));
        if all {
            wanted.insert(format!("{MARK}DEPLOYED"), SecretString::from(desired.deployed()));
        }
        for name in desired.secrets.keys() {
            match supplies.secrets.expose(&desired.service, name) {
                Some(value) => drop(wanted.insert(name.clone(), SecretString::from(value))),
                None if all => {
                    return Err(ours(
                        ErrorKind::Invalid,
                        format!("make service {}", desired.name),
                        format!("the value of `{name}` is not at hand"),
                    )
                    .hint("give it where the deploy runs, in the environment or by --secrets-file"));
                }
                None => {}
            }
        }
        Ok(wanted)
    }

    /// Replaces the whole set by what is there, without what goes, with what is ours: one call, and others' variables stay.
    pub(super) async fn variables(
        &self,
        id: &str,
        desired: &Desired,
        unset: &[String],
        supplies: &Supplies,
    ) -> Result<(), TargetError> {
        let there = self.there(id).await?;
        self.before
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(id.to_owned())
            .or_insert_with(|| there.clone());
        let mut all = there;
        all.retain(|name, _| !unset.contains(name));
        all.extend(self.wanted(desired, supplies, false)?);
        self.put(id, &all).await
    }

    pub(super) async fn there(&self, id: &str) -> Result<Before, TargetError> {
        let there = self.api.variables(id).await?;
        Ok(there.into_iter().map(|variable| (variable.key, SecretString::from(variable.value))).collect())
    }

    pub(super) async fn put(&self, id: &str, all: &Before) -> Result<(), TargetError> {
        let path = format!("services/{id}/env-vars");
        let operation = format!("set the variables of {id}");
        self.api.change(Change::of(Method::Put, &operation, &path, Some(pairs(all)))).await.map(|_| ())
    }

    pub(super) async fn one(&self, id: &str, name: &str, value: &str) -> Result<(), TargetError> {
        let path = format!("services/{id}/env-vars/{name}");
        let operation = format!("set {name} of {id}");
        self.api
            .change(Change::of(Method::Put, &operation, &path, Some(json!({ "value": value }))))
            .await
            .map(|_| ())
    }

    pub(super) async fn variables_back(&self, id: &str) -> Result<(), TargetError> {
        let before = self.before.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned();
        match before {
            Some(before) => self.put(id, &before).await,
            // This process changed none.
            None => Ok(()),
        }
    }

    pub(super) async fn secrets(
        &self,
        id: &str,
        change: &Planned,
        set: &[String],
        unset: &[String],
        supplies: &Supplies,
    ) -> Result<(), TargetError> {
        let mut all = self.there(id).await?;
        all.retain(|name, _| !unset.contains(name));
        for name in set {
            let value = change.service.as_ref().and_then(|service| supplies.secrets.expose(service, name));
            let value = value
                .ok_or_else(|| ours(ErrorKind::Invalid, "set secrets", format!("`{name}` has no value")))?;
            all.insert(name.clone(), SecretString::from(value));
        }
        // So that they are taken for secrets by whoever looks next.
        let key = format!("{MARK}SECRETS");
        let listed = all.get(&key).map(|list| list.expose_secret().to_owned()).unwrap_or_default();
        let mut names: Vec<&str> = listed.split(',').filter(|name| !name.is_empty()).collect();
        names.extend(
            set.iter().map(String::as_str).filter(|name| !listed.split(',').any(|known| known == *name)),
        );
        let list = names.join(",");
        all.insert(key, SecretString::from(list));
        self.put(id, &all).await
    }
}
