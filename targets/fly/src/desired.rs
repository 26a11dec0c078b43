//! A service of a release as an app with its machines: what shall be.
//!
//! Given: a release, a service on Fly.io. Gives: plain data that a plan carries; what `fly.toml` says is decided by the same
//! functions (`manifests`), so that the two stay in step. Deliberately absent: the image's address and the volume's id, which
//! are known only when a machine is made, and any secret's value.

use std::collections::BTreeMap;

use dashdeploy_contract::{ErrorKind, Name, Release, Requirement, Service, ServiceKind, TargetError, Wiring};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::config::App;
use crate::error::ours;
use crate::manifests::{Check, check, gigabytes, kill_signal, number, private, volume_name};
use crate::marks::{self, short_hash};
use crate::size;

/// A service as an app.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Desired {
    /// The service.
    pub(crate) service: Name,
    /// The app's name.
    pub(crate) app: String,
    /// Whose a machine is, by the names of marks.
    pub(crate) marks: BTreeMap<String, String>,
    /// Where machines run.
    pub(crate) region: String,
    /// A machine's configuration without image, mounts and metadata.
    pub(crate) config: Value,
    /// The content of the image.
    pub(crate) image: String,
    /// The release's number.
    pub(crate) release: Option<u32>,
    /// The secrets that have a value, with its fingerprint.
    pub(crate) secrets: BTreeMap<String, String>,
    /// Secrets that go once the machines serve.
    pub(crate) unset: Vec<String>,
    /// How many machines.
    pub(crate) replicas: u32,
    /// The volume.
    pub(crate) volume: Option<DesiredVolume>,
    /// A hash of what the app has beside machines.
    pub(crate) setup: String,
}

/// A volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DesiredVolume {
    /// Its name at Fly.io.
    pub(crate) name: String,
    /// The folder in the machine.
    pub(crate) path: String,
    /// Gigabytes.
    pub(crate) size: u64,
    /// True where dashdeploy.yaml says how large it is.
    pub(crate) sized: bool,
    /// Days that snapshots are kept.
    pub(crate) snapshots: u32,
}

impl Desired {
    /// What shall be for a service.
    ///
    /// # Errors
    /// `Invalid` for a variable that cannot be filled in or passed on, a required secret without a value, a size that does not
    /// exist, no image; `Unsupported` for files in a bucket, and for more machines than there are volumes.
    pub(crate) fn of(app: &App, release: &Release) -> Result<Self, TargetError> {
        let service = app.service;
        let failed =
            |kind: ErrorKind, message: String| ours(kind, format!("plan app {}", app.name()), message);
        let invalid = |message: String| failed(ErrorKind::Invalid, message);
        refuse(app).map_err(|(message, hint)| failed(ErrorKind::Unsupported, message).hint(hint))?;
        let size = size::of(service.resources, app.option("size"))
            .map_err(|why| invalid(why).hint("write less `memory` or `cpus`, or another `size`"))?;
        let image = release.images.get(&service.name).ok_or_else(|| {
            invalid(format!("the release has no image of service `{}`", service.name))
                .hint("run `dashdeploy build`")
        })?;
        let known = release.secrets.get(&service.name).into_iter().flatten();
        let secrets: BTreeMap<String, String> =
            known.map(|(name, print)| (name.clone(), print.clone())).collect();
        required(service, &secrets).map_err(|(message, hint)| invalid(message).hint(hint))?;
        let env = env(service, &release.wiring).map_err(|(message, hint)| invalid(message).hint(hint))?;
        Ok(Self {
            service: service.name.clone(),
            app: app.name(),
            marks: marks::of_machine(app),
            region: app.region().to_owned(),
            config: config(app, env, size),
            image: image.id.0.clone(),
            release: release.number,
            secrets,
            unset: Vec::new(),
            replicas: service.replicas,
            volume: volume(app),
            setup: setup(app),
        })
    }

