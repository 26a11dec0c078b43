//! `environments` → where the application runs, and what differs there.

use dashdeploy_contract::{Environment, Finding, Name, Publish, Service, ServiceOverride};
use indexmap::IndexMap;

use super::publish::{Wish, decide};
use super::service::resources;
use super::{entries, hooks, named, value, variable};
use crate::config::places::child;
use crate::config::report::Report;
use crate::config::rules;
use crate::config::suggest;
use crate::config::yaml::Node;

/// The environment that is there even when it is not written, and its target.
pub(crate) const LOCAL: (&str, &str) = ("local", "docker");

/// The environments of a file, `local` among them.
pub(super) fn environments(
    root: &Node,
    services: &IndexMap<Name, Service>,
    targets: &[&str],
    report: &Report,
) -> IndexMap<Name, Environment> {
    let mut environments = IndexMap::new();
    for (name, node) in named(root, "environments") {
        let context = Context { root, services, targets, report, path: format!("environments.{name}") };
        environments.insert(name.clone(), context.environment(&name, node));
    }
    let local = Name::from_any(LOCAL.0, LOCAL.0);
    if !environments.contains_key(&local) {
        let target = Name::from_any(LOCAL.1, LOCAL.1);
        let unwritten = Environment {
            target,
            region: None,
            registry: None,
            ledger: None,
            hooks: None,
            options: IndexMap::new(),
            services: IndexMap::new(),
        };
        environments.shift_insert(0, local, unwritten);
    }
    environments
}

fn options(node: &Node) -> IndexMap<String, String> {
    let name = |text: &str| rules::option_name(text).ok().map(|()| text.to_owned());
    entries(node, "options", name, rules::option).into_iter().collect()
}

struct Context<'a> {
    root: &'a Node,
    services: &'a IndexMap<Name, Service>,
    targets: &'a [&'a str],
    report: &'a Report,
    path: String,
}

impl Context<'_> {
    fn environment(&self, name: &Name, node: &Node) -> Environment {
        let target = self.target(node, &self.path);
        if node.get("target").is_none() && name.as_str() != LOCAL.0 {
            let finding = Finding::error(
                "missing-key",
                self.path.as_str(),
                "`target` is missing: an environment needs it",
            );
            self.report.add(finding.hint("add `target:` with the platform, such as `target: docker`"));
        }
        Environment {
            target: target.unwrap_or_else(|| Name::from_any(LOCAL.1, LOCAL.1)),
            region: value(node, "region", rules::region),
            registry: value(node, "registry", rules::registry),
            ledger: value(node, "ledger", rules::ledger),
            hooks: node.get("hooks").map(hooks),
            options: options(node),
            services: named(node, "services").map(|(service, node)| self.changed(service, node)).collect(),
        }
    }

    fn target(&self, node: &Node, path: &str) -> Option<Name> {
        let scalar = node.scalar_at("target")?;
        let path = child(path, "target");
        match rules::target(scalar, self.targets) {
            Ok(name) => Some(name),
            Err(problem) => {
                if !self.report.doubts(&path) {
                    self.report.problem(&path, problem);
                }
                None
            }
        }
    }

    fn changed(&self, name: Name, node: &Node) -> (Name, ServiceOverride) {
        let path = format!("{}.services.{name}", self.path);
        let written = self.root.get("services").and_then(|services| services.get(name.as_str()));
        if written.is_none() {
            self.report.add(self.unknown_service(&name, &path));
        }
        let service = self.services.get(&name);
        let limits = node.get("memory").is_some() || node.get("cpus").is_some();
        let changes = ServiceOverride {
            target: self.target(node, &path),
            region: value(node, "region", rules::region),
            publish: service
                .zip(written)
                .and_then(|(service, written)| self.publish(service, written, node, &path)),
            env: entries(node, "env", variable, rules::text).into_iter().collect(),
            secrets: entries(node, "secrets", variable, rules::requirement).into_iter().collect(),
            resources: service.filter(|_| limits).map(|service| resources(node, service.resources)),
            replicas: value(node, "replicas", rules::replicas),
            domain: value(node, "domain", rules::domain),
            options: options(node),
        };
        (name, changes)
    }

    fn unknown_service(&self, name: &Name, path: &str) -> Finding {
        let known: Vec<&str> = self.services.keys().map(Name::as_str).collect();
        let mut finding = Finding::error("unknown-service", path, format!("there is no service `{name}`"));
        finding.hint = suggest::hint(name.as_str(), &known);
        finding
    }

    /// What `publish` and `public` of both places together say; none where the environment writes neither.
    fn publish(&self, service: &Service, written: &Node, node: &Node, path: &str) -> Option<Publish> {
        let here = ["publish", "public"].iter().find(|key| node.get(key).is_some())?;
        let base = format!("services.{}", service.name);
        let doubtful = |path: &str| {
            ["port", "publish", "public"].iter().any(|key| self.report.doubts(&child(path, key)))
        };
        if doubtful(path) || doubtful(&base) {
            return None;
        }
        let either = |key: &str| if node.get(key).is_some() { node } else { written };
        let wish = Wish {
            publish: value(either("publish"), "publish", rules::publish),
            public: value(either("public"), "public", rules::boolean).unwrap_or(false),
            port: service.port,
            built: service.build().is_some(),
        };
        let decided = decide(wish).map_err(|(key, problem)| {
            let key = if node.get(key).is_some() { key } else { here };
            self.report.problem(&child(path, key), problem);
        });
        decided.ok()
    }
}
