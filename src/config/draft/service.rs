//! A service → what it is, defaults filled in.

use dashdeploy_contract::{
    BuildKind, Finding, HealthCheck, Log, Name, Publish, Resources, Service, ServiceKind, Source, Text,
};

use indexmap::IndexMap;

use super::publish::{Wish, decide};
use super::{build, entries, value, values, variable};
use crate::config::places::child;
use crate::config::report::{Report, shown};
use crate::config::rules;
use crate::config::yaml::{Kind, Node};

/// The service; none where it is not known what it is, which has been reported.
pub(super) fn service(name: &Name, node: &Node, report: &Report) -> Option<Service> {
    let path = format!("services.{name}");
    let source = source(name, node, &path, report)?;
    let port = match node.get("port") {
        Some(_) => value(node, "port", rules::port),
        None => default_port(&source),
    };
    let mut service = Service {
        name: name.clone(),
        source,
        port,
        publish: Publish::No,
        health: HealthCheck::None,
        env: entries(node, "env", variable, rules::text).into_iter().collect(),
        secrets: entries(node, "secrets", variable, rules::requirement).into_iter().collect(),
        volumes: entries(node, "volumes", |key| Name::parse(key).ok(), rules::mount).into_iter().collect(),
        proxy: proxy(node, &path, report),
        depends_on: values(node, "depends_on", rules::name).unwrap_or_default(),
        command: values(node, "command", rules::word),
        resources: Resources { memory: 512 << 20, cpu_millis: 1000 },
        replicas: value(node, "replicas", rules::replicas).unwrap_or(1),
        log: log(node),
        read_only: false,
        headers: entries(node, "headers", header, rules::header_value).into_iter().collect(),
    };
    service.resources = resources(node, default_resources(&service));
    service.read_only = value(node, "read_only", rules::boolean).unwrap_or_else(|| service.is_generated());
    service.health = health(&service, node, &path, report);
    service.publish = publish(&service, node, &path, report);
    for (variable, text) in log_variables(&service) {
        service.env.entry(variable.to_owned()).or_insert_with(|| Text::literal(text));
    }
    misplaced(&service, node, &path, report);
    Some(service)
}

fn log(node: &Node) -> Log {
    let Some(log) = node.get("log") else { return Log::default() };
    Log {
        level: value(log, "level", rules::log_level),
        access: value(log, "access", rules::boolean).unwrap_or(true),
    }
}

/// The variables by which the servers that dashdeploy starts are told what to log. Uvicorn's command line reads `UVICORN_` and
/// the name of each of its options (uvicorn.org, "Settings"); Gunicorn reads `GUNICORN_CMD_ARGS` (docs.gunicorn.org,
/// "Settings"); whether it logs requests stands in the image's command.
fn log_variables(service: &Service) -> Vec<(&'static str, String)> {
    let mut variables = Vec::new();
    let Log { level, access } = service.log;
    let kind = service.build().map(|build| build.kind);
    if service.kind() == ServiceKind::Static {
        return variables;
    }
    if let Some(level) = level {
        variables.push(("LOG_LEVEL", level.as_str().to_owned()));
    }
    match kind {
        Some(BuildKind::Fastapi) => {
            variables.extend(level.map(|level| ("UVICORN_LOG_LEVEL", level.as_str().to_owned())));
            variables.extend((!access).then(|| ("UVICORN_ACCESS_LOG", "false".to_owned())));
        }
        Some(BuildKind::Flask | BuildKind::Django) => {
            variables
                .extend(level.map(|level| ("GUNICORN_CMD_ARGS", format!("--log-level={}", level.as_str()))));
        }
        _ => {}
    }
    variables
}

fn header(text: &str) -> Option<String> {
    rules::header_name(text).ok().map(|()| text.to_owned())
}

fn proxy(node: &Node, path: &str, report: &Report) -> IndexMap<String, Name> {
    let read = |text: &str| Some((text.to_owned(), rules::prefix(text).ok()?));
    let mut proxy = IndexMap::new();
    for ((written, prefix), upstream) in entries(node, "proxy", read, rules::name) {
        if proxy.insert(prefix.clone(), upstream).is_some() {
            let message = format!("`{}` is handed on twice", shown(&prefix));
            let finding = Finding::error("prefix-twice", format!("{path}.proxy.{written}"), message);
            report.add(finding.hint("remove one of the two; a slash at the end makes no difference"));
        }
    }
    proxy
}

