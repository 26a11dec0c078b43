//! `dashdeploy schema`: the JSON Schema of dashdeploy.yaml.

use super::{CliResult, Context, Exit};
use crate::config;

/// Print the JSON Schema of dashdeploy.yaml
#[derive(Debug, clap::Args)]
pub struct Args {}

pub(super) fn run(context: &Context, _: &Args) -> CliResult {
    let schema = config::schema();
    let text = serde_json::to_string_pretty(&schema).map_err(anyhow::Error::from)?;
    context.console.answer(schema, &text);
    Ok(Exit::Done)
}
