//! Fly.io in memory, asked without a network.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Fly, FlyOptions, Lag, Token};
use crate::registry::Store;
use crate::workload::{Exit, Script, Scripted, When};
use crate::{Call, Moment, Platform};

/// The platform, and the moment of the next request.
struct Desk {
    fly: Fly,
    now: Moment,
    nonce: Option<String>,
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

impl Desk {
    fn new(options: FlyOptions) -> Self {
        Self { fly: Fly::new(options), now: Moment::ZERO, nonce: None }
    }

    /// With the app `shop` and an address.
    fn shop(options: FlyOptions) -> Self {
        let mut desk = Self::new(options);
        assert_eq!(desk.ask("POST /v1/apps", json!({ "name": "shop", "org_slug": "rehearsal" })).0, 201);
        assert_eq!(desk.ask("POST /v1/apps/shop/ip_assignments", json!({ "type": "v6" })).0, 200);
        desk
    }

    fn call(&self, request: &str, body: Value) -> Call {
        let (method, url) = request.split_once(' ').unwrap();
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let mut headers = vec![("authorization".to_owned(), "Bearer fo1_rehearsal".to_owned())];
        headers.extend(self.nonce.clone().map(|nonce| ("fly-machine-lease-nonce".to_owned(), nonce)));
        Call {
            method: method.to_owned(),
            path: path.to_owned(),
            query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            headers,
            body: if body.is_null() { Vec::new() } else { body.to_string().into_bytes() },
        }
    }

    fn ask(&mut self, request: &str, body: Value) -> (u16, Value) {
        let call = self.call(request, body);
        let reply = self.fly.answer(&call, self.now);
        (reply.status, serde_json::from_slice(&reply.body).unwrap_or_default())
    }

