//! The files: three stacks of CloudFormation, and a task definition for each container.
//!
//! Given: an environment as it is laid out. Gives: template and context of each file, and the head that says how it is used
//! with AWS's own command line. Deliberately absent: accounts' numbers and ids, which CloudFormation knows by itself; a task
//! definition has marks in their place.
//!
//! `core` is what stays, `cdn` is what answers, `services` is what runs. They find each other by exports, so that each can be
//! deployed alone; `cdn` comes before `services`, which may need its addresses.

mod cdn;
mod container;
mod core;
mod head;
mod services;

use dashdeploy_contract::{Finding, Manifest, Manifests, Severity, Template, ValuePart};
use serde_json::{Value, json};

use crate::findings;
use crate::layout::{Edge, Layout};
use crate::names::{Stack, logical};

/// The templates.
pub(crate) static TEMPLATES: [Template; 4] = [
    ("aws/core.manifest.yaml.j2", include_str!("../../templates/core.manifest.yaml.j2")),
    ("aws/cdn.manifest.yaml.j2", include_str!("../../templates/cdn.manifest.yaml.j2")),
    ("aws/services.manifest.yaml.j2", include_str!("../../templates/services.manifest.yaml.j2")),
    (
        "aws/task-definition.manifest.yaml.j2",
        include_str!("../../templates/task-definition.manifest.yaml.j2"),
    ),
];

/// The files of an environment. Nothing is written where something is refused.
pub(crate) fn of(layout: &Layout) -> Manifests {
    let errors = findings::check(layout.descriptor, layout.desk.bound).into_iter();
    let errors: Vec<Finding> = errors.filter(|finding| finding.severity == Severity::Error).collect();
    if !errors.is_empty() {
        return Manifests { files: Vec::new(), findings: errors };
    }
    let mut files = Vec::new();
    let mut add = |path: String, template: &'static str, context: Value, head: Vec<String>, key: String| {
        files.push(Manifest { path: layout.desk.path(&path), template, context, head, key });
    };
    let environment = format!("environments.{}", layout.desk.bound.environment);
    if layout.containers.is_empty() && layout.pages.is_empty() {
        return Manifests::default();
    }
    add(Stack::Core.file(), TEMPLATES[0].0, core::context(layout), head::core(layout), environment.clone());
    if layout.has_distributions() {
        add(Stack::Cdn.file(), TEMPLATES[1].0, cdn::context(layout), head::cdn(layout), environment.clone());
    }
    if !layout.containers.is_empty() {
        add(
            Stack::Services.file(),
            TEMPLATES[2].0,
            services::context(layout),
            head::services(layout),
            environment,
        );
    }
    for service in &layout.containers {
        let path = format!("deploy/aws/{}.task-definition.yaml", service.name);
        let context = container::task_definition(layout, service);
        add(path, TEMPLATES[3].0, context, head::task(layout, service), format!("services.{}", service.name));
    }
    Manifests { files, findings: Vec::new() }
}

impl Layout<'_> {
    /// True where CloudFront stands in front of anything.
    pub(crate) fn has_distributions(&self) -> bool {
        !self.pages.is_empty() || self.containers.iter().any(|s| self.edge(s) == Edge::CloudFront)
    }

    fn description(&self, what: &str) -> String {
        let bound = self.desk.bound;
        format!("{} in {}: {what}", bound.project, bound.environment)
    }

    /// A variable's value as CloudFormation puts it together: texts, imports, parameters. Neighbours that are text are one.
    fn value_parts(&self, parts: Vec<ValuePart>) -> Vec<Value> {
        let mut all: Vec<Value> = Vec::new();
        for part in parts {
            let next = match part {
                ValuePart::Text(text) => vec![text_part(&text)],
                ValuePart::Url(name) => self.url_parts(&name),
                ValuePart::Host(name) => vec![parameter_part(&format!("{}Host", logical(&name)))],
                ValuePart::Port(name) => vec![parameter_part(&format!("{}Port", logical(&name)))],
                ValuePart::Given(name) => vec![parameter_part(&given_id(&name))],
                ValuePart::Release => vec![parameter_part("Release")],
            };
            all.extend(next);
        }
        all
    }

    /// The public address of a service that AWS assigns: `https://` and what the stack `cdn` exports; that of another
    /// platform is a parameter.
    fn url_parts(&self, name: &dashdeploy_contract::Name) -> Vec<Value> {
        if !self.is_distributed(name) {
            return vec![parameter_part(&format!("{}Url", logical(name)))];
        }
        let export = self.names.export(Stack::Cdn, &format!("{name}-domain-name"));
        vec![text_part("https://"), json!({ "text": "", "import": export, "parameter": false })]
    }

    /// True where the service has a distribution whose address the stack `cdn` exports.
    fn is_distributed(&self, name: &dashdeploy_contract::Name) -> bool {
        let page = self.pages.iter().any(|page| page.name == *name);
        page || self.containers.iter().any(|s| s.name == *name && self.edge(s) == Edge::CloudFront)
    }
}

fn text_part(text: &str) -> Value {
    json!({ "text": text, "import": false, "parameter": false })
}

fn parameter_part(id: &str) -> Value {
    json!({ "text": "", "import": false, "parameter": id })
}

/// The parameter that a variable of the process becomes. Ids of each sort end in a word of their own, so that no two sorts
/// meet: `…Image`, `…Secret`, `…Value`, `…Url`, `…Host`, `…Port`.
fn given_id(variable: &str) -> String {
    format!("{}Value", logical(variable))
}

/// The hosted zone of a domain, by id or by name.
fn zone(zone: Option<&str>) -> Value {
    match zone {
        None => json!(false),
        Some(zone) if crate::config::is_zone_id(zone) => json!({ "id": zone, "name": "" }),
        Some(zone) => json!({ "id": false, "name": format!("{}.", zone.trim_end_matches('.')) }),
    }
}

/// True where a variable of a container is known only to the one who deploys.
pub(crate) fn has_unknown(layout: &Layout) -> bool {
    !services::unknown(layout).is_empty()
}

/// True where the page is built with an address that AWS assigns.
pub(crate) fn calls_assigned(layout: &Layout, page: &dashdeploy_contract::Service) -> bool {
    !cdn::called(layout, page).is_empty()
}
