//! The changes that take an environment away: what bears our marks, and nothing else.
//!
//! A service takes its disk with it, at once and for good, so that one whose data is to stay is suspended instead.

use std::collections::BTreeSet;

use dashdeploy_contract::{Action, Address, Change, Name, Observed, Plan, Removal, Risk, TargetError};

use crate::config::Place;
use crate::payload::{Seen, Task};
use crate::plan::{address, kept};
use crate::registry::{self, Pull};

/// The plan of a removal.
pub(crate) fn plan_removal(
    place: &Place,
    observed: &Observed,
    removal: Removal,
) -> Result<Plan, TargetError> {
    let mut plan = Plan::default();
    let (mut credentials, mut stays) = (BTreeSet::new(), false);
    for service in place.services() {
        let there = observed.get(&address("service", &service.name)).filter(|resource| resource.owned);
        let Some(there) = there else { continue };
        let seen = Seen::of(there)?;
        if let (Some(pull), Some((id, name))) = (registry::pull(place, service), &seen.credential)
            && pull.name == *name
        {
            credentials.insert((pull, id.clone()));
        }
        if seen.disk.is_some() && removal == Removal::KeepData {
            stays = true;
            plan.unchanged.push(address("disk", &service.name));
            plan.changes.extend(suspended(&service.name, seen));
        } else {
            plan.changes.extend(removed(&service.name, seen));
        }
    }
    // What stays is pulled by it once it is resumed.
    if !stays {
        let services: Vec<Address> = plan.changes.iter().map(|change| change.address.clone()).collect();
        plan.changes.extend(credentials.into_iter().map(|(pull, id)| without(&pull, id, &services)));
    }
    Ok(plan.in_order())
}

fn change(kind: &str, name: &Name, reason: &str, task: &Task) -> Change {
    let mut change = Change::new(address(kind, name), Action::Delete, reason, task.json());
    change.service = Some(name.clone());
    change.risk = Risk::InterruptsTraffic;
    change
}

/// A service whose data stays; none where it is suspended already.
fn suspended(name: &Name, seen: Seen) -> Option<Change> {
    let reason = "it is suspended, since its disk would go with it";
    (!seen.suspended).then(|| change("service", name, reason, &Task::Suspend { id: seen.id }))
}

/// A service with all that it has.
fn removed(name: &Name, seen: Seen) -> Vec<Change> {
    let remove = Task::Remove { id: seen.id };
    let mut whole = change("service", name, "the environment is taken away", &remove);
    if seen.disk.is_none() {
        return vec![whole];
    }
    whole.risk = Risk::LosesData;
    let mut disk = change("disk", name, "it goes with its service", &remove);
    disk.risk = Risk::LosesData;
    disk.needs = vec![whole.address.clone()];
    vec![whole, disk]
}

/// A registry credential of ours, after all that pull by it.
fn without(pull: &Pull, id: String, services: &[Address]) -> Change {
    let task = Task::RemoveCredential { id };
    let mut change = Change::new(kept(pull), Action::Delete, "the environment is taken away", task.json());
    change.needs = services.to_vec();
    change
}
