//! One service of a Compose file.

use std::collections::BTreeMap;

use dashdeploy_contract::{
    Bound, ContainerSpec, EnvValue, Finding, Name, Probe, Recipe, Requirement, RestartPolicy, Service,
    ServiceKind, Wiring,
};
use serde::Serialize;

use super::{Pair, explain, pairs};
use crate::render::engine::Marked;
use crate::render::escape::Piece;
use crate::render::sheet::Sheet;
use crate::render::{layout, values};

/// One service.
#[derive(Clone, Serialize)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// How its image is built; none for images from a registry.
    pub build: Option<BuildEntry>,
    /// The image's name and tag.
    pub image: Marked,
    /// The program instead of the image's own.
    pub entrypoint: Vec<Marked>,
    /// The command instead of the image's own.
    pub command: Vec<Marked>,
    /// The folder the command runs in, where it is not the image's.
    pub working_dir: Option<String>,
    /// Variables.
    pub environment: Vec<Variable>,
    /// Ports on the host, in Compose's short form.
    pub ports: Vec<String>,
    /// The port for the other services.
    pub expose: Vec<String>,
    /// Volumes and folders of the host, in Compose's short form.
    pub volumes: Vec<String>,
    /// Folders in memory, with options.
    pub tmpfs: Vec<String>,
    /// What has to be there before.
    pub depends_on: Vec<Pair>,
    /// The health check.
    pub health: Option<Health>,
    /// Numeric user and group; none for the image's own.
    pub user: Option<String>,
    /// True where the root file system cannot be written to.
    pub read_only: bool,
    /// True where every Linux capability is dropped.
    pub drop_capabilities: bool,
    /// Memory, in Compose's form.
    pub memory: String,
    /// Processors.
    pub cpus: String,
    /// Processes at most.
    pub pids: u32,
    /// Open files at most.
    pub open_files: u32,
    /// What happens when it ends.
    pub restart: &'static str,
    /// Size of one log file.
    pub log_size: String,
    /// Log files kept.
    pub log_files: String,
    /// Time between the signal to stop and the kill.
    pub stop_grace: String,
    /// Ownership marks.
    pub labels: Vec<Pair>,
}

/// `build:`.
#[derive(Clone, Serialize)]
pub struct BuildEntry {
    /// The context, relative to the Compose file.
    pub context: String,
    /// The Dockerfile, relative to the context.
    pub dockerfile: String,
    /// The stage; none for the last.
    pub target: Option<String>,
    /// Build arguments.
    pub args: Vec<Variable>,
    /// Names of secrets of the build; values come from Compose's environment.
    pub secrets: Vec<String>,
}

/// A variable.
#[derive(Clone, Serialize)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// False where it is taken from the environment of Compose, and left out where that has none: an empty string would
    /// override the application's default.
    pub is_set: bool,
    /// Its value.
    pub value: Marked,
}

/// `healthcheck:`.
#[derive(Clone, Serialize)]
pub struct Health {
    test: Vec<Marked>,
    interval: String,
    timeout: String,
    retries: u32,
    start_period: String,
}

/// Text that holds no variable of Compose.
pub fn text(value: impl Into<String>) -> Marked {
    Marked::Pieces(vec![Piece::Text(value.into())])
}

impl Entry {
    /// A service whose image is built from the repository.
    pub fn built(sheet: &mut Sheet<'_>, bound: &Bound, spec: ContainerSpec, wiring: &Wiring) -> Self {
        let service = &bound.services[&spec.service];
        let build = build_entry(sheet, bound, service, wiring);
        let image = text(&*spec.image);
        Self::of(bound, spec, image, build, &mut BTreeMap::new())
    }

    /// A service whose image comes from a registry, or was built on the host.
    pub fn from_registry(
        sheet: &mut Sheet<'_>,
        bound: &Bound,
        spec: ContainerSpec,
        variables: &mut BTreeMap<String, String>,
    ) -> Self {
        let image = match bound.services[&spec.service].build() {
            None => text(sheet.image(&spec.image)),
            Some(_) => {
                let name = format!("{}_IMAGE", values::upper(spec.service.as_str()));
                let meaning =
                    format!("registry/name@sha256:… of service {}, else {}", spec.service, spec.image);
                if variables.insert(name.clone(), meaning).is_some() {
                    let message = format!("the variable `{name}` would stand for two things");
                    sheet.find(Finding::error(
                        "same-variable",
                        format!("services.{}", spec.service),
                        message,
                    ));
                }
                Marked::Pieces(vec![Piece::Default { name, default: spec.image.clone() }])
            }
        };
        Self::of(bound, spec, image, None, variables)
    }

