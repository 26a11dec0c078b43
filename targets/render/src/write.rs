//! Changes carried out, taken back.
//!
//! Given: one change of a plan. Gives: Render in the state the change describes. Every step looks first whether it was done already; a lost
//! answer to a call that makes something is followed by a look, never by a second one. What variables were before stays in this
//! process's memory for the way back, since their values may be secret.

mod deploy;
mod variables;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use dashdeploy_contract::{Change as Planned, ErrorKind, Method, Supplies, TargetError};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::api::{Api, Change, decoded};
use crate::desired::{Container, Desired, Disk};
use crate::error::{is_open, ours, refused, unanswered};
use crate::payload::{Former, Task};
use crate::wire;

/// Looks for what a call with a lost answer may have made, and the pause between them.
const LOOKS: u32 = 6;
const PAUSE: Duration = Duration::from_millis(500);
/// Seconds between the signal to stop and the kill, as in render.yaml.
const SHUTDOWN: u32 = 30;

/// A service's variables before they were changed.
type Before = BTreeMap<String, SecretString>;

/// Carries out changes.
pub(crate) struct Hand {
    pub(crate) api: Api,
    /// By service.
    pub(crate) before: Mutex<BTreeMap<String, Before>>,
}

impl Hand {
    /// Carries out a change.
    pub(crate) async fn apply(&self, change: &Planned, supplies: &Supplies) -> Result<(), TargetError> {
        match Task::of(change)? {
            Task::Service { desired } => self.service(&desired, supplies).await,
            Task::Variables { id, desired, unset } => self.variables(&id, &desired, &unset, supplies).await,
            Task::Settings { id, desired, .. } => self.settings(&id, &desired).await,
            Task::Scale { id, to, .. } => self.scale(&id, to).await,
            Task::Disk { id, disk, desired } => self.disk(&id, disk.as_deref(), &desired).await,
            Task::Deploy { id, desired, resume, .. } => self.deploy(&id, &desired, resume, supplies).await,
            Task::Domain { id, desired } => self.domain(id.as_deref(), &desired).await,
            Task::Secrets { id, set, unset } => self.secrets(&id, change, &set, &unset, supplies).await,
            Task::Suspend { id } => {
                let path = format!("services/{id}/suspend");
                self.api.change(Change::of(Method::Post, "suspend a service", &path, None)).await.map(|_| ())
            }
            Task::Remove { id } => self.remove(&id).await,
        }
    }

    /// Takes back what [`Hand::apply`] did. Data stays, and what holds it.
    pub(crate) async fn revert(&self, change: &Planned) -> Result<(), TargetError> {
        match Task::of(change)? {
            Task::Service { desired } => match self.find(&desired).await? {
                Some(found) if found.service_details.disk.is_none() => self.remove(&found.id).await,
                // Its disk may have data by now: it stays, and the next deploy goes on from it.
                _ => Ok(()),
            },
            Task::Variables { id, .. } => self.variables_back(&id).await,
            Task::Settings { id, former, desired } => self.settings_back(&id, &former, &desired).await,
            Task::Scale { id, from, .. } => self.scale(&id, from).await,
            Task::Deploy { id, former, desired, resume } => {
                self.deploy_back(&id, &former, &desired, resume).await
            }
            _ => Ok(()),
        }
    }

    /// Our service of the name.
    async fn find(&self, desired: &Desired) -> Result<Option<wire::Service>, TargetError> {
        let owner = self.api.workspace(desired.workspace.as_deref()).await?;
        let found = self.api.services(std::slice::from_ref(&desired.name), &owner).await?;
        Ok(found.into_iter().next())
    }

