//! Apps: made, marked, taken over, taken away.

use std::time::Duration;

use dashdeploy_contract::{ErrorKind, TargetError};
use serde_json::json;

use super::{ATTEMPTS, Hand, LAG, LOOKS, is_unsure};
use crate::api::{Send, decoded};
use crate::error::{is_taken, ours, refused, unanswered};
use crate::wire::{Named, Secrets};

/// How often a new app is looked for: up to a minute at half a second (flyctl waits as long).
const APPEARS: u32 = 120;

impl Hand {
    /// Makes an app and marks it; one that is there is marked where it is ours to fill or was asked for.
    pub(super) async fn make_app(
        &self,
        app: &str,
        org: Option<&str>,
        owner: &str,
        adopt: bool,
    ) -> Result<(), TargetError> {
        let found = match self.api.app(app).await? {
            Named::Free => self.create_app(app, org).await?,
            found => found,
        };
        match found {
            Named::Elsewhere => return Err(taken(app)),
            _ if self.is_marked(app, owner, adopt).await? => return Ok(()),
            _ => {}
        }
        self.mark_app(app, owner).await
    }

    async fn create_app(&self, app: &str, org: Option<&str>) -> Result<Named, TargetError> {
        let org = match org {
            Some(org) => org.to_owned(),
            None => self.organisation().await?,
        };
        let operation = format!("create app {app}");
        let body = json!({ "name": app, "org_slug": org });
        for _ in 0..ATTEMPTS {
            let sent = self.api.send(&Send::create(&operation, "/apps", body.clone())).await;
            let unsure = is_unsure(&sent);
            let is_there = matches!(&sent, Ok(answer) if answer.is_success() || is_taken(answer));
            if is_there {
                return self.appears(app, APPEARS).await?.ok_or_else(|| invisible(app));
            }
            if !unsure {
                let answer = sent.map_err(|error| unanswered(error, &operation))?;
                return Err(refused(&answer, &operation));
            }
            if let Some(found) = self.appears(app, LOOKS).await? {
                return Ok(found);
            }
        }
        Err(invisible(app))
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

    /// The organisation where dashdeploy.yaml names none: the token's only one.
    async fn organisation(&self) -> Result<String, TargetError> {
        let mut all = self.api.organisations().await?;
        if all.len() == 1 {
            return Ok(all.remove(0));
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

    async fn mark_app(&self, app: &str, owner: &str) -> Result<(), TargetError> {
        let operation = format!("mark app {app}");
        let (path, body) = (format!("/apps/{app}/secrets"), json!({ "values": { owner: "dashdeploy" } }));
        let mut looks = LOOKS;
        loop {
            match self.api.change(&Send::post(&operation, &path, body.clone())).await {
                // Another of the platform's parts does not know the new app yet.
                Err(error) if error.kind == ErrorKind::NotFound && looks > 0 => looks -= 1,
                Err(error) => return Err(error),
                Ok(answer) => {
                    self.note_version(app, decoded::<Secrets>(&answer, &operation)?.latest());
                    return Ok(());
                }
            }
            self.sleep(LAG).await;
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
