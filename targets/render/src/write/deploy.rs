//! Deploys: one of the release's content, and one of what was there before.

use dashdeploy_contract::{ErrorKind, Method, Supplies, TargetError};
use serde_json::{Value, json};

use super::{Hand, changeable};
use crate::api::Change;
use crate::desired::Desired;
use crate::error::{is_open, ours, refused, unanswered};
use crate::mark::mark;
use crate::payload::Former;
use crate::wire;

impl Hand {
    /// Begins one deploy of the release's content: what it is of is set, then marked, then asked for. Where that is refused,
    /// what was set is taken back.
    pub(super) async fn deploy(
        &self,
        id: &str,
        desired: &Desired,
        former: &Former,
        resume: bool,
        supplies: &Supplies,
    ) -> Result<(), TargetError> {
        self.remembered(id).await?;
        let content = match &desired.site {
            Some(site) => {
                self.site(id, site).await?;
                if resume {
                    self.switch(id, "resume").await?;
                }
                site.commit.clone()
            }
            None => self.set_image(id, desired, supplies).await?,
        };
        let known = self.api.deploys(id).await?;
        let image = desired.container.is_some().then_some(content.as_str());
        let deployed = desired.deployed(image, known.first().map(|deploy| deploy.id.as_str()));
        self.one(id, &mark("DEPLOYED"), &deployed.text()).await?;
        let begun = match resume && desired.container.is_some() {
            true => self.resume(id, &desired.name, &content, &known).await,
            false => self.begin(id, &desired.name, &content, &known).await,
        };
        let Err(error) = begun else { return Ok(()) };
        // Where it is open whether it was begun, the next run sees it and goes on from there.
        let open = [ErrorKind::Unavailable, ErrorKind::Interrupted, ErrorKind::Unexpected];
        if !open.contains(&error.kind) {
            self.variables_back(id).await?;
            self.content_back(id, former, desired).await?;
        }
        Err(error)
    }

    /// The image that a deploy, and each restart after it, takes.
    async fn set_image(
        &self,
        id: &str,
        desired: &Desired,
        supplies: &Supplies,
    ) -> Result<String, TargetError> {
        let owner = self.api.service(id).await?.owner_id;
        let image = self.image(desired, &owner, supplies).await?;
        let content = image["imagePath"].as_str().unwrap_or_default().to_owned();
        self.patch(id, &format!("set the image of {}", desired.name), json!({ "image": image })).await?;
        Ok(content)
    }

    pub(super) async fn patch(&self, id: &str, operation: &str, body: Value) -> Result<(), TargetError> {
        let path = format!("services/{id}");
        self.api.change(Change::of(Method::Patch, operation, &path, Some(body))).await.map(|_| ())
    }

    /// Resumes a service, which deploys what is set; where it does not, that is asked for.
    async fn resume(
        &self,
        id: &str,
        name: &str,
        content: &str,
        known: &[wire::Deploy],
    ) -> Result<(), TargetError> {
        self.switch(id, "resume").await?;
        if self.seen_soon(|| self.is_begun(id, content, known)).await? {
            return Ok(());
        }
        self.begin(id, name, content, known).await
    }

    /// True where a deploy of a content is there that was not known.
    async fn is_begun(&self, id: &str, content: &str, known: &[wire::Deploy]) -> Result<bool, TargetError> {
        let is_new = |deploy: &wire::Deploy| !known.iter().any(|older| older.id == deploy.id);
        let now = self.api.deploys(id).await?;
        Ok(now.iter().any(|deploy| is_new(deploy) && deploy.is_of(content)))
    }

    /// Begins a deploy, and waits until it is seen: 202 has no body, since it waits behind another one, and a lost answer may have
    /// been either.
    pub(super) async fn begin(
        &self,
        id: &str,
        name: &str,
        content: &str,
        known: &[wire::Deploy],
    ) -> Result<(), TargetError> {
        let operation = format!("deploy {name}");
        let path = format!("services/{id}/deploys");
        let key = if content.contains(['/', ':']) { "imageUrl" } else { "commitId" };
        let sent = self.api.send(Change::create(&operation, &path, json!({ key: content }))).await;
        let open = match &sent {
            Ok(answer) => answer.is_success() || is_open(answer),
            Err(error) => error.may_have_happened,
        };
        if open && self.seen_soon(|| self.is_begun(id, content, known)).await? {
            return Ok(());
        }
        match sent {
            Ok(answer) if answer.is_success() => {
                let message = "Render took the deploy, and does not show it yet";
                Err(ours(ErrorKind::Unavailable, operation, message)
                    .hint("run the command again: it goes on from what is there"))
            }
            Ok(answer) => Err(refused(&answer, &operation)),
            Err(error) => Err(unanswered(error, &operation)),
        }
    }

    /// What a deploy takes, as it was before.
    async fn content_back(&self, id: &str, former: &Former, desired: &Desired) -> Result<(), TargetError> {
        let operation = format!("set what {} was before", desired.name);
        if let Some(site) = &former.site {
            return self.site_back(id, &operation, site).await;
        }
        let mut body = json!({ "serviceDetails": changeable(former, desired) });
        if let Some(image) = &former.image {
            body["image"] = json!({ "ownerId": self.api.service(id).await?.owner_id, "imagePath": image });
            if let Some(credential) = &former.credential {
                body["image"]["registryCredentialId"] = json!(credential);
            }
        }
        self.patch(id, &operation, body).await
    }

    /// Deploys what was there before, with the variables and settings of before.
    pub(super) async fn deploy_back(
        &self,
        id: &str,
        former: &Former,
        desired: &Desired,
        resume: bool,
    ) -> Result<(), TargetError> {
        self.variables_back(id).await?;
        self.content_back(id, former, desired).await?;
        if resume {
            return self.switch(id, "suspend").await;
        }
        let Some(content) = former.image.as_ref().or(former.commit.as_ref()) else {
            let message = "no deploy of before is known";
            return Err(ours(ErrorKind::Unsupported, format!("bring {} back", desired.name), message)
                .hint("choose one in Render's dashboard and roll back to it, or deploy again"));
        };
        let known = self.api.deploys(id).await?;
        let newest = known.iter().find(|deploy| deploy.status == "live" || deploy.is_under_way());
        if newest.is_some_and(|deploy| deploy.is_under_way() && deploy.is_of(content)) {
            return Ok(());
        }
        self.begin(id, &desired.name, content, &known).await
    }
}
