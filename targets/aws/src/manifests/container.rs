//! A container, as the stack `services` and the task definitions both write it.

use dashdeploy_contract::{APP_USER, BuildKind, Probe, Requirement, Service, Source, ValuePart, word};
use serde_json::{Value, json};

use crate::fargate::Size;
use crate::layout::Layout;
use crate::names::{Stack, fnv, logical, pascal};

/// What is not known before a stack is there stands in a task definition like this.
pub(super) const ACCOUNT: &str = "<account>";
/// The mark of the file system's id.
pub(super) const FILE_SYSTEM: &str = "<file-system>";

/// A service's container.
pub(super) fn container(layout: &Layout, service: &Service) -> Value {
    let names = &layout.names;
    let generated = service.is_generated();
    let size = Size::of(service.resources).unwrap_or(Size { cpu: 256, memory: 512 });
    let note = format!("{}, the least that Fargate sells for what it may use", size.words());
    let mut context = json!({
        "label": service.name.as_str(),
        "title": word::comment(service.name.as_str()),
        "name": names.service(&service.name),
        "size_note": if size.is(service.resources) { json!(false) } else { word::comment(&note) },
        "cpu": size.cpu.to_string(),
        "memory": size.memory.to_string(),
        "architecture": layout.option(service, "cpu_architecture"),
        "command": service.command.as_ref().map_or(json!(false), |command| json!(command)),
        "user": if generated { json!(APP_USER) } else { json!(false) },
        "read_only": service.read_only,
        "drop": generated,
        "port": service.port.map_or(json!(false), |port| json!(port)),
        "env": env(layout, service),
        "volumes": volumes(layout, service),
        "probe": probe(service),
        "log_group": names.log_group(&service.name),
        "credentials": layout.option(service, "registry_credentials").map_or(json!(false), |name| json!(name)),
        "exec": !service.read_only,
    });
    context["secrets"] = secrets(layout, service, Requirement::Required);
    context["optional"] = secrets(layout, service, Requirement::Optional);
    context
}

fn env(layout: &Layout, service: &Service) -> Value {
    let one = |(name, text): (&String, &dashdeploy_contract::Text)| {
        let parts = layout.desk.parts(text, service);
        let known = match parts.as_slice() {
            [] => Some(String::new()),
            [ValuePart::Text(text)] => Some(text.clone()),
            _ => None,
        };
        let marked: String = parts.iter().map(mark).collect();
        let unknown = if known.is_some() { json!(false) } else { json!(layout.value_parts(parts)) };
        let value = known.unwrap_or_default();
        json!({ "note": false, "name": name, "value": value, "parts": unknown, "marked": marked })
    };
    service.env.iter().map(one).chain(keep_alive(layout, service)).collect()
}

/// Uvicorn closes a connection after five seconds without a request, and the load balancer may have sent one just then: the
/// server has to be the more patient of the two (Elastic Load Balancing, "Troubleshoot your Application Load Balancers", HTTP
/// 502). Its command line reads `UVICORN_` and the name of each of its options (uvicorn.org, "Settings").
fn keep_alive(layout: &Layout, service: &Service) -> Option<Value> {
    const NAME: &str = "UVICORN_TIMEOUT_KEEP_ALIVE";
    let uvicorn = service.build().is_some_and(|build| build.kind == BuildKind::Fastapi);
    let own = service.env.contains_key(NAME) || service.secrets.contains_key(NAME);
    let note = word::comment(
        "Longer than the load balancer keeps a connection: it shall never use one that is closed.",
    );
    (uvicorn && !own && layout.is_balanced(service))
        .then(|| json!({ "note": note, "name": NAME, "value": "130", "parts": false, "marked": "130" }))
}

/// A part of a value in a task definition: what is not known is a mark.
pub(super) fn mark(part: &ValuePart) -> String {
    match part {
        ValuePart::Text(text) => text.clone(),
        ValuePart::Url(name) => format!("<url of {name}>"),
        ValuePart::Host(name) => format!("<host of {name}>"),
        ValuePart::Port(name) => format!("<port of {name}>"),
        ValuePart::Given(name) => format!("<value of {name}>"),
        ValuePart::Release => "<release>".to_owned(),
    }
}

