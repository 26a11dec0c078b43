//! Changes carried out, taken back, settled.
//!
//! Given: one change of a plan. Gives: the engine in the state the change describes. Every step first looks whether it was
//! done already, so that a run killed anywhere and repeated converges. Replacing: the former container is renamed, then
//! stopped, so that its end is never taken for its service's; the new one is made; if that fails, the former is put back.
//! Where the two may overlap, the former is renamed only, and ends when requests are handed over (see `traffic`).

use std::time::Duration;

use bollard::models::{ContainerInspectResponse, NetworkCreateRequest, VolumeCreateRequest};
use bollard::query_parameters::RestartContainerOptions;
use dashdeploy_contract::{Change, ErrorKind, SecretStore, TargetError};
use indexmap::IndexMap;

use crate::api::Engine;
use crate::config::{Stack, compose, former};
use crate::desired::DesiredContainer;
use crate::error::{engine as engine_error, is_gone, ours};
use crate::inspected::is_unnamed;
use crate::payload::{Task, Wake};
use crate::start::{Carried, Making, is_made_of, label, make, name_of, start};
use crate::traffic;

/// How often a call is repeated while the engine is being restarted, the pauses doubling from half a second.
const ATTEMPTS: u32 = 6;

/// Carries out a change.
pub(crate) async fn apply(
    engine: &Engine,
    stack: &Stack<'_>,
    change: &Change,
    secrets: &SecretStore,
) -> Result<(), TargetError> {
    let task = Task::of(change)?;
    let mut attempt = 0;
    loop {
        let done = carry_out(engine, stack, &task, secrets).await;
        match done {
            Err(error) if is_gone(&error) && attempt < ATTEMPTS => {
                tokio::time::sleep(Duration::from_millis(500 << attempt)).await;
                attempt += 1;
            }
            done => return done,
        }
    }
}

async fn carry_out(
    engine: &Engine,
    stack: &Stack<'_>,
    task: &Task,
    secrets: &SecretStore,
) -> Result<(), TargetError> {
    match task {
        Task::MakeNetwork { name, labels } => make_network(engine, stack, name, labels).await,
        Task::MakeVolume { name, volume, labels } => make_volume(engine, stack, name, volume, labels).await,
        Task::Create { desired } => make(engine, stack, desired, &Making::default(), secrets).await,
        Task::Replace { desired, former, ran, discard, overlaps } => {
            let kept = Kept { id: former, ran: *ran, overlaps: *overlaps };
            replace(engine, stack, desired, &kept, discard, secrets).await
        }
        Task::HandOver(task) => traffic::hand_over(engine, stack, task).await,
        Task::Start { id, name, how } => run(engine, id, name, *how).await,
        Task::TakeBack { id, name } => put_back(engine, stack, id, name, true).await,
        Task::SetAside { id, name, .. } => set_aside(engine, stack, id, name, true).await.map(|_| ()),
        Task::RemoveContainer { id, name, unnamed_volumes } => {
            engine.remove(id, name, *unnamed_volumes).await
        }
        Task::RemoveNetwork { id, name } => engine.remove_network(id, name).await,
        Task::RemoveVolume { name } => engine.remove_volume(name).await,
    }
}

/// Takes back what [`apply`] did.
pub(crate) async fn revert(engine: &Engine, stack: &Stack<'_>, change: &Change) -> Result<(), TargetError> {
    match Task::of(change)? {
        Task::MakeNetwork { name, .. } => unmake_network(engine, stack, &name).await,
        Task::Create { desired } => unmake(engine, stack, &desired).await,
        Task::Replace { desired, former, overlaps: true, .. } => {
            put_back_first(engine, stack, &former, &desired).await
        }
        Task::Replace { desired, former, ran, .. } => {
            put_back(engine, stack, &former, &desired.name, ran).await
        }
        Task::HandOver(task) => match &task.former {
            Some(former) => traffic::bring_back(engine, former, &task.name).await,
            None => Ok(()),
        },
        Task::Start { id, name, how: Wake::Start } => engine.stop(&id, &name).await,
        Task::SetAside { id, name, ran } => put_back(engine, stack, &id, &name, ran).await,
        Task::RemoveVolume { name } => {
            let message = "what was in it cannot be had again";
            Err(ours(ErrorKind::Unsupported, format!("restore volume {name}"), message))
        }
        // A volume stays, for it may hold data by now; a container that runs again may run; leftovers are no loss.
        Task::MakeVolume { .. }
        | Task::Start { .. }
        | Task::TakeBack { .. }
        | Task::RemoveContainer { .. }
        | Task::RemoveNetwork { .. } => Ok(()),
    }
}

