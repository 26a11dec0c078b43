//! One build on the engine: what BuildKit is asked for, over a session where the engine does sessions, else with the whole
//! context as one stream.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::Arc;

use bollard::Docker;
use bollard::moby::buildkit::v1::{CacheOptions, CacheOptionsEntry, SolveRequest};
use dashdeploy_contract::{Event, EventSink, ImageId};
use indexmap::IndexMap;

use super::cache::CacheEntry;
use super::context::{Context, Sent};
use super::control::{self, SolveError};
use super::definition::{Definition, RESERVED};
use super::progress::Progress;
use super::session::files::Receiver;
use super::session::filesync::{self, Files};
use super::session::{Services, Session};
use super::{BuildOptions, BuildRequest, stream};

/// What is to be built.
pub(super) struct Order<'a> {
    pub(super) request: &'a BuildRequest,
    pub(super) definition: &'a Definition,
    pub(super) options: &'a BuildOptions,
    pub(super) context: &'a Arc<Context>,
    /// The image's labels: those asked for, the key, the commit.
    pub(super) labels: IndexMap<String, String>,
}

/// What becomes of the last stage.
pub(super) enum Output {
    /// An image under the request's reference.
    Image,
    /// Its files.
    Files(Receiver),
}

/// Has it built; gives the image's id, none where files were wanted.
///
/// # Errors
/// What the engine says, or how the connection broke.
pub(super) async fn solve(
    engine: &Docker,
    order: &Order<'_>,
    output: Output,
    sent: &Sent,
    progress: &mut Progress,
    events: &Arc<dyn EventSink>,
) -> Result<Option<ImageId>, SolveError> {
    let news = filesync::news(&order.request.service, events);
    let mut refused = false;
    if let Some(address) = &order.options.address {
        let (exporter, receiver) = match output {
            Output::Image => ("moby", None),
            Output::Files(receiver) => ("local", Some(receiver)),
        };
        let files = Files {
            context: Arc::clone(order.context),
            dockerfile: (RESERVED.to_owned(), order.definition.text.clone().into_bytes()),
            news: Arc::clone(&news),
            sent: sent.clone(),
        };
        let wants_image = receiver.is_none();
        let (secrets, trouble) = order.options.network.secrets(&order.request.secrets);
        if let Some(message) = trouble {
            events.emit(Event::Warning { message });
        }
        let services = Services { files, secrets, logins: order.options.logins.clone(), receiver };
        match Session::open(address, order.request, services).await {
            // Dropped in this order: first the solve, which ends the running step, then the session.
            Ok(session) => {
                let answer = control::solve(address, ask(order, exporter, &session.id), progress).await?;
                return if wants_image { image(answer).map(Some) } else { Ok(None) };
            }
            Err(error) if wants_image && is_refusal(&error) => {
                let message = format!(
                    "{}: the engine does no sessions ({error}): the whole context is sent as one stream",
                    order.request.service
                );
                events.emit(Event::Detail { message });
                refused = error.kind() == std::io::ErrorKind::PermissionDenied;
            }
            Err(error) => return Err(SolveError::Broken(error.to_string())),
        }
    } else if matches!(output, Output::Files(_)) {
        return Err(SolveError::Said("files without an image need an engine with sessions".to_owned()));
    }
    stream::build(engine, order, refused, sent, news, progress).await.map(Some)
}

/// True where the engine answers and does no sessions, or its address cannot carry one.
fn is_refusal(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::Unsupported)
}

fn ask(order: &Order<'_>, exporter: &str, session: &str) -> SolveRequest {
    let mut exporter_attrs = HashMap::new();
    if exporter == "moby" {
        exporter_attrs.insert("name".to_owned(), order.request.reference.clone());
    }
    SolveRequest {
        r#ref: unique_id(),
        session: session.to_owned(),
        frontend: "dockerfile.v0".to_owned(),
        frontend_attrs: attributes(order),
        exporter_deprecated: exporter.to_owned(),
        exporter_attrs_deprecated: exporter_attrs,
        cache: Some(CacheOptions {
            exports: entries(&order.options.cache_to),
            imports: entries(&order.options.cache_from),
            ..CacheOptions::default()
        }),
        ..SolveRequest::default()
    }
}

fn entries(list: &[CacheEntry]) -> Vec<CacheOptionsEntry> {
    let entry = |entry: &CacheEntry| CacheOptionsEntry {
        r#type: entry.kind.clone(),
        attrs: entry.attributes.clone().into_iter().collect(),
    };
    list.iter().map(entry).collect()
}

/// The Dockerfile frontend's options:
/// <https://github.com/moby/buildkit/blob/master/frontend/dockerfile/docs/reference.md>.
fn attributes(order: &Order<'_>) -> HashMap<String, String> {
    let mut attributes = HashMap::from([("filename".to_owned(), RESERVED.to_owned())]);
    let request = order.request;
    // What the request says counts before what the host has.
    for (name, value) in order.options.network.arguments().chain(&request.args) {
        attributes.insert(format!("build-arg:{name}"), value.clone());
    }
    for (name, value) in &order.labels {
        attributes.insert(format!("label:{name}"), value.clone());
    }
    if let Some(target) = &request.target {
        attributes.insert("target".to_owned(), target.clone());
    }
    if let Some(platform) = &order.options.platform {
        attributes.insert("platform".to_owned(), platform.clone());
    }
    if order.options.no_cache {
        attributes.insert("no-cache".to_owned(), String::new());
    }
    if order.options.pull {
        attributes.insert("image-resolve-mode".to_owned(), "pull".to_owned());
    }
    attributes
}

/// The image's id: of its configuration, or of its manifest where containerd keeps the images.
fn image(answer: HashMap<String, String>) -> Result<ImageId, SolveError> {
    let id = answer.get("containerimage.digest").filter(|id| !id.is_empty());
    let nothing = || SolveError::Broken("the engine ended the build without a result".to_owned());
    id.cloned().map(ImageId).ok_or_else(nothing)
}

/// Names sessions and solves; must differ between builds that run at the same time.
pub(super) fn unique_id() -> String {
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
    fn ids_differ() {
        assert_ne!(unique_id(), unique_id());
    }
}
