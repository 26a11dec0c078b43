//! The changes that take an environment away.
//!
//! Given: a bound project and what was observed. Gives: a [`Plan`]: machines first, those of services that need others before
//! the others', then volumes where data is to go, then apps. Deliberately absent: whatever does not bear our mark; an app that
//! has a machine of somebody else's stays, and so does one with a volume where data is kept.

use dashdeploy_contract::{
    Action, Address, Bound, Change, Descriptor, Observed, Plan, Removal, Risk, TargetError,
};

use crate::config::{App, TARGET};
use crate::payload::{SeenApp, Standing, Task};
use crate::plan::ordered;

/// The plan for a removal; empty where nothing of ours is there.
pub(crate) fn plan_removal(
    descriptor: &Descriptor,
    bound: &Bound,
    observed: &Observed,
    removal: Removal,
) -> Result<Plan, TargetError> {
    let mut plan = Plan::default();
    for app in ordered(descriptor, bound).into_iter().rev() {
        let address = Address::new(TARGET, "app", app.service.name.as_str());
        let Some(resource) = observed.get(&address).filter(|resource| resource.owned) else { continue };
        remove(&mut plan, &app, &SeenApp::of(resource)?, removal);
    }
    Ok(plan.in_order())
}

fn remove(plan: &mut Plan, app: &App, seen: &SeenApp, removal: Removal) {
    let address = |kind: &str| Address::new(TARGET, kind, app.service.name.as_str());
    let name = seen.app.clone();
    let mut own: Vec<Change> = Vec::new();
    let add = |own: &mut Vec<Change>, kind: &str, reason: &str, risk: Risk, task: &Task| {
        let mut change = Change::new(address(kind), Action::Delete, reason, task.json());
        change.service = Some(app.service.name.clone());
        change.needs = own.iter().map(|before| before.address.clone()).collect();
        change.risk = risk;
        own.push(change);
    };
    let is_ours = |ours: bool| ours || seen.standing == Standing::Unmarked;
    let (ours, others): (Vec<_>, Vec<_>) = seen.machines.iter().partition(|machine| is_ours(machine.ours));
    if !ours.is_empty() {
        let up = ours.iter().any(|machine| machine.state == "started");
        let risk = if up { Risk::InterruptsTraffic } else { Risk::Safe };
        let machines = ours.iter().map(|machine| machine.id.clone()).collect();
        add(
            &mut own,
            "machines",
            "to be removed",
            risk,
            &Task::RemoveMachines { app: name.clone(), machines },
        );
    }
    let volumes = seen.volumes();
    let keep_data = removal == Removal::KeepData;
    if !volumes.is_empty() && keep_data {
        plan.unchanged.push(address("volume"));
    } else if !volumes.is_empty() {
        let volumes = volumes.iter().map(|volume| volume.id.clone()).collect();
        let task = Task::RemoveVolumes { app: name.clone(), volumes };
        add(&mut own, "volume", "to be removed with its data", Risk::LosesData, &task);
    }
    if (!volumes.is_empty() && keep_data) || !others.is_empty() {
        plan.unchanged.push(address("app"));
    } else {
        add(&mut own, "app", "to be removed", Risk::Safe, &Task::RemoveApp { app: name, keep_data });
    }
    // What needs this service goes before it.
    let dependents: Vec<Address> = plan
        .changes
        .iter()
        .filter(|change| change.address.kind() == "machines" && depends(app, change))
        .map(|change| change.address.clone())
        .collect();
    if let Some(first) = own.first_mut() {
        first.needs.extend(dependents);
    }
    plan.changes.append(&mut own);
}

fn depends(app: &App, change: &Change) -> bool {
    let service = change.service.as_ref().and_then(|name| app.bound.services.get(name));
    service.is_some_and(|service| app.bound.dependencies(service).contains(&app.service.name))
}
