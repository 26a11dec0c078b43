//! Making and starting one container, so that it can be repeated after any crash.
//!
//! Given: a [`DesiredContainer`] and the secrets. Gives: that container running, or nothing of it left behind. A name that is
//! taken is looked at before it is an error: what bears our marks and this very content is the lost reply of an earlier call.

use bollard::models::ContainerInspectResponse;
use bollard::query_parameters::{CreateContainerOptionsBuilder, StartContainerOptions};
use dashdeploy_contract::{EnvValue, ErrorKind, SecretStore, TargetError, fingerprint};

use crate::api::{Engine, Filters};
use crate::config::{Stack, compose};
use crate::desired::DesiredContainer;
use crate::error::{engine as engine_error, is_conflict, ours, taken_port};

/// Unnamed volumes: name, path.
pub(crate) type Carried = Vec<(String, String)>;

/// A label of a container.
pub(crate) fn label<'c>(container: &'c ContainerInspectResponse, label: &str) -> Option<&'c str> {
    container.config.as_ref()?.labels.as_ref()?.get(label).map(String::as_str)
}

/// A container's name.
pub(crate) fn name_of(container: &ContainerInspectResponse) -> &str {
    container.name.as_deref().unwrap_or_default().trim_start_matches('/')
}

/// True where the container was made of exactly this content, by us.
pub(crate) fn is_made_of(
    stack: &Stack,
    container: &ContainerInspectResponse,
    desired: &DesiredContainer,
) -> bool {
    stack.marked(|mark| label(container, mark))
        && label(container, compose::CONFIG_HASH) == Some(desired.hash().as_str())
}

/// What a container is made with besides its desired state.
#[derive(Debug, Default)]
pub(crate) struct Making {
    /// Unnamed volumes (name, path) that go over from the container that is replaced.
    pub(crate) carried: Carried,
    /// True where it is not found by its service's names yet, because another container has the service's requests.
    pub(crate) unnamed: bool,
}

/// Makes the container unless it is there, and starts it.
///
/// # Errors
/// [`TargetError`]; a container that this call made and that did not start is removed again.
pub(crate) async fn make(
    engine: &Engine,
    stack: &Stack<'_>,
    desired: &DesiredContainer,
    making: &Making,
    secrets: &SecretStore,
) -> Result<(), TargetError> {
    let id = match engine.container(&desired.name).await? {
        Some(found) => adopt(stack, desired, &found)?,
        None => create(engine, stack, desired, making, secrets).await?,
    };
    match start(engine, &id, &desired.name, desired.spec.service.as_str()).await {
        Ok(()) => Ok(()),
        Err(error) => {
            // The first error is the one to report; what cannot be removed now is found by the next run.
            let _ = engine.remove(&id, &desired.name, true).await;
            Err(redacted(error, secrets))
        }
    }
}

async fn create(
    engine: &Engine,
    stack: &Stack<'_>,
    desired: &DesiredContainer,
    making: &Making,
    secrets: &SecretStore,
) -> Result<String, TargetError> {
    let env = variables(stack, desired, secrets)?;
    let aliases = if making.unnamed { Vec::new() } else { desired.aliases() };
    let body = desired.body(env, &image(engine, desired).await?, &making.carried, aliases);
    let options = CreateContainerOptionsBuilder::new().name(&desired.name).build();
    match engine.docker.create_container(Some(options), body).await {
        Ok(made) => Ok(made.id),
        Err(error) if is_conflict(&error) => match engine.container(&desired.name).await? {
            Some(found) => adopt(stack, desired, &found),
            None => {
                Err(redacted(engine_error(format!("create container {}", desired.name), &error), secrets))
            }
        },
        Err(error) => {
            Err(redacted(engine_error(format!("create container {}", desired.name), &error), secrets))
        }
    }
}

