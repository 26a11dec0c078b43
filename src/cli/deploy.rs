//! `dashdeploy deploy`: a release built, planned, put, and verified.

use std::path::PathBuf;
use std::time::Duration;

use dashdeploy_contract::{Event, EventSink as _, Observed, Release};
use serde_json::json;

use super::deploying::args::{LockArgs, OutsideArgs, ReleaseArgs};
use super::deploying::carry::Cargo;
use super::deploying::ledger::{Held, hold};
use super::deploying::prepared::{Past, Prepared, prepare};
use super::deploying::saved::prepare_saved;
use super::deploying::shown::{consent, keeps_data, proposal};
use super::plan::{planned, show};
use super::stack::Stack;
use super::{CliResult, Context, Exit};
use crate::ledger::RunKind;

/// Build, push, plan, and after your consent put the release where it runs, and verify it
///
/// It is done when what runs is what was built: every copy runs the image's digest, pages are those of this build, health checks
/// and smoke tests pass from outside. Otherwise the former release is brought back, and the exit code is 4.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub(super) release: ReleaseArgs,
    #[command(flatten)]
    pub(super) outside: OutsideArgs,
    #[command(flatten)]
    lock: LockArgs,
    /// Carry out the plan that `plan --out FILE` saved; refused where anything moved since
    #[arg(long, value_name = "FILE", conflicts_with_all = ["no_build", "images", "services", "adopt"])]
    plan: Option<PathBuf>,
    /// Let changes that lose data happen
    #[arg(long)]
    delete_data: bool,
    /// Deploy to platforms in memory: no account, nothing at the real ones; what runs there is played
    #[cfg(feature = "rehearse")]
    #[arg(long, conflicts_with = "plan")]
    rehearse: bool,
}

pub(super) async fn run(context: &Context, args: Args) -> CliResult {
    args.release.build.guard.record(context)?;
    #[cfg(feature = "rehearse")]
    if args.rehearse {
        return super::rehearse::run(context, args).await;
    }
    let mut stack = Stack::open(context)?;
    carried(context, &mut stack, &args).await
}

/// The deploy of an environment that was opened.
pub(super) async fn carried(context: &Context, stack: &mut Stack, args: &Args) -> CliResult {
    if context.global.dry_run {
        let (_, proposal) = planned(context, stack, &args.release, &args.lock.ledger).await?;
        show(context, &proposal, false);
        return Ok(Exit::Done);
    }
    let mut held = hold(context, stack, "deploy", &args.lock).await?;
    let done = put(context, stack, &mut held, args).await;
    held.release(context).await;
    done
}

/// Said before the second round.
const AGAIN: &str =
    "a platform gave another address than its name promised: what has addresses built in is put again";

/// Puts the release; once more where a platform gave another address than was predicted, since pages have addresses built in.
async fn put(context: &Context, stack: &mut Stack, held: &mut Held, args: &Args) -> CliResult {
    let reader = stack.reader().await?;
    let (mut took, mut again) = (Duration::ZERO, false);
    loop {
        let serving = held.ledger.history().serving().cloned();
        let past = Past { serving: serving.as_ref(), next: Some(held.ledger.history().next_number()) };
        let mut prepared = match &args.plan {
            Some(path) if !again => prepare_saved(context, stack, &reader, path, &args.release, past).await?,
            _ => prepare(context, stack, &reader, &args.release, past, false).await?,
        };
        // What is there without being known as deployed (its run was killed, its ledger is gone, a test was added) is verified.
        if prepared.plan.is_empty() && held.ledger.history().is_serving(&prepared.release) {
            prepared.release.number = serving.and_then(|release| release.number);
            answer(context, stack, &prepared, &prepared.observed, again, took);
            return Ok(Exit::Done);
        }
        if prepared.plan.is_empty() {
            prepared.release.number = past.next;
        }
        agree(context, stack, &prepared, serving.as_ref(), args, again)?;
        let cargo = Cargo {
            stack,
            reader: &reader,
            prepared: &prepared,
            kind: RunKind::Deploy,
            held,
            args: &args.outside,
        };
        let (release, lasted) = cargo.carry(context).await?;
        prepared.release = release;
        took += lasted;
        let (observed, _) = reader.look(&stack.bound).await?;
        if again || !stack.learn(&observed) {
            answer(context, stack, &prepared, &observed, true, took);
            return Ok(Exit::Done);
        }
        context.console.emit(Event::Notice { message: AGAIN.to_owned() });
        held.refresh().await?;
        again = true;
    }
}

/// Asks, where there is something to agree to: who gives a saved plan has looked at it, and a second round is a part of what was
/// agreed to.
fn agree(
    context: &Context,
    stack: &Stack,
    prepared: &Prepared,
    serving: Option<&Release>,
    args: &Args,
    again: bool,
) -> CliResult<()> {
    if prepared.plan.is_empty() {
        return Ok(());
    }
    let proposal = proposal(stack, prepared, serving);
    if args.plan.is_none() && !again {
        consent(context, &proposal, args.delete_data)
    } else {
        keeps_data(&proposal, args.delete_data)
    }
}

/// Says what runs, and where, by the last look at it.
fn answer(
    context: &Context,
    stack: &Stack,
    prepared: &Prepared,
    observed: &Observed,
    verified: bool,
    took: Duration,
) {
    let release = prepared.release.number.map(|number| format!("r{number}"));
    let style = context.console.answer_style();
    let name = format!("{} in {}", stack.bound.project, stack.bound.environment);
    let changed = !prepared.plan.is_empty();
    let head = head(&name, release.as_deref(), changed, verified, took);
    let mut lines = vec![head];
    let mut services = Vec::new();
    let width = stack.bound.services.keys().map(|name| name.as_str().len()).max().unwrap_or(0);
    let wiring = stack.wiring(context);
    for service in stack.bound.services.keys() {
        let running = observed.of_service(service).next();
        let health = running.and_then(|resource| resource.health.as_ref());
        let url = running.and_then(|resource| resource.facts.get("url").cloned());
        let url = wiring.services.get(service).and_then(|address| address.url.clone()).or(url);
        let word = health.map_or("-", |health| health.word());
        let shown = url.as_deref().map_or_else(|| "not public".to_owned(), |url| style.cyan(url));
        lines.push(format!("  {:<width$}  {:<9}  {shown}", service.as_str(), style.green(word)));
        let image = prepared.release.images.get(service);
        services.push(json!({ "service": service, "health": health, "url": url, "image": image }));
    }
    let value = json!({
        "project": stack.bound.project,
        "environment": stack.bound.environment,
        "release": release,
        "changed": changed,
        "changes": prepared.plan.changes.iter().map(|c| json!({ "address": c.address, "action": c.action, "reason": c.reason })).collect::<Vec<_>>(),
        "services": services,
        "millis": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
    });
    #[cfg(feature = "rehearse")]
    let value = super::rehearse::told(stack, value, &mut lines);
    context.console.answer(value, &lines.join("\n"));
}

fn head(name: &str, release: Option<&str>, changed: bool, verified: bool, took: Duration) -> String {
    let number = release.unwrap_or("it");
    match (changed, verified) {
        (true, _) => format!("{name}: {number} runs and is verified, in {:.1} s.", took.as_secs_f64()),
        (false, true) => format!("Nothing to change: {name} is up to date; verified, and noted as {number}."),
        (false, false) => format!("Nothing to change: {name} is up to date and serving."),
    }
}
