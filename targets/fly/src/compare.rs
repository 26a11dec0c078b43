//! What differs between a machine and what it shall be.
//!
//! Given: what shall be, a machine as it was seen, Fly's digests of the app's secrets. Gives: the fields that differ. What the
//! marks say counts; beside it variables and size are compared themselves, so that a change by hand is seen. Other parts of a
//! configuration are not: Fly.io fills in defaults there. No value of a secret is in any of it.

use std::collections::{BTreeMap, BTreeSet};

use dashdeploy_contract::{FieldChange, KEPT};
use serde_json::{Map, Value};

use crate::desired::Desired;
use crate::marks;
use crate::payload::SeenMachine;

/// The fields that differ; empty where the machine is as it shall be.
pub(crate) fn differences(
    desired: &Desired,
    machine: &SeenMachine,
    digests: &BTreeMap<String, String>,
) -> Vec<FieldChange> {
    let mut fields = Vec::new();
    let image = machine.mark(marks::IMAGE);
    // An image that bears no mark of ours is named as the machine has it.
    let from = image.or_else(|| machine.config.get("image").and_then(Value::as_str));
    push(&mut fields, "image", from, Some(&desired.image));
    push(&mut fields, "region", Some(&machine.region), Some(&desired.region));
    variables(desired, machine, &mut fields);
    guest(desired, machine, &mut fields);
    mount(desired, machine, &mut fields);
    let hash = desired.config_hash();
    if machine.mark(marks::CONFIG) != Some(hash.as_str()) {
        parts(desired, machine, &mut fields);
        if fields.iter().all(|field| field.field == "image") {
            push(&mut fields, "config", machine.mark(marks::CONFIG), Some(&hash));
        }
    }
    secrets(desired, machine, digests, &mut fields);
    fields
}

fn push(fields: &mut Vec<FieldChange>, field: &str, from: Option<&str>, to: Option<&str>) {
    if from != to {
        let (from, to) = (from.map(str::to_owned), to.map(str::to_owned));
        fields.push(FieldChange { field: field.to_owned(), from, to });
    }
}

/// Fly.io and flyctl set these themselves.
fn is_theirs(variable: &str) -> bool {
    variable.starts_with("FLY_") || variable == "PRIMARY_REGION"
}

fn variables(desired: &Desired, machine: &SeenMachine, fields: &mut Vec<FieldChange>) {
    let empty = Map::new();
    let env = |config: &'_ Value| config.get("env").and_then(Value::as_object).cloned();
    let wanted = env(&desired.config).unwrap_or_else(|| empty.clone());
    let found = env(&machine.config).unwrap_or(empty);
    let names: BTreeSet<&String> = wanted.keys().chain(found.keys()).collect();
    for name in names.into_iter().filter(|name| !is_theirs(name)) {
        let (from, to) = (found.get(name), wanted.get(name));
        // What somebody set by hand and the project does not know may be meant to be secret.
        let hidden = !machine.ours && to.is_none();
        let from =
            from.map(|value| if hidden { "(set by hand)" } else { value.as_str().unwrap_or_default() });
        push(fields, &format!("env.{name}"), from, to.and_then(Value::as_str));
    }
}

fn guest(desired: &Desired, machine: &SeenMachine, fields: &mut Vec<FieldChange>) {
    let words = |config: &Value| {
        let of = |name: &str| config.pointer(&format!("/guest/{name}")).map(plain).unwrap_or_default();
        let words = format!("{} {} cpus {} MB", of("cpu_kind"), of("cpus"), of("memory_mb"));
        config.get("guest").map(|_| words)
    };
    push(fields, "guest", words(&machine.config).as_deref(), words(&desired.config).as_deref());
}

fn mount(desired: &Desired, machine: &SeenMachine, fields: &mut Vec<FieldChange>) {
    let found = machine.mount().map(|(_, name, path)| format!("{name} at {path}"));
    let wanted = desired.volume.as_ref().map(|volume| format!("{} at {}", volume.name, volume.path));
    push(fields, "mount", found.as_deref(), wanted.as_deref());
}

/// The other parts of the configuration, whole: shown where the mark says that something differs.
fn parts(desired: &Desired, machine: &SeenMachine, fields: &mut Vec<FieldChange>) {
    for part in ["init", "services", "checks", "restart", "stop_config"] {
        let (from, to) = (machine.config.get(part), desired.config.get(part));
        let is_same = match (from, to) {
            (Some(from), Some(to)) => covers(from, to),
            (from, to) => from.is_none() && to.is_none(),
        };
        // A part that Fly.io adds by itself is no difference.
        let is_added = part == "init" && to.is_none() && from.is_some_and(is_bare);
        if !is_same && !is_added {
            push(fields, part, from.map(plain).as_deref(), to.map(plain).as_deref());
        }
    }
}

fn is_bare(value: &Value) -> bool {
    value.as_object().is_some_and(Map::is_empty)
}

/// True where everything that is wanted is there, whatever else is.
fn covers(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::Object(found), Value::Object(wanted)) => {
            wanted.iter().all(|(name, value)| found.get(name).is_some_and(|found| covers(found, value)))
        }
        (Value::Array(found), Value::Array(wanted)) => {
            found.len() == wanted.len()
                && found.iter().zip(wanted).all(|(found, wanted)| covers(found, wanted))
        }
        (found, wanted) => found == wanted,
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn secrets(
    desired: &Desired,
    machine: &SeenMachine,
    digests: &BTreeMap<String, String>,
    fields: &mut Vec<FieldChange>,
) {
    let had = machine.secrets();
    for (name, print) in &desired.secrets {
        let before = had.get(name);
        let in_use = before.is_some_and(|(_, digest)| digests.get(name) == Some(digest));
        let same = before.is_some_and(|(before, _)| before == print || print == KEPT);
        if !in_use || !same {
            let from = before.map(|(print, _)| print.clone());
            let to = Some(if in_use || !same { print.clone() } else { format!("{print} (set anew)") });
            fields.push(FieldChange { field: format!("secrets.{name}"), from, to });
        }
    }
    for (name, (print, _)) in had.iter().filter(|(name, _)| !desired.secrets.contains_key(*name)) {
        push(fields, &format!("secrets.{name}"), Some(print), None);
    }
}
