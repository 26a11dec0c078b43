//! railway.json, and the variables of each service.
//!
//! Given: a desk. Gives: `railway.json` for a service that is alone, `railway.<service>.json` for several, and
//! `deploy/railway/<service>.env.example`, whose head says how both are used, since JSON has no comments. Deliberately
//! absent: variables, volumes, host names, the source of an image: railway.json cannot hold them (docs.railway.com, "Config
//! as Code"); and railway.json itself where an image is run, since Railway looks for it in the sources.

use dashdeploy_contract::{
    Descriptor, Desk, HealthCheck, Manifest, Manifests, Publish, Requirement, Service, ServiceKind, Source,
    Template, image_reference, shell, word,
};
use serde_json::{Map, Value, json};

use crate::config::{self, TARGET};
use crate::runtime::{self, Runtime};
use crate::variables;

/// The templates.
pub(crate) const TEMPLATES: &[Template] = &[
    ("railway/railway.json.j2", include_str!("../templates/railway.json.j2")),
    ("railway/service.env.j2", include_str!("../templates/service.env.j2")),
];

/// All files.
pub(crate) fn all(descriptor: &Descriptor, desk: &Desk) -> Manifests {
    let mut all = Manifests::default();
    let alone = desk.bound.services_on(TARGET).count() == 1;
    for service in desk.bound.services_on(TARGET) {
        let plain = if alone { "railway.json".to_owned() } else { format!("railway.{}.json", service.name) };
        let one = One {
            descriptor,
            desk,
            service,
            runtime: Runtime::of(descriptor, desk.bound, service),
            file: desk.path(&plain),
        };
        all.findings.extend(variables::unfit(desk, service));
        // An image has no sources, in which Railway looks for the file.
        if one.runtime != Runtime::Image {
            all.files.push(one.configuration());
        }
        all.files.push(one.variables());
    }
    all
}

/// A service and its files.
struct One<'a> {
    descriptor: &'a Descriptor,
    desk: &'a Desk<'a>,
    service: &'a Service,
    runtime: Runtime,
    /// The path of its railway.json.
    file: String,
}

