//! What private images are pulled with: a registry credential of the workspace, kept by the login of whoever runs the deploy.

use dashdeploy_contract::{ErrorKind, Method, Supplies, TargetError};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::{Hand, gone, is_left_open};
use crate::api::Change;
use crate::desired::Desired;
use crate::error::ours;
use crate::registry::{self, Pull};

/// Who pulls private images.
pub(crate) struct Login {
    pub(crate) username: String,
    pub(crate) token: SecretString,
}

impl Hand {
    /// Makes the credential, or gives it the token of this run: Render tells nobody the one that it keeps.
    pub(super) async fn credential(&self, pull: &Pull, workspace: Option<&str>) -> Result<(), TargetError> {
        let operation = format!("keep the registry credential {}", pull.name);
        let login = self.login.as_ref().ok_or_else(|| {
            ours(ErrorKind::Denied, operation.clone(), "there is no login to make it of")
                .hint("set RENDER_REGISTRY_USERNAME and RENDER_REGISTRY_TOKEN, as where the plan was made")
        })?;
        let owner = self.api.workspace(workspace).await?;
        let mut body = json!({
            "registry": pull.registry, "name": pull.name, "username": login.username,
            "authToken": login.token.expose_secret(),
        });
        if let Some(there) = self.api.credential(&pull.name, &owner).await? {
            let path = format!("registrycredentials/{}", there.id);
            let change = Change::of(Method::Patch, &operation, &path, Some(body));
            return self.api.change(change).await.map(|_| ());
        }
        body["ownerId"] = json!(owner);
        let sent = self.api.send(Change::create(&operation, "registrycredentials", body)).await;
        let made = || async { Ok(self.api.credential(&pull.name, &owner).await?.is_some()) };
        let open = is_left_open(&sent);
        self.settled(sent, open, &operation, made).await
    }

    /// Takes a credential of ours away.
    pub(super) async fn remove_credential(&self, id: &str) -> Result<(), TargetError> {
        let (path, operation) =
            (format!("registrycredentials/{id}"), format!("remove the registry credential {id}"));
        gone(self.api.change(Change::of(Method::Delete, &operation, &path, None)).await)
    }

    /// The image as Render takes it, with the credential that it pulls it by: the one that was asked for, else ours where there
    /// is one.
    pub(super) async fn image(
        &self,
        desired: &Desired,
        owner: &str,
        supplies: &Supplies,
    ) -> Result<Value, TargetError> {
        let operation = format!("deploy {}", desired.name);
        let public = desired.container.as_ref().and_then(|container| container.public.clone());
        let path = supplies.image(&desired.service).or(public).ok_or_else(|| {
            ours(ErrorKind::Invalid, operation.clone(), "its image was not put at a registry")
                .hint("add `registry:` to dashdeploy.yaml, and run `dashdeploy deploy`")
        })?;
        let mut image = json!({ "ownerId": owner, "imagePath": path });
        let name = match &desired.pull {
            Some(pull) => Some(&pull.name).filter(|_| registry::is_for(pull, &path)),
            None => desired.credential.as_ref(),
        };
        let Some(name) = name else { return Ok(image) };
        match self.api.credential(name, owner).await? {
            Some(found) => image["registryCredentialId"] = json!(found.id),
            // A public image needs none.
            None if desired.pull.is_some() => {}
            None => {
                let message = format!("the workspace has no registry credential `{name}`");
                return Err(ours(ErrorKind::NotFound, operation, message)
                    .hint("make it in Render's dashboard (Settings, Registry Credentials), or leave the option out and set RENDER_REGISTRY_USERNAME and RENDER_REGISTRY_TOKEN"));
            }
        }
        Ok(image)
    }
}
