//! The changes that take an environment away: what bears our marks, and nothing else.
//!
//! A service takes its disk with it, at once and for good, so that one whose data is to stay is suspended instead.

use std::collections::BTreeSet;

use dashdeploy_contract::{Action, Address, Change, Name, Observed, Plan, Removal, Risk, TargetError};

use crate::config::Place;
use crate::payload::{Seen, Task};
use crate::plan::{address, kept};
use crate::registry;

/// The plan of a removal.
pub(crate) fn plan_removal(
    place: &Place,
    observed: &Observed,
    removal: Removal,
) -> Result<Plan, TargetError> {
    let mut plan = Plan::default();
    let (mut ours, mut stays) = (BTreeSet::new(), false);
    for service in place.services() {
        let Some(resource) =
            observed.get(&address("service", &service.name)).filter(|resource| resource.owned)
        else {
            continue;
        };
        let seen = Seen::of(resource)?;
        let keeps = seen.disk.is_some() && removal == Removal::KeepData;
        if let (Some(pull), Some((id, name))) = (registry::pull(place, service), &seen.credential)
            && pull.name == *name
        {
            ours.insert((pull, id.clone()));
        }
        stays |= keeps;
        if keeps {
            plan.unchanged.push(address("disk", &service.name));
        }
        if keeps && seen.suspended {
            continue;
        }
        let change = |kind: &str, name: &Name, reason: &str, task: &Task| {
            let mut change = Change::new(address(kind, name), Action::Delete, reason, task.json());
            change.service = Some(name.clone());
            change.risk = Risk::InterruptsTraffic;
            change
        };
        if keeps {
            let reason = "it is suspended, since its disk would go with it";
            plan.changes.push(change("service", &service.name, reason, &Task::Suspend { id: seen.id }));
            continue;
        }
        let remove = Task::Remove { id: seen.id };
        let mut whole = change("service", &service.name, "the environment is taken away", &remove);
        if seen.disk.is_some() {
            whole.risk = Risk::LosesData;
            let mut disk = change("disk", &service.name, "it goes with its service", &remove);
            disk.risk = Risk::LosesData;
            disk.needs = vec![whole.address.clone()];
            plan.changes.push(whole);
            plan.changes.push(disk);
        } else {
            plan.changes.push(whole);
        }
    }
    let services: Vec<Address> = plan.changes.iter().map(|change| change.address.clone()).collect();
    // What stays is pulled by it once it is resumed.
    for (pull, id) in ours.into_iter().filter(|_| !stays) {
        let task = Task::RemoveCredential { id };
        let reason = "the environment is taken away";
        let mut change = Change::new(kept(&pull), Action::Delete, reason, task.json());
        change.needs.clone_from(&services);
        plan.changes.push(change);
    }
    Ok(plan.in_order())
}
