//! The changes that turn what is there into the release.
//!
//! Given: a release and what was observed. Gives: a [`Plan`], the same bytes for the same input. Deliberately absent: any
//! call; and a changed container being changed in place, since the engine can only replace it.

use std::collections::BTreeSet;

use dashdeploy_contract::{
    Action, Address, Bound, Change, Name, Observed, Plan, Release, Risk, Service, TargetError,
};

use crate::config::{Stack, TARGET};
use crate::decide::{Decision, decide};
use crate::desired::DesiredContainer;
use crate::overlap;
use crate::payload::{Part, Task};
use crate::survey::{Found, Survey};

/// The plan for a release.
pub(crate) fn plan(release: &Release, observed: &Observed) -> Result<Plan, TargetError> {
    let stack = Stack::of(&release.bound);
    let survey = Survey::of(observed)?;
    let services = stack.services();
    let desired = services
        .iter()
        .map(|service| DesiredContainer::of(release, &stack, service))
        .collect::<Result<Vec<_>, _>>()?;
    if !services.is_empty() {
        survey.nothing_in_the_way(&stack, &release.project_dir)?;
    }
    let mut draft = Draft { stack: &stack, survey: &survey, plan: Plan::default(), leftovers: Vec::new() };
    if !services.is_empty() {
        draft.network();
    }
    draft.volumes(&desired);
    draft.orphans();
    for (service, desired) in services.into_iter().zip(desired) {
        draft.container(service, &desired);
    }
    draft.ports();
    let Draft { mut plan, leftovers, .. } = draft;
    plan.changes.extend(leftovers);
    Ok(plan.in_order())
}

/// A change with nothing said yet about risk and order.
pub(crate) fn change(address: Address, action: Action, reason: impl Into<String>, task: &Task) -> Change {
    Change::new(address, action, reason, task.json())
}

struct Draft<'a> {
    stack: &'a Stack<'a>,
    survey: &'a Survey<'a>,
    plan: Plan,
    leftovers: Vec<Change>,
}

