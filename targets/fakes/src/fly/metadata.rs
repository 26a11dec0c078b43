//! A machine's metadata, changed without a new version of it.
//!
//! Given: requests. Gives: answers. Deliberately absent: what the names mean.

use std::collections::BTreeMap;

use serde_json::json;

use super::Fly;
use super::body::{PutMetadata, PutMetadatum};
use super::fault::{Answer, Fault};
use super::route::strange;
use super::state::Machine;
use crate::{Call, Reply};

impl Fly {
    pub(super) fn metadata(&mut self, call: &Call, app: &str, id: &str, rest: &[&str]) -> Answer {
        let (app, stage) = self.staged(app)?;
        let at = app.machine_at(id)?;
        let machine = &mut app.machines[at];
        let mut metadata = machine.config.metadata.clone().unwrap_or_default();
        let missing = |key: &str| Fault::missing(&format!("metadata {key}"));
        match (call.method.as_str(), rest) {
            ("GET", []) => return Ok(Reply::json(200, &json!(metadata))),
            ("GET", [key]) => {
                let value = metadata.get(*key).ok_or_else(|| missing(key))?;
                return Ok(Reply::json(200, &json!({ "value": value })));
            }
            ("PUT" | "PATCH", []) => {
                let asked: PutMetadata = call.json().map_err(Fault::bad)?;
                if asked.machine_version.is_some_and(|version| version != machine.instance) {
                    return Err(Fault::new(412, format!("the machine is at version {}", machine.instance)));
                }
                if call.method == "PUT" {
                    metadata.clear();
                }
                metadata.extend(asked.metadata.unwrap_or_default());
            }
            ("POST", [key]) => {
                let asked: PutMetadatum = call.json().map_err(Fault::bad)?;
                let value = asked.value.ok_or_else(|| Fault::bad("value is required"))?;
                metadata.insert((*key).to_owned(), value);
            }
            ("DELETE", [key]) => {
                metadata.remove(*key).ok_or_else(|| missing(key))?;
            }
            _ => return Err(strange(call)),
        }
        machine.updated = stage.now;
        machine.set_metadata(metadata);
        Ok(Reply::empty(204))
    }
}

impl Machine {
    fn set_metadata(&mut self, metadata: BTreeMap<String, String>) {
        self.raw["metadata"] = json!(metadata);
        self.config.metadata = Some(metadata);
    }
}
