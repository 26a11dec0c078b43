//! One image: read what it is made of; where the engine has the image of just that, take it, else have it solved and tag it.

use std::sync::Arc;
use std::time::Instant;

use bollard::Docker;
use bollard::errors::Error;
use bollard::models::ImageInspect;
use bollard::query_parameters::TagImageOptionsBuilder;
use dashdeploy_contract::{Event, EventSink, ImageId};

use super::base::{Bases, bases};
use super::context::{Context, Sent};
use super::control::SolveError;
use super::definition::Definition;
use super::dockerfile::Needs;
use super::key::{KEY_LABEL, Parts, key};
use super::progress::Progress;
use super::session::filesync;
use super::solve::{Order, Output, solve};
use super::{BuildFailure, BuildOptions, BuildRequest, BuiltImage, hint};
use crate::io::context::ContextNews;
use crate::io::context::digest::Looks;
use crate::io::git;

/// The label that holds the commit: <https://github.com/opencontainers/image-spec/blob/main/annotations.md>.
const REVISION_LABEL: &str = "org.opencontainers.image.revision";

/// Everything that one image is made of.
pub(super) struct Prepared {
    pub(super) request: BuildRequest,
    pub(super) definition: Definition,
    pub(super) context: Arc<Context>,
    /// The content key; none where it cannot be told what a build would give.
    pub(super) key: Option<String>,
    /// The image that has the reference now.
    former: Option<ImageInspect>,
}

/// Builds one image, unless the engine has it.
pub(super) async fn build_one(
    engine: &Docker,
    request: BuildRequest,
    options: &BuildOptions,
    events: Arc<dyn EventSink>,
) -> Result<BuiltImage, BuildFailure> {
    let begun = Instant::now();
    let prepared = prepare(engine, request, options, &events).await?;
    let image = match unchanged(&prepared, options) {
        Some(former) => {
            finish(engine, &prepared, former, Made::Not).await.map_err(|error| broken(&prepared, &error))?
        }
        None => make(engine, &prepared, options, &events).await?,
    };
    events.emit(Event::BuildFinished {
        service: image.service.clone(),
        image: image.reference.clone(),
        id: image.id.0.clone(),
        millis: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        cached: image.cached,
    });
    Ok(image)
}

/// Reads the Dockerfile and the context, and asks the engine for what it has.
pub(super) async fn prepare(
    engine: &Docker,
    request: BuildRequest,
    options: &BuildOptions,
    events: &Arc<dyn EventSink>,
) -> Result<Prepared, BuildFailure> {
    let service = request.service.clone();
    let (request, mut definition) =
        blocking(&service, move || Definition::read(&request).map(|read| (request, read))).await?;
    refuse_text(&request, &definition, options).map_err(|failure| *failure)?;
    let needs = Needs::of(&definition.text, &request.args);
    let images = needs.images.clone().unwrap_or_default();
    let asked = async {
        let asked = tokio::try_join!(inspected(engine, &request.reference), bases(engine, &images));
        asked.map_err(|error| unreachable(&service, &error))
    };
    let (former, bases, context) = match &needs.paths {
        // Everything is wanted, whatever the base images say.
        None => {
            let ((former, bases), context) =
                tokio::try_join!(asked, look(&request, &definition, options, events))?;
            (former, bases, context)
        }
        Some(paths) => {
            let (former, bases) = asked.await?;
            if !bases.may_take_all {
                definition.source.only.clone_from(paths);
            }
            let context = look(&request, &definition, options, events).await?;
            (former, bases, context)
        }
    };
    if !context.digested.findings.is_empty() {
        return Err(BuildFailure::refused(&service, context.digested.findings.clone()));
    }
    let key = needs.images.is_some().then(|| key_of(&request, &definition, &context, &bases, options));
    Ok(Prepared { request, definition, context, key, former })
}

async fn blocking<T: Send + 'static>(
    service: &dashdeploy_contract::Name,
    work: impl FnOnce() -> Result<T, Box<BuildFailure>> + Send + 'static,
) -> Result<T, BuildFailure> {
    let done = tokio::task::spawn_blocking(work).await;
    let done = done.map_err(|error| BuildFailure::plain(service, error.to_string(), None))?;
    done.map_err(|failure| *failure)
}

