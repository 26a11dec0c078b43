//! Changes carried out, taken back.
//!
//! Given: one change of a plan. Gives: Render in the state the change describes. Every step looks first whether it was done already; a lost
//! answer to a call that makes something is followed by a look, never by a second one. What variables were before stays in this
//! process's memory for the way back, since their values may be secret.

mod addresses;
mod credential;
mod deploy;
mod site;
mod variables;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use dashdeploy_contract::{
    ApiAnswer, CallError, Change as Planned, ErrorKind, Method, Supplies, TargetError,
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::api::{Api, Change};
use crate::desired::{Container, Desired, Disk};
use crate::error::{is_open, ours, refused, unanswered};
use crate::payload::{Former, Task};
use crate::update::SHUTDOWN;
use crate::wire;

pub(crate) use credential::Login;

/// Looks for what a call with a lost answer may have made, and the pause between them.
const LOOKS: u32 = 6;
const PAUSE: Duration = Duration::from_millis(500);

/// A service's variables before they were changed.
type Before = BTreeMap<String, SecretString>;

/// Carries out changes.
pub(crate) struct Hand {
    pub(crate) api: Api,
    /// Who pulls private images, where that is given.
    pub(crate) login: Option<Login>,
    /// By service.
    pub(crate) before: Mutex<BTreeMap<String, Before>>,
    /// The rules of static sites before they were changed, by service.
    pub(crate) rules: Mutex<BTreeMap<String, site::Rules>>,
}

impl Hand {
    /// Carries out a change.
    pub(crate) async fn apply(&self, change: &Planned, supplies: &Supplies) -> Result<(), TargetError> {
        match Task::of(change)? {
            Task::Service { desired } => self.service(&self.addressed(*desired).await?, supplies).await,
            Task::Variables { id, desired, unset } => {
                self.variables(&id, &self.addressed(*desired).await?, &unset, supplies).await
            }
            Task::Settings { id, desired, .. } => self.settings(&id, &desired).await,
            Task::Scale { id, to, .. } => self.scale(&id, to).await,
            Task::Disk { id, disk, desired } => self.disk(&id, disk.as_deref(), &desired).await,
            Task::Deploy { id, desired, former, resume } => {
                self.deploy(&id, &self.addressed(*desired).await?, &former, resume, supplies).await
            }
            Task::Domain { id, desired } => self.domain(id.as_deref(), &desired).await,
            Task::Secrets { id, set, unset } => self.secrets(&id, change, &set, &unset, supplies).await,
            Task::Wait { .. } => Ok(()),
            Task::Suspend { id } => self.switch(&id, "suspend").await,
            Task::Remove { id } => self.remove(&id).await,
            Task::Credential { pull, workspace } => self.credential(&pull, workspace.as_deref()).await,
            Task::RemoveCredential { id } => self.remove_credential(&id).await,
        }
    }

    /// Takes back what [`Hand::apply`] did. Data stays, and what holds it.
    pub(crate) async fn revert(&self, change: &Planned) -> Result<(), TargetError> {
        match Task::of(change)? {
            Task::Service { desired } => match self.find(&desired).await? {
                Some(found) if found.service_details.disk.is_none() => self.remove(&found.id).await,
                Some(found) => Err(stays(&found.name)),
                None => Ok(()),
            },
            Task::Variables { id, .. } | Task::Secrets { id, .. } => self.variables_back(&id).await,
            Task::Settings { id, former, desired } => self.settings_back(&id, &former, &desired).await,
            Task::Scale { id, from, .. } => self.scale(&id, from).await,
            Task::Deploy { id, former, desired, resume } => {
                self.deploy_back(&id, &former, &desired, resume).await
            }
            Task::Domain { id, desired } => self.domain_back(id.as_deref(), &desired).await,
            Task::Suspend { id } => self.switch(&id, "resume").await,
            // A disk may have data by now, and does not shrink. What is left standing is pulled by the credential.
            Task::Disk { .. } | Task::Credential { .. } => Ok(()),
            Task::Wait { id } => {
                let message = "another run began this deploy, and nobody here knows the variables of before";
                Err(ours(ErrorKind::Unsupported, format!("bring {id} back"), message)
                    .hint("`dashdeploy rollback` deploys the former release"))
            }
            Task::Remove { id } | Task::RemoveCredential { id } => {
                let message = "what was taken away cannot be had again";
                Err(ours(ErrorKind::Unsupported, format!("bring {id} back"), message)
                    .hint("`dashdeploy deploy` makes it anew"))
            }
        }
    }