fn adopt(
    stack: &Stack,
    desired: &DesiredContainer,
    found: &ContainerInspectResponse,
) -> Result<String, TargetError> {
    if is_made_of(stack, found, desired) {
        return Ok(found.id.clone().unwrap_or_default());
    }
    let message = format!("a container `{}` came to be after the plan was made", desired.name);
    Err(ours(ErrorKind::Conflict, format!("create container {}", desired.name), message)
        .hint("run the command again: it makes a new plan"))
}

/// The image's name where it still means the planned content, else the content's id.
async fn image(engine: &Engine, desired: &DesiredContainer) -> Result<String, TargetError> {
    let named = engine.image(&desired.spec.image).await?;
    let means_it = named.and_then(|image| image.id).as_deref() == Some(desired.image_id.as_str());
    Ok(if means_it { desired.spec.image.clone() } else { desired.image_id.clone() })
}

/// `NAME=value` for every variable. The values must be those the plan was made for.
fn variables(
    stack: &Stack,
    desired: &DesiredContainer,
    secrets: &SecretStore,
) -> Result<Vec<String>, TargetError> {
    let bound = stack.bound;
    let operation = || format!("create container {}", desired.name);
    let mut env = Vec::new();
    for (variable, value) in &desired.spec.env {
        match value {
            EnvValue::Plain(text) => env.push(format!("{variable}={text}")),
            EnvValue::Secret(_) => {
                let value = secrets.expose(&desired.spec.service, variable);
                let print =
                    value.map(|value| fingerprint(&bound.project, &bound.environment, variable, value));
                if print.as_ref() != desired.secrets.get(variable) {
                    let message = format!("the secret `{variable}` is not the one the plan was made for");
                    return Err(ours(ErrorKind::Conflict, operation(), message).hint("make the plan anew"));
                }
                if value.is_some_and(|value| value.contains('\0')) {
                    let message = format!("the value of the secret `{variable}` holds a NUL");
                    return Err(ours(ErrorKind::Invalid, operation(), message).hint("correct the value"));
                }
                env.extend(value.map(|value| format!("{variable}={value}")));
            }
        }
    }
    Ok(env)
}

/// Starts a container; one that runs already is no error.
///
/// # Errors
/// A `Conflict` names the port that is taken and the container that has it.
pub(crate) async fn start(engine: &Engine, id: &str, name: &str, service: &str) -> Result<(), TargetError> {
    let answer = engine.docker.start_container(id, None::<StartContainerOptions>).await;
    let Err(error) = answer else {
        return Ok(());
    };
    let error = engine_error(format!("start container {name}"), &error);
    match taken_port(&error.message) {
        Some(port) => Err(port_taken(engine, error, port, id, service).await),
        None => Err(error),
    }
}

async fn port_taken(engine: &Engine, error: TargetError, port: u16, own: &str, service: &str) -> TargetError {
    let filters = Filters::from([("publish".to_owned(), vec![format!("{port}/tcp")])]);
    let holders = engine.containers(&filters).await.unwrap_or_default();
    let holder = holders.into_iter().find(|found| {
        found.id.as_deref() != Some(own) && found.state.is_some_and(|state| state.to_string() == "running")
    });
    let name = holder.as_ref().and_then(|found| found.names.as_ref()?.first().cloned());
    let project = holder.and_then(|found| found.labels?.get(compose::PROJECT).cloned());
    let change = format!("change `publish:` of service `{service}`");
    let (whose, mend) = match name.as_deref().map(|name| name.trim_start_matches('/')) {
        Some(name) => {
            let of = project.map(|project| format!(" (Compose project `{project}`)")).unwrap_or_default();
            (format!("the container `{name}`{of}"), format!("{change}, or `docker stop {name}`"))
        }
        None => (
            "another program on this host".to_owned(),
            format!("{change}, or stop that program: `ss -ltnp 'sport = :{port}'` shows it"),
        ),
    };
    ours(ErrorKind::Conflict, error.operation, format!("port {port} is taken by {whose}")).hint(mend)
}

/// The engine may quote what it was given.
fn redacted(mut error: TargetError, secrets: &SecretStore) -> TargetError {
    error.message = secrets.redact(&error.message);
    error
}
