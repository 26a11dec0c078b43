//! What the platform played in memory answers, and what becomes of what it has.

use dashdeploy_contract::{ApiAnswer, Method};
use serde_json::{Map, Value, json};

use crate::played::{App, World, answer, error, nothing};

impl World {
    /// What is visible of things, each of which may be missing from some lists.
    fn listed(all: &mut [Value]) -> Vec<Value> {
        let mut listed = Vec::new();
        for thing in all {
            let hidden = thing["hidden"].as_u64().unwrap_or_default();
            if hidden == 0 {
                listed.push(thing.clone());
            }
            thing["hidden"] = json!(hidden.saturating_sub(1));
        }
        listed
    }

    pub(crate) fn read(&mut self, path: &str) -> ApiAnswer {
        let (path, _query) = path.split_once('?').unwrap_or((path, ""));
        let parts: Vec<&str> = path.split('/').collect();
        if parts == ["tokens", "current"] {
            let tokens: Vec<Value> = self.orgs.iter().map(|org| json!({ "org_slug": org })).collect();
            return answer(200, &json!({ "tokens": tokens }));
        }
        if let ["apps", app, "logs"] = parts[..] {
            let page = self.logs.pop_front().unwrap_or(json!({ "data": [], "meta": { "next_token": "9" } }));
            assert!(self.apps.contains_key(app));
            return answer(200, &page);
        }
        if self.apps.get(parts[1]).is_some_and(|app| app.org == "others") {
            return error(403, "not yours");
        }
        match parts[2..] {
            ["machines", ..] => self.read_machines(parts[1], &parts[3..]),
            _ => self.read_app(parts[1], &parts[2..]),
        }
    }

    fn read_machines(&mut self, app: &str, parts: &[&str]) -> ApiAnswer {
        let ages = (self.now, self.crashing.clone(), self.sick.clone());
        let Some(app) = self.apps.get_mut(app) else { return error(404, "no such app") };
        let (now, crashing, sick) = (ages.0, ages.1.as_ref(), ages.2.as_ref());
        let found = |id: &str| app.machines.iter().find(|machine| machine["id"] == id).cloned();
        match *parts {
            [] => {
                let listed = Self::listed(&mut app.machines).into_iter();
                answer(200, &listed.map(|machine| aged(machine, now, crashing, sick)).collect())
            }
            [id] => match found(id) {
                Some(machine) => answer(200, &aged(machine, now, crashing, sick)),
                None => error(404, "no such machine"),
            },
            [id, "wait"] => {
                match found(id).map(|machine| aged(machine, now, crashing, None)["state"].clone()) {
                    Some(state) if state == "failed" => error(400, "it will never be started"),
                    _ => answer(200, &json!({ "ok": true })),
                }
            }
            [_, "lease"] => match &self.leased_by {
                Some(who) => {
                    answer(200, &json!({ "data": { "owner": "you@example.com", "description": who } }))
                }
                None => error(404, "no lease"),
            },
            _ => panic!("GET machines/{parts:?}"),
        }
    }

    fn read_app(&mut self, name: &str, parts: &[&str]) -> ApiAnswer {
        let Some(app) = self.apps.get_mut(name) else { return error(404, "no such app") };
        match *parts {
            [] => answer(200, &json!({ "name": name, "organization": { "slug": app.org } })),
            ["secrets"] => answer(200, &json!({ "secrets": digests(app) })),
            ["volumes"] => answer(200, &Value::Array(Self::listed(&mut app.volumes))),
            ["ip_assignments"] => {
                let ips: Vec<Value> = app.ips.iter().map(|ip| json!({ "ip": ip })).collect();
                answer(200, &json!({ "ips": ips }))
            }
            ["certificates", host] if app.certificates.iter().any(|found| found == host) => {
                answer(200, &json!({ "configured": false, "dns_requirements": { "cname": "x.fly.dev" } }))
            }
            ["certificates", _] => error(404, "no such certificate"),
            _ => panic!("GET {parts:?}"),
        }
    }

