//! Dependency cycles, in every environment.

use std::collections::HashSet;

use dashdeploy_contract::{Bound, Finding, Name, Reference, Service};
use indexmap::IndexMap;

use crate::config::draft::Draft;
use crate::config::report::Report;

pub(super) fn check(draft: &Draft, bound: &[Bound], report: &Report) {
    let mut seen = HashSet::new();
    for bound in bound {
        let edges: IndexMap<&Name, Vec<Name>> =
            bound.services.values().map(|service| (&service.name, bound.dependencies(service))).collect();
        for cycle in cycles(&edges) {
            if seen.insert(cycle.clone()) {
                report.add(finding(draft, bound, &cycle));
            }
        }
    }
}

/// One cycle for every edge that leads back to where a walk came from. Walks start in the file's order and use no recursion,
/// so that a long chain of services is no danger.
fn cycles(edges: &IndexMap<&Name, Vec<Name>>) -> Vec<Vec<Name>> {
    let mut found = Vec::new();
    let mut done: HashSet<&Name> = HashSet::new();
    for start in edges.keys() {
        let mut path: Vec<(&Name, usize)> = vec![(start, 0)];
        while let Some((node, next)) = path.last_mut() {
            let target = edges.get(*node).and_then(|targets| targets.get(*next));
            *next += 1;
            let Some(target) = target.filter(|target| !done.contains(target)) else {
                let exhausted = edges.get(*node).is_none_or(|targets| *next > targets.len());
                if exhausted {
                    done.insert(*node);
                    path.pop();
                }
                continue;
            };
            match path.iter().position(|(name, _)| *name == target) {
                Some(from) => found.push(path[from..].iter().map(|(name, _)| (*name).clone()).collect()),
                None => path.push((target, 0)),
            }
        }
    }
    found
}

fn finding(draft: &Draft, bound: &Bound, cycle: &[Name]) -> Finding {
    let names: Vec<&str> = cycle.iter().chain(cycle.first()).map(Name::as_str).collect();
    let message = format!("dependency cycle: {}", names.join(" -> "));
    let (last, first) = (&cycle[cycle.len() - 1], &cycle[0]);
    let key =
        bound.services.get(last).map_or_else(String::new, |service| edge_key(draft, bound, service, first));
    Finding::error("cycle", key, message).hint(
        "remove one of these dependencies; `${services.X.url}` and `origin` make none, `host` and `port` do",
    )
}

/// The key that makes one service wait for another.
fn edge_key(draft: &Draft, bound: &Bound, service: &Service, on: &Name) -> String {
    let path = format!("services.{}", service.name);
    if let Some(n) = service.depends_on.iter().position(|name| name == on) {
        return format!("{path}.depends_on[{n}]");
    }
    if let Some((prefix, _)) = service.proxy.iter().find(|(_, name)| *name == on) {
        return format!("{path}.proxy.{prefix}");
    }
    let names =
        |reference: &Reference| matches!(reference, Reference::Service { service, .. } if service == on);
    let variable = service.env.iter().find(|(_, text)| text.references().any(names));
    variable.map_or(path, |(variable, _)| draft.env_key(&bound.environment, &service.name, variable))
}