    /// Everything that a new service has, so that it is deployed once.
    async fn creation(&self, desired: &Desired, supplies: &Supplies) -> Result<Value, TargetError> {
        let owner = self.api.workspace(desired.workspace.as_deref()).await?;
        let mut body = json!({
            "type": desired.kind, "name": desired.name, "ownerId": owner, "autoDeploy": "no",
            "envVars": pairs(&self.wanted(desired, supplies, true)?),
        });
        if let Some(container) = &desired.container {
            body["image"] = self.image(desired, &owner, supplies).await?;
            body["serviceDetails"] = details(container);
        }
        if let Some(site) = desired.site.as_ref() {
            body["repo"] = json!(site.repo);
            body["branch"] = json!(site.branch);
            body["rootDir"] = json!(site.root.clone().unwrap_or_default());
            body["serviceDetails"] = json!({ "buildCommand": site.build, "publishPath": site.publish, "routes": site.routes, "headers": site.headers });
        }
        Ok(without_nulls(body))
    }

    /// Makes the service in one call, which deploys it. One that is there already was made by a run whose answer was lost.
    async fn service(&self, desired: &Desired, supplies: &Supplies) -> Result<(), TargetError> {
        if self.find(desired).await?.is_some() {
            return Ok(());
        }
        let operation = format!("make service {}", desired.name);
        let body = self.creation(desired, supplies).await?;
        let sent = self.api.send(Change::create(&operation, "services", body)).await;
        let open = match &sent {
            Ok(answer) if answer.is_success() => {
                return decoded::<wire::Created>(answer, &operation).map(|_| ());
            }
            Ok(answer) => is_open(answer) || matches!(answer.status, 400 | 409),
            Err(error) => error.may_have_happened,
        };
        if open && self.seen_soon(|| async { Ok(self.find(desired).await?.is_some()) }).await? {
            return Ok(());
        }
        match sent {
            Ok(answer) => Err(refused(&answer, &operation)),
            Err(error) => Err(unanswered(error, &operation)),
        }
    }

    async fn seen_soon<F, Fut>(&self, look: F) -> Result<bool, TargetError>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<bool, TargetError>>,
    {
        for _ in 0..LOOKS {
            if look().await? {
                return Ok(true);
            }
            self.api.clock.sleep(PAUSE).await;
        }
        Ok(false)
    }

    /// The image as Render takes it, with the credential that it pulls it by.
    async fn image(&self, desired: &Desired, owner: &str, supplies: &Supplies) -> Result<Value, TargetError> {
        let operation = format!("deploy {}", desired.name);
        let path = supplies.image(&desired.service).ok_or_else(|| {
            ours(ErrorKind::Invalid, operation.clone(), "its image was not put at a registry")
                .hint("add `registry:` to dashdeploy.yaml, and run `dashdeploy deploy`")
        })?;
        let mut image = json!({ "ownerId": owner, "imagePath": path });
        if let Some(name) = &desired.credential {
            let found = self.api.credential(name, owner).await?.ok_or_else(|| {
                ours(ErrorKind::NotFound, operation, format!("the workspace has no registry credential `{name}`"))
                    .hint("make it in Render's dashboard (Settings, Registry Credentials), or leave the option out for public images")
            })?;
            image["registryCredentialId"] = json!(found.id);
        }
        Ok(image)
    }

    async fn settings(&self, id: &str, desired: &Desired) -> Result<(), TargetError> {
        let Some(container) = &desired.container else { return Ok(()) };
        let former = Former {
            plan: Some(container.plan.clone()),
            health: container.health.clone(),
            command: container.command.clone(),
            ..Former::default()
        };
        self.settings_back(id, &former, desired).await
    }

    async fn settings_back(&self, id: &str, to: &Former, desired: &Desired) -> Result<(), TargetError> {
        let mut details =
            json!({ "envSpecificDetails": { "dockerCommand": to.command.clone().unwrap_or_default() } });
        if let Some(plan) = &to.plan {
            details["plan"] = json!(plan);
        }
        if desired.kind == "web_service" {
            details["healthCheckPath"] = json!(to.health.clone().unwrap_or_default());
        }
        let path = format!("services/{id}");
        let operation = format!("set up {}", desired.name);
        let body = json!({ "serviceDetails": details });
        self.api.change(Change::of(Method::Patch, &operation, &path, Some(body))).await.map(|_| ())
    }

