//! One service as a container: what every target that runs containers, and every generated Compose file, agrees on.
//!
//! Given: a bound service and the addresses. Gives: a [`ContainerSpec`] with all secure defaults decided. Deliberately
//! absent: any platform's own form of it. Secrets stand in it by name only.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::{
    Bound, HealthCheck, Name, Publish, Recipe, Requirement, Service, ServiceKind, Unresolved, Wiring,
};

/// Numeric user and group of every image that dashdeploy generates: not root, and outside the range of host accounts.
pub const APP_USER: &str = "10001:10001";

/// The ownership marks: proof that dashdeploy made a thing, and for what.
pub mod labels {
    /// The project's name.
    pub const PROJECT: &str = "dev.dashdeploy.project";
    /// The environment's name.
    pub const ENVIRONMENT: &str = "dev.dashdeploy.environment";
    /// The service's name.
    pub const SERVICE: &str = "dev.dashdeploy.service";
}

/// A service as a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerSpec {
    /// The service.
    pub service: Name,
    /// The image's name and tag.
    pub image: String,
    /// The command instead of the image's own.
    pub command: Option<Vec<String>>,
    /// Variables, plain ones filled in, in the file's order.
    pub env: IndexMap<String, EnvValue>,
    /// Ports published on the host.
    pub ports: Vec<PortBinding>,
    /// The port it listens on, for the host's other containers.
    pub expose: Option<u16>,
    /// Volumes mounted.
    pub mounts: Vec<VolumeMount>,
    /// Folders in memory.
    pub tmpfs: Vec<Tmpfs>,
    /// How health is told; none leaves the image's own health check in force.
    pub probe: Option<Probe>,
    /// Numeric user and group; none for the image's own.
    pub user: Option<String>,
    /// True where the root file system cannot be written to.
    pub read_only: bool,
    /// True where every Linux capability is dropped.
    pub drop_capabilities: bool,
    /// What it may use.
    pub limits: Limits,
    /// What happens to it when it ends.
    pub restart: RestartPolicy,
    /// How its log is kept.
    pub log: LogRotation,
    /// Seconds between the signal to stop and the kill.
    pub stop_grace_seconds: u32,
    /// Services that must be healthy before.
    pub depends_on: Vec<Name>,
    /// Ownership marks.
    pub labels: IndexMap<String, String>,
}

/// The value of a variable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnvValue {
    /// Known and public.
    Plain(String),
    /// Known only to the store of secrets.
    Secret(Requirement),
}

/// A port on the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortBinding {
    /// The address bound.
    pub address: std::net::IpAddr,
    /// The port on the host.
    pub host: u16,
    /// The TCP port in the container.
    pub container: u16,
}

/// A volume in a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeMount {
    /// The volume as the project names it.
    pub volume: Name,
    /// The absolute path in the container.
    pub path: String,
}

/// A folder in memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tmpfs {
    /// The absolute path.
    pub path: String,
    /// Bytes at most.
    pub size: u64,
}

/// A health check that runs in the container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// In Docker's form: `CMD` and the arguments, or `CMD-SHELL` and a line.
    pub test: Vec<String>,
    /// Seconds between checks.
    pub interval_seconds: u32,
    /// Seconds before a check counts as failed.
    pub timeout_seconds: u32,
    /// Failures in a row before it counts as unhealthy.
    pub retries: u32,
    /// Seconds in which failures do not count.
    pub start_period_seconds: u32,
}

/// What a container may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of memory.
    pub memory: u64,
    /// Thousandths of a processor.
    pub cpu_millis: u32,
    /// Processes and threads.
    pub pids: u32,
    /// Open files.
    pub open_files: u32,
}

/// What happens to a container when it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RestartPolicy {
    /// It starts again, unless it was stopped by hand.
    UnlessStopped,
}

/// How a container's log is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRotation {
    /// Megabytes of one file.
    pub max_size_mb: u32,
    /// Files kept.
    pub max_files: u32,
}

impl ContainerSpec {
    /// The service of a bound project as a container.
    ///
    /// # Errors
    /// [`Unresolved`] for the first variable that cannot be filled in.
    pub fn of(bound: &Bound, service: &Service, wiring: &Wiring) -> Result<Self, Unresolved> {
        let generated = service.is_generated();
        Ok(Self {
            service: service.name.clone(),
            image: image_reference(bound, service),
            command: service.command.clone(),
            env: variables(service, wiring)?,
            ports: ports(service),
            expose: service.port,
            mounts: service
                .volumes
                .iter()
                .map(|(volume, path)| VolumeMount { volume: volume.clone(), path: path.clone() })
                .collect(),
            tmpfs: tmpfs(service),
            probe: Probe::of(service),
            user: generated.then(|| APP_USER.to_owned()),
            read_only: service.read_only,
            drop_capabilities: generated,
            limits: Limits {
                memory: service.resources.memory,
                cpu_millis: service.resources.cpu_millis,
                pids: 256,
                // Above what most servers need, and below the hard limit of engines that may not raise it (rootless ones,
                // engines inside a container).
                open_files: 8_192,
            },
            restart: RestartPolicy::UnlessStopped,
            log: LogRotation { max_size_mb: 10, max_files: 3 },
            stop_grace_seconds: 10,
            depends_on: bound.dependencies(service),
            labels: ownership_marks(bound, Some(&service.name)),
        })
    }
}