    /// Forgets what was kept for the way back.
    pub(crate) fn settle(&self, change: &Planned) -> Result<(), TargetError> {
        match Task::of(change)? {
            Task::Variables { id, .. } | Task::Secrets { id, .. } | Task::Deploy { id, .. } => {
                self.before.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
                self.rules.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
            }
            _ => {}
        }
        Ok(())
    }

    /// Our service of the name.
    ///
    /// # Errors
    /// `Conflict` where the name is somebody else's.
    async fn find(&self, desired: &Desired) -> Result<Option<wire::Service>, TargetError> {
        let owner = self.api.workspace(desired.workspace.as_deref()).await?;
        let found = self.api.services(std::slice::from_ref(&desired.name), &owner).await?;
        let Some(found) = found.into_iter().next() else { return Ok(None) };
        let there = self.there(&found.id).await?;
        let bears = |(name, value): (&String, &String)| {
            there.get(name).is_some_and(|known| known.expose_secret() == value)
        };
        if desired.marks.iter().all(bears) {
            return Ok(Some(found));
        }
        let message = format!("the service `{}` is there, and bears no mark of this environment", found.name);
        Err(ours(ErrorKind::Conflict, format!("make service {}", desired.name), message)
            .hint("plan again: somebody else made it meanwhile"))
    }

    /// Everything that a new service has, so that it is deployed once.
    async fn creation(&self, desired: &Desired, supplies: &Supplies) -> Result<Value, TargetError> {
        let owner = self.api.workspace(desired.workspace.as_deref()).await?;
        let mut body = json!({
            "type": desired.kind, "name": desired.name, "ownerId": owner, "autoDeploy": "no",
        });
        let mut wanted = self.wanted(desired, supplies, true)?;
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
        let mark = desired.deployed(body["image"]["imagePath"].as_str(), None);
        wanted.insert(crate::mark::mark("DEPLOYED"), SecretString::from(mark.text()));
        body["envVars"] = pairs(&wanted);
        Ok(without_nulls(body))
    }

    /// Makes the service, where a run whose answer was lost has not made it already. Making a static site builds the branch's
    /// newest commit, so that ours is asked for where that is another one.
    async fn service(&self, desired: &Desired, supplies: &Supplies) -> Result<(), TargetError> {
        if self.find(desired).await?.is_none() {
            self.make(desired, supplies).await?;
        }
        let Some(site) = &desired.site else { return Ok(()) };
        let Some(found) = self.find(desired).await? else { return Ok(()) };
        let known = self.api.deploys(&found.id).await?;
        if known.first().is_some_and(|deploy| deploy.is_of(&site.commit)) {
            return Ok(());
        }
        self.begin(&found.id, &desired.name, &site.commit, &known).await
    }

    /// Makes the service in one call, which deploys it.
    async fn make(&self, desired: &Desired, supplies: &Supplies) -> Result<(), TargetError> {
        let operation = format!("make service {}", desired.name);
        let body = self.creation(desired, supplies).await?;
        let sent = self.api.send(Change::create(&operation, "services", body)).await;
        // A name that is taken may be so by a call of ours whose answer was lost.
        let taken = sent.as_ref().is_ok_and(|answer| matches!(answer.status, 400 | 409));
        let open = taken || is_left_open(&sent);
        let made = || async { Ok(self.find(desired).await?.is_some()) };
        self.settled(sent, open, &operation, made).await
    }

