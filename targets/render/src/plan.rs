//! The changes that turn what is there into the release.
//!
//! Given: a release and what was observed. Gives: a [`Plan`], the same bytes for the same input. Creating a service deploys it at once, so
//! that everything goes into that one call; a service that is there gets its variables and settings first, and then one deploy.

use std::collections::{BTreeMap, BTreeSet};

use dashdeploy_contract::{
    Action, Address, Change, ErrorKind, FieldChange, Name, Observed, Plan, Release, SecretEdit, Service,
    TargetError,
};

use crate::config::{Place, TARGET};
use crate::desired::Desired;
use crate::error::ours;
use crate::hosts;
use crate::mark::mark;
use crate::payload::{Seen, Task};
use crate::registry::{self, Pull};
use crate::update::Draft;

/// The plan for a release.
pub(crate) fn plan(place: &Place, release: &Release, observed: &Observed) -> Result<Plan, TargetError> {
    let mut plan = Plan::default();
    for service in place.services() {
        let mut desired = Desired::of(place, release, observed, service)?;
        if desired.credential.is_none() {
            let kept = desired.pull.as_ref().filter(|pull| observed.get(&kept(pull)).is_some());
            desired.credential = kept.map(|pull| pull.name.clone());
        }
        let resource = observed.get(&address("service", &service.name));
        let Some(resource) = resource else {
            create(place, service, &desired, &mut plan);
            continue;
        };
        let seen = Seen::of(resource)?;
        if !resource.owned {
            return Err(in_the_way(service, &seen, resource.adoptable));
        }
        Draft::new(place, service, desired, &seen, &mut plan).all()?;
    }
    after_neighbours(place, &mut plan);
    credentials(place, observed, &mut plan);
    Ok(plan.in_order())
}

/// What has the address of a service built in that is not there yet comes after that one is made, since Render may give it another
/// than its name promises. Where two have each other's, who calls the other comes last; what is left is put right by the round
/// that follows an unexpected address.
fn after_neighbours(place: &Place, plan: &mut Plan) {
    let mut waits: BTreeMap<Name, BTreeSet<Name>> = place
        .services()
        .map(|service| (service.name.clone(), place.bound.dependencies(service).into_iter().collect()))
        .collect();
    for strong in [true, false] {
        for at in 0..plan.changes.len() {
            let Some(service) = plan.changes[at].service.clone() else { continue };
            for other in neighbours_of(&plan.changes[at]) {
                let calls = place.hosts(&service).is_some_and(|service| hosts::calls(service, &other));
                let made = address("service", &other);
                if calls != strong || !plan.changes.iter().any(|change| change.address == made) {
                    continue;
                }
                if !reaches(&waits, &other, &service) {
                    waits.entry(service.clone()).or_default().insert(other);
                    plan.changes[at].needs.push(made);
                }
            }
        }
    }
}

/// The address of a registry credential of ours. It is among what was observed where this run has a login to keep it by.
pub(crate) fn kept(pull: &Pull) -> Address {
    Address::new(TARGET, "credential", &pull.name)
}

/// The credentials that this plan's deploys pull by. Render tells nobody the token that it keeps, so that it is given anew with each.
fn credentials(place: &Place, observed: &Observed, plan: &mut Plan) {
    let mut keeping: BTreeMap<Address, Change> = BTreeMap::new();
    for change in plan.changes.iter_mut().filter(|change| change.takes_image) {
        let Some(service) = change.service.as_ref().and_then(|name| place.hosts(name)) else { continue };
        let Some(pull) = registry::pull(place, service) else { continue };
        let Some(there) = observed.get(&kept(&pull)) else { continue };
        let (action, reason) = match there.id.as_str() {
            "" => (Action::Create, "not there yet: private images are pulled by it"),
            _ => (Action::Update, "it gets the token of this run: Render tells nobody the one that it keeps"),
        };
        change.needs.push(there.address.clone());
        let workspace = place.option(service, "workspace").map(str::to_owned);
        let task = Task::Credential { pull, workspace };
        keeping
            .entry(there.address.clone())
            .or_insert_with(|| Change::new(there.address.clone(), action, reason, task.json()));
    }
    plan.changes.extend(keeping.into_values());
}

/// The services whose addresses a change puts somewhere.
fn neighbours_of(change: &Change) -> Vec<Name> {
    match Task::of(change) {
        Ok(Task::Service { desired } | Task::Variables { desired, .. } | Task::Deploy { desired, .. }) => {
            desired.neighbours.into_keys().collect()
        }
        _ => Vec::new(),
    }
}