impl One<'_> {
    fn configuration(&self) -> Manifest {
        Manifest {
            path: self.file.clone(),
            template: "railway/railway.json.j2",
            context: json!({ "build": self.build(), "deploy": self.deploy() }),
            head: Vec::new(),
            key: format!("services.{}", self.service.name),
        }
    }

    fn build(&self) -> Value {
        match (self.runtime, self.service.build()) {
            (Runtime::Dockerfile, Some(build)) => {
                let path = runtime::dockerfile(self.desk.bound, self.service);
                let path = path.unwrap_or_else(|| build.dockerfile.clone());
                json!({ "builder": "DOCKERFILE", "dockerfilePath": path })
            }
            (Runtime::Railpack, _) => {
                let mut block = Map::new();
                block.insert("builder".to_owned(), json!("RAILPACK"));
                if let Some(command) = runtime::build_command(self.runtime, self.service) {
                    block.insert("buildCommand".to_owned(), json!(command));
                }
                Value::Object(block)
            }
            _ => Value::Null,
        }
    }

    fn deploy(&self) -> Value {
        let (service, bound) = (self.service, self.desk.bound);
        let mut deploy = Map::new();
        let mut set = |key: &str, value: Value| deploy.insert(key.to_owned(), value);
        if let Some(command) = runtime::start(self.runtime, bound, service) {
            set("startCommand", json!(command));
        }
        if let (HealthCheck::Http { path }, true) = (&service.health, service.port.is_some()) {
            set("healthcheckPath", json!(path));
            set("healthcheckTimeout", json!(self.number("health_timeout")));
        }
        set("restartPolicyType", json!("ALWAYS"));
        match bound.region_of(service) {
            Some(region) => {
                let mut regions = Map::new();
                regions.insert(region.to_owned(), json!({ "numReplicas": service.replicas }));
                set("multiRegionConfig", Value::Object(regions));
            }
            None => {
                set("numReplicas", json!(service.replicas));
            }
        }
        let limits = service.resources;
        let cpu = f64::from(limits.cpu_millis) / 1000.0;
        set("limitOverride", json!({ "containers": { "cpu": cpu, "memoryBytes": limits.memory } }));
        let data = service.volumes.values().next();
        if let Some(path) = data {
            set("requiredMountPath", json!(path));
        }
        set("overlapSeconds", json!(if data.is_some() { 0 } else { self.number("overlap") }));
        set("drainingSeconds", json!(self.number("draining")));
        Value::Object(deploy)
    }

    fn number(&self, option: &str) -> u32 {
        let value = self.descriptor.option(self.desk.bound, self.service, option);
        value.and_then(|value| value.parse().ok()).unwrap_or_default()
    }

    fn variables(&self) -> Manifest {
        let all = variables::of(self.runtime, self.desk, self.service);
        let list: Vec<Value> = all
            .into_iter()
            .map(|variable| {
                json!({
                    "name": variable.name,
                    "comment": word::comment(&variable.name),
                    "is_set": variable.value.is_some(),
                    "value": variable.value.unwrap_or_default(),
                    "about": variable.about.map(|about| word::comment(&about)),
                })
            })
            .collect();
        Manifest {
            path: self.desk.path(&format!("deploy/railway/{}.env.example", self.service.name)),
            template: "railway/service.env.j2",
            context: json!({ "variables": list }),
            head: self.head(),
            key: format!("services.{}.env", self.service.name),
        }
    }

    fn head(&self) -> Vec<String> {
        let (service, name) = (self.service, config::name(&self.service.name));
        let environment = &self.desk.bound.environment;
        let mut lines = vec![format!(
            "The service `{}` on Railway, environment {environment}, with Railway's own command line:",
            service.name
        )];
        if self.runtime == Runtime::Image {
            lines.extend(self.image(&name));
        } else {
            lines.push(format!("  railway add --service {name}"));
        }
        if let Some(path) = service.volumes.values().next() {
            lines.push(format!(
                "  railway service {name} && railway volume add --mount-path {}",
                shell::word(path)
            ));
        }
        lines.push(format!("  railway variable set --service {name} NAME=VALUE    (each line below)"));
        for (secret, _) in service.secrets.iter().filter(|(_, wanted)| **wanted == Requirement::Required) {
            lines.push(format!("  railway variable set --service {name} {secret} --stdin"));
        }
        lines.extend(self.domain(&name));
        lines.extend(self.settings(&name));
        if self.runtime != Runtime::Image {
            lines.push(format!("  railway up --service {name}"));
        }
        lines
    }

    /// How an image is made and named.
    fn image(&self, name: &str) -> Vec<String> {
        let Source::Build(build) = &self.service.source else {
            let image = shell::word(&image_reference(self.desk.bound, self.service));
            return vec![format!("  railway add --service {name} --image {image}")];
        };
        let registry = self.desk.bound.registry.as_deref().unwrap_or("REGISTRY");
        let image = shell::word(&format!("{registry}/{}", image_reference(self.desk.bound, self.service)));
        let arguments: String = variables::arguments(self.desk, self.service)
            .into_iter()
            .map(|(name, value)| match value {
                Some(value) => format!("--build-arg {} ", shell::word(&format!("{name}={value}"))),
                None => format!("--build-arg {name} "),
            })
            .collect();
        let (options, context) = (shell::image_build(build).join(" "), shell::word(&build.context));
        vec![
            format!("  docker build {arguments}{options} --tag {image} {context}"),
            format!("  docker push {image}"),
            format!("  railway add --service {name} --image {image}"),
        ]
    }

    fn domain(&self, name: &str) -> Option<String> {
        let service = self.service;
        let port = service
            .port
            .filter(|_| service.publish != Publish::No || service.kind() == ServiceKind::Static)?;
        let own =
            self.desk.bound.domains.get(&service.name).map(|domain| format!(" {domain}")).unwrap_or_default();
        Some(format!("  railway domain{own} --service {name} --port {port}"))
    }

    /// What railway.json cannot say of itself, or what it would say of an image.
    fn settings(&self, name: &str) -> Vec<String> {
        let mut all: Vec<(String, String)> = Vec::new();
        let root = runtime::root(self.runtime, self.service);
        if self.runtime == Runtime::Image {
            flattened("deploy", &self.deploy(), &mut all);
        } else if self.file != "railway.json" || root.is_some() {
            // The root directory does not count for it (docs.railway.com, "Deploying a Monorepo").
            all.push(("configFile".to_owned(), format!("/{}", self.file)));
        }
        if let Some(folder) = root {
            all.push(("source.rootDirectory".to_owned(), format!("/{folder}")));
        }
        let line = |(key, value): (String, String)| {
            format!("  railway environment edit --service-config {name} {key} {}", shell::word(&value))
        };
        all.into_iter().map(line).collect()
    }
}

/// A block of settings as paths with dots between, as Railway's command line takes them.
fn flattened(path: &str, value: &Value, all: &mut Vec<(String, String)>) {
    match value {
        Value::Object(block) => {
            for (key, value) in block {
                flattened(&format!("{path}.{key}"), value, all);
            }
        }
        Value::String(text) => all.push((path.to_owned(), text.clone())),
        other => all.push((path.to_owned(), other.to_string())),
    }
}