    fn of(
        bound: &Bound,
        spec: ContainerSpec,
        image: Marked,
        build: Option<BuildEntry>,
        variables: &mut BTreeMap<String, String>,
    ) -> Self {
        Self {
            build,
            image,
            entrypoint: Vec::new(),
            command: spec.command.iter().flatten().map(text).collect(),
            working_dir: None,
            environment: environment(bound, &spec, variables),
            ports: spec.ports.iter().map(port).collect(),
            // With the protocol: Compose passes a bare port on to the engine as it stands, beside the image's own `8000/tcp`.
            expose: spec.expose.iter().map(|port| format!("{port}/tcp")).collect(),
            volumes: spec.mounts.iter().map(|mount| format!("{}:{}", mount.volume, mount.path)).collect(),
            tmpfs: spec
                .tmpfs
                .iter()
                .map(|t| format!("{}:{TMPFS_OPTIONS},size={},mode=1777", t.path, t.size))
                .collect(),
            depends_on: spec.depends_on.iter().map(|name| dependency(bound, name)).collect(),
            health: spec.probe.as_ref().map(Health::of),
            user: spec.user,
            read_only: spec.read_only,
            drop_capabilities: spec.drop_capabilities,
            memory: memory(spec.limits.memory),
            cpus: cpus(spec.limits.cpu_millis),
            pids: spec.limits.pids,
            open_files: spec.limits.open_files,
            restart: restart(spec.restart),
            log_size: format!("{}m", spec.log.max_size_mb),
            log_files: spec.log.max_files.to_string(),
            stop_grace: format!("{}s", spec.stop_grace_seconds),
            labels: pairs(spec.labels),
            name: spec.service.to_string(),
        }
    }
}

const TMPFS_OPTIONS: &str = "rw,noexec,nosuid,nodev";

fn environment(
    bound: &Bound,
    spec: &ContainerSpec,
    variables: &mut BTreeMap<String, String>,
) -> Vec<Variable> {
    let mut environment = Vec::new();
    for (name, value) in &spec.env {
        let (is_set, pieces) = match value {
            EnvValue::Plain(value) => (true, values::pieces(value, bound)),
            EnvValue::Secret(Requirement::Required) => {
                let message = format!("{name} is required by service {}", spec.service);
                (true, vec![Piece::Required { name: name.clone(), message }])
            }
            EnvValue::Secret(Requirement::Optional) => {
                variables.entry(name.clone()).or_insert_with(|| "optional".to_owned());
                (false, Vec::new())
            }
        };
        explain(&pieces, variables);
        environment.push(Variable { name: name.clone(), is_set, value: Marked::Pieces(pieces) });
    }
    environment
}

fn build_entry(
    sheet: &mut Sheet<'_>,
    bound: &Bound,
    service: &Service,
    wiring: &Wiring,
) -> Option<BuildEntry> {
    let build = service.build()?;
    let mut args = Vec::new();
    if service.kind() == ServiceKind::Static {
        args = static_variables(sheet, bound, service, wiring);
    }
    let target = match &build.recipe {
        Recipe::Own { target } => target.clone(),
        _ => None,
    };
    Some(BuildEntry {
        context: if build.context == "." { ".".to_owned() } else { format!("./{}", build.context) },
        dockerfile: layout::relative(&build.context, &build.dockerfile),
        target,
        args,
        secrets: build.secrets.clone(),
    })
}

/// The variables of a static service: its build arguments.
pub fn static_variables(
    sheet: &mut Sheet<'_>,
    bound: &Bound,
    service: &Service,
    wiring: &Wiring,
) -> Vec<Variable> {
    let mut variables = Vec::new();
    for (name, value) in &service.env {
        match wiring.resolve(value, service) {
            Ok(value) => {
                let value = Marked::Pieces(values::pieces(&value, bound));
                variables.push(Variable { name: name.clone(), is_set: true, value });
            }
            Err(unresolved) => {
                let key = format!("services.{}.env.{name}", service.name);
                sheet.find(Finding::error("unresolved-reference", key, unresolved.to_string()));
            }
        }
    }
    variables
}

fn port(port: &dashdeploy_contract::PortBinding) -> String {
    match port.address {
        std::net::IpAddr::V4(address) => format!("{address}:{}:{}", port.host, port.container),
        std::net::IpAddr::V6(address) => format!("[{address}]:{}:{}", port.host, port.container),
    }
}

/// Healthy where there is a check to wait for, else started.
fn dependency(bound: &Bound, name: &Name) -> Pair {
    let checked = bound.services.get(name).and_then(Probe::of).is_some();
    let value = if checked { "service_healthy" } else { "service_started" };
    Pair { name: name.to_string(), value: value.to_owned() }
}

impl Health {
    fn of(probe: &Probe) -> Self {
        Self {
            test: probe.test.iter().map(text).collect(),
            interval: format!("{}s", probe.interval_seconds),
            timeout: format!("{}s", probe.timeout_seconds),
            retries: probe.retries,
            start_period: format!("{}s", probe.start_period_seconds),
        }
    }
}

/// Compose's `m` is 1024 × 1024.
fn memory(bytes: u64) -> String {
    if bytes.is_multiple_of(1 << 20) { format!("{}m", bytes >> 20) } else { format!("{bytes}b") }
}

fn cpus(millis: u32) -> String {
    let text = format!("{}.{:03}", millis / 1000, millis % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn restart(policy: RestartPolicy) -> &'static str {
    match policy {
        RestartPolicy::UnlessStopped => "unless-stopped",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_written_as_compose_reads_them() {
        assert_eq!(memory(512 << 20), "512m");
        assert_eq!(memory(1000), "1000b");
        assert_eq!(cpus(1000), "1");
        assert_eq!(cpus(500), "0.5");
        assert_eq!(cpus(1125), "1.125");
        assert_eq!(cpus(10_000), "10");
    }
}