fn source(name: &Name, node: &Node, path: &str, report: &Report) -> Option<Source> {
    match (node.get("build"), node.get("image")) {
        (None, None) => {
            // What is no map has been reported as such.
            if matches!(node.kind, Kind::Map(_)) {
                let message = format!("`{name}` has neither `build` nor `image`");
                let finding = Finding::error("missing-key", path, message);
                report.add(finding.hint("add `build:` with a kind, or `image:` with the name of an image"));
            }
            None
        }
        (None, Some(_)) => {
            if node.get("dockerfile").is_some() {
                let message = "`dockerfile` means nothing beside `image`: nothing is built";
                report.add(
                    Finding::error("misplaced-key", child(path, "dockerfile"), message)
                        .hint("remove one of the two"),
                );
            }
            Some(Source::Image(value(node, "image", rules::image).unwrap_or_default()))
        }
        (Some(_), image) => {
            if image.is_some() {
                let message = "`build` and `image` exclude each other";
                let finding = Finding::error("build-and-image", child(path, "image"), message);
                report.add(finding.hint("remove one of the two; what is built is named by dashdeploy"));
            }
            build::build(name, node, path, report).map(Source::Build)
        }
    }
}

fn default_port(source: &Source) -> Option<u16> {
    let Source::Build(build) = source else { return None };
    match build.kind {
        BuildKind::Fastapi | BuildKind::Flask | BuildKind::Django => Some(8000),
        BuildKind::Node => Some(3000),
        BuildKind::Vite | BuildKind::Static => Some(8080),
        BuildKind::Python | BuildKind::Dockerfile => None,
    }
}

fn default_resources(service: &Service) -> Resources {
    let memory = if service.kind() == ServiceKind::Static { 128 << 20 } else { 512 << 20 };
    Resources { memory, cpu_millis: 1000 }
}

/// The limits that a service or an override writes, and the given ones for what it does not write.
pub(super) fn resources(node: &Node, otherwise: Resources) -> Resources {
    Resources {
        memory: value(node, "memory", rules::memory).unwrap_or(otherwise.memory),
        cpu_millis: value(node, "cpus", rules::cpus).unwrap_or(otherwise.cpu_millis),
    }
}

fn health(service: &Service, node: &Node, path: &str, report: &Report) -> HealthCheck {
    let path = child(path, "health");
    let Some(written) = node.get("health") else {
        let is_served = service.kind() == ServiceKind::Static;
        return if is_served { HealthCheck::Http { path: "/".to_owned() } } else { HealthCheck::None };
    };
    let asked = match written.scalar() {
        Some(scalar) => rules::health(scalar).ok().flatten(),
        None => value(written, "path", rules::url_path),
    };
    let test = values(written, "command", rules::word);
    if matches!(written.kind, Kind::Map(_))
        && written.get("path").is_some() == written.get("command").is_some()
    {
        let finding =
            Finding::error("health-form", path.as_str(), "`health` needs either `path` or `command`");
        report.add(finding.hint("write `health: /path`, or `health: { command: [program, argument] }`"));
    }
    match (asked, test) {
        (Some(asked), _) => {
            if service.port.is_none() && node.get("port").is_none() {
                let message = "nothing can be asked for: the service listens on no port";
                let finding = Finding::error("no-port", path, message);
                report.add(finding.hint("add `port:`, or check with `health: { command: [...] }`"));
            }
            HealthCheck::Http { path: asked }
        }
        (None, Some(test)) => HealthCheck::Command { test },
        (None, None) => HealthCheck::None,
    }
}

fn publish(service: &Service, node: &Node, path: &str, report: &Report) -> Publish {
    let wish = Wish {
        publish: value(node, "publish", rules::publish),
        public: value(node, "public", rules::boolean).unwrap_or(false),
        port: service.port,
        built: service.build().is_some(),
    };
    if ["port", "publish", "public"].iter().any(|key| report.doubts(&child(path, key))) {
        return Publish::No;
    }
    decide(wish).unwrap_or_else(|(key, problem)| {
        report.problem(&child(path, key), problem);
        Publish::No
    })
}

/// Keys that mean nothing for the kind of service.
fn misplaced(service: &Service, node: &Node, path: &str, report: &Report) {
    let served = service.kind() == ServiceKind::Static;
    let foreign: &[(&str, &str)] = if served {
        &[
            ("command", "nginx serves it; there is no command to choose"),
            ("secrets", "all that it is built with is public"),
        ]
    } else {
        &[
            ("proxy", "only vite and static services hand paths on"),
            ("headers", "a container answers with its own headers"),
        ]
    };
    for (key, why) in foreign.iter().filter(|(key, _)| node.get(key).is_some()) {
        let kind = if served { "static" } else { "web" };
        let message = format!("`{key}` means nothing for a {kind} service: {why}");
        report.add(Finding::error("misplaced-key", child(path, key), message).hint("remove it"));
    }
    let is_program = service.build().is_some_and(|build| build.kind == BuildKind::Python);
    if is_program && node.get("command").is_none() {
        let message = "a service of kind `python` needs a command that starts it";
        let finding = Finding::error("missing-key", path, message);
        report.add(finding.hint("add `command:` with a list, such as `command: [python, -m, worker]`"));
    }
}
