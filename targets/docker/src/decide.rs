//! What becomes of one service's container.
//!
//! Given: the desired container, the one that holds its name, the one an earlier run left aside. Gives: nothing to do, or
//! one change. Whatever moment an earlier run was killed at, the decision leads to the desired state.

use dashdeploy_contract::{Action, Bound, FieldChange, Health, Risk};

use crate::desired::DesiredContainer;
use crate::facts::{Facts, Salt, reason};
use crate::overlap::{awaits_requests, downtime, has_requests, may_overlap};
use crate::payload::{Task, Wake};
use crate::survey::Found;

/// A change to one container.
pub(crate) struct Decision {
    pub(crate) action: Action,
    pub(crate) reason: String,
    pub(crate) fields: Vec<FieldChange>,
    pub(crate) risk: Risk,
    pub(crate) downtime: Option<u32>,
    pub(crate) task: Task,
}

impl Decision {
    fn new(action: Action, reason: impl Into<String>, risk: Risk, task: Task) -> Self {
        Self { action, reason: reason.into(), fields: Vec::new(), risk, downtime: None, task }
    }

    /// A container in the place of the one that is kept, beside it where both can be.
    fn replace(
        desired: &DesiredContainer,
        kept: &Found,
        (discard, ran): (Vec<String>, bool),
        fields: Vec<FieldChange>,
        bound: &Bound,
    ) -> Self {
        let overlaps = may_overlap(bound, desired, &kept.seen);
        let (risk, downtime) = if overlaps {
            (Risk::Safe, None)
        } else {
            (Risk::InterruptsTraffic, downtime(desired, &kept.seen))
        };
        let (former, reason) = (kept.resource.id.clone(), reason(&fields));
        let task = Task::Replace { desired: Box::new(desired.clone()), former, ran, discard, overlaps };
        Self { action: Action::Replace, reason, fields, risk, downtime, task }
    }

    /// True where the container left aside is dealt with by this change.
    pub(crate) fn takes_former(&self) -> bool {
        matches!(self.task, Task::Replace { .. } | Task::TakeBack { .. })
    }
}

/// The change that is needed, if any.
pub(crate) fn decide(
    desired: &DesiredContainer,
    current: Option<&Found>,
    former: Option<&Found>,
    bound: &Bound,
) -> Option<Decision> {
    let salt = Salt { project: &bound.project, environment: &bound.environment };
    let wanted = Facts::wanted(desired);
    match (current, former) {
        (None, None) => {
            let task = Task::Create { desired: Box::new(desired.clone()) };
            Some(Decision::new(Action::Create, "not there yet", Risk::Safe, task))
        }
        (None, Some(former)) => {
            Some(after_a_crash(desired, former, former.seen.facts.difference(&wanted, salt), bound))
        }
        (Some(current), _) => {
            let fields = current.seen.facts.difference(&wanted, salt);
            if fields.is_empty() || awaits_requests(bound, desired, &current.seen, &fields) {
                run(current)
            } else {
                Some(replace(desired, current, former, fields, bound))
            }
        }
    }
}

/// An earlier run was killed between setting the former container aside and making the new one.
fn after_a_crash(
    desired: &DesiredContainer,
    former: &Found,
    fields: Vec<FieldChange>,
    bound: &Bound,
) -> Decision {
    if fields.is_empty() {
        let task = Task::TakeBack { id: former.resource.id.clone(), name: desired.name.clone() };
        return Decision::new(Action::Run, "left aside by an interrupted replacement", Risk::Safe, task);
    }
    let decision = Decision::replace(desired, former, (Vec::new(), true), fields, bound);
    let reason = format!("{} (an earlier replacement was interrupted)", decision.reason);
    Decision { reason, ..decision }
}

fn replace(
    desired: &DesiredContainer,
    current: &Found,
    former: Option<&Found>,
    fields: Vec<FieldChange>,
    bound: &Bound,
) -> Decision {
    // The one that is kept for a way back is the one that is known to have served. A former that still does is known to
    // everybody, and what took its name perhaps to nobody yet.
    let (kept, left) = match former {
        None => {
            return Decision::replace(desired, current, (Vec::new(), current.seen.runs()), fields, bound);
        }
        Some(former) if has_requests(desired, &former.seen) => (former, current),
        Some(former) if has_requests(desired, &current.seen) => (current, former),
        Some(former) => (former, current),
    };
    Decision::replace(desired, kept, (vec![left.resource.id.clone()], true), fields, bound)
}

/// The container is as it shall be; it only has to run.
fn run(current: &Found) -> Option<Decision> {
    let unhealthy = matches!(current.resource.health, Some(Health::Unhealthy { .. }));
    let (how, reason, risk) = match current.seen.state.as_str() {
        "running" if unhealthy => {
            (Wake::Restart, "its health check fails".to_owned(), Risk::InterruptsTraffic)
        }
        // Begun by a run that was killed, or by Compose: those that depend on it wait, and so does the verdict.
        "running" if current.resource.health == Some(Health::Starting) => {
            (Wake::Wait, "its health check has not passed yet".to_owned(), Risk::Safe)
        }
        "running" => return None,
        "paused" => (Wake::Unpause, "it is paused".to_owned(), Risk::Safe),
        "restarting" => (Wake::Restart, "it ends again and again".to_owned(), Risk::InterruptsTraffic),
        _ => (Wake::Start, stopped(current.resource.health.as_ref()), Risk::Safe),
    };
    let task = Task::Start { id: current.resource.id.clone(), name: current.seen.name.clone(), how };
    Some(Decision::new(Action::Run, reason, risk, task))
}

fn stopped(health: Option<&Health>) -> String {
    match health {
        Some(Health::Exited { code, detail }) if detail.is_empty() => format!("it ended with code {code}"),
        Some(Health::Exited { code, detail }) => format!("it ended with code {code} ({detail})"),
        _ => "it is stopped".to_owned(),
    }
}
