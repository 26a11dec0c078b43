//! `dashdeploy targets`: what this build can deploy to.

use serde_json::json;

use super::{CliResult, Context, Exit};
use crate::console::table;
use crate::registry;

/// List the targets and what each can do
#[derive(Debug, clap::Args)]
pub struct Args {}

pub(super) fn run(context: &Context, _: &Args) -> CliResult {
    let targets = registry::all();
    let descriptors: Vec<_> = targets.iter().map(|target| target.descriptor().clone()).collect();
    let rows: Vec<Vec<String>> = descriptors
        .iter()
        .map(|descriptor| {
            let can = descriptor.capabilities;
            let words = [
                (can.containers, "containers"),
                (can.static_files, "static files"),
                (can.volumes, "volumes"),
                (can.same_origin, "one origin for page and API"),
                (can.exec, "exec"),
            ];
            let words: Vec<&str> = words.iter().filter(|(can, _)| *can).map(|(_, word)| *word).collect();
            let variables: Vec<&str> =
                descriptor.credentials.iter().map(|credential| credential.variable.as_str()).collect();
            vec![descriptor.name.clone(), descriptor.title.clone(), words.join(", "), variables.join(", ")]
        })
        .collect();
    let coming: Vec<&str> = registry::known_names()
        .into_iter()
        .filter(|name| descriptors.iter().all(|descriptor| descriptor.name != *name))
        .collect();
    let mut text = table(&["TARGET", "TITLE", "CAN", "VARIABLES"], &rows);
    if !coming.is_empty() {
        text.push_str(&format!("\n\nKnown by name, not in this build: {}", coming.join(", ")));
    }
    context.console.answer(json!({ "targets": descriptors, "not_in_this_build": coming }), &text);
    Ok(Exit::Done)
}
