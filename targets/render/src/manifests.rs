//! render.yaml: the Blueprint of an environment (<https://render.com/docs/blueprint-spec>).
//!
//! Given: a bound project and the addresses known beforehand. Gives: one file with every service on Render, as data.
//! Deliberately absent: how values are quoted, which is the engine's.

mod container;
mod head;
mod page;
mod python;
mod variables;

use dashdeploy_contract::{Desk, Finding, Manifest, Manifests, Service, Severity, Template, word};
use serde::Serialize;
use serde_json::Value;

use crate::check;
use crate::config::{Form, Place, Runtime};
use variables::Variable;

pub(crate) use container::image;
pub(crate) use variables::by_hand;

const TEMPLATE: &str = "render/render.manifest.yaml.j2";

/// The templates.
pub(crate) const TEMPLATES: &[Template] = &[(TEMPLATE, include_str!("../templates/render.manifest.yaml.j2"))];

/// A service of the Blueprint. Fields without a value are left out of the file.
#[derive(Debug, Default, Serialize)]
struct Entry {
    about: Value,
    kind: &'static str,
    name: String,
    runtime: &'static str,
    region: Option<String>,
    plan: Option<Plan>,
    root: Option<String>,
    dockerfile: Option<String>,
    context: Option<String>,
    docker_credential: Option<String>,
    image: Option<String>,
    image_credential: Option<String>,
    build_command: Option<String>,
    publish: Option<String>,
    start_command: Option<String>,
    docker_command: Option<String>,
    instances: Option<u32>,
    health: Option<String>,
    shutdown: Option<u32>,
    disk: Option<Disk>,
    domain: Option<String>,
    auto_deploy: Option<&'static str>,
    filter: Option<Filter>,
    previews: Option<String>,
    variables: Vec<Variable>,
    routes: Vec<Route>,
    headers: Vec<Header>,
}

/// An instance type and what it has.
#[derive(Debug, Serialize)]
struct Plan {
    word: &'static str,
    about: Value,
}

/// A disk.
#[derive(Debug, Serialize)]
struct Disk {
    name: String,
    path: String,
    size: u64,
}

/// Which changes of the repository are a reason to build.
#[derive(Debug, Serialize)]
struct Filter {
    paths: Vec<String>,
    ignored: Vec<String>,
}

/// A path answered by another.
#[derive(Debug, Serialize, PartialEq)]
struct Route {
    source: String,
    destination: String,
}

/// A response header.
#[derive(Debug, Serialize)]
struct Header {
    path: String,
    name: String,
    value: String,
}

#[derive(Serialize)]
struct Blueprint {
    services: Vec<Entry>,
}

/// The file; or what keeps it from being written.
pub(crate) fn all(place: &Place, desk: &Desk) -> Manifests {
    let errors = |finding: &Finding| finding.severity == Severity::Error;
    let findings: Vec<Finding> = check::findings(place).into_iter().filter(errors).collect();
    if !findings.is_empty() || place.services().next().is_none() {
        return Manifests { files: Vec::new(), findings };
    }
    let path = desk.path("render.yaml");
    let services = place.services().map(|service| entry(place, desk, service)).collect();
    let file = Manifest {
        head: head::lines(place, desk, &path),
        path,
        template: TEMPLATE,
        // Strings, numbers and lists of them always are JSON.
        context: serde_json::to_value(Blueprint { services }).unwrap_or_default(),
        key: format!("environments.{}", place.bound.environment),
    };
    Manifests { files: vec![file], findings }
}

fn entry(place: &Place, desk: &Desk, service: &Service) -> Entry {
    let form = place.form(service);
    let entry = Entry {
        about: word::comment(&format!("{}: a {}", service.name, form.title())),
        kind: form.as_str(),
        name: place.name(service),
        runtime: place.runtime(service).as_str(),
        region: place.region(service).map(str::to_owned),
        domain: place.bound.domains.get(&service.name).cloned(),
        auto_deploy: auto_deploy(place, service),
        previews: place.option(service, "previews").map(str::to_owned),
        filter: filter(place, service),
        variables: variables::all(place, desk, service),
        ..Entry::default()
    };
    if form == Form::Site {
        page::complete(entry, place, desk, service)
    } else {
        container::complete(entry, place, service)
    }
}

/// What a static site is built and served by, for a deploy by the API: root folder, build command, folder of the files, routes,
/// headers.
pub(crate) fn site_of(
    place: &Place,
    desk: &Desk,
    service: &Service,
) -> (Option<String>, String, String, Value, Value) {
    let entry = entry(place, desk, service);
    let routes = entry.routes.iter().map(|route| {
        serde_json::json!({ "type": "rewrite", "source": route.source, "destination": route.destination })
    });
    let headers = entry
        .headers
        .iter()
        .map(|header| serde_json::json!({ "path": header.path, "name": header.name, "value": header.value }));
    let (build, publish) = (entry.build_command.unwrap_or_default(), entry.publish.unwrap_or_default());
    (entry.root, build, publish, routes.collect(), headers.collect())
}

/// Nothing is deployed by itself from a registry.
fn auto_deploy(place: &Place, service: &Service) -> Option<&'static str> {
    let word = match place.option(service, "auto_deploy") {
        Some("off") => "off",
        Some("checks") => "checksPass",
        _ => "commit",
    };
    (place.runtime(service) != Runtime::Image).then_some(word)
}

/// Only what gets into the build is a reason for one. A folder that is the root folder already is a filter by itself.
fn filter(place: &Place, service: &Service) -> Option<Filter> {
    let build = service.build()?;
    let runtime = place.runtime(service);
    let rooted = matches!(runtime, Runtime::Python | Runtime::Static);
    let paths = match (runtime, build.context.as_str()) {
        (Runtime::Docker, context) if context != "." => {
            let mut paths = vec![format!("{context}/**")];
            if !build.dockerfile.starts_with(&format!("{context}/")) {
                paths.extend([build.dockerfile.clone(), format!("{}.dockerignore", build.dockerfile)]);
            }
            paths
        }
        _ => Vec::new(),
    };
    let ignored: Vec<String> =
        nested(place, service).into_iter().map(|context| format!("{context}/**")).collect();
    let none = paths.is_empty() && ignored.is_empty();
    (runtime != Runtime::Image && !none && !(rooted && build.context != "." && ignored.is_empty()))
        .then_some(Filter { paths, ignored })
}

/// The sources of other services inside this one's, which its ignore file leaves out of the build.
fn nested(place: &Place, service: &Service) -> Vec<String> {
    use dashdeploy_contract::Recipe;
    let Some(build) = service.build().filter(|build| !matches!(build.recipe, Recipe::Own { .. })) else {
        return Vec::new();
    };
    let python = |recipe: &Recipe| matches!(recipe, Recipe::Python(_));
    let folder = if build.context == "." { String::new() } else { format!("{}/", build.context) };
    let others = place.bound.services.values().filter(|other| other.name != service.name);
    let mut nested: Vec<String> = others
        .filter_map(Service::build)
        .filter(|other| other.context != build.context && python(&other.recipe) != python(&build.recipe))
        .filter(|other| !matches!(other.recipe, Recipe::Own { .. }))
        .filter(|other| other.context != "." && other.context.starts_with(&folder))
        .map(|other| other.context.clone())
        .collect();
    nested.sort();
    nested.dedup();
    nested
}