fn volumes(layout: &Layout, service: &Service) -> Value {
    let one = |(volume, path): (&dashdeploy_contract::Name, &String)| {
        json!({
            "name": volume.as_str(),
            "path": path,
            "export": layout.names.export(Stack::Core, &format!("{volume}-access-point")),
            "mark": format!("<access point {volume}>"),
        })
    };
    service.volumes.iter().map(one).collect()
}

/// Bounds: ECS API, `HealthCheck`. Ten seconds between checks: each starts a process, and tasks may be small.
fn probe(service: &Service) -> Value {
    let Some(probe) = Probe::of(service) else { return json!(false) };
    json!({
        "command": probe.test,
        "interval": probe.interval_seconds.clamp(10, 300),
        "timeout": probe.timeout_seconds.clamp(2, 60),
        "retries": probe.retries.clamp(1, 10),
        "start": probe.start_period_seconds.clamp(0, 300),
    })
}

/// The parameter of an optional secret: digits of its own where another secret's would be the same.
pub(super) fn optional_id(layout: &Layout, service: &Service, variable: &str) -> String {
    let id = |service: &Service, variable: &str| format!("{}{}", logical(&service.name), pascal(variable).0);
    let own = id(service, variable);
    let all = layout.containers.iter().flat_map(|other| other.secrets.keys().map(move |name| (other, name)));
    let twins = all.filter(|(other, name)| id(other, name) == own).count();
    let end = if twins > 1 {
        format!("{:08x}", fnv(&format!("{}/{variable}", service.name)))
    } else {
        String::new()
    };
    format!("{own}{end}Secret")
}

fn secrets(layout: &Layout, service: &Service, requirement: Requirement) -> Value {
    let region = layout.region();
    let one = |variable: &String| {
        let path = layout.names.secret(variable);
        json!({
            "name": variable,
            "path": path,
            "arn": format!("arn:aws:secretsmanager:{region}:{ACCOUNT}:secret:{path}"),
            "condition": match requirement {
                Requirement::Required => json!(false),
                Requirement::Optional => json!(format!("With{}", optional_id(layout, service, variable))),
            },
        })
    };
    service.secrets.iter().filter(|(_, wanted)| **wanted == requirement).map(|(name, _)| one(name)).collect()
}

/// The context of a task definition's file.
pub(super) fn task_definition(layout: &Layout, service: &Service) -> Value {
    let mut context = container(layout, service);
    let names = &layout.names;
    let role = |purpose| format!("arn:aws:iam::{ACCOUNT}:role/{}", names.role(&service.name, purpose));
    let region = layout.region();
    let credentials = layout.option(service, "registry_credentials").unwrap_or_default();
    context["arn"] = json!({
        "exec": role("exec"),
        "task": role("task"),
        "credentials": format!("arn:aws:secretsmanager:{region}:{ACCOUNT}:secret:{credentials}"),
    });
    context["region"] = json!(region);
    context["image"] = json!(image(layout, service));
    json!({ "service": context, "marks": { "file_system": FILE_SYSTEM } })
}

/// The image, by digest: of the user's own, or with a mark.
fn image(layout: &Layout, service: &Service) -> String {
    match &service.source {
        Source::Image(image) => image.clone(),
        Source::Build(_) => format!("{}@<digest>", repository(layout, service)),
    }
}

/// Where the image of a service that is built lies.
pub(super) fn repository(layout: &Layout, service: &Service) -> String {
    let bound = layout.desk.bound;
    match &bound.registry {
        Some(registry) => format!("{registry}/{}-{}", bound.project, service.name),
        None => format!(
            "{ACCOUNT}.dkr.ecr.{}.amazonaws.com/{}",
            layout.region(),
            layout.names.repository(&service.name)
        ),
    }
}