    /// What tells machines of one form from those of another.
    pub(crate) fn generation(&self) -> String {
        short_hash(&json!([self.image, self.config_hash(), self.secrets]).to_string(), 10)
    }

    /// What tells one configuration from another.
    pub(crate) fn config_hash(&self) -> String {
        let mount = self.volume.as_ref().map(|volume| (&volume.name, &volume.path));
        short_hash(&json!([self.config, self.region, mount]).to_string(), 16)
    }

    /// True where Fly.io checks its health.
    pub(crate) fn is_checked(&self) -> bool {
        has_checks(&self.config)
    }

    /// What is billed for so many machines.
    pub(crate) fn billed(&self, machines: usize) -> String {
        let guest = |name: &str| self.config.pointer(&format!("/guest/{name}"));
        let kind = guest("cpu_kind").and_then(Value::as_str).unwrap_or_default();
        let number = |name: &str| guest(name).and_then(Value::as_u64).unwrap_or_default();
        let plural = if machines == 1 { "machine" } else { "machines" };
        let size = if kind == "shared" { "shared-cpu" } else { "performance" };
        format!("{machines} {plural} {size}-{}x with {} MB", number("cpus"), number("memory_mb"))
    }
}

impl DesiredVolume {
    /// What is billed for it.
    pub(crate) fn billed(&self) -> String {
        format!("a volume of {} GB", self.size)
    }
}

/// True where a configuration has a check of any kind.
pub(crate) fn has_checks(config: &Value) -> bool {
    let filled = |part: &Value| match part.get("checks") {
        Some(Value::Array(all)) => !all.is_empty(),
        Some(Value::Object(all)) => !all.is_empty(),
        _ => false,
    };
    let services = config.get("services").and_then(Value::as_array);
    filled(config) || services.is_some_and(|all| all.iter().any(filled))
}

/// A hash of what an app has beside machines and secrets.
pub(crate) fn setup(app: &App) -> String {
    let domain = app.bound.domains.get(&app.service.name);
    short_hash(&json!([app.is_public(), app.is_private(), domain, volume(app)]).to_string(), 16)
}

/// What is not deployed, with the mend.
fn refuse(app: &App) -> Result<(), (String, String)> {
    if app.has_bucket() {
        let message = format!(
            "the files of `{}` would lie in a Tigris bucket, which `fly deploy` alone fills",
            app.service.name
        );
        return Err((message, "write `hosting: image`, or leave it out".to_owned()));
    }
    if app.service.volumes.len() > 1 || (app.service.replicas > 1 && !app.service.volumes.is_empty()) {
        let message = format!(
            "a volume belongs to one machine, and a machine has one volume: `{}` has more",
            app.service.name
        );
        return Err((message, "write one volume and `replicas: 1` for this environment".to_owned()));
    }
    Ok(())
}

fn required(service: &Service, secrets: &BTreeMap<String, String>) -> Result<(), (String, String)> {
    let missing = service
        .secrets
        .iter()
        .find(|(name, requirement)| **requirement == Requirement::Required && !secrets.contains_key(*name));
    let Some((name, _)) = missing else { return Ok(()) };
    let hint = format!("set the variable `{name}`, or put it into a file for `--secrets-file`");
    Err((format!("the secret `{name}` of `{}` is required and has no value", service.name), hint))
}

/// The volume of an app.
pub(crate) fn volume(app: &App) -> Option<DesiredVolume> {
    let (volume, path) = app.service.volumes.first()?;
    let size = app.bound.volumes.get(volume).and_then(|volume| volume.size);
    Some(DesiredVolume {
        name: volume_name(volume.as_str()),
        path: path.clone(),
        size: gigabytes(size.unwrap_or_default()),
        sized: size.is_some(),
        snapshots: number(app, "snapshot_days"),
    })
}

