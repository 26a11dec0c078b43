//! One build on the engine: the context offered to BuildKit, its status stream followed until there is an image.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use bollard::errors::Error;
use bollard::models::{BuildInfo, BuildInfoAux};
use bollard::query_parameters::{BuildImageOptionsBuilder, BuilderVersion};
use bollard::{BollardRequest, Docker};
use bytes::Bytes;
use dashdeploy_contract::{EventSink, ImageId};
use futures_util::StreamExt as _;

use super::definition::{Definition, RESERVED};
use super::filesync::{self, Files};
use super::progress::Progress;
use super::session::Session;
use super::{BuildOptions, BuildRequest};
use crate::io::context::{ContextFailure, ContextSource, ContextStream};

/// How long the engine may take until its answer begins: it begins when the first step does, which may be long after a large
/// context was sent over a slow line. A user who waits no longer interrupts.
const ANSWER: Duration = Duration::from_secs(24 * 3600);

/// How the context gets to BuildKit.
pub(super) enum Transfer {
    /// BuildKit fetches what it needs.
    Session(Session),
    /// All of it, as one stream.
    Tar(ContextStream),
}

/// Offers the context over a session; where the engine does none, as a stream.
pub(super) async fn transfer(
    request: &BuildRequest,
    definition: &Definition,
    options: &BuildOptions,
    failure: &ContextFailure,
    events: &Arc<dyn EventSink>,
) -> Transfer {
    let news = filesync::news(&request.service, events);
    if let Some(address) = &options.address {
        let files = Files {
            context: Arc::new(without_reserved(&definition.source)),
            dockerfile: (RESERVED.to_owned(), definition.text.clone().into_bytes()),
            news: Arc::clone(&news),
            failure: failure.clone(),
        };
        if let Ok(session) = Session::open(address, request, files).await {
            return Transfer::Session(session);
        }
    }
    Transfer::Tar(ContextStream::start(definition.source.clone(), failure.clone(), move |told| news(told)))
}

/// Over a session the Dockerfile travels apart from the context, and no COPY can meet it.
fn without_reserved(source: &ContextSource) -> ContextSource {
    let mut source = source.clone();
    source.overlay.retain(|(path, _)| path != RESERVED);
    source
}

/// Follows the build; the error is none where the engine ended without a result.
pub(super) async fn solve(
    engine: &Docker,
    request: &BuildRequest,
    definition: &Definition,
    options: &BuildOptions,
    transfer: Transfer,
    progress: &mut Progress,
) -> Result<ImageId, Option<Error>> {
    let engine = engine.clone().with_timeout(ANSWER);
    let through_session = engine.clone().with_request_modifier(ask_for_buildkit);
    let builder = parameters(request, options);
    // Dropped in this order: first the build's stream, which ends the running step, then the session.
    let (_session, mut stream) = match transfer {
        Transfer::Session(session) => {
            let builder = builder.dockerfile(RESERVED).remote("client-session").session(&session.id);
            // The client's own BuildKit mode would open a session of its own: the classic one, with the builder changed.
            let body = bollard::body_full(Bytes::new());
            (Some(session), through_session.build_image(builder.build(), None, Some(body)).boxed())
        }
        Transfer::Tar(context) => {
            let builder = builder.dockerfile(&definition.dockerfile).session(&session_id());
            let parameters = builder.version(BuilderVersion::BuilderBuildKit).build();
            let body = bollard::body_try_stream(context.into_body());
            (None, engine.build_image(parameters, None, Some(body)).boxed())
        }
    };
    let mut id = None;
    while let Some(message) = stream.next().await {
        match message {
            Ok(BuildInfo { aux: Some(BuildInfoAux::BuildKit(status)), .. }) => progress.take(status),
            Ok(BuildInfo { aux: Some(BuildInfoAux::Default(image)), .. }) => id = image.id,
            Ok(_) => {}
            Err(error) => return Err(Some(error)),
        }
    }
    id.filter(|id| !id.is_empty()).map(ImageId).ok_or(None)
}

fn ask_for_buildkit(mut request: BollardRequest) -> BollardRequest {
    let changed = request.uri().to_string().replace("version=1&", "version=2&");
    // Only a digit changes: it stays an address.
    if let Ok(uri) = changed.parse() {
        *request.uri_mut() = uri;
    }
    request
}

fn parameters(request: &BuildRequest, options: &BuildOptions) -> BuildImageOptionsBuilder {
    let pairs = |map: &indexmap::IndexMap<String, String>| map.clone().into_iter().collect::<HashMap<_, _>>();
    let mut builder = BuildImageOptionsBuilder::new()
        .t(&request.reference)
        .buildargs(&pairs(&request.args))
        .labels(&pairs(&request.labels))
        .nocache(options.no_cache);
    if let Some(target) = &request.target {
        builder = builder.target(target);
    }
    if let Some(platform) = &options.platform {
        builder = builder.platform(platform);
    }
    builder
}

/// Names the session that BuildKit asks for credentials; must differ between builds that run at the same time.
pub(super) fn session_id() -> String {
    format!("dashdeploy-{:016x}{:016x}", random(), random())
}

/// A number that nobody else has: the standard library's own source of hash keys.
pub(super) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_differ() {
        assert_ne!(session_id(), session_id());
    }
}
