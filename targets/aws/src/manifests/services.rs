//! The stack `services`: what runs.

use dashdeploy_contract::{Requirement, Service, Source, ValuePart};
use serde_json::{Value, json};

use super::{container, given_id};
use crate::layout::Layout;
use crate::names::{Stack, logical};

/// An image by its digest.
const BY_DIGEST: &str = "^.+@sha256:[0-9a-f]{64}$";

/// What the template is given.
pub(super) fn context(layout: &Layout) -> Value {
    let names = &layout.names;
    let core = |thing: &str| names.export(Stack::Core, thing);
    let services: Vec<Value> = layout.containers.iter().map(|service| one(layout, service)).collect();
    json!({
        "description": layout.description("what runs"),
        "parameters": parameters(layout),
        "conditions": conditions(layout),
        "file_system": core("file-system"),
        "cluster": core("cluster"),
        "subnets": core("subnets"),
        "group": core("service-group"),
        "services": services,
    })
}

fn one(layout: &Layout, service: &Service) -> Value {
    let mut context = container::container(layout, service);
    let id = logical(&service.name);
    let export = |thing: &str| layout.names.export(Stack::Core, &format!("{}-{thing}", service.name));
    let balanced = layout.is_balanced(service);
    let internal = layout.internal().iter().any(|other| other.name == service.name);
    context["id"] = json!({
        "image": format!("{id}Image"),
        "definition": format!("{id}Definition"),
        "service": format!("{id}Service"),
    });
    context["export"] = json!({ "exec": export("exec-role"), "task": export("task-role") });
    context["target_group"] = if balanced { json!(export("target-group")) } else { json!(false) };
    context["registry"] = if internal { json!(export("registry")) } else { json!(false) };
    context["replicas"] = json!(service.replicas);
    context["single"] = json!(layout.is_single(service));
    context["grace"] = json!(balanced || context["probe"].is_object());
    context["depends_on"] = depends_on(layout, service);
    let secrets = ["secrets", "optional"].map(|key| context[key].as_array().cloned().unwrap_or_default());
    context["secrets"] = json!(secrets.concat());
    context
}

fn depends_on(layout: &Layout, service: &Service) -> Value {
    let needed = layout.desk.bound.dependencies(service);
    let here = layout.containers.iter().filter(|other| needed.contains(&other.name));
    here.map(|other| json!(format!("{}Service", logical(&other.name)))).collect()
}

/// A parameter of the stack.
pub(super) struct Parameter {
    pub(super) id: String,
    description: String,
    pattern: &'static str,
    wanted: &'static str,
    values: &'static [&'static str],
    default: Option<String>,
}

impl Parameter {
    fn new(id: String, description: String) -> Self {
        Self { id, description, pattern: "", wanted: "", values: &[], default: None }
    }

    fn data(&self) -> Value {
        json!({
            "id": self.id,
            "description": self.description,
            "pattern": self.pattern,
            "wanted": self.wanted,
            "values": self.values,
            "has_default": self.default.is_some(),
            "default": self.default.clone().unwrap_or_default(),
        })
    }
}

fn parameters(layout: &Layout) -> Value {
    let images = layout.containers.iter().map(|service| image(service));
    let optional = layout.containers.iter().flat_map(|service| toggles(layout, service));
    images.chain(optional).chain(unknown(layout)).map(|parameter| parameter.data()).collect()
}

fn image(service: &Service) -> Parameter {
    let id = format!("{}Image", logical(&service.name));
    match &service.source {
        Source::Image(image) => {
            let description = format!("The image of {}", service.name);
            Parameter { default: Some(image.clone()), ..Parameter::new(id, description) }
        }
        Source::Build(_) => Parameter {
            pattern: BY_DIGEST,
            wanted: "an image by its digest: REPOSITORY@sha256:DIGEST",
            ..Parameter::new(id, format!("The image of {}: REPOSITORY@sha256:DIGEST", service.name))
        },
    }
}

fn optional<'a>(service: &'a Service) -> impl Iterator<Item = &'a String> + use<'a> {
    let wanted = service.secrets.iter().filter(|(_, wanted)| **wanted == Requirement::Optional);
    wanted.map(|(variable, _)| variable)
}

fn toggles<'a>(layout: &'a Layout, service: &'a Service) -> impl Iterator<Item = Parameter> + use<'a> {
    optional(service).map(|variable| {
        let description = format!("true where the secret {} exists", layout.names.secret(variable));
        let id = container::optional_id(layout, service, variable);
        let default = Some("false".to_owned());
        Parameter { values: &["true", "false"], default, ..Parameter::new(id, description) }
    })
}

fn conditions(layout: &Layout) -> Value {
    let ids = layout
        .containers
        .iter()
        .flat_map(|s| optional(s).map(|name| container::optional_id(layout, s, name)));
    ids.map(|id| json!({ "id": format!("With{id}"), "parameter": id })).collect()
}

/// What only the one who deploys knows: variables of the process, the release, addresses on other platforms.
pub(super) fn unknown(layout: &Layout) -> Vec<Parameter> {
    let mut all: Vec<Parameter> = Vec::new();
    let parts = layout
        .containers
        .iter()
        .flat_map(|service| service.env.values().flat_map(|text| layout.desk.parts(text, service)));
    for part in parts {
        let parameter = match part {
            ValuePart::Text(_) => continue,
            ValuePart::Url(name) if layout.is_distributed(&name) => continue,
            ValuePart::Url(name) => Parameter::new(
                format!("{}Url", logical(&name)),
                format!("The public address of {name}: https://HOST"),
            ),
            ValuePart::Host(name) => {
                Parameter::new(format!("{}Host", logical(&name)), format!("The host name of {name}"))
            }
            ValuePart::Port(name) => {
                Parameter::new(format!("{}Port", logical(&name)), format!("The port of {name}"))
            }
            ValuePart::Given(name) => {
                Parameter::new(given_id(&name), format!("What the variable {name} holds"))
            }
            ValuePart::Release => Parameter::new("Release".to_owned(), "The id of the release".to_owned()),
        };
        if all.iter().all(|known| known.id != parameter.id) {
            all.push(parameter);
        }
    }
    all
}
