//! Tree → project.
//!
//! Given: a tree that [`super::check`] has walked. Gives: a [`Draft`]. Where a finding has been made already, something
//! harmless stands in for the value, so that everything else can still be looked at; a project with such a stand-in never
//! leaves this module, because a finding of severity error keeps it back. What is reported here is what one service or
//! environment alone shows: keys that exclude each other, defaults that cannot be had.

mod build;
mod environment;
mod publish;
mod service;

use dashdeploy_contract::{Ci, Environment, Hooks, Name, Project, Smoke, Volume, Writers};
pub(crate) use environment::LOCAL;
use indexmap::{IndexMap, IndexSet};

use super::places;
use super::report::Report;
use super::rules::{self, Problem};
use super::yaml::{Node, Scalar};

/// A project that may still be wrong.
pub(crate) struct Draft {
    /// The project, with stand-ins.
    pub project: Project,
    /// Every service that the file names, readable or not.
    pub services: IndexSet<Name>,
    /// Every volume that the file names.
    pub volumes: IndexSet<Name>,
    /// Services of which it is not certain what they are or how they are reached: nothing is said about how others use
    /// them.
    pub doubtful: IndexSet<Name>,
}

/// The project of a whole file; none where the file is no map, which has been reported.
pub(crate) fn project(root: &Node, targets: &[&str], report: &Report) -> Option<Draft> {
    if root.entries().is_empty() {
        return None;
    }
    let mut services = IndexMap::new();
    for (name, node) in named(root, "services") {
        if let Some(service) = service::service(&name, node, report) {
            services.insert(name, service);
        }
    }
    let volumes: IndexMap<Name, Volume> =
        named(root, "volumes").map(|(name, node)| (name, volume(node))).collect();
    let environments = environment::environments(root, &services, targets, report);
    let written: IndexSet<Name> = named(root, "services").map(|(name, _)| name).collect();
    let doubtful = written.iter().filter(|name| is_doubtful(name, report)).cloned().collect();
    let name = value(root, "project", rules::name).unwrap_or_else(|| Name::from_any("", "app"));
    let registry = value(root, "registry", rules::registry);
    let ledger = value(root, "ledger", rules::ledger);
    let allow = root.get("guard").map(allowed).unwrap_or_default();
    let silence = root.get("check").map(silenced).unwrap_or_default();
    let ci = value(root, "ci", rules::ci).unwrap_or_else(|| usual_ci(&environments));
    let smoke = smoke(root);
    let hooks = root.get("hooks").map(hooks).unwrap_or_default();
    let project =
        Project { name, services, smoke, hooks, environments, volumes, registry, ledger, allow, silence, ci };
    let volumes = project.volumes.keys().cloned().collect();
    Some(Draft { project, services: written, volumes, doubtful })
}

/// GitHub's where there is somewhere to deploy to.
fn usual_ci(environments: &IndexMap<Name, Environment>) -> Ci {
    let elsewhere = environments.keys().any(|name| name.as_str() != LOCAL.0);
    if elsewhere { Ci::Github } else { Ci::None }
}

/// True where it is not certain what a service is or how it is reached.
fn is_doubtful(name: &Name, report: &Report) -> bool {
    let path = format!("services.{name}");
    let decisive = ["build", "image", "port", "publish", "public"];
    report.faults(&path) || decisive.iter().any(|key| report.doubts(&places::child(&path, key)))
}

fn volume(node: &Node) -> Volume {
    Volume {
        size: value(node, "size", rules::size),
        writers: value(node, "writers", rules::writers).unwrap_or(Writers::Single),
    }
}

fn allowed(guard: &Node) -> IndexMap<String, String> {
    let fingerprint = |text: &str| rules::fingerprint(text).ok().map(|()| text.to_owned());
    entries(guard, "allow", fingerprint, rules::reason).into_iter().collect()
}

fn silenced(check: &Node) -> IndexMap<String, String> {
    let code = |text: &str| rules::silence(text).ok().map(|()| text.to_owned());
    entries(check, "silence", code, rules::reason).into_iter().collect()
}

fn hooks(node: &Node) -> Hooks {
    let of = |key| values(node, key, rules::command_line).unwrap_or_default();
    Hooks { before: of("before"), after: of("after") }
}

fn smoke(root: &Node) -> Vec<Smoke> {
    let tests = root.get("smoke").map_or(&[][..], Node::items).iter();
    let read = tests.filter_map(|node| {
        Some(Smoke {
            service: value(node, "service", rules::name)?,
            path: value(node, "path", rules::url_path).unwrap_or_else(|| "/".to_owned()),
            status: value(node, "status", rules::status).unwrap_or(200),
            contains: value(node, "contains", rules::nonempty),
        })
    });
    read.collect()
}

/// The value under a key, where it is there and keeps its rule.
fn value<T>(node: &Node, key: &str, rule: fn(&Scalar) -> Result<T, Problem>) -> Option<T> {
    node.scalar_at(key).and_then(|scalar| rule(scalar).ok())
}

/// The items under a key that keep their rule; none where there is no list.
fn values<T>(node: &Node, key: &str, rule: fn(&Scalar) -> Result<T, Problem>) -> Option<Vec<T>> {
    let items = node.get(key)?.items();
    Some(items.iter().filter_map(|item| item.scalar()).filter_map(|scalar| rule(scalar).ok()).collect())
}

/// The entries under a key whose keys are names.
fn named<'a>(node: &'a Node, key: &str) -> impl Iterator<Item = (Name, &'a Node)> {
    let entries = node.get(key).map_or(&[][..], Node::entries).iter();
    entries.filter_map(|entry| Some((Name::parse(&entry.key.text).ok()?, &*entry.value)))
}

/// The entries under a key whose keys and values keep their rules.
fn entries<K, V>(
    node: &Node,
    key: &str,
    key_rule: fn(&str) -> Option<K>,
    rule: fn(&Scalar) -> Result<V, Problem>,
) -> Vec<(K, V)> {
    let entries = node.get(key).map_or(&[][..], Node::entries).iter();
    let read = entries.filter_map(|entry| {
        Some((key_rule(&entry.key.text)?, entry.value.scalar().and_then(|scalar| rule(scalar).ok())?))
    });
    read.collect()
}

fn variable(text: &str) -> Option<String> {
    rules::variable(text).ok().map(|()| text.to_owned())
}