    pub(crate) fn write(
        &mut self,
        method: Method,
        path: &str,
        body: &Value,
        nonce: Option<&str>,
    ) -> ApiAnswer {
        let path = path.split('?').next().unwrap_or_default();
        let parts: Vec<&str> = path.split('/').collect();
        self.made += 1;
        let id = format!("{:06}", self.made);
        if parts == ["apps"] {
            let name = body["name"].as_str().unwrap().to_owned();
            if self.apps.contains_key(&name) {
                return error(422, "Validation failed: Name has already been taken");
            }
            let org = body["org_slug"].as_str().unwrap().to_owned();
            self.apps.insert(name, App { org, ..App::default() });
            return answer(201, &json!({ "id": id }));
        }
        if parts.len() == 2 && method == Method::Delete {
            self.apps.remove(parts[1]);
            return answer(202, &Value::Null);
        }
        let (lag, leased, now) = (self.lag, self.leased_by.is_some(), self.now);
        let Some(app) = self.apps.get_mut(parts[1]) else { return error(404, "no such app") };
        match (method, &parts[2..]) {
            (_, ["secrets", rest @ ..]) => app.secret(rest, body),
            (_, ["volumes", rest @ ..]) => app.volume(method, rest, body, (&id, lag)),
            (Method::Post, ["machines"]) => app.create(&id, body, lag, now),
            (_, ["machines", machine, rest @ ..]) => {
                app.machine(method, machine, rest, body, &Moment { nonce, leased, made: &id, now })
            }
            (_, rest) => app.other(method, rest, body),
        }
    }
}

/// When and under which lease a machine is changed.
pub(super) struct Moment<'a> {
    nonce: Option<&'a str>,
    leased: bool,
    made: &'a str,
    now: i64,
}

impl App {
    fn attach(&mut self, machine: &Value) {
        let Some(volume) = machine["config"].pointer("/mounts/0/volume").and_then(Value::as_str) else {
            return;
        };
        let found = self.volumes.iter_mut().find(|found| found["id"] == volume).expect("the volume is there");
        let holder = &found["attached_machine_id"];
        assert!(holder.is_null() || *holder == machine["id"], "{volume} is attached already");
        found["attached_machine_id"] = machine["id"].clone();
    }

    fn secret(&mut self, rest: &[&str], body: &Value) -> ApiAnswer {
        match rest {
            [] => {
                for (name, value) in body["values"].as_object().unwrap() {
                    self.secrets.insert(name.clone(), value.as_str().unwrap().to_owned());
                }
                self.version += 1;
                let (version, secrets) = (self.version, digests(self));
                answer(200, &json!({ "version": version, "Version": version, "secrets": secrets }))
            }
            [name, ..] => match self.secrets.remove(*name) {
                Some(_) => answer(200, &json!({ "version": self.version })),
                None => error(404, "no such secret"),
            },
        }
    }

    fn volume(&mut self, method: Method, rest: &[&str], body: &Value, (id, lag): (&str, u32)) -> ApiAnswer {
        let at = rest.first().and_then(|id| self.volumes.iter().position(|volume| volume["id"] == *id));
        match (method, rest, at) {
            (Method::Post, [], _) => {
                let mut volume = body.clone();
                volume["id"] = json!(format!("vol_{id}"));
                volume["hidden"] = json!(lag);
                volume["state"] = json!("created");
                self.volumes.push(volume.clone());
                answer(200, &volume)
            }
            (Method::Put, [_, "extend"], Some(at)) => {
                self.volumes[at]["size_gb"] = body["size_gb"].clone();
                answer(200, &json!({ "volume": self.volumes[at], "needs_restart": true }))
            }
            (Method::Put, [_], Some(at)) => {
                self.volumes[at]["snapshot_retention"] = body["snapshot_retention"].clone();
                answer(200, &self.volumes[at])
            }
            (Method::Delete, [_], Some(at)) => answer(200, &self.volumes.remove(at)),
            _ => error(404, "no such volume"),
        }
    }

    fn other(&mut self, method: Method, rest: &[&str], body: &Value) -> ApiAnswer {
        match (method, rest) {
            (Method::Post, ["ip_assignments"]) => {
                let ip = match body["type"].as_str().unwrap() {
                    "v6" => "2a09:8280:1::1",
                    "shared_v4" => "66.241.124.1",
                    _ => "fdaa:0:1::3",
                };
                self.ips.push(ip.to_owned());
                answer(200, &json!({ "ip": ip }))
            }
            (Method::Delete, ["ip_assignments", ip]) => {
                self.ips.retain(|found| found != ip);
                nothing(204)
            }
            (Method::Post, ["certificates", "acme"]) => {
                self.certificates.push(body["hostname"].as_str().unwrap().to_owned());
                answer(201, &json!({}))
            }
            (Method::Delete, ["certificates", host]) => {
                self.certificates.retain(|found| found != host);
                nothing(204)
            }
            _ => panic!("{} {rest:?}", method.as_str()),
        }
    }