/// True where one service waits for another, by itself or by others.
fn reaches(waits: &BTreeMap<Name, BTreeSet<Name>>, from: &Name, to: &Name) -> bool {
    let (mut open, mut seen) = (vec![from], BTreeSet::new());
    while let Some(name) = open.pop() {
        if name == to {
            return true;
        }
        if seen.insert(name) {
            open.extend(waits.get(name).into_iter().flatten());
        }
    }
    false
}

/// The address of a thing of a service.
pub(crate) fn address(kind: &str, service: &Name) -> Address {
    Address::new(TARGET, kind, service.as_str())
}

fn in_the_way(service: &Service, seen: &Seen, adoptable: bool) -> TargetError {
    let operation = format!("plan {}", service.name);
    let of = |name: &str| seen.env.get(&mark(name)).map_or("?", String::as_str);
    if !adoptable {
        let whose = format!("environment `{}` of project `{}`", of("ENVIRONMENT"), of("PROJECT"));
        return ours(
            ErrorKind::Conflict,
            operation,
            format!("the service `{}` is there and belongs to {whose}", seen.name),
        )
        .hint("give this project or environment another name, or use another workspace");
    }
    ours(
        ErrorKind::Conflict,
        operation,
        format!("the service `{}` is there, and dashdeploy did not make it", seen.name),
    )
    .hint("take it over with --adopt, or give this project or environment another name")
}

/// A change of a service.
pub(crate) fn changed(
    kind: &str,
    service: &Service,
    action: Action,
    reason: impl Into<String>,
    task: &Task,
) -> Change {
    let mut change = Change::new(address(kind, &service.name), action, reason, task.json());
    change.service = Some(service.name.clone());
    change
}

fn create(place: &Place, service: &Service, desired: &Desired, plan: &mut Plan) {
    let task = Task::Service { desired: Box::new(desired.clone()) };
    let mut change = changed("service", service, Action::Create, "not there yet", &task);
    (change.gated, change.takes_image) = (true, desired.container.is_some());
    change.needs_healthy = place.bound.dependencies(service);
    change.billable = desired.container.as_ref().map(|container| {
        let disk = container
            .disk
            .as_ref()
            .map(|disk| format!(" and a disk of {} GB", disk.size))
            .unwrap_or_default();
        format!("{} × instance type {}{disk}", container.instances, container.plan)
    });
    if let Some(site) = &desired.site {
        change.reason = format!(
            "not there yet: built by Render from commit {}",
            &site.commit[..site.commit.len().min(12)]
        );
    }
    let needs = vec![change.address.clone()];
    plan.changes.push(change);
    if let Some(host) = &desired.domain {
        let task = Task::Domain { id: None, desired: Box::new(desired.clone()) };
        let mut change = changed("domain", service, Action::Create, format!("for {host}"), &task);
        change.needs = needs;
        plan.changes.push(change);
    }
}

/// The changes that set or unset secrets without a deploy.
pub(crate) fn plan_secrets(
    place: &Place,
    observed: &Observed,
    edits: &[SecretEdit],
) -> Result<Plan, TargetError> {
    let mut plan = Plan::default();
    for service in place.services() {
        let own: Vec<&SecretEdit> = edits.iter().filter(|edit| edit.service == service.name).collect();
        if own.is_empty() {
            continue;
        }
        let resource = observed.get(&address("service", &service.name)).filter(|resource| resource.owned);
        let resource = resource.ok_or_else(|| {
            let message = format!("the service `{}` is not there yet, or not ours", place.name(service));
            ours(ErrorKind::NotFound, "set secrets", message)
                .hint("the first `dashdeploy deploy` makes it and sets the secrets that it is given")
        })?;
        let names = |set: bool| -> Vec<String> {
            own.iter()
                .filter(|edit| edit.fingerprint.is_some() == set)
                .map(|edit| edit.variable.clone())
                .collect()
        };
        let seen = Seen::of(resource)?;
        let task = Task::Secrets { id: resource.id.clone(), set: names(true), unset: names(false) };
        let mut change = changed("variables", service, Action::Update, "as asked for", &task);
        change.fields = own
            .iter()
            .map(|edit| {
                let from = seen.secrets.get(&edit.variable).cloned();
                field(&format!("secrets.{}", edit.variable), from, edit.fingerprint.clone())
            })
            .collect();
        plan.changes.push(change);
    }
    Ok(plan)
}

/// What changed, in a few words.
pub(crate) fn reason(fields: &[FieldChange]) -> String {
    let names: Vec<&str> = fields.iter().map(|field| field.field.as_str()).take(3).collect();
    let more = fields.len().saturating_sub(names.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more} changed", names.join(", "))
}

/// A field that differs.
pub(crate) fn field(name: &str, from: Option<String>, to: Option<String>) -> FieldChange {
    FieldChange { field: name.to_owned(), from, to }
}
