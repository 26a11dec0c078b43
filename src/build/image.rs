//! One image: read what it is made of, have it solved, tag the result.

use std::sync::Arc;
use std::time::Instant;

use bollard::Docker;
use bollard::errors::Error;
use bollard::query_parameters::TagImageOptionsBuilder;
use dashdeploy_contract::{Event, EventSink, ImageId};

use super::definition::Definition;
use super::progress::Progress;
use super::solve::{solve, transfer};
use super::{BuildFailure, BuildOptions, BuildRequest, BuiltImage, hint};
use crate::io::context::ContextFailure;

/// Builds one image.
pub(super) async fn build_one(
    engine: &Docker,
    request: BuildRequest,
    options: &BuildOptions,
    events: Arc<dyn EventSink>,
) -> Result<BuiltImage, BuildFailure> {
    let begun = Instant::now();
    events.emit(Event::BuildStarted { service: request.service.clone() });
    let (request, definition) = read(request).await?;
    let mut progress = Progress::new(request.service.clone(), Arc::clone(&events));
    let context = ContextFailure::default();
    let transfer = transfer(&request, &definition, options, &context, &events).await;
    let solved = solve(engine, &request, &definition, options, transfer, &mut progress).await;
    let id = solved.map_err(|error| failure(&request, &definition, &context, &progress, error))?;
    let image = finish(engine, &request, id, progress.cached())
        .await
        .map_err(|error| failure(&request, &definition, &context, &progress, Some(error)))?;
    events.emit(Event::BuildFinished {
        service: image.service.clone(),
        image: image.reference.clone(),
        id: image.id.0.clone(),
        millis: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        cached: image.cached,
    });
    Ok(image)
}

async fn read(request: BuildRequest) -> Result<(BuildRequest, Definition), BuildFailure> {
    let service = request.service.clone();
    let reading = tokio::task::spawn_blocking(move || Definition::read(&request).map(|read| (request, read)));
    let read = reading.await.map_err(|error| BuildFailure::plain(&service, error.to_string(), None))?;
    read.map_err(|failure| *failure)
}

/// Adds the tag made from the content and asks for the size.
async fn finish(
    engine: &Docker,
    request: &BuildRequest,
    id: ImageId,
    cached: bool,
) -> Result<BuiltImage, Error> {
    let hex = id.0.strip_prefix("sha256:").unwrap_or(&id.0);
    let tag = format!("dd-{}", hex.get(..16).unwrap_or(hex));
    let name = repository(&request.reference);
    let parameters = TagImageOptionsBuilder::new().repo(name).tag(&tag).build();
    let (inspected, ()) =
        tokio::try_join!(engine.inspect_image(&id.0), engine.tag_image(&id.0, Some(parameters)))?;
    Ok(BuiltImage {
        service: request.service.clone(),
        reference: request.reference.clone(),
        content_tag: format!("{name}:{tag}"),
        size: inspected.size.and_then(|size| u64::try_from(size).ok()).unwrap_or_default(),
        id,
        cached,
    })
}

/// A reference without its tag. A `:` before a `/` belongs to a registry's port.
fn repository(reference: &str) -> &str {
    match reference.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => reference,
    }
}

fn failure(
    request: &BuildRequest,
    definition: &Definition,
    context: &ContextFailure,
    progress: &Progress,
    error: Option<Error>,
) -> BuildFailure {
    if let Some(broken) = context.get() {
        let hint = Some(broken.hint.to_owned());
        return BuildFailure::plain(&request.service, broken.to_string(), hint);
    }
    let said = match &error {
        None => "the engine ended the build without a result".to_owned(),
        Some(Error::DockerStreamError { error }) => error.clone(),
        Some(Error::DockerResponseServerError { message, .. }) => message.clone(),
        Some(other) => format!("the connection to the engine broke: {other}"),
    };
    hint::explain(&request.service, definition, progress.failed(), &said)
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