    fn get(&mut self, path: &str) -> Value {
        let (status, body) = self.ask(&format!("GET /v1/apps/shop{path}"), Value::Null);
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    fn post(&mut self, path: &str, body: Value) -> (u16, Value) {
        self.ask(&format!("POST /v1/apps/shop{path}"), body)
    }

    /// Makes a machine: its id.
    fn machine(&mut self, name: &str) -> String {
        let (status, machine) =
            self.post("/machines", json!({ "name": name, "region": "fra", "config": config() }));
        assert_eq!(status, 200, "{machine}");
        machine["id"].as_str().unwrap().to_owned()
    }

    fn serving(&mut self) -> Option<usize> {
        self.fly.serving("shop.fly.dev", self.now).map(|route| route.backends.len())
    }
}

fn config() -> Value {
    json!({
        "image": "docker.io/library/shop:1", "guest": { "cpu_kind": "shared", "cpus": 1, "memory_mb": 256 },
        "env": { "PORT": "8000" },
        "services": [{ "protocol": "tcp", "internal_port": 8000, "ports": [{ "port": 443, "handlers": ["tls", "http"] }],
            "checks": [{ "type": "http", "path": "/health", "interval": "15s" }] }],
    })
}

/// Slow enough to look in between, and uncounted.
fn slow() -> FlyOptions {
    let (boot, first_check) = (ms(100), ms(50));
    FlyOptions {
        boot,
        first_check,
        stop: ms(20),
        restart: ms(10),
        removal: ms(30),
        limits: false,
        ..FlyOptions::default()
    }
}

#[test]
fn tokens_decide_who_may_do_what() {
    let token = |value: &str, apps: &[&str], read_only| Token {
        value: value.to_owned(),
        organisation: "rehearsal".to_owned(),
        apps: apps.iter().map(|app| (*app).to_owned()).collect(),
        read_only,
    };
    let tokens = vec![
        token("fo1_rehearsal", &[], false),
        token("fm2_app", &["shop"], false),
        token("fo1_read", &[], true),
    ];
    let mut desk = Desk::shop(FlyOptions { tokens, others: vec!["theirs".to_owned()], ..slow() });
    let mut with = |token: &str, request: &str| {
        let mut call = desk.call(request, json!({ "name": "b", "org_slug": "rehearsal" }));
        call.headers[0].1 = token.to_owned();
        desk.fly.answer(&call, desk.now).status
    };
    assert_eq!(with("Bearer wrong", "GET /v1/apps/shop"), 401);
    assert_eq!(with("FlyV1 fo1_rehearsal", "GET /v1/tokens/current"), 200);
    assert_eq!(with("FlyV1 fm2_app", "GET /v1/apps/shop"), 200);
    assert_eq!(with("FlyV1 fm2_app", "POST /v1/apps"), 403);
    assert_eq!(with("Bearer fo1_read", "POST /v1/apps"), 403);
    assert_eq!(with("Bearer fo1_rehearsal", "GET /v1/apps/theirs"), 403);
    assert_eq!(with("Bearer fo1_rehearsal", "GET /v1/apps/none"), 404);
}

#[test]
fn an_app_is_made_once_seen_later_and_gone_with_everything() {
    let store = Arc::new(Store::by_permit());
    let (app_lag, images) = (ms(5), Some(Arc::clone(&store)));
    let mut desk = Desk::shop(FlyOptions { app_lag, images, ..slow() });
    let again = desk.ask("POST /v1/apps", json!({ "name": "shop", "org_slug": "rehearsal" }));
    assert_eq!((again.0, again.1["status"].as_str()), (422, Some("name_taken")));
    assert_eq!(desk.ask("POST /v1/apps", json!({ "app_name": "shop", "org_slug": "rehearsal" })).0, 400);
    assert_eq!(desk.ask("GET /v1/apps/shop", Value::Null).0, 404);
    desk.now += ms(5);
    assert_eq!(desk.get("")["organization"]["slug"], "rehearsal");
    assert!(store.permitted("shop"));
    assert_eq!(desk.ask("DELETE /v1/apps/shop", Value::Null).0, 202);
    assert_eq!(desk.ask("GET /v1/apps/shop", Value::Null).0, 200);
    desk.now += ms(30);
    assert_eq!(desk.ask("GET /v1/apps/shop", Value::Null).0, 404);
    assert!(!store.permitted("shop"));
    assert_eq!(desk.fly.objects(), json!({ "apps": {} }));
}

#[test]
fn a_machine_boots_is_checked_and_then_serves() {
    let mut desk = Desk::shop(slow());
    let id = desk.machine("shop-1");
    let mut look = |at| {
        desk.now = ms(at);
        let machine = desk.get(&format!("/machines/{id}"));
        let check = machine["checks"][0]["status"].as_str().unwrap_or("none").to_owned();
        (machine["state"].as_str().unwrap().to_owned(), check, desk.serving().unwrap())
    };
    let seen = |state: &str, check: &str, serving| (state.to_owned(), check.to_owned(), serving);
    assert_eq!(look(0), seen("created", "none", 0));
    assert_eq!(look(60), seen("starting", "none", 0));
    assert_eq!(look(110), seen("started", "none", 0));
    assert_eq!(look(150), seen("started", "passing", 1));
    assert_eq!(desk.post(&format!("/machines/{id}/cordon"), Value::Null).0, 200);
    assert_eq!(desk.serving(), Some(0));
    assert_eq!(desk.post(&format!("/machines/{id}/uncordon"), Value::Null).0, 200);
    assert_eq!(desk.serving(), Some(1));
    assert_eq!(desk.fly.serving("other.fly.dev", desk.now).map(|route| route.backends.len()), None);
}

#[test]
fn an_update_replaces_the_version_and_keeps_name_and_region() {
    let mut desk = Desk::shop(slow());
    let id = desk.machine("shop-1");
    desk.now = ms(200);
    let before = desk.get(&format!("/machines/{id}"))["instance_id"].clone();
    let path = format!("/machines/{id}");
    let mut changed = config();
    changed["env"]["NEW"] = json!("1");
    assert_eq!(desk.post(&path, json!({ "region": "iad", "config": changed })).0, 400);
    assert_eq!(desk.post(&path, json!({ "current_version": "other", "config": changed })).0, 412);
    let (status, after) = desk.post(&path, json!({ "region": "fra", "config": changed }));
    assert_eq!((status, after["state"].as_str()), (200, Some("starting")));
    assert_ne!(after["instance_id"], before);
    assert_eq!(desk.serving(), Some(0), "it is down while it is changed");
    let versions = desk.get(&format!("/machines/{id}/versions"));
    assert_eq!((&versions[1]["version"], &versions[1]["user_config"]), (&before, &config()));
    let wait = format!("GET /v1/apps/shop/machines/{id}/wait?version={}", before.as_str().unwrap());
    assert_eq!(desk.ask(&wait, Value::Null).0, 400);
}

#[test]
fn a_wait_blocks_until_the_state_or_its_time() {
    let mut desk = Desk::shop(slow());
    let id = desk.machine("shop-1");
    let call =
        desk.call(&format!("GET /v1/apps/shop/machines/{id}/wait?state=started&timeout=1"), Value::Null);
    assert!(!desk.fly.due(&call, ms(0), ms(50)));
    assert!(desk.fly.due(&call, ms(0), ms(100)));
    assert_eq!(desk.fly.answer(&call, ms(100)).status, 200);
    let never =
        desk.call(&format!("GET /v1/apps/shop/machines/{id}/wait?state=stopped&timeout=1"), Value::Null);
    assert!(!desk.fly.due(&never, ms(100), ms(1099)));
    assert!(desk.fly.due(&never, ms(100), ms(1100)));
    assert_eq!(desk.fly.answer(&never, ms(1100)).status, 408);
    desk.now = ms(1200);
    assert_eq!(desk.ask(&format!("DELETE /v1/apps/shop/machines/{id}"), Value::Null).0, 412);
    assert_eq!(desk.ask(&format!("DELETE /v1/apps/shop/machines/{id}?force=true"), Value::Null).0, 200);
    assert_eq!(desk.fly.answer(&call, ms(1300)).status, 400);
    desk.now = ms(1300);
    assert_eq!(desk.get("/machines"), json!([]));
    assert_eq!(desk.get("/machines?include_deleted=true")[0]["state"], "destroyed");
}

#[test]
fn names_are_unique_and_unknown_fields_refused() {
    let mut desk = Desk::shop(slow());
    desk.machine("shop-1");
    assert_eq!(desk.post("/machines", json!({ "name": "shop-1", "config": config() })).0, 409);
    assert_eq!(desk.post("/machines", json!({ "config": config(), "nmae": "x" })).0, 400);
    let mut wrong = config();
    wrong["services"][0]["checks"][0]["intervall"] = json!("15s");
    let (status, body) = desk.post("/machines", json!({ "config": wrong }));
    assert!(status == 400 && body["error"].as_str().unwrap().contains("intervall"), "{body}");
    let mut small = config();
    small["guest"]["memory_mb"] = json!(300);
    assert_eq!(desk.post("/machines", json!({ "config": small })).0, 400);
    assert_eq!(desk.post("/machines", json!({ "config": config(), "region": "moon" })).0, 400);
}

#[test]
fn a_leased_machine_is_changed_only_with_the_nonce() {
    let mut desk = Desk::shop(slow());
    let id = desk.machine("shop-1");
    let (path, lease) = (format!("/machines/{id}"), format!("/machines/{id}/lease"));
    let (status, taken) = desk.post(&lease, json!({ "ttl": 2, "description": "a" }));
    let nonce = taken["data"]["nonce"].as_str().unwrap().to_owned();
    assert_eq!((status, taken["nonce"].as_str()), (201, Some(nonce.as_str())));
    assert_eq!(desk.post(&lease, json!({ "ttl": 2 })).0, 409);
    assert_eq!(desk.post(&path, json!({ "config": config() })).0, 409);
    assert_eq!(desk.post(&format!("{path}/stop"), json!({})).0, 409);
    desk.nonce = Some(nonce.clone());
    assert_eq!(desk.post(&path, json!({ "config": config() })).0, 200);
    let (_, kept) = desk.post(&lease, json!({ "ttl": 2 }));
    assert_eq!(kept["data"]["nonce"].as_str(), Some(nonce.as_str()));
    assert_eq!(desk.ask(&format!("DELETE /v1/apps/shop{lease}"), Value::Null).0, 200);
    desk.nonce = None;
    assert_eq!(desk.post(&path, json!({ "config": config() })).0, 200);
    assert_eq!(desk.post(&lease, json!({ "ttl": 2 })).0, 201);
    desk.now += Duration::from_secs(2);
    assert_eq!(desk.post(&path, json!({ "config": config() })).0, 200, "it has run out");
}

#[test]
fn a_volume_is_one_machines_and_grows() {
    let mut desk = Desk::shop(slow());
    let volume = |region: &str| json!({ "name": "data", "region": region, "size_gb": 1 });
    let id = desk.post("/volumes", volume("fra")).1["id"].as_str().unwrap().to_owned();
    let other = desk.post("/volumes", volume("iad")).1["id"].as_str().unwrap().to_owned();
    assert_ne!(id, other, "names are not unique");
    let with = |id: &str| {
        let mut config = config();
        config["mounts"] = json!([{ "volume": id, "path": "/data" }]);
        json!({ "region": "fra", "config": config })
    };
    assert_eq!(desk.post("/machines", with(&other)).0, 400);
    let machine = desk.post("/machines", with(&id)).1["id"].as_str().unwrap().to_owned();
    assert_eq!(desk.post("/machines", with(&id)).0, 412);
    assert_eq!(desk.get(&format!("/volumes/{id}"))["attached_machine_id"], machine.as_str());
    assert_eq!(desk.post(&format!("/machines/{machine}"), json!({ "config": config() })).0, 400);
    assert_eq!(
        desk.ask(&format!("PUT /v1/apps/shop/volumes/{id}/extend"), json!({ "size_gb": 3 })).1["volume"]["size_gb"],
        3
    );
    assert_eq!(desk.ask(&format!("PUT /v1/apps/shop/volumes/{id}/extend"), json!({ "size_gb": 2 })).0, 400);
    assert_eq!(desk.ask(&format!("DELETE /v1/apps/shop/volumes/{id}"), Value::Null).0, 412);
    assert_eq!(desk.post(&format!("/volumes/{id}/snapshots"), Value::Null).0, 200);
    assert_eq!(desk.get(&format!("/volumes/{id}/snapshots")).as_array().unwrap().len(), 1);
    assert_eq!(desk.ask(&format!("DELETE /v1/apps/shop/machines/{machine}?force=true"), Value::Null).0, 200);
    desk.now += ms(20);
    assert_eq!(desk.get(&format!("/volumes/{id}"))["attached_machine_id"], Value::Null);
    assert_eq!(
        desk.ask(&format!("DELETE /v1/apps/shop/volumes/{id}"), Value::Null).1["state"],
        "pending_destroy"
    );
}

#[test]
fn secrets_reach_a_machine_in_the_version_it_asks_for_and_nobody_else() {
    let scripted = Arc::new(Scripted::default());
    let down = Script { status: Some(500), ..Script::default() };
    scripted.rule(When::Env("KEY".to_owned(), "s3cret-2".to_owned()), down);
    let mut desk =
        Desk::shop(FlyOptions { runner: scripted, secrets_lag: Duration::from_secs(60), ..slow() });
    assert_eq!(desk.post("/secrets", json!({ "values": { "KEY": "s3cret-1", "OLD": "x" } })).1["version"], 1);
    desk.now = Duration::from_secs(61);
    let (_, set) = desk.post("/secrets", json!({ "values": { "KEY": "s3cret-2", "OLD": null } }));
    assert_eq!((set["version"].as_u64(), set["secrets"].as_array().map(Vec::len)), (Some(2), Some(1)));
    assert_eq!(desk.post("/machines", json!({ "min_secrets_version": 3, "config": config() })).0, 400);
    let newest =
        desk.post("/machines", json!({ "min_secrets_version": 2, "config": config() })).1["id"].clone();
    let former = desk.machine("former");
    desk.now += ms(200);
    let mut status =
        |id: &str| desk.get(&format!("/machines/{id}"))["checks"][0]["status"].as_str().unwrap().to_owned();
    assert_eq!(status(newest.as_str().unwrap()), "critical", "it has the newest value");
    assert_eq!(status(&former), "passing", "it has the value before");
    let truth = desk.fly.objects().to_string();
    assert!(!truth.contains("s3cret") && truth.contains("\"KEY\""), "{truth}");
    assert!(!format!("{:?}", desk.fly).contains("s3cret"));
}

#[test]
fn what_ends_is_started_again_and_given_up() {
    let ends = Script {
        exit: Some(Exit { after_ms: 0, code: 3 }),
        lines: vec!["no".to_owned()],
        ..Script::default()
    };
    let mut desk = Desk::shop(FlyOptions { runner: Arc::new(Scripted::new(ends)), ..slow() });
    let mut brittle = config();
    brittle["restart"] = json!({ "policy": "on-failure", "max_retries": 2 });
    let id = desk.post("/machines", json!({ "config": brittle })).1["id"].as_str().unwrap().to_owned();
    let path = format!("/machines/{id}");
    desk.now = ms(100);
    let machine = desk.get(&path);
    let exit = &machine["events"][0];
    assert_eq!((machine["state"].as_str(), exit["type"].as_str()), (Some("restarting"), Some("exit")));
    assert_eq!(exit["request"]["exit_event"]["exit_code"], 3);
    assert_eq!(
        (&exit["request"]["restart_count"], &exit["request"]["exit_event"]["restarting"]),
        (&json!(1), &json!(true))
    );
    for at in [110, 210, 220, 320] {
        desk.now = ms(at);
        desk.get(&path);
    }
    let machine = desk.get(&path);
    assert_eq!(machine["state"], "stopped");
    assert_eq!(machine["events"][0]["request"]["exit_event"]["restarting"], false);
    let (_, logs) = desk.ask("GET /api/v1/apps/shop/logs", Value::Null);
    assert_eq!(logs["data"][0]["attributes"]["message"], "no");
    let next = logs["meta"]["next_token"].as_str().unwrap();
    let (_, after) = desk.ask(&format!("GET /api/v1/apps/shop/logs?next_token={next}"), Value::Null);
    assert_eq!(after["data"], json!([]));
}

#[test]
fn lists_lag_looks_do_not() {
    let list_lag = Lag { reads: 2, time: Duration::ZERO };
    let mut desk = Desk::shop(FlyOptions { list_lag, ..slow() });
    let id = desk.machine("shop-1");
    assert_eq!(desk.get("/machines"), json!([]));
    assert_eq!(desk.get(&format!("/machines/{id}"))["name"], "shop-1");
    assert_eq!(desk.get("/machines"), json!([]));
    assert_eq!(desk.get("/machines").as_array().unwrap().len(), 1);
}

#[test]
fn requests_are_counted_by_what_they_do() {
    let mut desk = Desk::shop(FlyOptions { limits: true, ..slow() });
    let statuses: Vec<u16> = (0..4).map(|_| desk.ask("GET /v1/apps/shop/volumes", Value::Null).0).collect();
    assert_eq!(statuses, [200, 200, 200, 429]);
    assert_eq!(desk.ask("GET /v1/apps/shop/secrets", Value::Null).0, 200);
    desk.now += Duration::from_secs(1);
    assert_eq!(desk.ask("GET /v1/apps/shop/volumes", Value::Null).0, 200);
    let id = desk.machine("shop-1");
    let statuses: Vec<u16> =
        (0..11).map(|_| desk.ask(&format!("GET /v1/apps/shop/machines/{id}"), Value::Null).0).collect();
    assert_eq!((statuses[9], statuses[10]), (200, 429));
}

#[test]
fn capacity_metadata_certificates_and_what_is_not_played() {
    let mut desk = Desk::shop(FlyOptions { capacity: 1, pointed: vec!["shop.example".to_owned()], ..slow() });
    let id = desk.machine("shop-1");
    let (status, full) = desk.post("/machines", json!({ "config": config() }));
    assert_eq!((status, full["status"].as_str()), (422, Some("insufficient_capacity")));
    assert_eq!(desk.post(&format!("/machines/{id}/metadata/live"), json!({ "value": "yes" })).0, 204);
    assert_eq!(desk.get(&format!("/machines/{id}"))["config"]["metadata"]["live"], "yes");
    assert_eq!(desk.ask(&format!("DELETE /v1/apps/shop/machines/{id}/metadata/live"), Value::Null).0, 204);
    assert_eq!(desk.post("/certificates/acme", json!({ "hostname": "shop.example" })).1["configured"], true);
    assert_eq!(
        desk.post("/certificates/acme", json!({ "hostname": "other.example" })).1["status"],
        "pending_validation"
    );
    assert_eq!(desk.post("/certificates/acme", json!({ "hostname": "-" })).0, 422);
    assert!(desk.fly.serving("shop.example", desk.now).is_some());
    assert_eq!(desk.post(&format!("/machines/{id}/exec"), json!({})).0, 501);
    assert_eq!(desk.ask("GET /v1/nothing", Value::Null).0, 404);
}
