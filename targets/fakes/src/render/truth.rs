//! The hidden truth: all that is there, for a test to look at.
//!
//! Given: the platform. Gives: its things by kind and id; values of variables, files and tokens as short digests. Deliberately
//! absent: the values.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Render;
use super::ids::digest;
use super::state::Service;

impl Render {
    /// Everything, by kind and id.
    pub(super) fn truth(&self) -> Value {
        let mut kinds = Map::new();
        let mut put = |kind: &str, id: &str, what: Value| {
            let kind = kinds.entry(kind).or_insert_with(|| json!({}));
            kind[id] = what;
        };
        for credential in &self.credentials {
            let what = json!({
                "name": credential.name, "owner": credential.owner, "registry": credential.registry, "username": credential.username,
                "token": digest(&credential.token),
            });
            put("credentials", &credential.id, what);
        }
        for service in &self.services {
            put("services", &service.id, self.true_service(service));
            for deploy in &service.deploys {
                let mut what = self.shown_deploy(service, deploy);
                what["service"] = json!(service.id);
                what["env"] = json!(deploy.container.as_ref().map(|container| digests(&container.env)));
                put("deploys", &deploy.id, what);
            }
            if let Some(disk) = &service.disk {
                put(
                    "disks",
                    &disk.id,
                    json!({ "service": service.id, "name": disk.name, "sizeGB": disk.size, "mountPath": disk.mount }),
                );
            }
            for domain in &service.domains {
                put(
                    "domains",
                    &domain.id,
                    json!({ "service": service.id, "name": domain.name, "verified": domain.verified }),
                );
            }
        }
        Value::Object(kinds)
    }

    fn true_service(&self, service: &Service) -> Value {
        let mut what = self.shown_service(service);
        what["env"] = json!(digests(&service.env));
        what["secretFiles"] = json!(digests(&service.files));
        what["routes"] =
            service.routes.iter().enumerate().map(|(priority, route)| route.shown(priority)).collect();
        what["headers"] = service.headers.iter().map(super::state::Header::shown).collect();
        let running = service.running.iter().map(|running| {
            let serves = service.serving(self.now).is_some_and(|serving| serving.deploy == running.deploy);
            json!({ "deploy": running.deploy, "instances": running.instances, "serves": serves })
        });
        what["running"] = running.collect();
        what
    }
}

fn digests(values: &BTreeMap<String, String>) -> BTreeMap<&str, String> {
    values.iter().map(|(name, value)| (name.as_str(), digest(value))).collect()
}
