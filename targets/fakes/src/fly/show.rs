//! How machines look in answers, and everything to a test.
//!
//! Given: what is there. Gives: JSON. Deliberately absent: values of secrets.

use serde_json::{Map, Value, json};

use super::state::{App, Machine, Phase};
use super::{Fly, Stage, ids};

/// How many events a machine shows of itself.
const EVENTS: usize = 20;

impl Stage {
    pub(super) fn show_machine(&self, machine: &Machine) -> Value {
        let checks: Vec<Value> = machine
            .checks
            .iter()
            .map(|check| {
                json!({
                    "name": check.name, "status": if check.passing { "passing" } else { "critical" },
                    "output": if check.passing { "200 OK" } else { "connect: connection refused" },
                    "updated_at": self.date(check.at),
                })
            })
            .collect();
        let mut events = self.show_events(machine);
        events.truncate(EVENTS);
        let image = &machine.image;
        json!({
            "id": machine.id, "name": machine.name, "state": machine.state(self.now, self.options.boot),
            "region": machine.region, "instance_id": machine.instance, "private_ip": machine.private_ip,
            "host_status": "ok", "config": machine.raw, "checks": checks, "events": events,
            "image_ref": {
                "registry": image.registry, "repository": image.repository, "tag": image.tag,
                "digest": image.digest, "labels": image.labels,
            },
            "created_at": self.date(machine.created), "updated_at": self.date(machine.updated),
        })
    }

    /// The newest first.
    pub(super) fn show_events(&self, machine: &Machine) -> Vec<Value> {
        let show = |event: &super::state::Event| {
            let timestamp = (self.options.started + event.at).as_millis();
            json!({
                "id": event.id, "type": event.kind, "status": event.status, "source": event.source,
                "timestamp": u64::try_from(timestamp).unwrap_or(u64::MAX), "request": event.request,
            })
        };
        machine.events.iter().rev().map(show).collect()
    }

    fn machine_truth(&self, machine: &Machine) -> Value {
        let mut config = machine.raw.clone();
        for file in config["files"].as_array_mut().into_iter().flatten() {
            if let Some(value) = file["raw_value"].as_str() {
                file["raw_value"] = json!(ids::digest(value));
            }
        }
        json!({
            "name": machine.name, "state": machine.state(self.now, self.options.boot), "region": machine.region,
            "digest": machine.image.digest, "cordoned": machine.cordoned, "serves": machine.serves(),
            "leased": self.held(machine).is_some(), "min_secrets_version": machine.min_secrets,
            "version": machine.instance, "former_versions": machine.former.len(), "restarts": machine.restarts,
            "config": config,
        })
    }

    fn app_truth(&self, app: &App) -> Value {
        let machines: Map<String, Value> = app
            .machines
            .iter()
            .filter(|machine| machine.phase != Phase::Destroyed)
            .map(|machine| (machine.id.clone(), self.machine_truth(machine)))
            .collect();
        let volumes: Map<String, Value> = app
            .volumes
            .iter()
            .map(|volume| {
                let shown = json!({
                    "name": volume.name, "region": volume.region, "size_gb": volume.size_gb,
                    "state": self.volume_state(volume), "machine": volume.machine, "snapshots": volume.snapshots.len(),
                });
                (volume.id.clone(), shown)
            })
            .collect();
        let secrets: Map<String, Value> =
            app.secrets.iter().map(|(name, secret)| (name.clone(), json!(secret.digest))).collect();
        let ips: Vec<&String> = app.ips.iter().map(|ip| &ip.address).collect();
        let certificates: Vec<&String> = app.certificates.iter().map(|(host, _)| host).collect();
        json!({
            "organization": app.organisation, "network": app.network, "ips": ips, "volumes": volumes,
            "secrets": secrets, "secrets_version": app.secrets_version(), "machines": machines,
            "certificates": certificates, "deleting": app.ends.is_some(),
        })
    }
}

impl Fly {
    pub(super) fn truth(&self) -> Value {
        let apps: Map<String, Value> =
            self.apps.iter().map(|app| (app.name.clone(), self.stage.app_truth(app))).collect();
        json!({ "apps": apps })
    }
}
