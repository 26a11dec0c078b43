//! `dashdeploy build`: builds the images, all at once.

use std::sync::Arc;

use dashdeploy_contract::page::configuration_in_context;
use dashdeploy_contract::{
    ImageId, Name, ReleaseImage, SecretStore, Service, ServiceKind, Source, Wiring, image_reference,
};
use indexmap::IndexMap;
use serde_json::json;
use tokio::task::JoinHandle;

use super::build_args::BuildArgs;
use super::build_secrets::{Hidden, put_in};
use super::files;
use super::guard::{of_images, refused, tell_unmet};
use super::manifests::{Wanted, placed};
use super::prepare::refresh_build_files;
use super::push::{self, PushArgs};
use super::stack::Stack;
use super::{CliError, CliResult, Context, Exit};
use crate::build::step::brief;
use crate::build::{BuildFailure, BuildOptions, BuildRequest, BuiltImage, build_all, dist, pull};
use crate::console::table;
use crate::deploy::Gathered;
use crate::guard::{Border, Guard};
use crate::io::docker::{self, Engine, EngineSettings};
use crate::io::logins::Logins;
use crate::push::{ImageGuard, PushOptions, PushedImage};

/// Build the images, all at once
///
/// Images are tagged `latest` and by their content. Static services also give their built files in `.dashdeploy/dist/`.
/// With `--push` the images are then pushed as `dashdeploy push` does it.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only these services
    services: Vec<String>,
    #[command(flatten)]
    build: BuildArgs,
    /// Push the images afterwards, and print their digests
    #[arg(long)]
    push: bool,
    #[command(flatten)]
    registry: PushArgs,
    /// Only the built files of static services, without any image
    #[arg(long, conflicts_with_all = ["push", "tags"])]
    only_files: bool,
}

pub(super) async fn run(context: &Context, args: &Args) -> CliResult {
    args.build.guard.record(context)?;
    let stack = Stack::open(context)?;
    let named = stack.services(&args.services)?;
    let wanted = |service: &Service| named.is_empty() || named.contains(&service.name);
    let push = push_options(context, args, &stack)?;
    let secrets = stack.build_secrets(context, None, &|service| {
        wanted(service) && (!args.only_files || service.kind() == ServiceKind::Static)
    })?;
    if context.global.dry_run {
        return dry_run(context, &stack, &wanted, push.as_ref());
    }
    let connecting = connecting();
    let logins = args.registry.logins(context, &stack.bound)?;
    let guard = stack.guard(context, &[&secrets])?;
    let supply = Supply { logins, guard: Arc::clone(&guard), secrets: secrets.store };
    refresh_build_files(context, &stack.loaded, &stack.bound)?;
    let engine = connected(connecting).await?;
    if args.only_files {
        let (requests, options) = order(context, &stack, &engine, &args.build, &supply, &wanted)?;
        return files::only(context, &stack, &engine, &supply, requests, &options).await;
    }
    let built = build(context, &stack, &engine, &args.build, &supply, &wanted).await?;
    files::export(context, &stack, &engine, &guard, &built).await?;
    tell_unmet(context, &guard);
    let pushed = match push {
        Some(options) => Some(push_built(context, &stack, &engine, &guard, &built, options).await?),
        None => None,
    };
    answer(context, &built, pushed.as_deref());
    Ok(Exit::Done)
}

/// Says what would be built, and where it would be pushed to.
fn dry_run(
    context: &Context,
    stack: &Stack,
    wanted: &dyn Fn(&Service) -> bool,
    push: Option<&PushOptions>,
) -> CliResult {
    let built = stack.bound.services.values().filter(|s| wanted(s) && s.build().is_some());
    let names: Vec<&Name> = built.map(|service| &service.name).collect();
    let words: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
    let to = push.map(|push| push.registry.as_str());
    let also = to.map(|registry| format!("\nwould push to: {registry}")).unwrap_or_default();
    context.console.answer(
        json!({ "dry_run": true, "would_build": names, "would_push_to": to }),
        &format!("would build: {}{also}", words.join(", ")),
    );
    Ok(Exit::Done)
}

async fn push_built(
    context: &Context,
    stack: &Stack,
    engine: &Engine,
    guard: &Arc<Guard>,
    built: &[BuiltImage],
    options: PushOptions,
) -> CliResult<Vec<PushedImage>> {
    let layers = of_images(context, engine, guard);
    let options = PushOptions { guard: Some(Arc::clone(&layers) as Arc<dyn ImageGuard>), ..options };
    let image = |image: &BuiltImage| push::image(&stack.bound, &image.service, image.id.clone());
    let pushed = push::push(context, engine, built.iter().map(image).collect(), &options).await?;
    context.console.findings(&layers.noted());
    Ok(pushed)
}

