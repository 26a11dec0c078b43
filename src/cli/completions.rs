//! `dashdeploy completions`: completions for a shell.

use super::{CliResult, Context, Exit};

/// Print completions for a shell
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

pub(super) fn run(context: &Context, args: &Args) -> CliResult {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(), "dashdeploy", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    context.console.answer(serde_json::json!({ "script": script }), &script);
    Ok(Exit::Done)
}
