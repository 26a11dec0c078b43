//! A service of a release as an app with its machines: what shall be.
//!
//! Given: a release, a service on Fly.io. Gives: plain data that a plan carries: the machine's configuration without its image and
//! volume, which are known only when it is made; no secret's value. What `fly.toml` says is decided by the same functions
//! (`manifests.rs`), so that the two stay in step.

use std::collections::BTreeMap;

use dashdeploy_contract::{Desk, ErrorKind, Name, Release, Service, ServiceKind, TargetError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::config::App;
use crate::error::ours;
use crate::manifests::{Check, check, gigabytes, kill_signal, number, private, volume_name};
use crate::size;

/// A service as an app.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Desired {
    /// The service.
    pub(crate) service: Name,
    /// The app's name.
    pub(crate) app: String,
    /// The organisation, where one is named.
    pub(crate) org: Option<String>,
    /// The name of the secret that marks the app as ours.
    pub(crate) owner: String,
    /// Project and environment, for machines' marks.
    pub(crate) marks: BTreeMap<String, String>,
    /// Where machines run.
    pub(crate) region: String,
    /// The machine's configuration: what `config` holds but image, mounts and metadata.
    pub(crate) config: Value,
    /// The content of the image.
    pub(crate) image: String,
    /// The release's number, for people.
    pub(crate) release: Option<u32>,
    /// The names of its secrets, with the fingerprints of their values.
    pub(crate) secrets: BTreeMap<String, String>,
    /// How many machines.
    pub(crate) replicas: u32,
    /// `rolling`, `bluegreen`, `canary` or `immediate`.
    pub(crate) strategy: String,
    /// Seconds that Fly's proxy is given to forget a machine.
    pub(crate) drain: u32,
    /// The volume.
    pub(crate) volume: Option<DesiredVolume>,
    /// True where it has public addresses.
    pub(crate) public: bool,
    /// True where other apps reach it by its private address.
    pub(crate) private: bool,
    /// True where machines may be stopped because nobody asks them.
    pub(crate) sleeps: bool,
    /// The user's own host name.
    pub(crate) domain: Option<String>,
    /// What a machine is billed as.
    pub(crate) billed: String,
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
    /// Days that snapshots are kept.
    pub(crate) snapshots: u32,
}

impl Desired {
    /// What shall be for a service.
    ///
    /// # Errors
    /// `Invalid` for a variable that cannot be filled in, a size that does not exist, or files in a bucket, which only the vendor's
    /// own command puts there.
    pub(crate) fn of(app: &App, release: &Release) -> Result<Self, TargetError> {
        let service = app.service;
        let operation = format!("plan {}", service.name);
        if app.has_bucket() {
            let message = "files in a Tigris bucket are put there by `fly deploy` alone";
            return Err(ours(ErrorKind::Unsupported, operation, message)
                .hint("write `hosting: image`, or leave it out"));
        }
        let size = size::of(service.resources, app.option("size"))
            .map_err(|why| ours(ErrorKind::Invalid, operation.clone(), why))?;
        let image = release.images.get(&service.name).ok_or_else(|| {
            ours(
                ErrorKind::Invalid,
                operation.clone(),
                format!("the release has no image of `{}`", service.name),
            )
        })?;
        let bound = &release.bound;
        Ok(Self {
            service: service.name.clone(),
            app: app.name(),
            org: app.option("org").map(str::to_owned),
            owner: owner(app),
            marks: [
                ("dashdeploy_project", &bound.project),
                ("dashdeploy_environment", &bound.environment),
                ("dashdeploy_service", &service.name),
            ]
            .map(|(mark, name)| (mark.to_owned(), name.to_string()))
            .into(),
            region: app.region().to_owned(),
            config: config(app, release, &size)?,
            image: image.id.0.clone(),
            release: release.number,
            secrets: release
                .secrets
                .get(&service.name)
                .into_iter()
                .flatten()
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect(),
            replicas: service.replicas,
            strategy: app.strategy().to_owned(),
            drain: number(app, "drain_seconds"),
            volume: volume(app),
            public: app.is_public(),
            private: app.is_private(),
            sleeps: app.option("auto_stop").is_some_and(|word| word != "off"),
            domain: bound.domains.get(&service.name).cloned(),
            billed: format!("machine {} with {} MB in {}", size.name, size.memory, app.region()),
        })
    }

    /// What tells one form of the machines from another: image, configuration, secrets.
    pub(crate) fn generation(&self) -> String {
        let parts = json!([self.image, self.config, self.secrets, self.region, self.volume]);
        short_hash(&parts.to_string(), 10)
    }

    /// What tells one configuration from another.
    pub(crate) fn config_hash(&self) -> String {
        let parts = json!([self.config, self.region, self.volume.as_ref().map(|volume| &volume.path)]);
        short_hash(&parts.to_string(), 16)
    }

    /// The plain variables.
    pub(crate) fn env(&self) -> BTreeMap<String, String> {
        let env = self.config.get("env").and_then(Value::as_object).into_iter().flatten();
        env.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
    }
}

/// The first hex digits of a hash.
pub(crate) fn short_hash(text: &str, digits: usize) -> String {
    let hex: String = Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    hex[..digits.min(hex.len())].to_owned()
}

