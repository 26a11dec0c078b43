//! `dashdeploy rollback`: a new release with a former one's content, all services together.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use dashdeploy_contract::{KeptSecret, Name, Release};
use indexmap::IndexMap;
use serde_json::json;

use super::build::{connected, connecting};
use super::deploying::args::{LockArgs, OutsideArgs};
use super::deploying::carry::Cargo;
use super::deploying::homes::Homes;
use super::deploying::ledger::{Held, hold, open};
use super::deploying::past::{before, good};
use super::deploying::prepared::{Past, Prepared, fingerprints, looked, plan, without_value};
use super::deploying::shown::{consent, proposal};
use super::push::PushArgs;
use super::stack::Stack;
use super::{CliError, CliResult, Context, Exit};
use crate::console::rollback_text;
use crate::deploy::{FleetReader, Gathered, RollbackInput, RollbackVerdict};
use crate::ledger::{History, RunKind};

/// Bring a former release back: all services of the environment together, by digest
///
/// Without a release it is the one before the one that serves. First it is said whether that can be done: whether its images are
/// still there, and what would be other than it was. Data and secrets are not turned back.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The release, such as r7; `dashdeploy history` lists them
    #[arg(value_name = "RELEASE", value_parser = number)]
    release: Option<u32>,
    #[command(flatten)]
    outside: OutsideArgs,
    #[command(flatten)]
    lock: LockArgs,
    #[command(flatten)]
    registry: PushArgs,
    /// File with secrets, one NAME=value a line
    #[arg(long, env = "DASHDEPLOY_SECRETS_FILE", value_name = "FILE")]
    secrets_file: Option<PathBuf>,
    /// Let changes that lose data happen
    #[arg(long)]
    delete_data: bool,
}

fn number(text: &str) -> Result<u32, String> {
    let digits = text.strip_prefix('r').unwrap_or(text);
    digits.parse().map_err(|_| "a release is r and a number, such as r7".to_owned())
}

pub(super) async fn run(context: &Context, args: &Args) -> CliResult {
    let mut stack = Stack::open(context)?;
    if context.global.dry_run {
        let ledger = open(context, &stack, &args.lock.ledger).await?;
        let reader = stack.reader().await?;
        let (_, prepared, verdict, former) =
            prepared(context, &mut stack, &reader, ledger.history(), args).await?;
        let proposal = proposal(&stack, &prepared, Some(&former));
        context.console.status(&rollback_text(&verdict, context.console.style()));
        super::plan::show(context, &proposal, false);
        return Ok(Exit::Done);
    }
    let held = hold(context, &stack, "rollback", &args.lock).await?;
    let done = put(context, &mut stack, &held, args).await;
    held.release(context).await;
    done
}

async fn put(context: &Context, stack: &mut Stack, held: &Held, args: &Args) -> CliResult {
    let reader = stack.reader().await?;
    let (of, prepared, verdict, former) =
        prepared(context, stack, &reader, held.ledger.history(), args).await?;
    context.console.status(&rollback_text(&verdict, context.console.style()));
    refuse(&verdict)?;
    if prepared.plan.is_empty() {
        let text = format!("Nothing to change: r{of} is what runs.");
        context.console.answer(json!({ "changed": false, "release": format!("r{of}") }), &text);
        return Ok(Exit::Done);
    }
    let proposal = proposal(stack, &prepared, Some(&former));
    consent(context, &proposal, args.delete_data)?;
    let cargo = Cargo {
        stack,
        reader: &reader,
        prepared: &prepared,
        kind: RunKind::Rollback { of },
        held,
        args: &args.outside,
    };
    let (_, took) = cargo.carry(context).await?;
    let number = prepared.release.number.unwrap_or_default();
    let text = format!(
        "{} in {}: r{number} runs and is verified, with the content of r{of}, in {:.1} s.",
        stack.bound.project,
        stack.bound.environment,
        took.as_secs_f64()
    );
    let value = json!({
        "changed": true, "release": format!("r{number}"), "of": format!("r{of}"), "verdict": verdict,
        "millis": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
    });
    context.console.answer(value, &text);
    Ok(Exit::Done)
}

