//! What becomes of one service's container.
//!
//! Given: the desired container, the one that holds its name, the one an earlier run left aside. Gives: nothing to do, or
//! one change. Whatever moment an earlier run was killed at, the decision leads to the desired state.

use dashdeploy_contract::{Action, FieldChange, Health, Risk};

use crate::desired::DesiredContainer;
use crate::facts::{Facts, Salt, reason};
use crate::payload::{Task, Wake};
use crate::survey::Found;

/// A change to one container.
pub(crate) struct Decision {
    pub(crate) action: Action,
    pub(crate) reason: String,
    pub(crate) fields: Vec<FieldChange>,
    pub(crate) risk: Risk,
    pub(crate) task: Task,
}

impl Decision {
    fn new(action: Action, reason: impl Into<String>, risk: Risk, task: Task) -> Self {
        Self { action, reason: reason.into(), fields: Vec::new(), risk, task }
    }

    /// True where the container left aside is dealt with by this change.
    pub(crate) fn takes_former(&self) -> bool {
        matches!(self.task, Task::Replace { .. } | Task::TakeBack { .. })
    }
}

/// The change that is needed, if any.
pub(crate) fn decide(
    desired: DesiredContainer,
    current: Option<&Found>,
    former: Option<&Found>,
    salt: Salt<'_>,
) -> Option<Decision> {
    let wanted = Facts::wanted(&desired);
    match (current, former) {
        (None, None) => {
            let task = Task::Create { desired: Box::new(desired) };
            Some(Decision::new(Action::Create, "not there yet", Risk::Safe, task))
        }
        (None, Some(former)) => Some(after_a_crash(desired, &wanted, former, salt)),
        (Some(current), _) => {
            let fields = current.seen.facts.difference(&wanted, salt);
            if fields.is_empty() { run(current) } else { Some(replace(desired, current, former, fields)) }
        }
    }
}

/// An earlier run was killed between setting the former container aside and making the new one.
fn after_a_crash(desired: DesiredContainer, wanted: &Facts, former: &Found, salt: Salt<'_>) -> Decision {
    let fields = former.seen.facts.difference(wanted, salt);
    let id = former.resource.id.clone();
    if fields.is_empty() {
        let task = Task::TakeBack { id, name: desired.name };
        return Decision::new(Action::Run, "left aside by an interrupted replacement", Risk::Safe, task);
    }
    let task = Task::Replace { desired: Box::new(desired), former: id, ran: true, discard: Vec::new() };
    let reason = format!("{} (an earlier replacement was interrupted)", reason(&fields));
    Decision { fields, ..Decision::new(Action::Replace, reason, Risk::InterruptsTraffic, task) }
}

fn replace(
    desired: DesiredContainer,
    current: &Found,
    former: Option<&Found>,
    fields: Vec<FieldChange>,
) -> Decision {
    let serves = current.resource.health.as_ref().is_some_and(Health::is_serving);
    // The one that is kept for a way back is the one that is known to have served.
    let (kept, discard, ran) = match former {
        None => (current, Vec::new(), current.seen.runs()),
        Some(former) if serves => (current, vec![former.resource.id.clone()], true),
        Some(former) => (former, vec![current.resource.id.clone()], true),
    };
    let former = kept.resource.id.clone();
    let task = Task::Replace { desired: Box::new(desired), former, ran, discard };
    let reason = reason(&fields);
    Decision { fields, ..Decision::new(Action::Replace, reason, Risk::InterruptsTraffic, task) }
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
