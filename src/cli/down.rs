//! `dashdeploy down`: takes the environment away.

use std::sync::Arc;

use dashdeploy_contract::{Address, Plan, Reader, Removal, Supplies};
use serde_json::json;

use super::stack::Stack;
use super::verdict::conclude;
use super::{CliError, CliResult, Context, Exit};
use crate::console::{ask, plan_text};
use crate::deploy::{NoSteps, Session, remove};
use crate::io::signal::Interrupt;

/// Stop the environment and remove its containers and networks
///
/// Volumes, and with them the data, stay. Nothing is touched that dashdeploy (or Compose, for this project) did not make.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Remove the volumes too: their data is lost
    #[arg(long, env = "DASHDEPLOY_VOLUMES", value_parser = clap::builder::FalseyValueParser::new(), action = clap::ArgAction::SetTrue)]
    volumes: bool,
}

pub(super) async fn run(context: &Context, args: &Args) -> CliResult {
    let stack = Stack::on_engines(context)?;
    let reader = stack.reader().await?;
    let removal = if args.volumes { Removal::DeleteData } else { Removal::KeepData };
    let plan = plan(&stack, &reader, removal).await?;
    if plan.is_empty() {
        context.console.answer(json!({ "changed": false }), "Nothing runs; nothing to remove.");
        return Ok(Exit::Done);
    }
    if context.global.dry_run {
        let text = plan_text(&plan, context.console.answer_style());
        context.console.answer(json!({ "dry_run": true, "plan": plan }), &text);
        return Ok(Exit::Done);
    }
    if args.volumes {
        consent(context, &stack)?;
    }
    carry_out(context, &stack, &reader, &plan, &context.interrupt()).await
}

/// Takes the environment away without a question and without its data: the end of a run in the foreground, where the
/// interruption that began it must not end it.
pub(super) async fn take_down(context: &Context, stack: &Stack, reader: &dyn Reader) -> CliResult {
    let plan = plan(stack, reader, Removal::KeepData).await?;
    carry_out(context, stack, reader, &plan, &Interrupt::default()).await
}

async fn plan(stack: &Stack, reader: &dyn Reader, removal: Removal) -> CliResult<Plan> {
    let observed = reader.observe(&stack.bound).await?;
    Ok(stack.fleet.plan_removal(&stack.bound, &observed, removal)?)
}

async fn carry_out(
    context: &Context,
    stack: &Stack,
    reader: &dyn Reader,
    plan: &Plan,
    interrupt: &Interrupt,
) -> CliResult {
    let writer = stack.writer().await?;
    let session = Session {
        bound: &stack.bound,
        reader,
        writer: &writer,
        supplies: &Supplies::default(),
        steps: &NoSteps,
        events: Arc::new(context.console.clone()),
        interrupt,
    };
    let outcome = remove(&session, plan).await?;
    conclude(&outcome)?;
    let removed: Vec<&str> = outcome.applied.iter().map(Address::as_str).collect();
    let kept = plan.unchanged.iter().filter(|address| address.kind() == "volume").count();
    let data = match kept {
        0 => String::new(),
        1 => "; 1 volume keeps its data".to_owned(),
        n => format!("; {n} volumes keep their data"),
    };
    let text = format!("Removed {}{data}.", count(removed.len()));
    context.console.answer(json!({ "changed": true, "removed": removed }), &text);
    Ok(Exit::Done)
}

fn count(n: usize) -> String {
    if n == 1 { "1 thing".to_owned() } else { format!("{n} things") }
}

/// Data is only removed by somebody who said so twice: by the flag, and here.
fn consent(context: &Context, stack: &Stack) -> CliResult<()> {
    if context.global.yes {
        return Ok(());
    }
    let project = &stack.bound.project;
    if !context.may_ask() {
        return Err(CliError::new(Exit::Usage, "consent", "removing volumes needs your word")
            .hint("add --yes to remove the data without being asked"));
    }
    let question =
        format!("Remove the volumes of {project} ({}) with all their data?", stack.bound.environment);
    if ask::confirm(&question, false)? {
        return Ok(());
    }
    Err(CliError::new(Exit::Failed, "declined", "nothing was removed"))
}