impl Draft<'_> {
    fn network(&mut self) {
        let address = Address::new(TARGET, "network", "default");
        let name = self.stack.network();
        let found: Vec<_> = self.survey.networks.iter().filter(|network| network.name == name).collect();
        if found.is_empty() {
            let task = Task::MakeNetwork { name, labels: self.stack.network_labels() };
            self.plan.changes.push(change(address, Action::Create, "not there yet", &task));
            return;
        }
        // Engines before 25 let two networks of one name come to be; containers can then join neither by name. The one that
        // is used stands first.
        self.plan.unchanged.push(address);
        for double in &found[1..] {
            let task = Task::RemoveNetwork { id: double.resource.id.clone(), name: name.clone() };
            let reason = "a second network of the same name";
            self.plan.changes.push(change(double.resource.address.clone(), Action::Delete, reason, &task));
        }
    }

    fn volumes(&mut self, desired: &[DesiredContainer]) {
        let mut used: Vec<(&Name, &String)> =
            desired.iter().flat_map(|container| &container.volumes).collect();
        used.sort();
        used.dedup();
        for (volume, name) in used {
            let address = Address::new(TARGET, "volume", volume.as_str());
            if self.survey.volumes.iter().any(|found| found.name == *name) {
                self.plan.unchanged.push(address);
                continue;
            }
            let labels = self.stack.volume_labels(volume);
            let task = Task::MakeVolume { name: name.clone(), volume: volume.to_string(), labels };
            self.plan.changes.push(change(address, Action::Create, "not there yet", &task));
        }
    }

    /// Containers of services that are no longer in the project, and second containers of those that are.
    fn orphans(&mut self) {
        for found in self.survey.owned() {
            let known = found
                .resource
                .service
                .as_ref()
                .is_some_and(|s| self.stack.services().iter().any(|k| k.name == *s));
            let id = found.resource.id.clone();
            let name = found.seen.name.clone();
            let remove = Task::RemoveContainer { id: id.clone(), name: name.clone(), unnamed_volumes: false };
            let (task, reason) = match (found.seen.part, known) {
                (Part::OneOff, _) | (Part::Current | Part::Former, true) => continue,
                (Part::Stray, true) => (remove, "a second container of the service"),
                (Part::Current, false) => (
                    Task::SetAside { id, name, ran: found.seen.runs() },
                    "its service is no longer in the project",
                ),
                (Part::Former | Part::Stray, false) => (remove, "left over from a service that is gone"),
            };
            let mut change = change(found.resource.address.clone(), Action::Delete, reason, &task);
            change.service.clone_from(&found.resource.service);
            change.risk = if found.seen.runs() { Risk::InterruptsTraffic } else { Risk::Safe };
            self.plan.changes.push(change);
        }
    }

    fn container(&mut self, service: &Service, desired: &DesiredContainer) {
        let current = self.survey.ours(&service.name, Part::Current);
        let former = self.survey.ours(&service.name, Part::Former);
        let address = Address::new(TARGET, "container", service.name.as_str());
        let needs_healthy = desired.spec.depends_on.clone();
        let needs = self.needs(desired);
        let decision = decide(desired, current, former, self.stack.bound);
        let hand_over = overlap::hand_over(desired, decision.as_ref().map(|d| &d.task), current, former);
        let consumed = decision.as_ref().is_some_and(Decision::takes_former)
            || hand_over.as_ref().is_some_and(|task| task.former.is_some());
        match decision {
            None => self.plan.unchanged.push(address.clone()),
            Some(decided) => {
                let mut change = change(address.clone(), decided.action, decided.reason, &decided.task);
                change.service = Some(service.name.clone());
                change.fields = decided.fields;
                change.risk = decided.risk;
                change.downtime = decided.downtime;
                change.needs = needs;
                change.needs_healthy = needs_healthy;
                change.gated = true;
                self.plan.changes.push(change);
            }
        }
        let mut last = address;
        if let Some(task) = hand_over {
            let mut change = overlap::change(task);
            change.needs = self.planned(last);
            last = change.address.clone();
            self.plan.changes.push(change);
        }
        if let Some(former) = former.filter(|_| !consumed) {
            self.leftover(service, last, former);
        }
    }

    /// A replacement was good but not settled: the former goes once the new one is healthy.
    fn leftover(&mut self, service: &Service, after: Address, former: &Found) {
        let (id, name) = (former.resource.id.clone(), former.seen.name.clone());
        let task = Task::RemoveContainer { id, name, unnamed_volumes: false };
        let reason = "left over from an interrupted replacement";
        let mut change = change(former.resource.address.clone(), Action::Delete, reason, &task);
        change.service = Some(service.name.clone());
        change.needs = self.planned(after);
        change.needs_healthy = vec![service.name.clone()];
        self.leftovers.push(change);
    }

    /// The address as something to wait for, where the plan changes it.
    fn planned(&self, address: Address) -> Vec<Address> {
        let is_planned = self.plan.changes.iter().any(|change| change.address == address);
        if is_planned { vec![address] } else { Vec::new() }
    }

    /// What has to be there, or gone, before a container can be made.
    fn needs(&self, desired: &DesiredContainer) -> Vec<Address> {
        let ports: BTreeSet<u16> = desired.spec.ports.iter().map(|port| port.host).collect();
        let in_way = |address: &Address| {
            let found = self.survey.containers.iter().find(|found| found.resource.address == *address);
            found.is_some_and(|found| {
                found.resource.service.as_ref() == Some(&desired.spec.service)
                    || found.seen.host_ports().any(|port| ports.contains(&port))
                    || found.seen.volumes().any(|volume| desired.volumes.values().any(|ours| ours == volume))
            })
        };
        let mounts =
            |address: &Address| desired.volumes.keys().any(|volume| volume.as_str() == address.name());
        let needed = self.plan.changes.iter().filter(|change| match change.address.kind() {
            "network" => true,
            "volume" => mounts(&change.address),
            _ => change.action == Action::Delete && in_way(&change.address),
        });
        needed.map(|change| change.address.clone()).collect()
    }

    /// A port that one service gives up and another takes is free only after the first was replaced.
    fn ports(&mut self) {
        let mut edges: Vec<(usize, usize)> = Vec::new();
        for (taker, wanted) in self.plan.changes.iter().enumerate() {
            for (giver, held) in self.plan.changes.iter().enumerate() {
                let swaps = edges.contains(&(giver, taker)) || waits(self.stack.bound, held, wanted);
                if taker != giver && !swaps && self.gives(held, wanted) {
                    edges.push((taker, giver));
                }
            }
        }
        for (taker, giver) in edges {
            let address = self.plan.changes[giver].address.clone();
            self.plan.changes[taker].needs.push(address);
        }
    }

    fn gives(&self, held: &Change, wanted: &Change) -> bool {
        let Ok(Task::Create { desired } | Task::Replace { desired, .. }) = Task::of(wanted) else {
            return false;
        };
        let Ok(Task::Replace { .. }) = Task::of(held) else {
            return false;
        };
        let holder = held.service.as_ref().and_then(|service| self.survey.ours(service, Part::Current));
        let wants = |port: u16| desired.spec.ports.iter().any(|wanted| wanted.host == port);
        holder.is_some_and(|found| found.seen.host_ports().any(wants))
    }
}

/// True where a change waits for another's service to be healthy, directly or by way of others.
fn waits(bound: &Bound, change: &Change, other: &Change) -> bool {
    let (Some(from), Some(on)) = (&change.service, &other.service) else {
        return false;
    };
    let mut open = vec![from.clone()];
    let mut seen = BTreeSet::new();
    while let Some(name) = open.pop() {
        let Some(service) = bound.services.get(&name) else {
            continue;
        };
        for dependency in bound.dependencies(service) {
            if dependency == *on {
                return true;
            }
            if seen.insert(dependency.clone()) {
                open.push(dependency);
            }
        }
    }
    false
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
