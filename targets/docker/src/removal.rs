//! The changes that take an environment away.
//!
//! Given: a bound project and what was observed. Gives: a [`Plan`] with containers first, those that depend on others before
//! them, then the network, then the volumes where data is to go. Deliberately absent: whatever does not bear our mark.

use dashdeploy_contract::{Action, Address, Bound, Change, Name, Observed, Plan, Removal, Risk, TargetError};

use crate::config::Stack;
use crate::payload::Task;
use crate::plan::change;
use crate::survey::{Found, Survey, Thing};

/// The plan for a removal; empty where nothing of ours is there.
pub(crate) fn plan_removal(
    bound: &Bound,
    observed: &Observed,
    removal: Removal,
) -> Result<Plan, TargetError> {
    let survey = Survey::of(observed)?;
    let stack = Stack::of(bound);
    let delete_data = removal == Removal::DeleteData;
    let changes = containers(&stack, &survey, delete_data);
    let mut plan = Plan { changes, unchanged: Vec::new() };
    let gone: Vec<Address> = plan.changes.iter().map(|change| change.address.clone()).collect();
    for network in survey.networks.iter().filter(|network| network.resource.owned) {
        // A network that someone else's container is connected to cannot be removed, and should not.
        if network.others.is_empty() {
            plan.changes.push(network_removal(network, &gone));
        } else {
            plan.unchanged.push(network.resource.address.clone());
        }
    }
    for volume in survey.volumes.iter().filter(|volume| volume.resource.owned) {
        if delete_data {
            plan.changes.push(volume_removal(volume, &gone));
        } else {
            plan.unchanged.push(volume.resource.address.clone());
        }
    }
    Ok(plan.in_order())
}

fn containers(stack: &Stack, survey: &Survey, delete_data: bool) -> Vec<Change> {
    let order: Vec<&Name> = stack.services().into_iter().map(|service| &service.name).collect();
    let place = |found: &Found| order.iter().position(|name| Some(*name) == found.resource.service.as_ref());
    let mut owned: Vec<&Found> = survey.owned().collect();
    // Dependents stand last in the order of start; what is no service any more goes first.
    owned.sort_by_key(|found| std::cmp::Reverse(place(found).unwrap_or(usize::MAX)));
    let removal = |found: &&Found| {
        let dependents = owned.iter().filter(|other| depends(stack.bound, other, found));
        let (id, name) = (found.resource.id.clone(), found.seen.name.clone());
        let task = Task::RemoveContainer { id, name, unnamed_volumes: delete_data };
        let mut change = change(found.resource.address.clone(), Action::Delete, "to be removed", &task);
        change.service.clone_from(&found.resource.service);
        change.risk = if found.seen.runs() { Risk::InterruptsTraffic } else { Risk::Safe };
        change.needs = dependents.map(|other| other.resource.address.clone()).collect();
        change
    };
    owned.iter().map(removal).collect()
}

fn depends(bound: &Bound, found: &Found, on: &Found) -> bool {
    let service = found.resource.service.as_ref().and_then(|name| bound.services.get(name));
    service.is_some_and(|service| {
        bound.dependencies(service).iter().any(|name| Some(name) == on.resource.service.as_ref())
    })
}

fn network_removal(network: &Thing, containers: &[Address]) -> Change {
    let task = Task::RemoveNetwork { id: network.resource.id.clone(), name: network.name.clone() };
    let mut change = change(network.resource.address.clone(), Action::Delete, "to be removed", &task);
    change.needs = containers.to_vec();
    change
}

fn volume_removal(volume: &Thing, containers: &[Address]) -> Change {
    let task = Task::RemoveVolume { name: volume.name.clone() };
    let reason = "to be removed with its data";
    let mut change = change(volume.resource.address.clone(), Action::Delete, reason, &task);
    change.needs = containers.to_vec();
    change.risk = Risk::LosesData;
    change
}