/// How images are pushed after the build; none where they are not. Known before anything is built.
fn push_options(context: &Context, args: &Args, stack: &Stack) -> CliResult<Option<PushOptions>> {
    if args.push {
        return args.registry.options(context, &stack.bound, None).map(Some);
    }
    if args.registry.has_tags() {
        let message = "`--tag` names images at a registry, and nothing is pushed";
        return Err(CliError::new(Exit::Usage, "tag", message).hint("add --push, or leave --tag out"));
    }
    Ok(None)
}

/// The table of images; pushed ones by digest.
fn answer(context: &Context, built: &[BuiltImage], pushed: Option<&[PushedImage]>) {
    let row = |image: &BuiltImage| {
        let how = if image.cached { "unchanged" } else { "built" };
        let there = pushed.and_then(|pushed| pushed.iter().find(|there| there.service == image.service));
        let (name, how) = match there {
            Some(there) if there.existed => (&there.repo_digest, format!("{how}, existed")),
            Some(there) => (&there.repo_digest, format!("{how}, pushed")),
            None => (&image.content_tag, how.to_owned()),
        };
        vec![image.service.to_string(), name.clone(), megabytes(image.size), how]
    };
    let rows: Vec<Vec<String>> = built.iter().map(row).collect();
    let text = if rows.is_empty() {
        "No service is built from source.".to_owned()
    } else {
        table(&["SERVICE", "IMAGE", "SIZE", ""], &rows)
    };
    let mut answer = json!({ "images": built });
    if let Some(pushed) = pushed {
        answer["pushed"] = json!(pushed);
    }
    context.console.answer(answer, &text);
}

/// Builds or fetches the image of every service.
///
/// # Errors
/// The failing step with its own output and the mend.
pub(super) async fn images(
    context: &Context,
    stack: &Stack,
    args: &BuildArgs,
    secrets: &Gathered,
    of_builds: &Gathered,
    wanted: &(dyn Fn(&Service) -> bool + Sync),
) -> CliResult<IndexMap<Name, ReleaseImage>> {
    let connecting = connecting();
    let logins = push::logins(context, &stack.bound);
    let guard = stack.guard(context, &[secrets, of_builds])?;
    let supply =
        Supply { logins: Arc::clone(&logins), guard: Arc::clone(&guard), secrets: of_builds.store.clone() };
    refresh_build_files(context, &stack.loaded, &stack.bound)?;
    let engine = connected(connecting).await?;
    let built = build(context, stack, &engine, args, &supply, wanted).await?;
    tell_unmet(context, &guard);
    let mut images: IndexMap<Name, ReleaseImage> = built
        .into_iter()
        .map(|image| (image.service, ReleaseImage::new(image.reference, image.id)))
        .collect();
    for service in stack.bound.services.values().filter(|service| wanted(service)) {
        if let Source::Image(reference) = &service.source {
            // The engine's own, where several are built for.
            let platform = args.platform.as_deref().filter(|platform| !platform.contains(','));
            let pulled = pull::pull_if_missing(
                &engine.docker,
                reference,
                platform,
                Some(Arc::clone(&logins)),
                &context.console,
            );
            let id = interruptible(context, pulled).await?;
            images.insert(service.name.clone(), ReleaseImage::new(reference.clone(), id));
        }
    }
    Ok(images)
}

/// The images that are there. With `plan_only`, one that is not there yet stands as to be built.
///
/// # Errors
/// Naming the image that is missing.
pub(super) async fn existing_images(
    _context: &Context,
    stack: &Stack,
    plan_only: bool,
    wanted: &(dyn Fn(&Service) -> bool + Sync),
) -> CliResult<IndexMap<Name, ReleaseImage>> {
    let engine = connected(connecting()).await?;
    let mut images = IndexMap::new();
    for service in stack.bound.services.values().filter(|service| wanted(service)) {
        let reference = image_reference(&stack.bound, service);
        let id = match engine.docker.inspect_image(&reference).await {
            Ok(image) => image.id.unwrap_or_default(),
            Err(_) if plan_only => "to be built".to_owned(),
            Err(error) => {
                let message =
                    format!("the image {reference} of service `{}` is not there: {error}", service.name);
                return Err(CliError::new(Exit::Failed, "no-image", message).hint("leave --no-build out"));
            }
        };
        images.insert(service.name.clone(), ReleaseImage::new(reference, ImageId(id)));
    }
    Ok(images)
}

pub(super) type Connecting = JoinHandle<Result<Engine, docker::EngineError>>;

/// Begins to speak to the engine; files are read meanwhile.
pub(super) fn connecting() -> Connecting {
    tokio::spawn(async { docker::connect(&EngineSettings::from_env()).await })
}

pub(super) async fn connected(connecting: Connecting) -> CliResult<Engine> {
    let joined = connecting.await;
    Ok(joined.map_err(|error| CliError::new(Exit::Failed, "engine", error.to_string()))??)
}

/// What builds are given besides their sources.
pub(super) struct Supply {
    logins: Arc<dyn Logins>,
    pub(super) guard: Arc<Guard>,
    /// Values of `build.secrets`.
    pub(super) secrets: SecretStore,
}

