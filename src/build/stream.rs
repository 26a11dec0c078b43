//! A build by the engine's own build call, for engines without sessions (Podman, a filtering proxy before the socket) and for
//! addresses that cannot carry one: the whole context as one tar stream.
//!
//! Nothing can be asked for during such a build: no secrets, no logins, no files.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bollard::Docker;
use bollard::errors::Error;
use bollard::models::{BuildInfo, BuildInfoAux};
use bollard::query_parameters::{BuildImageOptionsBuilder, BuilderVersion};
use dashdeploy_contract::ImageId;
use futures_util::StreamExt as _;

use super::context::Sent;
use super::control::SolveError;
use super::progress::Progress;
use super::session::filesync::News;
use super::solve::{Order, unique_id};
use crate::io::context::archive::ContextStream;
use crate::io::context::listing::Entry;

/// How long the engine may take until its answer begins: it begins when the first step does, which may be long after a large
/// context was sent over a slow line. A user who waits no longer interrupts.
const ANSWER: Duration = Duration::from_secs(24 * 3600);

/// Sends everything and follows the build. Where sessions were refused, by the classic builder, which needs none: BuildKit's
/// own call would ask for one again.
pub(super) async fn build(
    engine: &Docker,
    order: &Order<'_>,
    sessions_refused: bool,
    sent: &Sent,
    news: News,
    progress: &mut Progress,
) -> Result<ImageId, SolveError> {
    let buildkit = has_buildkit(engine).await? && !sessions_refused;
    refuse(order, buildkit)?;
    let engine = engine.clone().with_timeout(ANSWER);
    let entries = Arc::new(with_dockerfile(order));
    let root = &order.context.source.root;
    let body = ContextStream::start(root, entries, sent.slot(), move |told| news(told)).into_body();
    let builder = parameters(order).dockerfile(&order.definition.dockerfile);
    let builder = match buildkit {
        true => builder.version(BuilderVersion::BuilderBuildKit).session(&unique_id()),
        // A step that fails leaves no container behind either.
        false => builder.forcerm(true),
    };
    let mut stream = engine.build_image(builder.build(), None, Some(bollard::body_try_stream(body)));
    let mut id = None;
    while let Some(message) = stream.next().await {
        match message.map_err(failure)? {
            BuildInfo { aux: Some(BuildInfoAux::BuildKit(status)), .. } => progress.take(status),
            BuildInfo { aux: Some(BuildInfoAux::Default(image)), .. } => id = image.id,
            BuildInfo { error_detail: Some(detail), .. } => {
                return Err(SolveError::Said(detail.message.unwrap_or_default()));
            }
            BuildInfo { stream: Some(text), .. } => progress.print_plain(&text),
            _ => {}
        }
    }
    let nothing = || SolveError::Broken("the engine ended the build without a result".to_owned());
    id.filter(|id| !id.is_empty()).map(ImageId).ok_or_else(nothing)
}

/// Podman builds with Buildah, which takes the same Dockerfiles by the classic call.
async fn has_buildkit(engine: &Docker) -> Result<bool, SolveError> {
    let version = engine.version().await.map_err(failure)?;
    if version.os.as_deref() == Some("windows") {
        let message = "an engine for Windows containers answers, and images are built by BuildKit, which it does not have";
        return Err(SolveError::Said(message.to_owned()));
    }
    Ok(!version.components.iter().flatten().any(|part| part.name.to_lowercase().contains("podman")))
}

/// What such a build would silently leave out.
fn refuse(order: &Order<'_>, buildkit: bool) -> Result<(), SolveError> {
    let options = order.options;
    let what = if order.request.secrets.ids().next().is_some() {
        "build secrets"
    } else if !options.cache_to.is_empty() || !buildkit && !options.cache_from.is_empty() {
        "`--cache-to` and `--cache-from`"
    } else {
        return Ok(());
    };
    Err(SolveError::Said(format!("{what} need an engine with sessions (Docker Engine 20.10 or later)")))
}

/// The context with the Dockerfile at its place, whatever the rules say.
fn with_dockerfile(order: &Order<'_>) -> Vec<Entry> {
    let mut entries = order.context.entries.clone();
    let place = &order.definition.dockerfile;
    entries.retain(|entry| entry.path != *place);
    entries.push(Entry::in_memory(place, order.definition.text.as_bytes()));
    entries
}

fn parameters(order: &Order<'_>) -> BuildImageOptionsBuilder {
    let pairs = |map: &indexmap::IndexMap<String, String>| map.clone().into_iter().collect::<HashMap<_, _>>();
    let mut args = pairs(order.options.network.proxies());
    args.extend(pairs(&order.request.args));
    let mut builder = BuildImageOptionsBuilder::new()
        .t(&order.request.reference)
        .buildargs(&args)
        .labels(&pairs(&order.labels))
        .nocache(order.options.no_cache);
    if let Some(target) = &order.request.target {
        builder = builder.target(target);
    }
    if let Some(platform) = &order.options.platform {
        builder = builder.platform(platform);
    }
    if order.options.pull {
        builder = builder.pull("true");
    }
    let references: Vec<String> =
        order.options.cache_from.iter().filter_map(|entry| entry.attributes.get("ref").cloned()).collect();
    if !references.is_empty() {
        builder = builder.cachefrom(&references);
    }
    builder
}

fn failure(error: Error) -> SolveError {
    match error {
        Error::DockerStreamError { error } => SolveError::Said(error),
        Error::DockerResponseServerError { message, .. } => SolveError::Said(message),
        other => SolveError::Broken(other.to_string()),
    }
}
