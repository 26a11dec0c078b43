//! `dashdeploy status`: what should run, what runs, and whether the one is the other.

use std::collections::BTreeMap;

use dashdeploy_contract::{
    Bound, ImageId, Name, Observed, Plan, Reader, Release, ReleaseImage, Served, image_reference,
};
use serde_json::json;

use super::deploying::args::LedgerArgs;
use super::deploying::ledger::open;
use super::deploying::prepared::fingerprints;
use super::deploying::shown::titles;
use super::stack::Stack;
use super::{CliResult, Context, Exit};
use crate::console::{status_junit, status_markdown, status_text};
use crate::deploy::{FleetReader, Standing, StandingInput};

/// Show what should run, what runs, its health, and what differs
///
/// The platforms are asked; the ledger only says which release should run. Without a ledger that is what runs, held against
/// dashdeploy.yaml.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The form
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    format: Form,
    /// End with 3 where something is not as it should be
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    ledger: LedgerArgs,
}

/// The forms of a standing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Form {
    /// A table.
    #[default]
    Text,
    /// JSON, as with --json.
    Json,
    /// A table for the summary of a job.
    Markdown,
    /// Test results, for a CI.
    Junit,
}

pub(super) async fn run(context: &Context, args: &Args) -> CliResult {
    let mut stack = Stack::open(context)?;
    let reader = stack.reader().await?;
    let observed =
        context.interruptible("looking", "nothing was changed", reader.observe(&stack.bound)).await?;
    stack.learn(&observed);
    let (served, unknown) = served(&reader, &stack.bound).await;
    let ledger = open(context, &stack, &args.ledger).await?;
    let serving = ledger.history().serving().cloned();
    let release = desired(context, &stack, &reader, serving.as_ref(), &observed).await?;
    let plan = stack.fleet.plan(&release, &observed).unwrap_or_else(|error| {
        context.console.warning(&format!("what differs cannot be told: {error}"));
        Plan::default()
    });
    let standing = Standing::of(&StandingInput {
        bound: &stack.bound,
        release: Some(&release),
        plan: &plan,
        observed: &observed,
        served: &served,
        unknown: &unknown,
        titles: &titles(&stack),
    });
    show(context, args.format, &standing);
    Ok(if args.check && !standing.is_as_desired() { Exit::Pending } else { Exit::Done })
}

fn show(context: &Context, form: Form, standing: &Standing) {
    let value = json!({ "as_desired": standing.is_as_desired(), "standing": standing });
    let text = match form {
        Form::Text => status_text(standing, context.console.answer_style()),
        Form::Json => value.to_string(),
        Form::Markdown => status_markdown(standing),
        Form::Junit => status_junit(standing),
    };
    context.console.answer(value, text.trim_end());
}

/// What each service serves, all asked at the same time; why not, where that cannot be told.
async fn served(reader: &FleetReader, bound: &Bound) -> (BTreeMap<Name, Served>, BTreeMap<Name, String>) {
    let asking = bound
        .services
        .keys()
        .map(|service| async move { (service.clone(), reader.served(bound, service).await) });
    let (mut served, mut unknown) = (BTreeMap::new(), BTreeMap::new());
    for (service, answer) in futures_util::future::join_all(asking).await {
        match answer {
            Ok(found) => drop(served.insert(service, found)),
            Err(error) => drop(unknown.insert(service, error.to_string())),
        }
    }
    (served, unknown)
}

/// What should run: dashdeploy.yaml with the images of the release that serves; without a ledger with those that run.
async fn desired(
    context: &Context,
    stack: &Stack,
    reader: &FleetReader,
    serving: Option<&Release>,
    observed: &Observed,
) -> CliResult<Release> {
    let kept = reader.secrets(&stack.bound).await?;
    let secrets = stack.secrets_known(context, None)?;
    let mut wiring = stack.wiring(context);
    let number = serving.and_then(|release| release.number);
    wiring.release = number.map(|number| format!("r{number}"));
    let images = stack.bound.services.values().map(|service| {
        let former = serving.and_then(|release| release.images.get(&service.name)).cloned();
        let running = observed.of_service(&service.name).find_map(|resource| resource.facts.get("image_id"));
        let id = running.cloned().unwrap_or_else(|| "unknown".to_owned());
        let image =
            former.unwrap_or_else(|| ReleaseImage::new(image_reference(&stack.bound, service), ImageId(id)));
        (service.name.clone(), image)
    });
    let mut prints = fingerprints(stack, &secrets, &kept);
    // A secret whose value nobody has here is not compared.
    for (service, known) in serving.into_iter().flat_map(|release| &release.secrets) {
        let declared = stack.bound.services.get(service).map(|service| &service.secrets);
        for (variable, print) in
            known.iter().filter(|(variable, _)| declared.is_some_and(|d| d.contains_key(*variable)))
        {
            prints
                .entry(service.clone())
                .or_default()
                .entry(variable.clone())
                .or_insert_with(|| print.clone());
        }
    }
    Ok(Release {
        bound: stack.bound.clone(),
        images: images.collect(),
        wiring,
        secrets: prints,
        project_dir: stack.loaded.dir.path().display().to_string(),
        number,
        git: serving.and_then(|release| release.git.clone()),
    })
}
