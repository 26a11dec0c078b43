//! Which machines come, change and go, and how.
//!
//! Given: what shall be and the machines that were seen. Gives: the change that brings one to the other, with what it may do to
//! those who use the service. Deliberately absent: any call.

use dashdeploy_contract::{Action, ErrorKind, FieldChange, Risk, TargetError};

use crate::compare::differences;
use crate::desired::Desired;
use crate::error::ours;
use crate::health::sleeps;
use crate::marks;
use crate::payload::{Former, SeenMachine, Task, Way};
use crate::plan::{Draft, field};

/// Seconds for which a machine that is changed in place does not answer: it stops, and its program starts anew.
pub(crate) const DOWNTIME: u32 = 10;

/// The machines that stand for the service; those of somebody else only where they are taken over.
fn owned<'d>(draft: &'d Draft) -> Vec<&'d SeenMachine> {
    let adopts = draft.adopts();
    let all = draft.seen.iter().flat_map(|seen| &seen.machines);
    all.filter(|machine| machine.ours || adopts).collect()
}

/// Those of them that take traffic.
pub(crate) fn live<'d>(draft: &'d Draft) -> Vec<&'d SeenMachine> {
    owned(draft).into_iter().filter(|machine| machine.stage() == marks::LIVE).collect()
}

/// Those that take traffic, else all that stand for the service: an exchange was cut off.
pub(crate) fn live_or_all<'d>(draft: &'d Draft) -> Vec<&'d SeenMachine> {
    let live = live(draft);
    if live.is_empty() { owned(draft) } else { live }
}

/// What is to be done with machines.
struct Decision {
    action: Action,
    way: Way,
    reason: String,
    fields: Vec<FieldChange>,
    former: Vec<Former>,
    risk: Risk,
    billable: Option<String>,
    takes_image: bool,
}

/// Plans the machines of a service.
///
/// # Errors
/// `Invalid` or `Unavailable` where a machine would have to leave its volume behind.
pub(crate) fn plan(draft: &mut Draft, desired: Desired) -> Result<(), TargetError> {
    one_group(draft)?;
    let decision = decide(draft, &desired)?;
    let waits = draft.app.bound.dependencies(draft.app.service);
    let exchanges = decision.as_ref().is_some_and(|decision| decision.way == Way::Exchange);
    let leftovers = if exchanges { Vec::new() } else { leftovers(draft) };
    match decision {
        None => draft.keep("machines"),
        Some(decided) => {
            let asked = desired.config.get("services").is_some();
            let task =
                Task::Machines { desired: Box::new(desired), way: decided.way, former: decided.former };
            let change = draft.push("machines", decided.action, decided.reason, &task);
            change.fields = decided.fields;
            change.risk = if asked { decided.risk } else { Risk::Safe };
            change.downtime = (change.risk == Risk::InterruptsTraffic).then_some(DOWNTIME);
            change.billable = decided.billable;
            change.takes_image = decided.takes_image;
            change.needs_healthy = waits;
            change.gated = true;
        }
    }
    if !leftovers.is_empty() {
        let task = Task::RemoveMachines { app: draft.name.clone(), machines: leftovers };
        let needs = draft.plan.changes.iter().filter(|change| change.address.kind() == "machines");
        let needs = needs.map(|change| change.address.clone()).collect();
        let healthy = vec![draft.app.service.name.clone()];
        let change = draft.push("former", Action::Delete, "left over from a run that was cut off", &task);
        change.needs = needs;
        change.needs_healthy = healthy;
    }
    Ok(())
}

/// An app that is taken over has one kind of machines: a service has no more.
fn one_group(draft: &Draft) -> Result<(), TargetError> {
    let group = |machine: &&SeenMachine| machine.mark("fly_process_group").unwrap_or("app").to_owned();
    let all = owned(draft);
    let mut groups: Vec<String> = all.iter().map(group).collect();
    groups.sort();
    groups.dedup();
    if !draft.adopts() || groups.len() < 2 {
        return Ok(());
    }
    let message = format!("it has machines of several process groups: {}", groups.join(", "));
    Err(ours(ErrorKind::Conflict, format!("take over app {}", draft.name), message)
        .hint("make a service of each group, with an app of its own; then remove the groups from this app"))
}

fn leftovers(draft: &Draft) -> Vec<String> {
    let others = owned(draft).into_iter().filter(|machine| machine.stage() != marks::LIVE);
    others.map(|machine| machine.id.clone()).collect()
}

fn decide(draft: &Draft, desired: &Desired) -> Result<Option<Decision>, TargetError> {
    let (all, live) = (owned(draft), live(draft));
    let wanted = usize::try_from(desired.replicas).unwrap_or(usize::MAX);
    if all.is_empty() {
        return Ok(Some(Decision {
            action: Action::Create,
            way: Way::Rolling,
            reason: "not there yet".to_owned(),
            fields: vec![field("image", None, Some(desired.image.clone()))],
            former: Vec::new(),
            risk: Risk::Safe,
            billable: Some(desired.billed(wanted)),
            takes_image: true,
        }));
    }
    let digests = draft.seen.as_ref().map(|seen| seen.secrets.clone()).unwrap_or_default();
    let compared = live.iter().map(|machine| (*machine, differences(desired, machine, &digests)));
    let differing: Vec<(&SeenMachine, Vec<FieldChange>)> =
        compared.filter(|(_, fields)| !fields.is_empty()).collect();
    let mut fields: Vec<FieldChange> = Vec::new();
    for (_, found) in &differing {
        fields.extend(found.iter().filter(|one| !fields.contains(one)).cloned().collect::<Vec<_>>());
    }
    if live.len() != wanted && !live.is_empty() {
        fields.push(field("machines", Some(live.len().to_string()), Some(wanted.to_string())));
    }
    if live.is_empty() || must_exchange(draft, desired, &differing)? {
        return Ok(Some(exchange(desired, &all, fields)));
    }
    if !fields.is_empty() {
        return Ok(Some(in_place(draft, desired, &live, &differing, fields)));
    }
    Ok(start(&live))
}