    fn create(&mut self, id: &str, body: &Value, lag: u32, now: i64) -> ApiAnswer {
        if self.machines.iter().any(|machine| machine["name"] == body["name"]) {
            return error(422, "unique machine name violation: already exists");
        }
        let id = format!("m{id}");
        let machine = json!({
            "id": id, "name": body["name"], "region": body["region"], "state": "started", "config": body["config"],
            "instance_id": format!("i{id}"), "hidden": lag, "since": now, "host_status": "ok", "checks": null,
            "image_ref": { "digest": body["config"]["image"].as_str().unwrap().split('@').nth(1) },
        });
        self.attach(&machine);
        if body["skip_service_registration"] != json!(true) {
            self.registered.push(id);
        }
        self.machines.push(machine.clone());
        answer(200, &machine)
    }

    fn machine(
        &mut self,
        method: Method,
        id: &str,
        rest: &[&str],
        body: &Value,
        moment: &Moment,
    ) -> ApiAnswer {
        let Some(at) = self.machines.iter().position(|machine| machine["id"] == id) else {
            return error(404, "no such machine");
        };
        match (method, rest) {
            (Method::Post, []) => self.update(at, body, moment),
            (Method::Delete, []) => {
                self.machines.remove(at);
                self.registered.retain(|known| known != id);
                for volume in self.volumes.iter_mut().filter(|volume| volume["attached_machine_id"] == id) {
                    volume["attached_machine_id"] = Value::Null;
                }
                nothing(200)
            }
            (Method::Post, ["lease"]) if moment.leased => error(409, "lease currently held"),
            (Method::Post, ["lease"]) => {
                answer(201, &json!({ "status": "ok", "data": { "nonce": "nonce" } }))
            }
            (Method::Delete, ["lease"]) => nothing(200),
            (Method::Post, ["metadata", key]) => {
                self.machines[at]["config"]["metadata"][*key] = body["value"].clone();
                nothing(204)
            }
            (Method::Post, [word @ ("cordon" | "uncordon")]) => {
                self.registered.retain(|known| known != id);
                self.registered.extend((*word == "uncordon").then(|| id.to_owned()));
                nothing(200)
            }
            (Method::Post, [word @ ("start" | "stop" | "restart")]) => {
                let state = if *word == "stop" { "stopped" } else { "started" };
                self.machines[at]["state"] = json!(state);
                nothing(200)
            }
            _ => panic!("{} machines/{id}/{rest:?}", method.as_str()),
        }
    }

    fn update(&mut self, at: usize, body: &Value, moment: &Moment) -> ApiAnswer {
        assert_eq!(moment.nonce, Some("nonce"), "a machine is changed without its lease");
        let machine = &mut self.machines[at];
        let image = body["config"]["image"].as_str().unwrap();
        machine["config"] = body["config"].clone();
        machine["state"] = json!("started");
        machine["instance_id"] = json!(format!("i{}", moment.made));
        machine["since"] = json!(moment.now);
        machine["image_ref"]["digest"] = json!(image.split('@').nth(1));
        let machine = machine.clone();
        self.attach(&machine);
        answer(200, &machine)
    }
}

fn digests(app: &App) -> Vec<Value> {
    let digest = |value: &String| crate::marks::short_hash(value, 16);
    app.secrets.iter().map(|(name, value)| json!({ "name": name, "digest": digest(value) })).collect()
}

/// A machine as it is some seconds after its start.
fn aged(mut machine: Value, now: i64, crashing: Option<&String>, sick: Option<&String>) -> Value {
    let since = machine["since"].as_i64().unwrap_or(now);
    let image = machine["config"]["metadata"]["dashdeploy_image"].as_str().map(str::to_owned);
    let is = |of: Option<&String>| of.is_some() && of == image.as_ref();
    let mut events = vec![json!({ "type": "start", "timestamp": since * 1000 })];
    if is(crashing) {
        machine["state"] = json!("failed");
        let exit = json!({ "exit_code": 3, "requested_stop": false, "oom_killed": false });
        events.push(json!({ "type": "exit", "timestamp": since * 1000 + 1, "request": { "restart_count": 9, "exit_event": exit } }));
    }
    machine["events"] = Value::Array(events);
    if crate::desired::has_checks(&machine["config"]) && now > since + 1 {
        let status = if is(sick) { "critical" } else { "passing" };
        machine["checks"] = json!([{ "name": "c", "status": status, "output": "connection refused" }]);
    }
    let mut shown = machine.as_object().cloned().unwrap_or_else(Map::new);
    shown.remove("since");
    shown.remove("hidden");
    Value::Object(shown)
}
