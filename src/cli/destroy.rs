//! `dashdeploy destroy`: takes an environment away, as far as dashdeploy made it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use dashdeploy_contract::{Address, Plan, Reader as _, Removal, Supplies, Writes};
use serde_json::json;

use super::deploying::args::LockArgs;
use super::deploying::ledger::{Held, hold};
use super::deploying::shown::{agreed, loses_data};
use super::deploying::verdict::ending;
use super::stack::Stack;
use super::verdict::conclude;
use super::{CliError, CliResult, Context, Exit};
use crate::console::{ask, plan_text};
use crate::deploy::{FleetReader, NoSteps, Session, remove};
use crate::io::ledger::{JournaledWrites, actor};
use crate::ledger::{Begin, Final, RunKind};

/// Take the environment away: everything that bears our mark, and nothing else
///
/// Data stays unless `--delete-data` says otherwise; then the environment's name has to be typed, or given by `--confirm`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Delete volumes and disks too: their data is lost
    #[arg(long)]
    delete_data: bool,
    /// The environment's name, instead of typing it when data is deleted
    #[arg(long, value_name = "ENVIRONMENT")]
    confirm: Option<String>,
    #[command(flatten)]
    lock: LockArgs,
}

pub(super) async fn run(context: &Context, args: &Args) -> CliResult {
    let stack = Stack::open(context)?;
    if context.global.dry_run {
        let plan = plan(&stack, &stack.reader().await?, args).await?;
        let text = plan_text(&plan, context.console.answer_style());
        context.console.answer(json!({ "dry_run": true, "plan": plan }), &text);
        return Ok(Exit::Done);
    }
    let held = hold(context, &stack, "destroy", &args.lock).await?;
    let done = take_away(context, &stack, &held, args).await;
    held.release(context).await;
    done
}

async fn plan(stack: &Stack, reader: &FleetReader, args: &Args) -> CliResult<Plan> {
    let observed = reader.observe(&stack.bound).await?;
    let removal = if args.delete_data { Removal::DeleteData } else { Removal::KeepData };
    Ok(stack.fleet.plan_removal(&stack.bound, &observed, removal)?)
}

async fn take_away(context: &Context, stack: &Stack, held: &Held, args: &Args) -> CliResult {
    let begun = Instant::now();
    let reader = stack.reader().await?;
    let plan = plan(stack, &reader, args).await?;
    if plan.is_empty() {
        let kept = kept(&plan);
        let text = format!("Nothing of {} is there to be removed{kept}.", stack.bound.environment);
        context.console.answer(json!({ "changed": false }), &text);
        return Ok(Exit::Done);
    }
    context.console.status(&plan_text(&plan, context.console.style()));
    consent(context, stack, &plan, args)?;
    let actor = actor(&context.environment);
    let begin = Begin { kind: RunKind::Destroy, release: None, git: None, actor };
    let run = held.ledger.begin(begin).await?;
    let inner = Arc::clone(stack.ports()) as Arc<dyn Writes>;
    let journaled = JournaledWrites::new(inner, Arc::clone(&run), Arc::clone(&held.lock));
    let writes = Arc::new(journaled) as Arc<dyn Writes>;
    let writer = stack.fleet.writer(&stack.accesses, &writes).await?;
    let interrupt = context.interrupt();
    let session = Session {
        bound: &stack.bound,
        reader: &reader,
        writer: &writer,
        supplies: &Supplies::default(),
        steps: &NoSteps,
        events: Arc::new(context.console.clone()),
        interrupt: &interrupt,
    };
    let outcome = remove(&session, &plan).await?;
    context.console.finish_progress();
    let mut last = ending(Ok(&outcome), begun.elapsed(), Default::default());
    if last.outcome == Final::Deployed {
        last.outcome = Final::Destroyed;
    }
    run.end(last).await?;
    conclude(&outcome)?;
    answer(context, &plan, &outcome.applied, begun.elapsed());
    Ok(Exit::Done)
}

fn answer(context: &Context, plan: &Plan, removed: &[Address], took: Duration) {
    let names: Vec<&str> = removed.iter().map(Address::as_str).collect();
    let text = format!("Removed {} things in {:.1} s{}.", names.len(), took.as_secs_f64(), kept(plan));
    context.console.answer(json!({ "changed": true, "removed": names, "kept": plan.unchanged }), &text);
}

fn kept(plan: &Plan) -> String {
    match plan.unchanged.as_slice() {
        [] => String::new(),
        kept => {
            let names: Vec<&str> = kept.iter().map(Address::as_str).collect();
            format!("; kept: {} (`--delete-data` removes data too)", names.join(", "))
        }
    }
}

/// Data goes only where somebody says twice what is meant: by the flag, and by the environment's name.
fn consent(context: &Context, stack: &Stack, plan: &Plan, args: &Args) -> CliResult<()> {
    let name = stack.bound.environment.as_str();
    if !loses_data(plan) {
        return agreed(context, &format!("Remove {} in {name}?", stack.bound.project));
    }
    let typed = match &args.confirm {
        Some(given) => given.clone(),
        None if context.may_ask() => {
            ask::text(&format!("Data will be lost. Type `{name}` to remove it"), "")?
        }
        None => {
            return Err(CliError::new(
                Exit::Usage,
                "consent",
                "deleting data needs the environment's name, and nobody can be asked here",
            )
            .hint(format!("add --confirm {name}")));
        }
    };
    if typed.trim() == name {
        return Ok(());
    }
    Err(CliError::new(
        Exit::Failed,
        "declined",
        format!("`{}` is not `{name}`: nothing was removed", typed.trim()),
    ))
}