/// True where machines cannot become what they shall be, or shall not do so under way.
fn must_exchange(
    draft: &Draft,
    desired: &Desired,
    differing: &[(&SeenMachine, Vec<FieldChange>)],
) -> Result<bool, TargetError> {
    let has = |name: &str| differing.iter().flat_map(|(_, fields)| fields).any(|field| field.field == name);
    // A volume cannot be attached to a machine that is there, nor taken from one; only its folder can change.
    let same_volume = |machine: &SeenMachine| {
        let name = desired.volume.as_ref().map(|volume| volume.name.as_str());
        machine.mount().map(|(_, name, _)| name) == name
    };
    let keeps_volume = desired.volume.is_some() && differing.iter().all(|(machine, _)| same_volume(machine));
    let lost = differing.iter().any(|(machine, _)| !machine.reachable);
    if keeps_volume && lost {
        let message = "the host of its machine does not answer, and its volume is there";
        return Err(ours(ErrorKind::Unavailable, format!("plan app {}", draft.name), message)
            .hint("wait until Fly.io has mended the host (https://status.flyio.net)"));
    }
    if keeps_volume {
        return Ok(false);
    }
    let moves = has("region") || lost || differing.iter().any(|(machine, _)| !same_volume(machine));
    Ok(moves || (!differing.is_empty() && draft.app.strategy() == "bluegreen"))
}

fn formers<'m>(machines: impl IntoIterator<Item = &'m SeenMachine>) -> Vec<Former> {
    let former = |machine: &SeenMachine| Former { id: machine.id.clone(), config: machine.config.clone() };
    machines.into_iter().map(former).collect()
}

fn exchange(desired: &Desired, all: &[&SeenMachine], fields: Vec<FieldChange>) -> Decision {
    let generation = desired.generation();
    // New machines that an interrupted exchange left are gone on with; former ones of the same form come back.
    let alike = |machine: &SeenMachine| machine.mark(marks::GENERATION) == Some(generation.as_str());
    let reused = |machine: &&&SeenMachine| machine.stage() != marks::LIVE && alike(machine);
    let former = all.iter().filter(|machine| !reused(machine)).copied();
    let reason = if fields.is_empty() { "a run was cut off".to_owned() } else { reason(&fields) };
    let wanted = usize::try_from(desired.replicas).unwrap_or(usize::MAX);
    Decision {
        action: Action::Replace,
        way: Way::Exchange,
        reason,
        billable: adds(&fields).then(|| desired.billed(wanted)),
        fields,
        former: formers(former),
        risk: Risk::Safe,
        takes_image: true,
    }
}

/// True where more, or larger ones, are billed.
fn adds(fields: &[FieldChange]) -> bool {
    let number = |text: &Option<String>| text.as_ref().and_then(|text| text.parse::<usize>().ok());
    fields.iter().any(|field| match field.field.as_str() {
        "guest" => true,
        "machines" => number(&field.to) > number(&field.from),
        _ => false,
    })
}

fn in_place(
    draft: &Draft,
    desired: &Desired,
    live: &[&SeenMachine],
    differing: &[(&SeenMachine, Vec<FieldChange>)],
    fields: Vec<FieldChange>,
) -> Decision {
    let way = match draft.app.strategy() {
        "immediate" => Way::Immediate,
        "canary" if desired.volume.is_none() => Way::Canary,
        _ => Way::Rolling,
    };
    let safe = differing.is_empty() || (live.len() > 1 && way != Way::Immediate);
    let wanted = usize::try_from(desired.replicas).unwrap_or(usize::MAX);
    Decision {
        action: Action::Update,
        way,
        reason: reason(&fields),
        billable: adds(&fields).then(|| desired.billed(wanted)),
        fields,
        former: formers(live.iter().copied()),
        risk: if safe { Risk::Safe } else { Risk::InterruptsTraffic },
        takes_image: !differing.is_empty() || wanted > live.len(),
    }
}

/// Starts what is as it shall be and does not run.
fn start(live: &[&SeenMachine]) -> Option<Decision> {
    let down = |machine: &&&SeenMachine| {
        let sleeping = sleeps(&machine.config) && matches!(machine.state.as_str(), "stopped" | "suspended");
        let down = ["created", "stopped", "suspended", "failed", "launch_failed"];
        machine.reachable && !sleeping && down.contains(&machine.state.as_str())
    };
    let first = live.iter().find(down)?;
    Some(Decision {
        action: Action::Run,
        way: Way::Rolling,
        reason: format!("it is {}", first.state),
        fields: Vec::new(),
        former: formers(live.iter().copied()),
        risk: Risk::Safe,
        billable: None,
        takes_image: false,
    })
}

/// What differs, in a few words.
fn reason(fields: &[FieldChange]) -> String {
    let mut words: Vec<&str> = Vec::new();
    for field in fields {
        let word = match field.field.split('.').next().unwrap_or_default() {
            "image" => "image",
            "env" => "variables",
            "secrets" => "secrets",
            "region" => "region",
            "guest" => "size",
            "machines" => "number of machines",
            "mount" => "volume",
            _ => "configuration",
        };
        if !words.contains(&word) {
            words.push(word);
        }
    }
    format!("{} changed", words.join(", "))
}
