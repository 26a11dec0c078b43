//! Apps, their addresses, regions, the token.
//!
//! Given: requests. Gives: answers. Deliberately absent: what is in an app.

use serde_json::{Value, json};

use super::body::{AssignIp, CreateApp, Placement};
use super::fault::{Answer, Fault};
use super::route::strange;
use super::state::{App, Hidden, Ip};
use super::{Fly, Stage};
use crate::{Call, Reply};

impl Fly {
    pub(super) fn current_token(&self, call: &Call) -> Answer {
        let token = self.token(call)?;
        let shown = json!({
            "token_id": "1", "org_slug": token.organisation, "organization": token.organisation, "apps": token.apps,
        });
        Ok(Reply::json(200, &json!({ "tokens": [shown] })))
    }

    pub(super) fn regions(&self) -> Reply {
        let regions = self.stage.options.regions.iter();
        let shown: Vec<Value> = regions
            .map(|(code, name)| {
                json!({
                    "code": code, "name": name, "deprecated": false, "gateway_available": true, "requires_paid_plan": false,
                })
            })
            .collect();
        let nearest = self.stage.options.regions.first().map(|(code, _)| code);
        Reply::json(200, &json!({ "nearest": nearest, "regions": shown }))
    }

    /// As many as asked for have room, in each region, up to the capacity.
    pub(super) fn placements(&self, call: &Call) -> Answer {
        let asked: Placement = call.json().map_err(Fault::bad)?;
        if asked.org_slug.is_none() {
            return Err(Fault::bad("org_slug is required"));
        }
        let room = self.stage.options.capacity.saturating_sub(self.running());
        let count = usize::try_from(asked.count.unwrap_or(1)).unwrap_or(usize::MAX).min(room);
        let wanted =
            |code: &str| asked.region.as_deref().is_none_or(|region| region == code || region == "any");
        let regions = self.stage.options.regions.iter().filter(|(code, _)| wanted(code));
        let shown: Vec<Value> = regions.map(|(code, _)| json!({ "region": code, "count": count })).collect();
        Ok(Reply::json(200, &json!({ "regions": shown })))
    }

    pub(super) fn list_apps(&mut self, call: &Call) -> Answer {
        let organisation = self.token(call)?.organisation.clone();
        match call.asked("org_slug") {
            None => return Err(Fault::bad("org_slug is required")),
            Some(asked) if asked != organisation => {
                return Err(Fault::missing(&format!("organization {asked}")));
            }
            Some(_) => {}
        }
        let now = self.stage.now;
        let mut shown = Vec::new();
        for app in self.apps.iter_mut().filter(|app| app.organisation == organisation) {
            if app.hidden.listed(now) {
                shown.push(show(app));
            }
        }
        Ok(Reply::json(200, &json!({ "total_apps": shown.len(), "apps": shown })))
    }

    pub(super) fn create_app(&mut self, call: &Call) -> Answer {
        let asked: CreateApp = call.json().map_err(Fault::bad)?;
        let organisation = self.token(call)?.organisation.clone();
        let (Some(name), Some(slug)) = (asked.name, asked.org_slug) else {
            return Err(Fault::bad("name and org_slug are required"));
        };
        if slug != organisation {
            return Err(Fault::missing(&format!("organization {slug}")));
        }
        if name.is_empty() || name.len() > 63 || !name.bytes().all(is_label) {
            return Err(Fault::invalid(
                "the name may have lower case letters, digits and dashes, at most 63",
            ));
        }
        let taken = self.apps.iter().any(|app| app.name == name) || self.stage.options.others.contains(&name);
        if taken {
            return Err(Fault::invalid("Validation failed: Name has already been taken").word("name_taken"));
        }
        let stage = &mut self.stage;
        let app = App {
            id: stage.ids.named("app"),
            organisation,
            network: asked.network.unwrap_or_else(|| "default".to_owned()),
            created: stage.now,
            hidden: Hidden::new(stage.options.list_lag, stage.now),
            name,
            ..App::default()
        };
        if let Some(images) = &stage.options.images {
            images.permit(&app.name);
        }
        let created = i64::try_from((stage.options.started + stage.now).as_millis()).unwrap_or(i64::MAX);
        let shown = json!({ "id": app.id, "created_at": created });
        self.apps.push(app);
        Ok(Reply::json(201, &shown))
    }

    pub(super) fn show_app(&self, name: &str) -> Answer {
        let app = self.app(name)?;
        if self.stage.now < app.created + self.stage.options.app_lag {
            return Err(Fault::missing(&format!("app {name}")));
        }
        Ok(Reply::json(200, &show(app)))
    }

    /// 202: it is gone a while later, with everything in it.
    pub(super) fn delete_app(&mut self, name: &str) -> Answer {
        let (app, stage) = self.staged(name)?;
        app.ends.get_or_insert(stage.now + stage.options.removal);
        Ok(Reply::empty(202))
    }

    pub(super) fn ip_route(&mut self, call: &Call, app: &str, rest: &[&str]) -> Answer {
        let (app, stage) = self.staged(app)?;
        match (call.method.as_str(), rest) {
            ("GET", []) => {
                let ips: Vec<Value> = app.ips.iter().map(|ip| stage.show_ip(ip)).collect();
                Ok(Reply::json(200, &json!({ "ips": ips })))
            }
            ("POST", []) => stage.assign(app, call),
            ("DELETE", [address]) => {
                let at = app.ips.iter().position(|ip| ip.address == *address);
                app.ips.remove(at.ok_or_else(|| Fault::missing(address))?);
                Ok(Reply::empty(204))
            }
            _ => Err(strange(call)),
        }
    }
}

impl Stage {
    fn assign(&mut self, app: &mut App, call: &Call) -> Answer {
        let asked: AssignIp = call.json().map_err(Fault::bad)?;
        let kind = asked.r#type.unwrap_or_default();
        // An app has one shared address: the same is given again. Not documented.
        if let (true, Some(known)) = (kind == "shared_v4", app.ips.iter().find(|ip| ip.shared)) {
            return Ok(Reply::json(200, &self.show_ip(known)));
        }
        let (groups, number) = self.ids.address();
        let address = match kind.as_str() {
            "v4" => format!("198.51.100.{number}"),
            "shared_v4" => format!("203.0.113.{number}"),
            "v6" => format!("2001:db8::{groups}"),
            "private_v6" => format!("fdaa::{groups}"),
            other => return Err(Fault::invalid(format!("no such type of address: {other}"))),
        };
        let ip = Ip {
            address,
            region: asked.region.unwrap_or_else(|| "global".to_owned()),
            shared: kind == "shared_v4",
            private: kind == "private_v6",
            created: self.now,
        };
        let shown = self.show_ip(&ip);
        app.ips.push(ip);
        Ok(Reply::json(200, &shown))
    }

    fn show_ip(&self, ip: &Ip) -> Value {
        json!({ "ip": ip.address, "region": ip.region, "shared": ip.shared, "created_at": self.date(ip.created) })
    }
}

fn is_label(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'
}

fn show(app: &App) -> Value {
    let machines = app.machines.iter().filter(|machine| machine.is_there()).count();
    let volumes = app.volumes.iter().filter(|volume| !volume.removed).count();
    json!({
        "id": app.id, "name": app.name, "status": if machines == 0 { "pending" } else { "deployed" },
        "organization": { "slug": app.organisation, "name": app.organisation },
        "network": app.network, "machine_count": machines, "volume_count": volumes,
    })
}
