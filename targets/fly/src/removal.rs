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
    let keep_data = removal == Removal::KeepData;
    let mut own = Own { app, changes: Vec::new() };
    let is_ours = |ours: bool| ours || seen.standing == Standing::Unmarked;
    let (ours, others): (Vec<_>, Vec<_>) = seen.machines.iter().partition(|machine| is_ours(machine.ours));
    if !ours.is_empty() {
        let up = ours.iter().any(|machine| machine.state == "started");
        let risk = if up { Risk::InterruptsTraffic } else { Risk::Safe };
        let machines = ours.iter().map(|machine| machine.id.clone()).collect();
        own.add("machines", "to be removed", risk, &Task::RemoveMachines { app: seen.app.clone(), machines });
    }
    let volumes = seen.volumes();
    let keeps = keep_data && !volumes.is_empty();
    if keeps {
        plan.unchanged.push(own.address("volume"));
    } else if !volumes.is_empty() {
        let volumes = volumes.iter().map(|volume| volume.id.clone()).collect();
        let task = Task::RemoveVolumes { app: seen.app.clone(), volumes };
        own.add("volume", "to be removed with its data", Risk::LosesData, &task);
    }
    if keeps || !others.is_empty() {
        plan.unchanged.push(own.address("app"));
    } else {
        own.add("app", "to be removed", Risk::Safe, &Task::RemoveApp { app: seen.app.clone(), keep_data });
    }
    // What needs this service goes before it.
    let before = |change: &&Change| change.address.kind() == "machines" && depends(app, change);
    let dependents: Vec<Address> =
        plan.changes.iter().filter(before).map(|change| change.address.clone()).collect();
    if let Some(first) = own.changes.first_mut() {
        first.needs.extend(dependents);
    }
    plan.changes.append(&mut own.changes);
}

/// What goes of one service, each after what was named before it.
struct Own<'a> {
    app: &'a App<'a>,
    changes: Vec<Change>,
}

impl Own<'_> {
    fn address(&self, kind: &str) -> Address {
        Address::new(TARGET, kind, self.app.service.name.as_str())
    }

    fn add(&mut self, kind: &str, reason: &str, risk: Risk, task: &Task) {
        let mut change = Change::new(self.address(kind), Action::Delete, reason, task.json());
        change.service = Some(self.app.service.name.clone());
        change.needs = self.changes.iter().map(|before| before.address.clone()).collect();
        change.risk = risk;
        self.changes.push(change);
    }
}

fn depends(app: &App, change: &Change) -> bool {
    let service = change.service.as_ref().and_then(|name| app.bound.services.get(name));
    service.is_some_and(|service| app.bound.dependencies(service).contains(&app.service.name))
}
