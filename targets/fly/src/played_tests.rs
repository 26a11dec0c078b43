//! Fly.io played in memory, as far as this crate speaks to it: what was made, who asked for what, and what breaks.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use dashdeploy_contract::{
    Access, ApiAnswer, CallError, Clock, Method, ReadCall, Reads, Repeat, WriteCall, Writes,
};
use secrecy::SecretString;
use serde_json::{Map, Value, json};

/// What happens to a call that changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is done, and the connection breaks before the answer.
    Lost,
    /// It is done, and the answer is this status.
    Done(u16),
    /// It is not done, and the answer is this status.
    Refused(u16),
    /// The run is killed before it.
    Killed,
}

/// An app.
#[derive(Debug, Clone, Default)]
pub(crate) struct App {
    pub(crate) org: String,
    pub(crate) machines: Vec<Value>,
    pub(crate) volumes: Vec<Value>,
    pub(crate) secrets: BTreeMap<String, String>,
    pub(crate) ips: Vec<String>,
    pub(crate) certificates: Vec<String>,
    /// Machines that Fly's proxy knows.
    pub(crate) registered: Vec<String>,
    pub(crate) version: u64,
}

/// The platform.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) apps: BTreeMap<String, App>,
    /// `METHOD path` of every call that changes something, in order.
    pub(crate) writes: Vec<String>,
    /// The same of every other.
    pub(crate) reads: Vec<String>,
    /// What happens to the next call whose `METHOD path` holds the text.
    pub(crate) faults: Vec<(String, Fault)>,
    /// What happens to the call of this number, from 0.
    pub(crate) fault_at: Option<(usize, Fault)>,
    /// In how many lists a new thing is missing.
    pub(crate) lag: u32,
    /// Machines of this image end by themselves; of that one never pass their checks.
    pub(crate) crashing: Option<String>,
    pub(crate) sick: Option<String>,
    pub(crate) leased_by: Option<String>,
    pub(crate) orgs: Vec<&'static str>,
    pub(crate) logs: VecDeque<Value>,
    killed: bool,
    made: u64,
    now: i64,
}

/// The ways to it.
#[derive(Clone, Default)]
pub(crate) struct Played(pub(crate) Arc<Mutex<World>>);

impl Played {
    pub(crate) fn new() -> Self {
        let world = World { orgs: vec!["personal"], now: 1_800_000_000, ..World::default() };
        Self(Arc::new(Mutex::new(world)))
    }

    /// What a target is handed.
    pub(crate) fn access(&self) -> Access {
        let mut access = Access::none();
        access.credentials.insert("FLY_API_TOKEN".to_owned(), SecretString::from("FlyV1 fm2_test"));
        access.reads = Arc::new(self.clone());
        access.clock = Arc::new(self.clone());
        access
    }

    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut World) -> T) -> T {
        look(&mut self.0.lock().unwrap())
    }

    /// A run that was killed goes on no more; the next one does.
    pub(crate) fn revive(&self) {
        self.with(|world| {
            world.killed = false;
            world.fault_at = None;
            world.faults.clear();
            world.now += 120;
        });
    }
}

fn answer(status: u16, body: &Value) -> ApiAnswer {
    let headers = vec![("fly-request-id".to_owned(), "01TEST-fra".to_owned())];
    ApiAnswer { status, headers, body: body.to_string().into_bytes() }
}

fn error(status: u16, words: &str) -> ApiAnswer {
    answer(status, &json!({ "error": words }))
}

fn broken(happened: bool, interrupted: bool) -> CallError {
    CallError {
        address: "https://api.machines.dev".to_owned(),
        reason: "the connection broke".to_owned(),
        may_have_happened: happened,
        interrupted,
        hint: None,
    }
}

#[async_trait]
impl Clock for Played {
    fn now(&self) -> i64 {
        self.with(|world| world.now)
    }

    async fn sleep(&self, duration: Duration) {
        self.with(|world| world.now += i64::try_from(duration.as_secs()).unwrap().max(1));
    }
}

#[async_trait]
impl Reads for Played {
    async fn get(&self, call: ReadCall) -> Result<ApiAnswer, CallError> {
        assert!(call.authorization.is_some(), "{call:?} bears no token");
        let path = call.url.split("/v1/").nth(1).unwrap_or_default().to_owned();
        Ok(self.with(|world| {
            world.reads.push(format!("GET {path}"));
            world.read(&path)
        }))
    }
}