/// The name under which Compose and the Docker target know an environment's stack: the project's for `local`, else
/// `project-environment`, so that two environments on one engine never share a volume.
pub fn stack_name(bound: &Bound) -> String {
    match bound.environment.as_str() {
        "local" => bound.project.to_string(),
        other => format!("{}-{other}", bound.project),
    }
}

/// The image's name and tag: the user's own for `image:`, else `project-service:latest`, as Compose names it.
pub fn image_reference(bound: &Bound, service: &Service) -> String {
    match &service.source {
        crate::Source::Image(image) => image.clone(),
        crate::Source::Build(_) => format!("{}-{}:latest", bound.project, service.name),
    }
}

/// The marks that prove for which project, environment and service a thing was made.
pub fn ownership_marks(bound: &Bound, service: Option<&Name>) -> IndexMap<String, String> {
    let mut marks = IndexMap::from([
        (labels::PROJECT.to_owned(), bound.project.to_string()),
        (labels::ENVIRONMENT.to_owned(), bound.environment.to_string()),
    ]);
    if let Some(service) = service {
        marks.insert(labels::SERVICE.to_owned(), service.to_string());
    }
    marks
}

fn variables(service: &Service, wiring: &Wiring) -> Result<IndexMap<String, EnvValue>, Unresolved> {
    if service.kind() == ServiceKind::Static {
        return Ok(IndexMap::new());
    }
    let mut variables = IndexMap::new();
    for (name, text) in &service.env {
        variables.insert(name.clone(), EnvValue::Plain(wiring.resolve(text, service)?));
    }
    for (name, requirement) in &service.secrets {
        variables.insert(name.clone(), EnvValue::Secret(*requirement));
    }
    Ok(variables)
}

fn ports(service: &Service) -> Vec<PortBinding> {
    match (service.publish, service.port) {
        (Publish::Port { address, port }, Some(container)) => {
            vec![PortBinding { address, host: port, container }]
        }
        _ => Vec::new(),
    }
}

fn tmpfs(service: &Service) -> Vec<Tmpfs> {
    if !service.read_only {
        return Vec::new();
    }
    vec![Tmpfs { path: "/tmp".to_owned(), size: 64 << 20 }]
}

impl Probe {
    /// The service's health check as a command in its container; none where the image's own is to be used.
    pub fn of(service: &Service) -> Option<Self> {
        let test = match &service.health {
            HealthCheck::None => return None,
            HealthCheck::Command { test } => {
                std::iter::once("CMD".to_owned()).chain(test.iter().cloned()).collect()
            }
            HealthCheck::Http { path } => http_test(service, service.port?, path),
        };
        Some(Self { test, interval_seconds: 2, timeout_seconds: 5, retries: 5, start_period_seconds: 30 })
    }
}

/// A GET from inside the container, with a program that is sure to be in the image.
fn http_test(service: &Service, port: u16, path: &str) -> Vec<String> {
    let command = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    match service.build().map(|build| &build.recipe) {
        Some(Recipe::Python(_)) => command(&["CMD", "python", "-c", &python_get(port, path)]),
        Some(Recipe::Node(_)) => command(&["CMD", "node", "-e", &node_get(port, path)]),
        Some(Recipe::Spa(_) | Recipe::Files { .. }) => {
            command(&["CMD", "wget", "-q", "-O", "/dev/null", &format!("http://127.0.0.1:{port}{path}")])
        }
        Some(Recipe::Own { .. }) | None => command(&["CMD-SHELL", &any_get(port, path)]),
    }
}

// http.client rather than urllib: it never goes through a proxy that the container's variables name.
fn python_get(port: u16, path: &str) -> String {
    let path = serde_json::Value::from(path);
    format!(
        "import http.client as h; c = h.HTTPConnection('127.0.0.1', {port}, timeout=4); \
         c.request('GET', {path}); raise SystemExit(c.getresponse().status >= 400)"
    )
}

fn node_get(port: u16, path: &str) -> String {
    let path = serde_json::Value::from(path);
    format!(
        "require('http').get({{ host: '127.0.0.1', port: {port}, path: {path}, timeout: 4000 }}, \
         r => process.exit(r.statusCode >= 400 ? 1 : 0)).on('error', () => process.exit(1))"
    )
}

/// For images of others: whichever of the usual programs is there. Paths are validated to hold no quote.
fn any_get(port: u16, path: &str) -> String {
    let url = format!("'http://127.0.0.1:{port}{path}'");
    let (python, node) = (in_single_quotes(&python_get(port, path)), in_single_quotes(&node_get(port, path)));
    format!(
        "if command -v wget >/dev/null; then wget -q -O /dev/null {url}; \
         elif command -v curl >/dev/null; then curl -fsS -o /dev/null {url}; \
         elif command -v python3 >/dev/null; then python3 -c {python}; \
         elif command -v node >/dev/null; then node -e {node}; \
         else echo 'none of wget, curl, python3 and node is in the image: set health.command' >&2; exit 1; fi"
    )
}

/// A program's text as one word of a shell; its own quotes become double ones, which its path does not hold.
fn in_single_quotes(program: &str) -> String {
    format!("'{}'", program.replace('\'', "\""))
}