    async fn scale(&self, id: &str, to: u32) -> Result<(), TargetError> {
        let path = format!("services/{id}/scale");
        let body = json!({ "numInstances": to });
        self.api
            .change(Change::of(Method::Post, "set the number of instances", &path, Some(body)))
            .await
            .map(|_| ())
    }

    async fn disk(&self, id: &str, there: Option<&str>, desired: &Desired) -> Result<(), TargetError> {
        let Some(disk) = desired.container.as_ref().and_then(|container| container.disk.as_ref()) else {
            return Ok(());
        };
        let operation = format!("give {} its disk", desired.name);
        if let Some(there) = there {
            let path = format!("disks/{there}");
            let body = json!({ "sizeGB": disk.size, "mountPath": disk.path });
            return self
                .api
                .change(Change::of(Method::Patch, &operation, &path, Some(body)))
                .await
                .map(|_| ());
        }
        if self.api.service(id).await?.service_details.disk.is_some() {
            return Ok(());
        }
        let body = json!({ "serviceId": id, "name": disk.name, "sizeGB": disk.size, "mountPath": disk.path });
        let sent = self.api.send(Change::create(&operation, "disks", body)).await;
        let open = match &sent {
            Ok(answer) if answer.is_success() => return Ok(()),
            Ok(answer) => is_open(answer) || answer.status == 409,
            Err(error) => error.may_have_happened,
        };
        if open
            && self
                .seen_soon(|| async { Ok(self.api.service(id).await?.service_details.disk.is_some()) })
                .await?
        {
            return Ok(());
        }
        match sent {
            Ok(answer) => Err(refused(&answer, &operation)),
            Err(error) => Err(unanswered(error, &operation)),
        }
    }

    async fn domain(&self, id: Option<&str>, desired: &Desired) -> Result<(), TargetError> {
        let Some(host) = &desired.domain else { return Ok(()) };
        let id = match id {
            Some(id) => id.to_owned(),
            None => self.find(desired).await?.map(|found| found.id).ok_or_else(|| {
                ours(
                    ErrorKind::NotFound,
                    format!("give {} its host name", desired.name),
                    "the service is not seen yet",
                )
                .hint("run the command again: it goes on from what is there")
            })?,
        };
        if self.api.domains(&id).await?.iter().any(|domain| domain.name == *host) {
            return Ok(());
        }
        let operation = format!("give {} the host name {host}", desired.name);
        let path = format!("services/{id}/custom-domains");
        self.api
            .change(Change::of(Method::Post, &operation, &path, Some(json!({ "name": host }))))
            .await
            .map(|_| ())
    }

    async fn remove(&self, id: &str) -> Result<(), TargetError> {
        let path = format!("services/{id}");
        match self.api.change(Change::of(Method::Delete, &format!("remove service {id}"), &path, None)).await
        {
            Err(error) if error.kind == ErrorKind::NotFound => Ok(()),
            done => done.map(|_| ()),
        }
    }
}

/// What a new container has besides image and variables.
fn details(container: &Container) -> Value {
    let disk = |disk: &Disk| json!({ "name": disk.name, "mountPath": disk.path, "sizeGB": disk.size });
    without_nulls(json!({
        "runtime": "image", "plan": container.plan, "numInstances": container.instances,
        "maxShutdownDelaySeconds": SHUTDOWN, "region": container.region, "healthCheckPath": container.health,
        "envSpecificDetails": container.command.as_ref().map(|command| json!({ "dockerCommand": command })),
        "disk": container.disk.as_ref().map(disk),
    }))
}

/// Variables as the API takes them.
fn pairs(all: &Before) -> Value {
    all.iter().map(|(key, value)| json!({ "key": key, "value": value.expose_secret() })).collect()
}

fn without_nulls(mut body: Value) -> Value {
    if let Some(map) = body.as_object_mut() {
        map.retain(|_, value| !value.is_null());
    }
    body
}