/// The Dockerfile does not travel with the context, and is looked at all the same.
fn refuse_text(
    request: &BuildRequest,
    definition: &Definition,
    options: &BuildOptions,
) -> Result<(), Box<BuildFailure>> {
    let Some(inspect) = options.inspect.as_deref() else {
        return Ok(());
    };
    let mut inspection = inspect.open(&definition.shown, definition.text.len() as u64);
    inspection.piece(definition.text.as_bytes());
    let findings = inspection.end();
    if findings.is_empty() {
        Ok(())
    } else {
        Err(Box::new(BuildFailure::refused(&request.service, findings)))
    }
}

async fn inspected(engine: &Docker, reference: &str) -> Result<Option<ImageInspect>, Error> {
    match engine.inspect_image(reference).await {
        Ok(image) => Ok(Some(image)),
        Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn look(
    request: &BuildRequest,
    definition: &Definition,
    options: &BuildOptions,
    events: &Arc<dyn EventSink>,
) -> Result<Arc<Context>, BuildFailure> {
    let source = definition.source.clone();
    let looks = Looks {
        cache: options.cache_dir.as_deref().map(|folder| folder.join("contexts").join(cache_name(request))),
        inspect: options.inspect.clone(),
    };
    let news = filesync::news(&request.service, events);
    let service = request.service.clone();
    let looked = blocking(&request.service, move || {
        // What is on the disk is no news yet: told is what is sent.
        let told = |told| {
            if matches!(told, ContextNews::LeftOut { .. }) {
                news(told);
            }
        };
        Context::look(source, looks, told).map_err(|error| {
            Box::new(BuildFailure::plain(&service, error.to_string(), Some(error.hint.to_owned())))
        })
    });
    looked.await.map(Arc::new)
}

/// One file for each context as each Dockerfile sees it.
fn cache_name(request: &BuildRequest) -> String {
    let mut hash = blake3::Hasher::new();
    for path in [&request.context, &request.dockerfile] {
        let bytes = path.as_os_str().as_encoded_bytes();
        hash.update(&(bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    }
    hash.finalize().to_hex()[..32].to_owned()
}

fn key_of(
    request: &BuildRequest,
    definition: &Definition,
    context: &Context,
    bases: &Bases,
    options: &BuildOptions,
) -> String {
    let parts = Parts {
        dockerfile: &definition.text,
        entries: &context.entries,
        digests: &context.digested.digests,
        bases: &bases.ids,
    };
    key(request, options, &parts)
}

/// The image that the reference has, where it was made of just this.
fn unchanged<'a>(prepared: &'a Prepared, options: &BuildOptions) -> Option<&'a ImageInspect> {
    let asks_for_more = options.no_cache || options.pull || !options.cache_to.is_empty();
    let former = prepared.former.as_ref().filter(|_| !asks_for_more)?;
    let label = former.config.as_ref()?.labels.as_ref()?.get(KEY_LABEL)?;
    (Some(label) == prepared.key.as_ref()).then_some(former)
}

async fn make(
    engine: &Docker,
    prepared: &Prepared,
    options: &BuildOptions,
    events: &Arc<dyn EventSink>,
) -> Result<BuiltImage, BuildFailure> {
    let request = &prepared.request;
    events.emit(Event::BuildStarted { service: request.service.clone() });
    let mut labels = request.labels.clone();
    if let Some(revision) = git::revision(&request.context).await {
        labels.entry(REVISION_LABEL.to_owned()).or_insert_with(|| revision.label());
    }
    let mut keyed = labels.clone();
    keyed.extend(prepared.key.iter().map(|key| (KEY_LABEL.to_owned(), key.clone())));
    let mut progress = Progress::new(request.service.clone(), Arc::clone(events));
    let sent = Sent::default();
    let order = |labels| Order {
        request,
        definition: &prepared.definition,
        options,
        context: &prepared.context,
        labels,
    };
    let mut solved = solve(engine, &order(keyed), Output::Image, &sent, &mut progress, events).await;
    if sent.is_another() && solved.is_ok() {
        // The key does not stand for what was sent: the same again, from what BuildKit has by now, without the key.
        let message =
            format!("{}: files changed while they were sent; the next build looks again", request.service);
        events.emit(Event::Detail { message });
        solved = solve(engine, &order(labels), Output::Image, &sent, &mut progress, events).await;
    }
    let id =
        solved.map_err(|error| failure(prepared, &sent, &progress, error))?.unwrap_or(ImageId(String::new()));
    let image = engine.inspect_image(&id.0).await.map_err(|error| broken(prepared, &error))?;
    let made = if progress.cached() { Made::FromCache } else { Made::Anew };
    finish(engine, prepared, &image, made).await.map_err(|error| broken(prepared, &error))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Made {
    /// It was there.
    Not,
    /// By results of steps that were there.
    FromCache,
    Anew,
}

/// Adds the tag made from the content, where it is not there yet.
async fn finish(
    engine: &Docker,
    prepared: &Prepared,
    image: &ImageInspect,
    made: Made,
) -> Result<BuiltImage, Error> {
    let request = &prepared.request;
    let id = ImageId(image.id.clone().unwrap_or_default());
    let hex = id.0.strip_prefix("sha256:").unwrap_or(&id.0);
    let tag = format!("dd-{}", hex.get(..16).unwrap_or(hex));
    let name = repository(&request.reference);
    let content_tag = format!("{name}:{tag}");
    if !image.repo_tags.iter().flatten().any(|known| *known == content_tag) {
        let parameters = TagImageOptionsBuilder::new().repo(name).tag(&tag).build();
        engine.tag_image(&id.0, Some(parameters)).await?;
    }
    let labels = image.config.as_ref().and_then(|config| config.labels.as_ref());
    Ok(BuiltImage {
        service: request.service.clone(),
        reference: request.reference.clone(),
        content_tag,
        size: image.size.and_then(|size| u64::try_from(size).ok()).unwrap_or_default(),
        id,
        cached: made != Made::Anew,
        key: labels.and_then(|labels| labels.get(KEY_LABEL).cloned()),
        revision: labels.and_then(|labels| labels.get(REVISION_LABEL).cloned()),
    })
}

/// A reference without its tag. A `:` before a `/` belongs to a registry's port.
fn repository(reference: &str) -> &str {
    match reference.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => reference,
    }
}

/// Why nothing came of a solve.
pub(super) fn failure(
    prepared: &Prepared,
    sent: &Sent,
    progress: &Progress,
    error: SolveError,
) -> BuildFailure {
    let service = &prepared.request.service;
    let refused = sent.refused();
    if !refused.is_empty() {
        return BuildFailure::refused(service, refused);
    }
    if let Some(broken) = sent.failure() {
        return BuildFailure::plain(service, broken.to_string(), Some(broken.hint.to_owned()));
    }
    let said = match error {
        SolveError::Said(said) => said,
        SolveError::Broken(how) => format!("the connection to the engine broke: {how}"),
    };
    hint::explain(service, &prepared.definition, progress.failed(), &said)
}

fn broken(prepared: &Prepared, error: &Error) -> BuildFailure {
    let progress = Progress::new(prepared.request.service.clone(), Arc::new(dashdeploy_contract::NoEvents));
    let error = match error {
        Error::DockerResponseServerError { message, .. } => SolveError::Said(message.clone()),
        other => SolveError::Broken(other.to_string()),
    };
    failure(prepared, &Sent::default(), &progress, error)
}

fn unreachable(service: &dashdeploy_contract::Name, error: &Error) -> BuildFailure {
    BuildFailure::plain(
        service,
        format!("the engine does not answer: {error}"),
        Some("run `dashdeploy doctor`".to_owned()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_told_from_a_port() {
        assert_eq!(repository("shop-api:latest"), "shop-api");
        assert_eq!(repository("localhost:5000/shop-api"), "localhost:5000/shop-api");
        assert_eq!(repository("localhost:5000/shop-api:1"), "localhost:5000/shop-api");
    }
}