async fn build(
    context: &Context,
    stack: &Stack,
    engine: &Engine,
    args: &BuildArgs,
    supply: &Supply,
    wanted: &(dyn Fn(&Service) -> bool + Sync),
) -> CliResult<Vec<BuiltImage>> {
    let (requests, options) = order(context, stack, engine, args, supply, wanted)?;
    let hidden = Hidden::of(stack, &supply.secrets);
    let events = hidden.before(Arc::new(context.console.clone()));
    let building = async {
        let built = build_all(&engine.docker, requests, &options, events).await;
        built.map_err(|failure| stack.build_error(hidden.failure(failure)))
    };
    interruptible(context, building).await
}

/// What is to be built and how.
fn order(
    context: &Context,
    stack: &Stack,
    engine: &Engine,
    args: &BuildArgs,
    supply: &Supply,
    wanted: &(dyn Fn(&Service) -> bool + Sync),
) -> CliResult<(Vec<BuildRequest>, BuildOptions)> {
    let wiring = stack.wiring(context);
    let services = stack.bound.services.values().filter(|service| wanted(service));
    let mut requests: Vec<BuildRequest> = services
        .filter_map(|service| request(stack, service, &wiring).transpose())
        .collect::<CliResult<_>>()?;
    for (service, conf) in served_by(stack) {
        let of_page = requests.iter_mut().filter(|request| request.service == service);
        of_page.for_each(|request| drop(request.args.insert("NGINX_CONF".to_owned(), conf.clone())));
    }
    stack.guard_arguments(&supply.guard, &requests)?;
    put_in(&mut requests, stack, &supply.secrets);
    let options = args.options(context, engine, Arc::clone(&supply.logins));
    let options = BuildOptions { inspect: Some(supply.guard.at(Border::Context)), ..options };
    Ok((requests, options))
}

/// The pages whose nginx a platform runs, with the configuration that their image takes there.
fn served_by(stack: &Stack) -> Vec<(Name, String)> {
    let bound = &stack.bound;
    let placed = placed(&stack.loaded.project, &Wanted::USED);
    let here = placed.iter().filter(|one| one.bound.environment == bound.environment);
    let pages = here.flat_map(|one| {
        let target = one.target.descriptor().name.as_str();
        let generated = one.bound.services_on(target).filter(|service| service.is_generated());
        generated.filter_map(|service| {
            let server = one.target.page_server(&one.desk(), service)?;
            Some((service.name.clone(), configuration_in_context(&one.bound, service, &server)?))
        })
    });
    pages.collect()
}

fn request(stack: &Stack, service: &Service, wiring: &Wiring) -> CliResult<Option<BuildRequest>> {
    BuildRequest::of(&stack.bound, service, wiring, stack.loaded.dir.path()).map_err(|unresolved| {
        CliError::new(Exit::Usage, "reference", format!("service `{}`: {unresolved}", service.name))
    })
}

/// A build, which a signal ends at once: dropping it stops the running steps.
pub(super) async fn interruptible<T, E>(
    context: &Context,
    work: impl Future<Output = Result<T, E>>,
) -> CliResult<T>
where
    CliError: From<E>,
{
    context.interruptible("building", "nothing was changed", work).await
}

#[expect(clippy::cast_precision_loss, reason = "one decimal of a number of megabytes")]
fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

impl From<BuildFailure> for CliError {
    fn from(failure: BuildFailure) -> Self {
        let mut error = Self::new(Exit::Failed, "build", failure.to_string());
        error
            .report
            .evidence
            .extend(failure.instruction.iter().map(|line| format!("the step: {}", brief(line))));
        error.report.evidence.extend(failure.log.iter().cloned());
        error.report.hints.extend(failure.hint.iter().cloned());
        if !failure.stopped.is_empty() {
            let names: Vec<&str> = failure.stopped.iter().map(Name::as_str).collect();
            error.report.hints.push(format!("these builds were stopped because of it: {}", names.join(", ")));
        }
        error
    }
}

impl From<docker::EngineError> for CliError {
    fn from(error: docker::EngineError) -> Self {
        Self::new(Exit::Failed, "engine", error.message).hint(error.hint)
    }
}

impl From<pull::PullError> for CliError {
    fn from(error: pull::PullError) -> Self {
        Self::new(Exit::Failed, "pull", format!("{}: {}", error.image, error.reason)).hint(error.hint)
    }
}

impl From<dist::ExportError> for CliError {
    fn from(error: dist::ExportError) -> Self {
        if !error.refused.is_empty() {
            let message = format!("the files of `{}` hold secrets; none was written", error.service);
            return refused(&message, error.refused);
        }
        let failed =
            Self::new(Exit::Failed, "export", format!("the files of `{}`: {}", error.service, error.reason));
        error.hint.into_iter().fold(failed, Self::hint)
    }
}
