//! `dashdeploy up`: builds and runs the environment, and waits until it serves.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dashdeploy_contract::{
    Action, Event, EventSink, Name, Observed, Plan, Reader, Release, ReleaseImage, ServiceKind, Supplies,
};
use indexmap::IndexMap;
use serde_json::{Value, json};

use super::build::{existing_images, images};
use super::build_args::BuildArgs;
use super::deploying::args::seconds;
use super::ps::{facts, running};
use super::stack::Stack;
use super::verdict::conclude;
use super::{CliResult, Context, Exit};
use crate::console::plan_text;
use crate::deploy::{ApplyOptions, Gathered, NoSteps, Patience, Session, apply};

/// Build the images, run the environment, and wait until it is healthy
///
/// Only what changed is built and put anew; volumes keep their data. When a service does not become healthy, what was
/// changed is taken back and the former containers run again.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    build: BuildArgs,
    /// Use the images that are there
    #[arg(long)]
    no_build: bool,
    /// File with secrets, one NAME=value a line
    #[arg(long, env = "DASHDEPLOY_SECRETS_FILE", value_name = "FILE")]
    secrets_file: Option<PathBuf>,
    /// How long a service may take to become healthy: seconds, or with a unit, such as 5m
    #[arg(long, default_value = "120", env = "DASHDEPLOY_WAIT_TIMEOUT", value_name = "TIME", value_parser = seconds)]
    wait_timeout: u64,
    /// Come back when everything is healthy (the default)
    #[arg(short, long, conflicts_with = "foreground")]
    detach: bool,
    /// Show the logs when everything is healthy; Ctrl-C then takes the environment down
    #[arg(long)]
    foreground: bool,
}

pub(super) async fn run(context: &Context, args: &Args) -> CliResult {
    let begun = Instant::now();
    args.build.guard.record(context)?;
    let stack = Stack::on_engines(context)?;
    let secrets = stack.secrets(context, args.secrets_file.as_deref())?;
    let builds = !args.no_build && !context.global.dry_run;
    let of_builds = stack.build_secrets(context, args.secrets_file.as_deref(), &|_| builds)?;
    let reader = stack.reader().await?;
    let images = if !builds {
        existing_images(context, &stack, context.global.dry_run, &|_| true).await?
    } else {
        images(context, &stack, &args.build, &secrets, &of_builds, &|_| true).await?
    };
    let release = release(context, &stack, &secrets, images);
    let observed = reader.observe(&stack.bound).await?;
    let plan = stack.fleet.plan(&release, &observed)?;
    if context.global.dry_run {
        let text = plan_text(&plan, context.console.answer_style());
        context.console.answer(json!({ "dry_run": true, "plan": plan }), &text);
        return Ok(Exit::Done);
    }
    if !plan.is_empty() {
        carry_out(context, &stack, &reader, &secrets, &plan, &observed, args.wait_timeout).await?;
    }
    let now = reader.observe(&stack.bound).await?;
    answer(context, &stack, &plan, &now, begun.elapsed());
    if args.foreground {
        return super::logs::foreground(context, &stack, &reader).await;
    }
    Ok(Exit::Done)
}

fn release(
    context: &Context,
    stack: &Stack,
    secrets: &Gathered,
    images: IndexMap<Name, ReleaseImage>,
) -> Release {
    Release {
        bound: stack.bound.clone(),
        images,
        wiring: stack.wiring(context),
        secrets: Release::fingerprints(&stack.bound, &secrets.store),
        project_dir: stack.loaded.dir.path().display().to_string(),
        number: None,
        git: None,
    }
}

async fn carry_out(
    context: &Context,
    stack: &Stack,
    reader: &dyn Reader,
    secrets: &Gathered,
    plan: &Plan,
    observed: &Observed,
    wait_timeout: u64,
) -> CliResult<()> {
    tell_causes(context, plan);
    let writer = stack.writer().await?;
    let interrupt = context.interrupt();
    let supplies = Supplies::of(secrets.store.clone());
    let session = Session {
        bound: &stack.bound,
        reader,
        writer: &writer,
        supplies: &supplies,
        steps: &NoSteps,
        events: Arc::new(context.console.clone()),
        interrupt: &interrupt,
    };
    let deadline = Duration::from_secs(wait_timeout);
    let options =
        ApplyOptions { patience: Patience { deadline, ..Patience::default() }, ..ApplyOptions::default() };
    let outcome = apply(&session, plan, observed, options).await?;
    context.console.finish_progress();
    conclude(&outcome)
}

/// Says for everything that is put anew which fields made it so.
fn tell_causes(context: &Context, plan: &Plan) {
    for change in plan.changes.iter().filter(|change| change.action == Action::Replace) {
        for field in &change.fields {
            let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "(not set)".to_owned());
            let message = format!("  {}: {} → {}", field.field, shown(&field.from), shown(&field.to));
            if context.console.is_verbose() {
                context.console.emit(Event::Notice { message });
            }
        }
    }
}

fn answer(context: &Context, stack: &Stack, plan: &Plan, now: &Observed, took: Duration) {
    let services: Vec<Value> = running(now).map(facts).collect();
    let value = json!({
        "project": stack.bound.project,
        "environment": stack.bound.environment,
        "changed": !plan.is_empty(),
        "changes": plan.changes.iter().map(|c| json!({ "address": c.address, "action": c.action, "reason": c.reason })).collect::<Vec<_>>(),
        "services": services,
        "millis": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
    });
    let style = context.console.answer_style();
    let mut lines = Vec::new();
    if plan.is_empty() {
        lines.push(format!("Nothing to change: {} is up to date and serving.", stack.bound.project));
    } else {
        lines.push(format!("{} is up in {:.1} s.", stack.bound.project, took.as_secs_f64()));
    }
    let width = stack.bound.services.keys().map(|name| name.as_str().len()).max().unwrap_or(0);
    for resource in running(now) {
        let name = resource.service.as_ref().map(ToString::to_string).unwrap_or_default();
        let health = resource.health.as_ref().map_or("-", |health| health.word());
        let url = resource.facts.get("url").map_or_else(|| "not published".to_owned(), |url| style.cyan(url));
        lines.push(format!("  {name:<width$}  {:<9}  {url}", style.green(health)));
    }
    context.console.answer(value, &lines.join("\n"));
    wired_values(context, stack);
}

/// Shows what a front end really had built in, since that is decided at build time and cannot be seen afterwards.
fn wired_values(context: &Context, stack: &Stack) {
    let wiring = stack.wiring(context);
    for service in stack.bound.services.values().filter(|service| service.kind() == ServiceKind::Static) {
        for (name, text) in &service.env {
            if text.references().next().is_none() {
                continue;
            }
            if let Ok(value) = wiring.resolve(text, service) {
                let how =
                    if value.starts_with("/.") { " (the page's own origin, through its proxy)" } else { "" };
                context.console.status(&format!("  {} was built with {name}={value}{how}", service.name));
            }
        }
    }
}