#[async_trait]
impl Writes for Played {
    async fn send(&self, call: WriteCall) -> Result<ApiAnswer, CallError> {
        let path = call.to.url.split("/v1/").nth(1).unwrap_or_default().to_owned();
        let line = format!("{} {path}", call.method.as_str());
        let body = call.body.unwrap_or_default();
        assert!(call.to.pace.is_some(), "{line} has no pace");
        let nonce = call
            .to
            .headers
            .iter()
            .find(|(name, _)| name == "fly-machine-lease-nonce")
            .map(|(_, n)| n.clone());
        self.with(|world| {
            let at = world.writes.len();
            let named = world.faults.iter().position(|(text, _)| line.contains(text.as_str()));
            let fault = match named {
                Some(found) => Some(world.faults.remove(found).1),
                None => world.fault_at.filter(|(number, _)| *number == at).map(|(_, fault)| fault),
            };
            if fault == Some(Fault::Killed) || world.killed {
                world.killed = true;
                return Err(broken(false, true));
            }
            world.writes.push(line);
            // The layers behind repeat what may be repeated.
            let repeated = call.repeat == Repeat::Harmless && fault != Some(Fault::Refused(409));
            if let (Some(Fault::Refused(status)), false) = (fault, repeated) {
                return Ok(error(status, "no"));
            }
            let done = world.write(call.method, &path, &body, nonce.as_deref());
            if fault.is_some() && repeated {
                return Ok(world.write(call.method, &path, &body, nonce.as_deref()));
            }
            match fault {
                Some(Fault::Lost) => Err(broken(true, false)),
                Some(Fault::Done(status)) => Ok(error(status, "late")),
                _ => Ok(done),
            }
        })
    }
}

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

    fn read(&mut self, path: &str) -> ApiAnswer {
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
        let now = self.now;
        let (crashing, sick) = (self.crashing.clone(), self.sick.clone());
        let Some(app) = self.apps.get_mut(parts[1]) else { return error(404, "no such app") };
        if app.org == "others" {
            return error(403, "not yours");
        }
        match parts[2..] {
            [] => answer(200, &json!({ "name": parts[1], "organization": { "slug": app.org } })),
            ["machines"] => {
                let listed = Self::listed(&mut app.machines).into_iter();
                answer(200, &listed.map(|m| aged(m, now, crashing.as_ref(), sick.as_ref())).collect())
            }
            ["machines", id] => match app.machines.iter().find(|machine| machine["id"] == id) {
                Some(machine) => answer(200, &aged(machine.clone(), now, crashing.as_ref(), sick.as_ref())),
                None => error(404, "no such machine"),
            },
            ["machines", id, "wait"] => {
                let ends = app.machines.iter().find(|machine| machine["id"] == id);
                let ends = ends.map(|machine| aged(machine.clone(), now, crashing.as_ref(), None));
                match ends.map(|machine| machine["state"].clone()) {
                    Some(state) if state == "failed" => error(400, "it will never be started"),
                    _ => answer(200, &json!({ "ok": true })),
                }
            }
            ["machines", _, "lease"] => match &self.leased_by {
                Some(who) => {
                    answer(200, &json!({ "data": { "owner": "you@example.com", "description": who } }))
                }
                None => error(404, "no lease"),
            },
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
            _ => panic!("GET {path}"),
        }
    }

    fn write(&mut self, method: Method, path: &str, body: &Value, nonce: Option<&str>) -> ApiAnswer {
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
            (Method::Post, ["secrets"]) => {
                for (name, value) in body["values"].as_object().unwrap() {
                    app.secrets.insert(name.clone(), value.as_str().unwrap().to_owned());
                }
                app.version += 1;
                answer(
                    200,
                    &json!({ "version": app.version, "Version": app.version, "secrets": digests(app) }),
                )
            }
            (Method::Delete, ["secrets", name]) => match app.secrets.remove(*name) {
                Some(_) => answer(200, &json!({ "version": app.version })),
                None => error(404, "no such secret"),
            },
            (Method::Post, ["ip_assignments"]) => {
                let ip = match body["type"].as_str().unwrap() {
                    "v6" => "2a09:8280:1::1",
                    "shared_v4" => "66.241.124.1",
                    _ => "fdaa:0:1::3",
                };
                app.ips.push(ip.to_owned());
                answer(200, &json!({ "ip": ip }))
            }
            (Method::Delete, ["ip_assignments", ip]) => {
                app.ips.retain(|found| found != ip);
                ApiAnswer { status: 204, headers: Vec::new(), body: Vec::new() }
            }
            (Method::Post, ["volumes"]) => {
                let mut volume = body.clone();
                volume["id"] = json!(format!("vol_{id}"));
                volume["hidden"] = json!(lag);
                volume["state"] = json!("created");
                app.volumes.push(volume.clone());
                answer(200, &volume)
            }
            (Method::Put, ["volumes", id, "extend"]) => {
                let volume = app.volumes.iter_mut().find(|volume| volume["id"] == *id).unwrap();
                volume["size_gb"] = body["size_gb"].clone();
                answer(200, &json!({ "volume": volume, "needs_restart": true }))
            }
            (Method::Put, ["volumes", id]) => {
                let volume = app.volumes.iter_mut().find(|volume| volume["id"] == *id).unwrap();
                volume["snapshot_retention"] = body["snapshot_retention"].clone();
                answer(200, volume)
            }
            (Method::Delete, ["volumes", id]) => {
                app.volumes.retain(|volume| volume["id"] != *id);
                answer(200, &Value::Null)
            }
            (Method::Post, ["certificates", "acme"]) => {
                app.certificates.push(body["hostname"].as_str().unwrap().to_owned());
                answer(201, &json!({}))
            }
            (Method::Delete, ["certificates", host]) => {
                app.certificates.retain(|found| found != host);
                answer(200, &Value::Null)
            }
            (Method::Post, ["machines"]) => app.create(&id, body, lag, now),
            (_, ["machines", machine, rest @ ..]) => {
                app.machine(method, machine, rest, body, (nonce, leased), (&id, now))
            }
            _ => panic!("{} {path}", method.as_str()),
        }
    }
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
        (nonce, leased): (Option<&str>, bool),
        (made, now): (&str, i64),
    ) -> ApiAnswer {
        let Some(at) = self.machines.iter().position(|machine| machine["id"] == id) else {
            return error(404, "no such machine");
        };
        match (method, rest) {
            (Method::Post, []) => {
                assert_eq!(nonce, Some("nonce"), "a machine is changed without its lease");
                let machine = &mut self.machines[at];
                machine["config"] = body["config"].clone();
                machine["state"] = json!("started");
                machine["instance_id"] = json!(format!("i{made}"));
                machine["since"] = json!(now);
                machine["image_ref"]["digest"] =
                    json!(body["config"]["image"].as_str().unwrap().split('@').nth(1));
                let machine = machine.clone();
                self.attach(&machine);
                answer(200, &machine)
            }
            (Method::Delete, []) => {
                self.machines.remove(at);
                self.registered.retain(|known| known != id);
                for volume in self.volumes.iter_mut().filter(|volume| volume["attached_machine_id"] == id) {
                    volume["attached_machine_id"] = Value::Null;
                }
                answer(200, &Value::Null)
            }
            (Method::Post, ["lease"]) if leased => error(409, "lease currently held"),
            (Method::Post, ["lease"]) => {
                answer(201, &json!({ "status": "ok", "data": { "nonce": "nonce" } }))
            }
            (Method::Delete, ["lease"]) => answer(200, &Value::Null),
            (Method::Post, ["metadata", key]) => {
                self.machines[at]["config"]["metadata"][*key] = body["value"].clone();
                ApiAnswer { status: 204, headers: Vec::new(), body: Vec::new() }
            }
            (Method::Post, ["cordon"]) => {
                self.registered.retain(|known| known != id);
                answer(200, &Value::Null)
            }
            (Method::Post, ["uncordon"]) => {
                self.registered.retain(|known| known != id);
                self.registered.push(id.to_owned());
                answer(200, &Value::Null)
            }
            (Method::Post, [word @ ("start" | "stop" | "restart")]) => {
                let state = if *word == "stop" { "stopped" } else { "started" };
                self.machines[at]["state"] = json!(state);
                answer(200, &Value::Null)
            }
            _ => panic!("{} machines/{id}/{rest:?}", method.as_str()),
        }
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