/// The release to come back, planned as a new one, and whether it can.
async fn prepared(
    context: &Context,
    stack: &mut Stack,
    reader: &FleetReader,
    history: &History,
    args: &Args,
) -> CliResult<(u32, Prepared, RollbackVerdict, Release)> {
    let (now, of, then) = chosen(history, args.release)?;
    // What it is planned with is dashdeploy.yaml as it was then.
    stack.become_former(context, then.bound.clone())?;
    let (observed, kept) = looked(context, stack, reader).await?;
    let secrets = stack.secrets_known(context, args.secrets_file.as_deref())?;
    let homes = Homes::of(context, stack, &args.registry)?;
    let images = still_there(&homes, &then).await?;
    let prints = fingerprints(stack, &secrets, &kept);
    let verdict = RollbackVerdict::of(&RollbackInput {
        then: &then,
        now: Some(&now),
        images: &images,
        secrets: &prints,
        schemas: &BTreeMap::new(),
    });
    has_values(of, &then, &secrets, &kept)?;
    let release =
        Release { secrets: prints, project_dir: stack.loaded.dir.path().display().to_string(), ..then };
    let mut prepared = Prepared {
        homes,
        secrets,
        kept,
        release,
        observed,
        plan: Default::default(),
        pending: BTreeMap::new(),
        builds: BTreeSet::new(),
    };
    let past = Past { serving: Some(&now), next: Some(history.next_number()) };
    if verdict.blockers.is_empty() {
        plan(context, stack, &mut prepared, &[], past).await?;
    }
    Ok((of, prepared, verdict, now))
}

fn has_values(of: u32, then: &Release, secrets: &Gathered, kept: &[KeptSecret]) -> CliResult<()> {
    let missing = without_value(then, secrets, kept);
    let Some((service, variable)) = missing.first() else { return Ok(()) };
    let message = format!("r{of} needs the secret `{variable}` of service `{service}`, which has no value");
    Err(CliError::new(Exit::Usage, "missing-secret", message)
        .hint(format!("give it: `{variable}=… dashdeploy rollback r{of}`, or --secrets-file")))
}

/// The release that serves, and the one that is to come back with its number.
fn chosen(history: &History, asked: Option<u32>) -> CliResult<(Release, u32, Release)> {
    let none = |message: String| {
        CliError::new(Exit::Failed, "no-release", message)
            .hint("`dashdeploy history` lists the releases of the environment")
    };
    let now = history.serving().ok_or_else(|| none("the ledger knows no release that serves".to_owned()))?;
    let number = now.number.unwrap_or_default();
    let (of, then) = match asked {
        Some(asked) => good(history, asked).ok_or_else(|| {
            none(format!("the ledger knows no release r{asked} that was deployed and verified"))
        })?,
        None => before(history, number)
            .ok_or_else(|| none(format!("r{number} is the first release: there is none before it")))?,
    };
    Ok((now.clone(), of, then.clone()))
}

/// For each service whether its image is still there.
async fn still_there(homes: &Homes, then: &Release) -> CliResult<BTreeMap<Name, bool>> {
    let mut images = BTreeMap::new();
    for (service, image) in &then.images {
        let there = match &image.digest {
            Some(digest) => homes.still_there(service, digest).await.map_err(|why| {
                CliError::new(
                    Exit::Failed,
                    "registry",
                    format!("whether {digest} is still there cannot be told: {why}"),
                )
            })?,
            None => connected(connecting()).await?.image(&image.id.0).await?.is_some(),
        };
        images.insert(service.clone(), there);
    }
    Ok(images)
}

fn refuse(verdict: &RollbackVerdict) -> CliResult<()> {
    let Some(first) = verdict.blockers.first() else { return Ok(()) };
    let lines: IndexMap<&str, &str> =
        verdict.blockers.iter().map(|reason| (reason.code.as_str(), reason.message.as_str())).collect();
    let error = CliError::new(Exit::Failed, "rollback", format!("it cannot come back: {}", first.message));
    Err(error
        .evidence(lines.into_iter().map(|(code, message)| format!("{code}: {message}")))
        .hint("nothing was changed; choose another release, or deploy its commit anew"))
}
