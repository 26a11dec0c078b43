//! `dashdeploy targets`: what this build can deploy to.

use dashdeploy_contract::{Descriptor, OptionKind, OptionRule, OptionScope};
use serde_json::json;

use super::{CliError, CliResult, Context, Exit};
use crate::console::table;
use crate::registry;

/// List the targets and what each can do; with a name, its options
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only this target, with the options that `options:` of an environment may hold
    #[arg(value_name = "TARGET")]
    name: Option<String>,
}

pub(super) fn run(context: &Context, args: &Args) -> CliResult {
    let descriptors: Vec<_> = registry::all().iter().map(|target| target.descriptor().clone()).collect();
    let Some(name) = &args.name else { return Ok(list(context, &descriptors)) };
    let Some(descriptor) = descriptors.iter().find(|descriptor| descriptor.name == *name) else {
        let known: Vec<&str> = descriptors.iter().map(|descriptor| descriptor.name.as_str()).collect();
        return Err(CliError::new(
            Exit::Usage,
            "unknown-target",
            format!("`{name}` is not a target of this build"),
        )
        .hint(format!("the targets are {}", known.join(", "))));
    };
    context.console.answer(json!({ "target": descriptor }), &details(descriptor));
    Ok(Exit::Done)
}

fn list(context: &Context, descriptors: &[Descriptor]) -> Exit {
    let rows: Vec<Vec<String>> = descriptors
        .iter()
        .map(|descriptor| {
            let deploys = if descriptor.files_only { "writes its files" } else { "deploys" };
            let row = [
                &descriptor.name,
                &descriptor.title,
                deploys,
                &abilities(descriptor),
                &variables(descriptor),
            ];
            row.map(str::to_owned).to_vec()
        })
        .collect();
    let coming: Vec<&str> = registry::known_names()
        .into_iter()
        .filter(|name| descriptors.iter().all(|descriptor| descriptor.name != *name))
        .collect();
    let mut text = table(&["TARGET", "TITLE", "THIS BUILD", "CAN", "VARIABLES"], &rows);
    if !coming.is_empty() {
        text.push_str(&format!("\n\nKnown by name, not in this build: {}", coming.join(", ")));
    }
    context.console.answer(json!({ "targets": descriptors, "not_in_this_build": coming }), &text);
    Exit::Done
}

fn abilities(descriptor: &Descriptor) -> String {
    let can = descriptor.capabilities;
    let words = [
        (can.containers, "containers"),
        (can.static_files, "static files"),
        (can.volumes, "volumes"),
        (can.same_origin, "one origin for page and API"),
        (can.exec, "exec"),
    ];
    words.iter().filter(|(can, _)| *can).map(|(_, word)| *word).collect::<Vec<_>>().join(", ")
}

fn variables(descriptor: &Descriptor) -> String {
    let names = descriptor.credentials.iter().map(|credential| credential.variable.as_str());
    names.collect::<Vec<_>>().join(", ")
}

fn details(descriptor: &Descriptor) -> String {
    let mut text = format!("{} ({})\ncan: {}", descriptor.title, descriptor.docs, abilities(descriptor));
    for credential in &descriptor.credentials {
        text.push_str(&format!("\n{}: {}", credential.variable, credential.purpose));
    }
    if descriptor.options.is_empty() {
        text.push_str("\n\nIt has no options.");
        return text;
    }
    text.push_str("\n\nOptions, below `options:` of an environment or of a service in it:");
    for rule in &descriptor.options {
        text.push_str(&format!("\n\n{}", option(rule)));
    }
    text
}

fn option(rule: &OptionRule) -> String {
    let of = match rule.of {
        OptionScope::Any => "every service",
        OptionScope::Web => "containers",
        OptionScope::Static => "pages",
    };
    let values = match rule.kind {
        _ if !rule.values.is_empty() => rule.values.join(" | "),
        OptionKind::Text => "text".to_owned(),
        OptionKind::Number => "a number".to_owned(),
        OptionKind::Boolean => "true | false".to_owned(),
    };
    let default = rule.default.as_ref().map_or_else(String::new, |value| format!("; default {value}"));
    let page = rule.page.as_ref().map_or_else(String::new, |page| format!("\n    {page}"));
    format!("  {} ({of}): {values}{default}\n    {}{page}", rule.name, rule.purpose)
}
