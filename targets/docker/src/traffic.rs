//! Requests handed over from a service's former container to the next, and back.
//!
//! Given: a [`HandOver`]. Gives: the container under the service's name found by that name, and the former one ended once
//! nobody is sent to it alone. The engine changes names in a network only by disconnecting and connecting again, which is
//! done while nobody uses the new container. Then both are found, and a server that keeps addresses learns of the new one
//! before the former goes. Deliberately absent: the containers' making and removing.

use std::time::Duration;

use bollard::models::{
    ContainerInspectResponse, EndpointSettings, NetworkConnectRequest, NetworkDisconnectRequest,
};
use dashdeploy_contract::{ErrorKind, Health, TargetError, page};
use tokio::time::Instant;

use crate::api::Engine;
use crate::config::{Stack, former};
use crate::error::ours;
use crate::health;
use crate::payload::HandOver;
use crate::start::{label, name_of, start};

/// From a change of a service's addresses until every page's nginx has them: as long as they are kept there, and a second
/// for the question.
const KNOWN_AFTER: Duration = Duration::from_secs(page::ADDRESSES_KEPT_SECONDS as u64 + 1);
/// How long a former container may take until it serves again.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often its health is asked for.
const PAUSE: Duration = Duration::from_millis(250);

/// Gives the container under the service's name the requests, and stops the former. Safe to repeat: what was done is not done
/// again, except that the wait for those who keep addresses is, since nobody knows how much of it is over.
///
/// # Errors
/// `Unavailable` where the new container does not serve when the former is to end, which then goes on serving.
pub(crate) async fn hand_over(
    engine: &Engine,
    stack: &Stack<'_>,
    task: &HandOver,
) -> Result<(), TargetError> {
    let new = holder(engine, stack, task).await?;
    make_known(engine, task, &new).await?;
    let Some(id) = &task.former else { return Ok(()) };
    let runs = engine.container(id).await?.is_some_and(|found| is_running(&found));
    if !runs {
        return Ok(());
    }
    tokio::time::sleep(KNOWN_AFTER).await;
    let health = health::of(Some(&holder(engine, stack, task).await?));
    if !health.is_serving() {
        let message = format!("it does not serve any more ({})", health.word());
        return Err(ours(ErrorKind::Unavailable, operation(task), message)
            .hint(format!("see `dashdeploy logs {}`", task.service)));
    }
    engine.stop(id, &former(&task.name)).await
}

/// Removes the former container, which has no requests any more.
pub(crate) async fn settle(engine: &Engine, task: &HandOver) -> Result<(), TargetError> {
    match &task.former {
        Some(id) => drop_former(engine, id, &task.name).await,
        None => Ok(()),
    }
}

/// Removes a container that was set aside, unless it was put back or is gone.
pub(crate) async fn drop_former(engine: &Engine, id: &str, name: &str) -> Result<(), TargetError> {
    let aside = former(name);
    match engine.container(id).await? {
        Some(found) if name_of(&found) == aside => engine.remove(id, &aside, false).await,
        _ => Ok(()),
    }
}

/// Starts a former container that has ended, and waits until it serves and is known: what has the requests until then may go
/// after that. One that runs and serves is waited for no longer.
///
/// # Errors
/// `NotFound` where it is gone, `Unavailable` where it does not serve within 30 s.
pub(crate) async fn bring_back(engine: &Engine, id: &str, name: &str) -> Result<(), TargetError> {
    let operation = || format!("bring back container {name}");
    let Some(kept) = engine.container(id).await? else {
        let message = "the container that was kept aside is gone";
        return Err(ours(ErrorKind::NotFound, operation(), message).hint("`dashdeploy up` makes it anew"));
    };
    let known_at = if is_running(&kept) { Instant::now() } else { Instant::now() + KNOWN_AFTER };
    start(engine, id, name_of(&kept), name).await?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let health = health::of(engine.container(id).await?.as_ref());
        if health.is_serving() && Instant::now() >= known_at {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let message = format!("it does not serve after {} s ({})", PATIENCE.as_secs(), health.word());
            return Err(ours(ErrorKind::Unavailable, operation(), message)
                .hint(format!("see `docker logs {}`", name_of(&kept))));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// True where the container of a name is another one than `id` and has requests that it answers.
pub(crate) async fn has_requests(
    engine: &Engine,
    name: &str,
    id: &str,
    network: &str,
    service: &str,
) -> Result<bool, TargetError> {
    let found = engine.container(name).await?.filter(|found| found.id.as_deref() != Some(id));
    Ok(found.is_some_and(|found| {
        matches!(health::of(Some(&found)), Health::Healthy | Health::Running)
            && is_named(&found, network, service)
    }))
}

fn operation(task: &HandOver) -> String {
    format!("hand requests over to container {}", task.name)
}

fn is_running(container: &ContainerInspectResponse) -> bool {
    container.state.as_ref().and_then(|state| state.running).unwrap_or_default()
}

/// The container under the service's name: ours, and not the former.
async fn holder(
    engine: &Engine,
    stack: &Stack<'_>,
    task: &HandOver,
) -> Result<ContainerInspectResponse, TargetError> {
    let found = engine.container(&task.name).await?;
    let ours_alone = |found: &ContainerInspectResponse| {
        stack.marked(|mark| label(found, mark)) && (task.former.is_none() || found.id != task.former)
    };
    found.filter(ours_alone).ok_or_else(|| {
        let message = "the container that is to have them is not there";
        ours(ErrorKind::Conflict, operation(task), message).hint("run the command again: it makes a new plan")
    })
}

fn endpoint<'c>(container: &'c ContainerInspectResponse, network: &str) -> Option<&'c EndpointSettings> {
    container.network_settings.as_ref()?.networks.as_ref()?.get(network)
}

fn is_named(container: &ContainerInspectResponse, network: &str, name: &str) -> bool {
    let aliases = endpoint(container, network).and_then(|endpoint| endpoint.aliases.as_ref());
    aliases.into_iter().flatten().any(|alias| alias == name)
}

async fn make_known(
    engine: &Engine,
    task: &HandOver,
    new: &ContainerInspectResponse,
) -> Result<(), TargetError> {
    if is_named(new, &task.network, task.service.as_str()) {
        return Ok(());
    }
    let id = new.id.clone().unwrap_or_default();
    if endpoint(new, &task.network).is_some() {
        let request = NetworkDisconnectRequest { container: id.clone(), force: None };
        engine.disconnect(&task.network, &task.name, request).await?;
    }
    let named = EndpointSettings { aliases: Some(task.aliases.clone()), ..Default::default() };
    let request = NetworkConnectRequest { container: id, endpoint_config: Some(named) };
    engine.connect(&task.network, &task.name, request).await
}
