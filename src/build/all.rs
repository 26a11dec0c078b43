//! All images at once.

use std::sync::Arc;

use bollard::Docker;
use dashdeploy_contract::{Event, EventSink, Name};
use futures_util::StreamExt as _;

use super::image::build_one;
use super::{BuildFailure, BuildOptions, BuildRequest, BuiltImage};
use crate::io::context::processors;
use crate::io::docker::is_containerd_store;

/// Builds all images, as many at a time as the options say, and gives them in the order of the requests.
///
/// Dropping the future ends what runs: the engine kills a running step within a second.
///
/// # Errors
/// [`BuildFailure`] of the first image that fails; the others are stopped, and named in it.
pub async fn build_all(
    engine: &Docker,
    requests: Vec<BuildRequest>,
    options: &BuildOptions,
    events: Arc<dyn EventSink>,
) -> Result<Vec<BuiltImage>, BuildFailure> {
    let Some(first) = requests.first() else {
        return Ok(Vec::new());
    };
    refuse_what_cannot_be(engine, &first.service, options).await?;
    let limit = options.parallel.unwrap_or_else(default_parallel).max(1);
    let names: Vec<Name> = requests.iter().map(|request| request.service.clone()).collect();
    let mut done: Vec<Option<BuiltImage>> = vec![None; requests.len()];
    let mut running = futures_util::stream::iter(requests.into_iter().enumerate())
        .map(|(index, request)| {
            let events = Arc::clone(&events);
            async move { (index, build_one(engine, request, options, events).await) }
        })
        .buffer_unordered(limit);
    while let Some((index, result)) = running.next().await {
        match result {
            Ok(image) => done[index] = Some(image),
            Err(mut failure) => {
                drop(running);
                let unfinished = names.iter().zip(&done).filter(|(_, image)| image.is_none());
                failure.stopped = unfinished
                    .map(|(name, _)| name.clone())
                    .filter(|name| *name != failure.service)
                    .collect();
                tell(&failure, events.as_ref());
                return Err(failure);
            }
        }
    }
    Ok(done.into_iter().flatten().collect())
}

fn tell(failure: &BuildFailure, events: &dyn EventSink) {
    events.emit(Event::BuildFailed { service: failure.service.clone(), message: failure.message.clone() });
    for stopped in &failure.stopped {
        let message = format!("stopped, because the image of `{}` could not be built", failure.service);
        events.emit(Event::BuildFailed { service: stopped.clone(), message });
    }
}

fn default_parallel() -> usize {
    processors().max(2)
}

async fn refuse_what_cannot_be(
    engine: &Docker,
    service: &Name,
    options: &BuildOptions,
) -> Result<(), BuildFailure> {
    let fail = |message: String, hint: &str| BuildFailure::plain(service, message, Some(hint.to_owned()));
    let platforms: Vec<&str> = options.platform.iter().flat_map(|list| list.split(',')).collect();
    if let Some(odd) = platforms.iter().find(|platform| !is_platform(platform)) {
        return Err(fail(
            format!("`--platform {odd}` is no platform"),
            "write the operating system and the processor, as `linux/amd64` or `linux/arm64`",
        ));
    }
    let exports = options.cache_to.iter().find(|entry| !entry.is_inline());
    if platforms.len() < 2 && exports.is_none() {
        return Ok(());
    }
    // Only an engine whose images are kept by containerd has room for several platforms, and exporters for caches:
    // https://docs.docker.com/engine/storage/containerd/
    let info = engine.info().await;
    let info = info
        .map_err(|error| fail(format!("the engine does not answer: {error}"), "run `dashdeploy doctor`"))?;
    if is_containerd_store(&info) {
        return Ok(());
    }
    let hint = "enable the containerd image store (Docker Engine 24 or later: `\"features\": { \"containerd-snapshotter\": true }` \
                in /etc/docker/daemon.json)";
    Err(match exports {
        Some(entry) => fail(
            format!(
                "this engine cannot export a cache of type `{}`: its image store holds inline caches only",
                entry.kind
            ),
            &format!("use `--cache-to type=inline`, or {hint}"),
        ),
        None => fail(
            format!(
                "`--platform {}` names several platforms, and this engine keeps images of one",
                platforms.join(",")
            ),
            &format!("name one platform and run the build once for each, or {hint}"),
        ),
    })
}

fn is_platform(text: &str) -> bool {
    let parts: Vec<&str> = text.split('/').collect();
    let word = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (2..=3).contains(&parts.len()) && parts.iter().all(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_are_recognised() {
        for good in ["linux/amd64", "linux/arm64", "linux/arm/v7"] {
            assert!(is_platform(good), "{good}");
        }
        for bad in ["", "linux", "linux/", "linux/amd64,linux/arm64", "a b/c", "a/b/c/d"] {
            assert!(!is_platform(bad), "{bad}");
        }
    }
}