    /// What a call came to whose answer may leave that open: then it is looked for.
    async fn settled<F, Fut>(
        &self,
        sent: Result<ApiAnswer, CallError>,
        open: bool,
        operation: &str,
        look: F,
    ) -> Result<(), TargetError>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<bool, TargetError>>,
    {
        if open && self.seen_soon(look).await? {
            return Ok(());
        }
        match sent {
            Ok(answer) if answer.is_success() => Ok(()),
            Ok(answer) => Err(refused(&answer, operation)),
            Err(error) => Err(unanswered(error, operation)),
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

    async fn settings(&self, id: &str, desired: &Desired) -> Result<(), TargetError> {
        let Some(container) = &desired.container else { return Ok(()) };
        let former = Former {
            plan: Some(container.plan.clone()),
            shutdown: Some(SHUTDOWN),
            health: container.health.clone(),
            command: container.command.clone(),
            ..Former::default()
        };
        self.settings_back(id, &former, desired).await
    }

    async fn settings_back(&self, id: &str, to: &Former, desired: &Desired) -> Result<(), TargetError> {
        let path = format!("services/{id}");
        let operation = format!("set up {}", desired.name);
        let body = json!({ "serviceDetails": changeable(to, desired) });
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
        let made = || async { Ok(self.api.service(id).await?.service_details.disk.is_some()) };
        let open = is_left_open(&sent);
        self.settled(sent, open, &operation, made).await
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
        let sent = self.api.send(Change::create(&operation, &path, json!({ "name": host }))).await;
        let there = || async { Ok(self.api.domains(&id).await?.iter().any(|domain| domain.name == *host)) };
        let open = is_left_open(&sent);
        self.settled(sent, open, &operation, there).await
    }

    /// Takes the host name away that this run gave.
    async fn domain_back(&self, id: Option<&str>, desired: &Desired) -> Result<(), TargetError> {
        // What was made with its service goes with it.
        let (Some(host), Some(id)) = (&desired.domain, id) else { return Ok(()) };
        let path = format!("services/{id}/custom-domains/{host}");
        let operation = format!("take the host name {host} from {}", desired.name);
        gone(self.api.change(Change::of(Method::Delete, &operation, &path, None)).await)
    }

    /// Suspends a service, or resumes it.
    async fn switch(&self, id: &str, verb: &str) -> Result<(), TargetError> {
        let (path, operation) = (format!("services/{id}/{verb}"), format!("{verb} service {id}"));
        self.api.change(Change::of(Method::Post, &operation, &path, None)).await.map(|_| ())
    }

    async fn remove(&self, id: &str) -> Result<(), TargetError> {
        let path = format!("services/{id}");
        gone(self.api.change(Change::of(Method::Delete, &format!("remove service {id}"), &path, None)).await)
    }
}

/// True where nobody knows whether a call did what it was to do.
fn is_left_open(sent: &Result<ApiAnswer, CallError>) -> bool {
    sent.as_ref().map_or_else(|error| error.may_have_happened, is_open)
}

/// What is not there is gone.
fn gone<T>(answer: Result<T, TargetError>) -> Result<(), TargetError> {
    match answer {
        Err(error) if error.kind == ErrorKind::NotFound => Ok(()),
        done => done.map(|_| ()),
    }
}

fn stays(name: &str) -> TargetError {
    let message = "it has a disk, which may hold data by now, so that it stays";
    ours(ErrorKind::Unsupported, format!("take service {name} away"), message).hint(
        "the next `dashdeploy deploy` goes on from it; `dashdeploy destroy --delete-data` takes both away",
    )
}

/// What `PATCH` takes of a container's settings.
fn changeable(to: &Former, desired: &Desired) -> Value {
    let is_web = desired.kind == "web_service";
    without_nulls(json!({
        "envSpecificDetails": { "dockerCommand": to.command.clone().unwrap_or_default() },
        "plan": to.plan, "maxShutdownDelaySeconds": to.shutdown,
        "healthCheckPath": is_web.then(|| to.health.clone().unwrap_or_default()),
    }))
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
