//! Apps: made, marked, taken over, taken away.

use std::time::Duration;

use dashdeploy_contract::{ApiAnswer, CallError, ErrorKind, TargetError};
use serde_json::{Value, json};

use super::{ATTEMPTS, Hand, LAG, LOOKS, is_unsure};
use crate::api::Send;
use crate::error::{is_taken, ours, refused, unanswered};
use crate::wire::Named;

/// How often a new app is looked for: up to a minute at half a second (flyctl waits as long).
const APPEARS: u32 = 120;
/// How often an app is asked for again, one after the other, where Fly.io said that these were too many.
const QUEUES: u32 = 10;

/// What came of asking for an app.
enum Made {
    /// It was made.
    New,
    /// It is there, and was before or was made by a call without an answer.
    Found(Named),
}

impl Hand {
    /// Makes an app that nobody had when the plan was made, and marks it; one that is there by now is treated as such.
    pub(super) async fn make_app(
        &self,
        app: &str,
        org: Option<&str>,
        owner: &str,
    ) -> Result<(), TargetError> {
        match self.create_app(app, org).await? {
            Made::New => self.mark_app(app, owner, APPEARS).await,
            Made::Found(found) => self.fill(app, &found, owner, false).await,
        }
    }

    /// Marks an app that is there, where it is ours to fill or was asked for; makes it where it is gone.
    pub(super) async fn own_app(
        &self,
        app: &str,
        org: Option<&str>,
        owner: &str,
        adopt: bool,
    ) -> Result<(), TargetError> {
        match self.api.app(app).await? {
            Named::Free => self.make_app(app, org, owner).await,
            found => self.fill(app, &found, owner, adopt).await,
        }
    }

    async fn fill(&self, app: &str, found: &Named, owner: &str, adopt: bool) -> Result<(), TargetError> {
        if matches!(found, Named::Elsewhere) {
            return Err(taken(app));
        }
        if self.is_marked(app, owner, adopt).await? {
            return Ok(());
        }
        self.mark_app(app, owner, LOOKS).await
    }

    async fn create_app(&self, app: &str, org: Option<&str>) -> Result<Made, TargetError> {
        let org = match org {
            Some(org) => org.to_owned(),
            None => self.organisation().await?,
        };
        let operation = format!("create app {app}");
        let body = json!({ "name": app, "org_slug": org });
        for _ in 0..ATTEMPTS {
            let sent = self.ask_for(app, &operation, &body).await;
            if matches!(&sent, Ok(answer) if answer.is_success()) {
                self.note_new(app);
                return Ok(Made::New);
            }
            let is_there = matches!(&sent, Ok(answer) if is_taken(answer));
            if is_there {
                let found = self.appears(app, APPEARS).await?;
                return found.map(Made::Found).ok_or_else(|| invisible(app));
            }
            if !is_unsure(&sent) {
                let answer = sent.map_err(|error| unanswered(error, &operation))?;
                return Err(refused(&answer, &operation));
            }
            if let Some(found) = self.appears(app, LOOKS).await? {
                return Ok(Made::Found(found));
            }
        }
        Err(invisible(app))
    }

    /// Asks for an app. Limits count by app, and an app that is yet to be made is its name; whether Fly.io counts so too is not
    /// documented: where it says that these were too many, they queue up, whatever they are called.
    async fn ask_for(&self, app: &str, operation: &str, body: &Value) -> Result<ApiAnswer, CallError> {
        let send = Send { of: Some(app), ..Send::create(operation, "/apps", body.clone()) };
        let mut sent = self.api.send(&send).await;
        for _ in 0..QUEUES {
            if !matches!(&sent, Ok(answer) if answer.status == 429) {
                break;
            }
            sent = self.api.send(&Send { of: None, ..Send::create(operation, "/apps", body.clone()) }).await;
        }
        sent
    }

    /// The app once it can be seen. Right after it was made, 404 and 401 are answers that pass (flyctl's own client waits for
    /// both to end).
    async fn appears(&self, app: &str, looks: u32) -> Result<Option<Named>, TargetError> {
        for look in 0..looks {
            match self.api.app(app).await {
                Ok(Named::Free) => {}
                Ok(found) => return Ok(Some(found)),
                Err(error) if error.kind == ErrorKind::Denied => {}
                Err(error) => return Err(error),
            }
            let pause = if looks == APPEARS { Duration::from_millis(500) } else { LAG };
            self.sleep(if look == 0 { Duration::from_millis(100) } else { pause }).await;
        }
        Ok(None)
    }

