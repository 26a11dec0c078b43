//! All images at once.

use std::sync::Arc;

use dashdeploy_contract::{Event, EventSink, Name};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::Semaphore;

use super::one::Push;
use super::{PushFailure, PushImage, PushOptions, PushedImage, Standing};
use crate::io::docker::{Engine, EngineImage};
use crate::io::http::is_loopback;
use crate::io::logins::Login;
use crate::io::registry::{Registry, Repository};

/// Images that are sent at the same time. The engine sends five layers of each at once.
const AT_ONCE: usize = 2;

/// Pushes all images and gives them in the order they were named in. Dropping the future ends the transfers.
///
/// # Errors
/// [`PushFailure`] of the first image that fails; the others are stopped. What was sent of them stays, by content.
pub async fn push_all(
    engine: &Engine,
    images: Vec<PushImage>,
    options: &PushOptions,
    events: Arc<dyn EventSink>,
) -> Result<Vec<PushedImage>, PushFailure> {
    let Some(found) = prepare(engine, images, options).await? else { return Ok(Vec::new()) };
    let push = Push {
        engine,
        registry: &found.registry,
        login: found.login.as_ref(),
        options,
        events: events.as_ref(),
        turn: Semaphore::new(AT_ONCE),
    };
    let mut done: Vec<Option<PushedImage>> = vec![None; found.images.len()];
    let push = &push;
    let work = found.images.iter().enumerate().map(|(index, (image, known))| async move {
        let result = push.image(image, known).await;
        result.map(|image| (index, image)).inspect_err(|failure| {
            let message = failure.message.clone();
            push.events.emit(Event::PushFailed { service: failure.service.clone(), message });
        })
    });
    let mut running: FuturesUnordered<_> = work.collect();
    while let Some(result) = running.next().await {
        let (index, image) = result?;
        done[index] = Some(image);
    }
    Ok(done.into_iter().flatten().collect())
}

/// How all images stand at their registry; nothing is sent.
///
/// # Errors
/// [`PushFailure`] of the first image that cannot be looked for.
pub async fn look_all(
    engine: &Engine,
    images: Vec<PushImage>,
    options: &PushOptions,
) -> Result<Vec<Standing>, PushFailure> {
    let Some(found) = prepare(engine, images, options).await? else { return Ok(Vec::new()) };
    let registry = &found.registry;
    let looks = found.images.iter().map(|(image, _)| async move {
        let repository = Repository::below(&options.registry, &image.name);
        let tag = image.id.content_tag();
        let digest = registry.digest(&repository.path, &tag).await;
        let digest = digest.map_err(|error| PushFailure::registry(&image.service, error))?;
        Ok(Standing { service: image.service.clone(), reference: format!("{repository}:{tag}"), digest })
    });
    futures_util::future::try_join_all(looks).await
}

struct Prepared {
    registry: Registry,
    login: Option<Login>,
    images: Vec<(PushImage, EngineImage)>,
}

/// Asks for the login and for the images at the same time; none where there is no image.
async fn prepare(
    engine: &Engine,
    images: Vec<PushImage>,
    options: &PushOptions,
) -> Result<Option<Prepared>, PushFailure> {
    let Some(first) = images.first().map(|image| image.service.clone()) else { return Ok(None) };
    let host = Repository::below(&options.registry, "any").host;
    same_machine(engine, &host, &first).map_err(|failure| *failure)?;
    let known = images.iter().map(|image| inspected(engine, image));
    let (login, known) =
        tokio::try_join!(login(options, &host, &first), futures_util::future::try_join_all(known))?;
    let registry = Registry::new(Arc::clone(&options.http), &host, login.clone());
    let registry = registry.map_err(|error| PushFailure::registry(&first, error))?;
    let registry = registry.for_pushing();
    Ok(Some(Prepared { registry, login, images: images.into_iter().zip(known).collect() }))
}

/// An engine elsewhere means itself by `localhost`, and would push to another registry than the one that is looked at.
fn same_machine(engine: &Engine, host: &str, service: &Name) -> Result<(), Box<PushFailure>> {
    let bare = |host: &str| host.rsplit_once(':').map_or(host, |(name, _)| name).to_owned();
    let away = engine.address.strip_prefix("tcp://").is_some_and(|address| !is_loopback(&bare(address)));
    if away && (is_loopback(host) || is_loopback(&bare(host))) {
        let message = format!(
            "{host} is a registry of this machine, and the engine at {} is another's",
            engine.address
        );
        let hint = "name the registry as both reach it, or use this machine's engine";
        return Err(Box::new(PushFailure::new(service, message, hint)));
    }
    Ok(())
}

async fn login(options: &PushOptions, host: &str, service: &Name) -> Result<Option<Login>, PushFailure> {
    let (logins, asked) = (Arc::clone(&options.logins), host.to_owned());
    let looked = tokio::task::spawn_blocking(move || logins.login(&asked)).await;
    let login = looked.unwrap_or_else(|_| Err("the look-up ended without a result".to_owned()));
    login.map_err(|why| PushFailure::login(service, why, host))
}

async fn inspected(engine: &Engine, image: &PushImage) -> Result<EngineImage, PushFailure> {
    let found = engine.image(&image.id.0).await;
    let found = found.map_err(|error| PushFailure::engine(&image.service, error))?;
    found.ok_or_else(|| {
        let message = format!("the engine no longer has {}", image.id.short());
        PushFailure::new(&image.service, message, "run `dashdeploy build`")
    })
}