/// The name of the secret that marks an app as ours: an app has no labels, and values of secrets cannot be read back.
pub(crate) fn owner(app: &App) -> String {
    let bound = app.bound;
    let whose = format!("{}/{}/{}", bound.project, bound.environment, app.service.name);
    format!("{OWNER}{}", short_hash(&whose, 8).to_ascii_uppercase())
}

/// How names of marks begin.
pub(crate) const OWNER: &str = "DASHDEPLOY_OWNER_";

fn volume(app: &App) -> Option<DesiredVolume> {
    let (volume, path) = app.service.volumes.first()?;
    let size = app.bound.volumes.get(volume).and_then(|volume| volume.size).unwrap_or_default();
    Some(DesiredVolume {
        name: volume_name(volume.as_str()),
        path: path.clone(),
        size: gigabytes(size),
        snapshots: number(app, "snapshot_days"),
    })
}

/// `config` of a machine without image, mounts and metadata.
fn config(app: &App, release: &Release, size: &size::Size) -> Result<Value, TargetError> {
    let service = app.service;
    let desk = Desk { bound: &release.bound, wiring: &release.wiring, suffix: None };
    let mut config = Map::new();
    config.insert("env".to_owned(), env(service, &desk)?);
    let kind = if size.shared { "shared" } else { "performance" };
    config
        .insert("guest".to_owned(), json!({ "cpu_kind": kind, "cpus": size.cpus, "memory_mb": size.memory }));
    if let Some(command) = &service.command {
        config.insert("init".to_owned(), json!({ "cmd": command }));
    }
    let checked = check(app);
    let services: Vec<Value> =
        [public_service(app, checked.as_ref()), private_service(app, checked.as_ref())]
            .into_iter()
            .flatten()
            .collect();
    if !services.is_empty() {
        config.insert("services".to_owned(), Value::Array(services));
    }
    if let Some(check) = checked.filter(|check| check.path.is_none()) {
        let port = json!({ "type": "tcp", "port": check.port, "interval": "15s", "timeout": "5s", "grace_period": "10s" });
        config.insert("checks".to_owned(), json!({ "port": port }));
    }
    config.insert("restart".to_owned(), json!({ "policy": "on-failure", "max_retries": 10 }));
    config.insert("stop_config".to_owned(), json!({ "signal": kill_signal(app), "timeout": "30s" }));
    Ok(Value::Object(config))
}

/// The variables of a container; those of a page are in its files.
fn env(service: &Service, desk: &Desk) -> Result<Value, TargetError> {
    let mut env = Map::new();
    if service.kind() == ServiceKind::Web {
        for (name, text) in &service.env {
            let value = desk.wiring.resolve(text, service).map_err(|unresolved| {
                ours(
                    ErrorKind::Invalid,
                    format!("plan {}", service.name),
                    format!("variable {name}: {unresolved}"),
                )
            })?;
            env.insert(name.clone(), Value::String(value));
        }
    }
    Ok(Value::Object(env))
}

fn auto(app: &App, mut service: Map<String, Value>) -> Map<String, Value> {
    let stop = app.option("auto_stop").unwrap_or("off");
    service.insert("autostop".to_owned(), json!(stop));
    service.insert("autostart".to_owned(), json!(true));
    if stop != "off" {
        service.insert("min_machines_running".to_owned(), json!(number(app, "min_machines")));
    }
    service
}

fn http_check(check: &Check) -> Option<Value> {
    let path = check.path.as_ref()?;
    let mut it = json!({ "type": "http", "method": "GET", "path": path, "interval": "15s", "timeout": "5s", "grace_period": "10s" });
    if check.forwarded {
        it["headers"] = json!([{ "name": "X-Forwarded-Proto", "values": ["https"] }]);
    }
    Some(it)
}

fn public_service(app: &App, check: Option<&Check>) -> Option<Value> {
    let port = app.service.port.filter(|_| app.is_public())?;
    let mut service = Map::new();
    service.insert("protocol".to_owned(), json!("tcp"));
    service.insert("internal_port".to_owned(), json!(port));
    let ports = json!([
        { "port": 80, "handlers": ["http"], "force_https": true },
        { "port": 443, "handlers": ["http", "tls"] },
    ]);
    service.insert("ports".to_owned(), ports);
    service.insert("concurrency".to_owned(), json!({ "type": "requests", "soft_limit": 200 }));
    if let Some(check) = check.and_then(http_check) {
        service.insert("checks".to_owned(), json!([check]));
    }
    Some(Value::Object(auto(app, service)))
}

fn private_service(app: &App, check: Option<&Check>) -> Option<Value> {
    let private = private(app)?;
    let mut service = Map::new();
    service.insert("protocol".to_owned(), json!("tcp"));
    service.insert("internal_port".to_owned(), json!(private.internal_port));
    service.insert("ports".to_owned(), json!([{ "port": private.port }]));
    service.insert("concurrency".to_owned(), json!({ "type": "connections", "soft_limit": 200 }));
    if let Some(check) = check.filter(|_| !app.is_public()).and_then(http_check) {
        service.insert("checks".to_owned(), json!([check]));
    }
    Some(Value::Object(auto(app, service)))
}