/// Drops what was kept for [`revert`].
pub(crate) async fn settle(engine: &Engine, change: &Change) -> Result<(), TargetError> {
    match Task::of(change)? {
        // One that overlaps has requests until they are handed over: it goes with that change.
        Task::Replace { desired, former, overlaps: false, .. } => {
            traffic::drop_former(engine, &former, &desired.name).await
        }
        Task::SetAside { id, name, .. } => traffic::drop_former(engine, &id, &name).await,
        Task::HandOver(task) => traffic::settle(engine, &task).await,
        _ => Ok(()),
    }
}

async fn make_network(
    engine: &Engine,
    stack: &Stack<'_>,
    name: &str,
    labels: &IndexMap<String, String>,
) -> Result<(), TargetError> {
    if has_network(engine, stack, name).await? {
        return Ok(());
    }
    let request = NetworkCreateRequest {
        name: name.to_owned(),
        driver: Some("bridge".to_owned()),
        labels: Some(labels.clone().into_iter().collect()),
        ..Default::default()
    };
    match engine.make_network(request).await {
        Err(error) if error.kind == ErrorKind::Conflict && has_network(engine, stack, name).await? => Ok(()),
        done => done,
    }
}

/// True where our network is there; a network of others under this name is an error.
async fn has_network(engine: &Engine, stack: &Stack<'_>, name: &str) -> Result<bool, TargetError> {
    let found = engine.networks(name).await?;
    let ours_all = found.iter().all(|network| {
        stack.marked_or_composed(compose::NETWORK, "default", |mark| {
            network.labels.as_ref()?.get(mark).map(String::as_str)
        })
    });
    if ours_all {
        return Ok(!found.is_empty());
    }
    let message = format!("the network `{name}` is not dashdeploy's");
    Err(ours(ErrorKind::Conflict, format!("create network {name}"), message)
        .hint(format!("give this project another name (`project:`), or `docker network rm {name}`")))
}

async fn unmake_network(engine: &Engine, stack: &Stack<'_>, name: &str) -> Result<(), TargetError> {
    if !has_network(engine, stack, name).await? {
        return Ok(());
    }
    for network in engine.networks(name).await? {
        let connected = network.containers.is_some_and(|containers| !containers.is_empty());
        if !connected {
            engine.remove_network(&network.id.unwrap_or_default(), name).await?;
        }
    }
    Ok(())
}

// The engine answers a repeated create with success and the volume that is there, whosever it is: its labels are proof.
async fn make_volume(
    engine: &Engine,
    stack: &Stack<'_>,
    name: &str,
    volume: &str,
    labels: &IndexMap<String, String>,
) -> Result<(), TargetError> {
    let request = VolumeCreateRequest {
        name: Some(name.to_owned()),
        labels: Some(labels.clone().into_iter().collect()),
        ..Default::default()
    };
    let operation = format!("create volume {name}");
    let made = engine.docker.create_volume(request).await;
    let made = made.map_err(|error| engine_error(operation.clone(), &error))?;
    let of = |mark: &str| made.labels.get(mark).map(String::as_str);
    if stack.marked_or_composed(compose::VOLUME, volume, of) {
        return Ok(());
    }
    Err(ours(ErrorKind::Conflict, operation, format!("the volume `{name}` is not dashdeploy's")).hint(
        format!(
            "give the volume or the project another name; `docker volume inspect {name}` shows what it is"
        ),
    ))
}

async fn run(engine: &Engine, id: &str, name: &str, how: Wake) -> Result<(), TargetError> {
    let operation = |verb: &str| format!("{verb} container {name}");
    match how {
        Wake::Start | Wake::Wait => {
            let labels = engine.container(id).await?;
            let service = labels.as_ref().and_then(|found| label(found, compose::SERVICE)).unwrap_or(name);
            start(engine, id, name, service).await
        }
        Wake::Restart => {
            let answer = engine.docker.restart_container(id, None::<RestartContainerOptions>).await;
            answer.map_err(|error| engine_error(operation("restart"), &error))
        }
        Wake::Unpause => match engine.docker.unpause_container(id).await {
            // It runs already: an earlier try was carried out and its reply lost.
            Err(error) if error.to_string().contains("is not paused") => Ok(()),
            answer => answer.map_err(|error| engine_error(operation("unpause"), &error)),
        },
    }
}

/// The container that is kept for a way back.
struct Kept<'t> {
    id: &'t str,
    ran: bool,
    overlaps: bool,
}