    /// The organisation where dashdeploy.yaml names none: the token's only one. It is asked for once.
    async fn organisation(&self) -> Result<String, TargetError> {
        let mut known = self.org.lock().await;
        if let Some(org) = known.as_ref() {
            return Ok(org.clone());
        }
        let mut all = self.api.organisations().await?;
        if all.len() == 1 {
            return Ok(known.insert(all.remove(0)).clone());
        }
        let message = match all.as_slice() {
            [] => "the token does not say which organisation it is for".to_owned(),
            several => format!("the token is for {} organisations: {}", several.len(), several.join(", ")),
        };
        Err(ours(ErrorKind::Invalid, "choose an organisation", message)
            .hint("write `org` below the `options:` of the environment (`fly orgs list` shows them)"))
    }

    /// True where it bears our mark already; false where the mark may be set.
    ///
    /// # Errors
    /// `Conflict` where somebody else made it and it is not to be taken over.
    async fn is_marked(&self, app: &str, owner: &str, adopt: bool) -> Result<bool, TargetError> {
        let secrets = self.api.secrets(app, None).await?.unwrap_or_default().digests();
        if secrets.contains_key(owner) {
            return Ok(true);
        }
        let is_empty = secrets.is_empty()
            && self.api.machines(app).await?.unwrap_or_default().is_empty()
            && self.api.volumes(app).await?.is_empty()
            && self.api.ips(app).await?.is_empty();
        if is_empty || adopt {
            return Ok(false);
        }
        let message =
            format!("the app `{app}` is there, and dashdeploy did not make it for this environment");
        let hint = "`dashdeploy deploy --adopt` takes it over; or write another name: `options: { app: … }`";
        Err(ours(ErrorKind::Conflict, format!("create app {app}"), message).hint(hint))
    }

    /// Marks an app. Right after it was made, 404 and 401 are answers that pass: another of the platform's parts does not know it
    /// yet.
    async fn mark_app(&self, app: &str, owner: &str, looks: u32) -> Result<(), TargetError> {
        let operation = format!("mark app {app}");
        let (path, body) = (format!("/apps/{app}/secrets"), json!({ "values": { owner: "dashdeploy" } }));
        let mut left = looks;
        loop {
            match self.api.change(&Send::post(&operation, &path, body.clone())).await {
                Err(error) if error.kind == ErrorKind::NotFound && left > 0 => left -= 1,
                Err(error) if error.kind == ErrorKind::Denied && self.is_new(app) && left > 0 => left -= 1,
                Err(error) => return Err(error),
                // Machines need not wait for it: it is in none of them.
                Ok(_) => return Ok(()),
            }
            self.sleep(if looks == APPEARS { Duration::from_millis(500) } else { LAG }).await;
        }
    }

    /// Takes an app away that this run made, unless it has data by now or machines of somebody else.
    pub(super) async fn unmake_app(&self, app: &str) -> Result<(), TargetError> {
        let has_machines = !self.api.machines(app).await?.unwrap_or_default().is_empty();
        if has_machines || !self.api.volumes(app).await?.is_empty() {
            return Ok(());
        }
        self.delete_app(app).await
    }

    /// Takes an app away with all that it has.
    pub(super) async fn remove_app(&self, app: &str, keep_data: bool) -> Result<(), TargetError> {
        // Observation looks at volumes only where machines' marks call for it: a detached one is found here.
        if keep_data && !self.api.volumes(app).await?.is_empty() {
            let message = "it has a volume, which would go with it";
            return Err(ours(ErrorKind::Conflict, format!("delete app {app}"), message)
                .hint("`dashdeploy destroy --delete-data` takes both away"));
        }
        self.delete_app(app).await
    }

    async fn delete_app(&self, app: &str) -> Result<(), TargetError> {
        let (operation, path) = (format!("delete app {app}"), format!("/apps/{app}"));
        self.api.take_away(&Send::delete(&operation, &path)).await?;
        for _ in 0..APPEARS {
            if !matches!(self.api.app(app).await?, Named::Here(_)) {
                return Ok(());
            }
            self.sleep(Duration::from_millis(500)).await;
        }
        let message = "Fly.io took the order, and the app is still there after a minute";
        Err(ours(ErrorKind::Unavailable, operation, message).hint("repeat the command"))
    }
}

fn taken(app: &str) -> TargetError {
    let message = format!("the name `{app}` is taken by another organisation");
    ours(ErrorKind::Conflict, format!("create app {app}"), message)
        .hint("write another name below the service's `options: { app: … }`")
}

fn invisible(app: &str) -> TargetError {
    let message = "Fly.io was asked for it more than once, and it is not to be seen";
    ours(ErrorKind::Unavailable, format!("create app {app}"), message)
        .hint("repeat the command in a minute: it goes on from what is there")
}
