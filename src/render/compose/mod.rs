//! The three Compose files: local, development, production.
//!
//! Given: the project and the addresses. Gives: the contexts of one template. Every container in them comes from
//! [`ContainerSpec`], the same that `dashdeploy up` starts, so that both give the same containers.

mod dev;
mod entry;

use std::collections::BTreeSet;

use dashdeploy_contract::{
    Bound, ContainerSpec, Finding, Name, Project, Wiring, ownership_marks, stack_name,
};
use serde::Serialize;

use super::engine::Marked;
use super::escape::Piece;
use super::sheet::Sheet;
use super::{RenderError, layout, values};
use entry::Entry;

const TEMPLATE: &str = "compose/compose.yaml.j2";

/// A Compose file.
#[derive(Serialize)]
struct ComposeFile {
    /// What it is for, one comment a line.
    about: Vec<Marked>,
    /// Compose's project name: the stack's.
    name: String,
    services: Vec<Entry>,
    /// Labels of the network.
    network: Vec<Pair>,
    volumes: Vec<VolumeEntry>,
    /// Every secret that a build in the file names, each once.
    secrets: Vec<String>,
}

/// A key and its value.
#[derive(Clone, Serialize)]
struct Pair {
    name: String,
    value: String,
}

/// A named volume.
#[derive(Serialize)]
struct VolumeEntry {
    name: String,
    labels: Vec<Pair>,
}

/// Adds the three files.
pub fn add(
    sheet: &mut Sheet<'_>,
    project: &Project,
    local: &Bound,
    wiring: &Wiring,
) -> Result<(), RenderError> {
    let services = specs(sheet, local, wiring)
        .into_iter()
        .map(|spec| Entry::built(sheet, local, spec, wiring))
        .collect();
    let file = file(local, LOCAL, services);
    sheet.add(layout::COMPOSE, TEMPLATE, &file, "")?;
    dev::add(sheet, local, wiring)?;
    production(sheet, project, wiring)
}

const LOCAL: &[&str] = &[
    "The application on this machine, as `dashdeploy up` runs it. Without dashdeploy:",
    "  docker compose up --build --wait",
    "Secrets come from the environment or from `.env` beside this file; see .env.example.",
];

const PRODUCTION: &[&str] = &[
    "The application on a Docker host, from images that are already built. Nothing else of the repository is needed:",
    "  docker compose -f deploy/docker-compose.prod.yml up -d --wait",
    "Its variables, from the environment or from `.env` beside this file:",
];

fn file(bound: &Bound, about: &[&str], services: Vec<Entry>) -> ComposeFile {
    let labels = || pairs(ownership_marks(bound, None));
    let of_builds = services.iter().filter_map(|service| service.build.as_ref());
    let secrets: BTreeSet<String> = of_builds.flat_map(|build| build.secrets.iter().cloned()).collect();
    ComposeFile {
        about: about.iter().map(|line| Marked::Comment((*line).to_owned())).collect(),
        name: stack_name(bound),
        services,
        network: labels(),
        volumes: bound
            .volumes
            .keys()
            .map(|name| VolumeEntry { name: name.to_string(), labels: labels() })
            .collect(),
        secrets: secrets.into_iter().collect(),
    }
}

fn pairs(labels: impl IntoIterator<Item = (String, String)>) -> Vec<Pair> {
    labels.into_iter().map(|(name, value)| Pair { name, value }).collect()
}

/// Every service as a container; references that cannot be filled in become findings.
fn specs(sheet: &mut Sheet<'_>, bound: &Bound, wiring: &Wiring) -> Vec<ContainerSpec> {
    let mut specs = Vec::new();
    for service in bound.services.values() {
        match ContainerSpec::of(bound, service, wiring) {
            Ok(spec) => specs.push(spec),
            Err(unresolved) => {
                let key = format!("services.{}.env", service.name);
                sheet.find(Finding::error("unresolved-reference", key, unresolved.to_string()));
            }
        }
    }
    specs
}

/// Production: the environment of that name where a Docker host is its target, else the services as they are locally.
fn production(sheet: &mut Sheet<'_>, project: &Project, wiring: &Wiring) -> Result<(), RenderError> {
    let is_docker = |(name, environment): (&Name, &dashdeploy_contract::Environment)| {
        name.as_str() == "production" && environment.target.as_str() == "docker"
    };
    let chosen = if project.environments.iter().any(is_docker) { "production" } else { "local" };
    let mut bound = values::bind(project, chosen);
    // Its own stack in either case: it must never share a volume with local trials.
    bound.environment = Name::from_any("production", "production");
    let wiring = values::with_public_addresses(&values::with_variables(wiring, &bound));
    let specs = specs(sheet, &bound, &wiring);
    let mut variables = std::collections::BTreeMap::new();
    let mut entries = Vec::new();
    for spec in specs {
        let entry = Entry::from_registry(sheet, &bound, spec, &mut variables);
        entries.push(entry);
    }
    let mut file = file(&bound, PRODUCTION, entries);
    file.about
        .extend(variables.into_iter().map(|(name, meaning)| Marked::Comment(format!("  {name}: {meaning}"))));
    Ok(sheet.add(layout::COMPOSE_PROD, TEMPLATE, &file, "")?)
}

/// What a reader of the file's head is told about the variables in a value.
fn explain(pieces: &[Piece], variables: &mut std::collections::BTreeMap<String, String>) {
    for piece in pieces {
        let (name, meaning) = match piece {
            Piece::Text(_) => continue,
            Piece::Required { name, .. } => (name, "required".to_owned()),
            Piece::Default { name, default } => (name, format!("else {default}")),
        };
        variables.entry(name.clone()).or_insert(meaning);
    }
}