async fn replace(
    engine: &Engine,
    stack: &Stack<'_>,
    desired: &DesiredContainer,
    kept: &Kept<'_>,
    discard: &[String],
    secrets: &SecretStore,
) -> Result<(), TargetError> {
    let current = engine.container(&desired.name).await?;
    let done = current
        .is_some_and(|found| found.id.as_deref() != Some(kept.id) && is_made_of(stack, &found, desired));
    if done {
        return make(engine, stack, desired, &Making::default(), secrets).await;
    }
    for id in discard {
        engine.remove(id, &desired.name, false).await?;
    }
    let carried = set_aside(engine, stack, kept.id, &desired.name, !kept.overlaps).await?;
    let making = Making { carried, unnamed: kept.overlaps };
    match make(engine, stack, desired, &making, secrets).await {
        // The engine went away: the caller tries again from here.
        Err(error) if is_gone(&error) => Err(error),
        Err(error) => {
            if let Err(worse) = put_back(engine, stack, kept.id, &desired.name, kept.ran).await {
                let message = format!(
                    "{}; and the former container could not be put back: {}",
                    error.message, worse.message
                );
                return Err(TargetError { message, ..error });
            }
            Err(error)
        }
        Ok(()) => Ok(()),
    }
}

/// Renames a container aside and stops it where it is to; gives its unnamed volumes. One that is gone is no error.
async fn set_aside(
    engine: &Engine,
    stack: &Stack<'_>,
    id: &str,
    name: &str,
    stops: bool,
) -> Result<Carried, TargetError> {
    let Some(found) = engine.container(id).await? else {
        return Ok(Carried::new());
    };
    let aside = former(name);
    if name_of(&found) != aside {
        if let Some(older) = engine.container(&aside).await? {
            remove_ours(engine, stack, &older, &aside).await?;
        }
        engine.rename(id, name, &aside).await?;
    }
    if stops {
        engine.stop(id, &aside).await?;
    }
    let mounts = found.mounts.unwrap_or_default().into_iter().filter(is_unnamed);
    Ok(mounts.filter_map(|mount| Some((mount.name?, mount.destination?))).collect())
}

/// Puts a container back without a gap: it serves before what took its place goes. Where it does not serve and what took its
/// place does, that one stays.
async fn put_back_first(
    engine: &Engine,
    stack: &Stack<'_>,
    id: &str,
    desired: &DesiredContainer,
) -> Result<(), TargetError> {
    let (name, service) = (&desired.name, desired.spec.service.as_str());
    if let Err(error) = traffic::bring_back(engine, id, name).await
        && traffic::has_requests(engine, name, id, &desired.network, service).await?
    {
        return Err(error);
    }
    put_back(engine, stack, id, name, true).await
}

/// Removes what took a container's place, gives the container its name back, and starts it where it ran.
async fn put_back(
    engine: &Engine,
    stack: &Stack<'_>,
    id: &str,
    name: &str,
    ran: bool,
) -> Result<(), TargetError> {
    let Some(kept) = engine.container(id).await? else {
        let message = "the container that was kept aside is gone";
        return Err(ours(ErrorKind::NotFound, format!("put back container {name}"), message)
            .hint("`dashdeploy up` makes it anew"));
    };
    if name_of(&kept) != name {
        if let Some(new) = engine.container(name).await? {
            remove_ours(engine, stack, &new, name).await?;
        }
        engine.rename(id, name_of(&kept), name).await?;
    }
    if ran {
        let service = label(&kept, compose::SERVICE).unwrap_or(name).to_owned();
        start(engine, id, name, &service).await?;
    }
    Ok(())
}

async fn unmake(engine: &Engine, stack: &Stack<'_>, desired: &DesiredContainer) -> Result<(), TargetError> {
    match engine.container(&desired.name).await? {
        Some(found) if is_made_of(stack, &found, desired) => {
            engine.remove(&found.id.unwrap_or_default(), &desired.name, true).await
        }
        _ => Ok(()),
    }
}

async fn remove_ours(
    engine: &Engine,
    stack: &Stack<'_>,
    found: &ContainerInspectResponse,
    name: &str,
) -> Result<(), TargetError> {
    if stack.marked(|mark| label(found, mark)) {
        return engine.remove(found.id.as_deref().unwrap_or(name), name, true).await;
    }
    let message = format!("the container `{name}` is not dashdeploy's");
    Err(ours(ErrorKind::Conflict, format!("remove container {name}"), message)
        .hint(format!("`docker rm -f {name}` takes it away")))
}