/// `config` of a machine without image, mounts and metadata.
fn config(app: &App, env: Map<String, Value>, size: size::Size) -> Value {
    let mut config = Map::new();
    config.insert("env".to_owned(), Value::Object(env));
    let kind = if size.shared { "shared" } else { "performance" };
    let guest = json!({ "cpu_kind": kind, "cpus": size.cpus, "memory_mb": size.memory });
    config.insert("guest".to_owned(), guest);
    if let Some(command) = &app.service.command {
        config.insert("init".to_owned(), json!({ "cmd": command }));
    }
    let check = check(app);
    let services = [public(app, check.as_ref()), internal(app, check.as_ref())].into_iter().flatten();
    let services: Vec<Value> = services.collect();
    if !services.is_empty() {
        config.insert("services".to_owned(), Value::Array(services));
    }
    if let Some(check) = check.filter(|check| check.path.is_none()) {
        let mut port = times("tcp");
        port.insert("port".to_owned(), json!(check.port));
        config.insert("checks".to_owned(), json!({ "port": port }));
    }
    config.insert("restart".to_owned(), json!({ "policy": "always" }));
    config.insert("stop_config".to_owned(), json!({ "signal": kill_signal(app), "timeout": "30s" }));
    Value::Object(config)
}

/// The variables of a container; those of a page are in its files.
fn env(service: &Service, wiring: &Wiring) -> Result<Map<String, Value>, (String, String)> {
    let mut env = Map::new();
    if service.kind() == ServiceKind::Static {
        return Ok(env);
    }
    for (name, text) in &service.env {
        let value = wiring.resolve(text, service).map_err(|why| {
            (format!("variable `{name}`: {why}"), "correct it in dashdeploy.yaml".to_owned())
        })?;
        if value.contains('\0') {
            let message = format!("the value of `{name}` holds a NUL");
            return Err((message, "remove the NUL from the value".to_owned()));
        }
        env.insert(name.clone(), Value::String(value));
    }
    Ok(env)
}

/// A check's times, as in `fly.toml`.
fn times(kind: &str) -> Map<String, Value> {
    let times = [("type", kind), ("interval", "15s"), ("timeout", "5s"), ("grace_period", "10s")];
    times.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect()
}

fn http(check: Option<&Check>) -> Option<Value> {
    let check = check?;
    let mut http = times("http");
    http.insert("method".to_owned(), json!("GET"));
    http.insert("path".to_owned(), json!(check.path.as_ref()?));
    if check.forwarded {
        let header = json!([{ "name": "X-Forwarded-Proto", "values": ["https"] }]);
        http.insert("headers".to_owned(), header);
    }
    Some(Value::Object(http))
}

/// The service on ports 80 and 443, for the whole world.
fn public(app: &App, check: Option<&Check>) -> Option<Value> {
    let port = app.service.port.filter(|_| app.is_public())?;
    let ports = json!([
        { "port": 80, "handlers": ["http"], "force_https": true },
        { "port": 443, "handlers": ["http", "tls"] },
    ]);
    Some(service(app, port, ports, "requests", http(check)))
}

/// The service for other apps.
fn internal(app: &App, check: Option<&Check>) -> Option<Value> {
    let private = private(app)?;
    let check = check.filter(|_| !app.is_public());
    Some(service(app, private.internal_port, json!([{ "port": private.port }]), "connections", http(check)))
}

fn service(app: &App, port: u16, ports: Value, counted: &str, check: Option<Value>) -> Value {
    let stop = app.option("auto_stop").unwrap_or("off");
    let mut service = json!({
        "protocol": "tcp",
        "internal_port": port,
        "autostop": stop,
        "autostart": true,
        "ports": ports,
        "concurrency": { "type": counted, "soft_limit": 200 },
    });
    if stop != "off" {
        service["min_machines_running"] = json!(number(app, "min_machines"));
    }
    if let Some(check) = check {
        service["checks"] = json!([check]);
    }
    service
}
