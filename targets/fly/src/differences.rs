//! What differs between the machines that shall be and those that are.
//!
//! Given: what shall be, what was seen. Gives: the fields, or why the machines have to be touched all the same. Decided by the marks
//! that a deploy leaves (image, configuration, secrets), and by what a hand could have changed since: variables and size.

use dashdeploy_contract::{FieldChange, KEPT};
use serde_json::Value;

use crate::desired::Desired;
use crate::observe::word;
use crate::payload::{SeenApp, SeenMachine};
use crate::plan::field;

/// What differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Differences {
    /// Nothing.
    None,
    /// There is no machine.
    Absent,
    /// These fields of at least one machine.
    Fields(Vec<FieldChange>),
    /// Nothing but the machines' state: why.
    State(String),
}

impl SeenApp {
    /// The machine that the others are held against: the first that takes traffic.
    pub(crate) fn started(&self) -> Option<&SeenMachine> {
        let live =
            |machine: &&SeenMachine| machine.ours && machine.mark("dashdeploy_live") == Some(word(true));
        self.machines.iter().find(live).or_else(|| self.machines.iter().find(|machine| machine.ours))
    }
}

/// What differs.
pub(crate) fn differences(
    desired: &Desired,
    seen: Option<&SeenApp>,
    machines: &[SeenMachine],
) -> Differences {
    let Some(first) = seen.and_then(SeenApp::started).or(machines.first()) else {
        return Differences::Absent;
    };
    let mut fields = fields(desired, seen, first);
    let others = machines.iter().filter(|machine| machine.id != first.id);
    for other in others {
        let more = self::fields(desired, seen, other);
        fields.extend(
            more.into_iter()
                .filter(|more| !fields.iter().any(|known| known.field == more.field))
                .collect::<Vec<_>>(),
        );
    }
    if !fields.is_empty() {
        return Differences::Fields(fields);
    }
    let wanted = usize::try_from(desired.replicas).unwrap_or(1);
    if machines.len() != wanted {
        let counts = field("machines", Some(machines.len().to_string()), Some(wanted.to_string()));
        return Differences::Fields(vec![counts]);
    }
    let stands = |machine: &&SeenMachine| {
        machine.state == "stopped" || machine.state == "suspended" || machine.state == "failed"
    };
    match machines.iter().find(stands).filter(|_| !desired.sleeps) {
        Some(machine) => Differences::State(format!("machine {} is {}", machine.name, machine.state)),
        None => match machines.iter().find(|machine| machine.mark("dashdeploy_live") != Some(word(true))) {
            Some(machine) => Differences::State(format!(
                "machine {} takes no traffic yet: a run was cut off",
                machine.name
            )),
            None => Differences::None,
        },
    }
}

fn fields(desired: &Desired, seen: Option<&SeenApp>, machine: &SeenMachine) -> Vec<FieldChange> {
    let mut fields = Vec::new();
    if !machine.ours {
        fields.push(field("marks", None, Some("ours".to_owned())));
    }
    let image = machine.mark("dashdeploy_image");
    if image != Some(desired.image.as_str()) {
        fields.push(field("image", image.map(str::to_owned), Some(desired.image.clone())));
    }
    env(desired, machine, &mut fields);
    guest(desired, machine, &mut fields);
    secrets(desired, seen, machine, &mut fields);
    if machine.region != desired.region {
        fields.push(field("region", Some(machine.region.clone()), Some(desired.region.clone())));
    }
    let hash = desired.config_hash();
    if fields.is_empty() && machine.mark("dashdeploy_config") != Some(hash.as_str()) {
        fields.push(field("configuration", machine.mark("dashdeploy_config").map(str::to_owned), Some(hash)));
    }
    for (mark, truth) in [("dashdeploy_public", desired.public), ("dashdeploy_private", desired.private)] {
        if machine.ours && machine.mark(mark) != Some(word(truth)) {
            fields.push(field(
                &mark.replace("dashdeploy_", ""),
                machine.mark(mark).map(str::to_owned),
                Some(word(truth).to_owned()),
            ));
        }
    }
    fields
}

fn env(desired: &Desired, machine: &SeenMachine, fields: &mut Vec<FieldChange>) {
    let wanted = desired.env();
    let there = machine.config.get("env").and_then(Value::as_object);
    let there = |name: &str| there.and_then(|env| env.get(name)).and_then(Value::as_str);
    for (name, value) in &wanted {
        if there(name) != Some(value.as_str()) {
            fields.push(field(&format!("env.{name}"), there(name).map(str::to_owned), Some(value.clone())));
        }
    }
    for (name, value) in machine.config.get("env").and_then(Value::as_object).into_iter().flatten() {
        if !wanted.contains_key(name) {
            fields.push(field(&format!("env.{name}"), value.as_str().map(str::to_owned), None));
        }
    }
}

fn guest(desired: &Desired, machine: &SeenMachine, fields: &mut Vec<FieldChange>) {
    let text = |value: Option<&Value>| {
        value.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    for part in ["cpu_kind", "cpus", "memory_mb"] {
        let wanted = desired.config.get("guest").and_then(|guest| guest.get(part));
        let there = machine.config.get("guest").and_then(|guest| guest.get(part));
        if wanted != there {
            fields.push(field(&format!("guest.{part}"), text(there), text(wanted)));
        }
    }
}

/// Secrets count as they were when the machine was started: those set since come with the next start.
fn secrets(desired: &Desired, seen: Option<&SeenApp>, machine: &SeenMachine, fields: &mut Vec<FieldChange>) {
    let started = machine.secrets();
    let kept = seen.map(|seen| &seen.secrets);
    for (name, print) in &desired.secrets {
        let digest = kept.and_then(|kept| kept.get(name));
        let same =
            started.get(name).is_some_and(|(old, at)| (old == print || print == KEPT) && Some(at) == digest);
        if !same {
            let from = started.get(name).map(|(old, _)| old.clone());
            let to = if from.as_ref() == Some(print) { format!("{print}, set anew") } else { print.clone() };
            fields.push(field(&format!("secrets.{name}"), from, Some(to)));
        }
    }
    for (name, (old, _)) in &started {
        if !desired.secrets.contains_key(name) {
            fields.push(field(&format!("secrets.{name}"), Some(old.clone()), None));
        }
    }
}
