//! Volumes.
//!
//! Given: requests. Gives: answers. Deliberately absent: what lies in them, and moves between hosts.

use serde_json::{Value, json};

use super::body::{CreateVolume, ExtendVolume, UpdateVolume};
use super::fault::{Answer, Fault};
use super::route::strange;
use super::state::{App, Hidden, Volume};
use super::{Fly, Stage};
use crate::{Call, Reply};

impl Fly {
    pub(super) fn volume_route(&mut self, call: &Call, app: &str, rest: &[&str]) -> Answer {
        let (app, stage) = self.staged(app)?;
        let at = |app: &App, id: &str| {
            let found = app.volumes.iter().position(|volume| volume.id == id);
            found.ok_or_else(|| Fault::missing(&format!("volume {id}")))
        };
        match (call.method.as_str(), rest) {
            ("GET", []) => Ok(stage.list_volumes(app)),
            ("POST", []) => stage.create_volume(app, call),
            ("GET", [id]) => Ok(Reply::json(200, &stage.show_volume(&app.volumes[at(app, id)?]))),
            ("PUT", [id]) => {
                let at = at(app, id)?;
                stage.update_volume(&mut app.volumes[at], call)
            }
            ("PUT", [id, "extend"]) => {
                let at = at(app, id)?;
                stage.extend_volume(&mut app.volumes[at], call)
            }
            ("DELETE", [id]) => {
                let at = at(app, id)?;
                stage.delete_volume(&mut app.volumes[at])
            }
            (_, [id, "snapshots"]) => {
                let at = at(app, id)?;
                stage.snapshots(&mut app.volumes[at], call)
            }
            _ => Err(strange(call)),
        }
    }
}

impl Stage {
    fn list_volumes(&self, app: &mut App) -> Reply {
        let mut shown = Vec::new();
        for volume in &mut app.volumes {
            if volume.hidden.listed(self.now) {
                shown.push(self.show_volume(volume));
            }
        }
        Reply::json(200, &Value::Array(shown))
    }

    /// Names are not unique: each call makes another.
    fn create_volume(&mut self, app: &mut App, call: &Call) -> Answer {
        let asked: CreateVolume = call.json().map_err(Fault::bad)?;
        let (Some(name), Some(region)) = (asked.name, asked.region) else {
            return Err(Fault::bad("name and region are required"));
        };
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if name.is_empty() || name.len() > 30 || !name.bytes().all(plain) {
            return Err(Fault::bad(
                "the name may have lower case letters, digits and underscores, at most 30",
            ));
        }
        self.known_region(&region)?;
        let retention = asked.snapshot_retention.unwrap_or(5);
        if !(1..=60).contains(&retention) {
            return Err(Fault::bad("snapshot_retention is 1 to 60"));
        }
        from_elsewhere(app, asked.snapshot_id.as_deref(), asked.source_volume_id.as_deref())?;
        let volume = Volume {
            id: self.ids.named("vol"),
            name,
            region,
            size_gb: sized(asked.size_gb.unwrap_or(3))?,
            encrypted: asked.encrypted.unwrap_or(true),
            fstype: asked.fstype.unwrap_or_else(|| "ext4".to_owned()),
            snapshot_retention: retention,
            auto_backup: asked.auto_backup_enabled.unwrap_or(true),
            created: self.now,
            removed: false,
            machine: None,
            snapshots: Vec::new(),
            hidden: Hidden::new(self.options.list_lag, self.now),
        };
        let shown = self.show_volume(&volume);
        app.volumes.push(volume);
        Ok(Reply::json(200, &shown))
    }

    fn update_volume(&self, volume: &mut Volume, call: &Call) -> Answer {
        let asked: UpdateVolume = call.json().map_err(Fault::bad)?;
        volume.auto_backup = asked.auto_backup_enabled.unwrap_or(volume.auto_backup);
        volume.snapshot_retention = asked.snapshot_retention.unwrap_or(volume.snapshot_retention);
        Ok(Reply::json(200, &self.show_volume(volume)))
    }

    /// It only grows.
    fn extend_volume(&self, volume: &mut Volume, call: &Call) -> Answer {
        let asked: ExtendVolume = call.json().map_err(Fault::bad)?;
        let size = sized(asked.size_gb.unwrap_or_default())?;
        if size < volume.size_gb {
            return Err(Fault::bad("a volume cannot be made smaller"));
        }
        volume.size_gb = size;
        let shown = json!({ "volume": self.show_volume(volume), "needs_restart": false });
        Ok(Reply::json(200, &shown))
    }

    /// It is kept for a day, and cannot be used any more. What is answered for one that is attached is not documented.
    fn delete_volume(&self, volume: &mut Volume) -> Answer {
        if let Some(machine) = &volume.machine {
            return Err(Fault::new(412, format!("volume {} is attached to machine {machine}", volume.id)));
        }
        volume.removed = true;
        Ok(Reply::json(200, &self.show_volume(volume)))
    }

    fn snapshots(&mut self, volume: &mut Volume, call: &Call) -> Answer {
        match call.method.as_str() {
            "GET" => {
                let shown: Vec<Value> = volume
                    .snapshots
                    .iter()
                    .map(|(id, at)| {
                        let days = volume.snapshot_retention;
                        json!({ "id": id, "status": "created", "created_at": self.date(*at), "retention_days": days })
                    })
                    .collect();
                Ok(Reply::json(200, &Value::Array(shown)))
            }
            "POST" => {
                volume.snapshots.push((self.ids.named("vs"), self.now));
                Ok(Reply::json(200, &json!({})))
            }
            _ => Err(strange(call)),
        }
    }

    pub(super) fn show_volume(&self, volume: &Volume) -> Value {
        json!({
            "id": volume.id, "name": volume.name, "state": self.volume_state(volume), "region": volume.region,
            "zone": "a1b2", "size_gb": volume.size_gb, "encrypted": volume.encrypted, "fstype": volume.fstype,
            "attached_machine_id": volume.machine, "attached_alloc_id": null, "host_status": "ok", "type": "local",
            "snapshot_retention": volume.snapshot_retention, "auto_backup_enabled": volume.auto_backup,
            "created_at": self.date(volume.created),
        })
    }

    /// The word for how far it is.
    pub(super) fn volume_state(&self, volume: &Volume) -> &'static str {
        match volume.removed {
            true => "pending_destroy",
            false if self.now < volume.created + self.options.volume => "creating",
            false => "created",
        }
    }

    pub(super) fn known_region(&self, region: &str) -> Result<(), Fault> {
        let known = self.options.regions.iter().any(|(code, _)| code == region);
        if known { Ok(()) } else { Err(Fault::bad(format!("no such region: {region}"))) }
    }
}

fn sized(size: u32) -> Result<u32, Fault> {
    if (1..=500).contains(&size) { Ok(size) } else { Err(Fault::bad("size_gb is 1 to 500")) }
}

/// A snapshot that a volume is made of must be there.
fn from_elsewhere(app: &App, snapshot: Option<&str>, source: Option<&str>) -> Result<(), Fault> {
    if source.is_some() {
        return Err(Fault::unplayed("a fork of a volume"));
    }
    let Some(snapshot) = snapshot else { return Ok(()) };
    let known = app.volumes.iter().flat_map(|volume| &volume.snapshots).any(|(id, _)| id == snapshot);
    if known { Ok(()) } else { Err(Fault::missing(&format!("snapshot {snapshot}"))) }
}
