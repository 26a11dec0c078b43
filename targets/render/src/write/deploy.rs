//! Deploys: one of the release's content, and one of what was there before.

use dashdeploy_contract::{ErrorKind, Method, Supplies, TargetError};
use serde_json::{Value, json};

use super::Hand;
use crate::api::Change;
use crate::desired::{Desired, MARK};
use crate::error::{is_open, ours, refused, unanswered};
use crate::payload::Former;

impl Hand {
    /// Begins one deploy of the release's content, and marks that it was begun.
    pub(super) async fn deploy(
        &self,
        id: &str,
        desired: &Desired,
        resume: bool,
        supplies: &Supplies,
    ) -> Result<(), TargetError> {
        if resume {
            let path = format!("services/{id}/resume");
            self.api.change(Change::of(Method::Post, "resume a service", &path, None)).await?;
        }
        let body = match &desired.site {
            Some(site) => {
                self.site(id, site).await?;
                json!({ "commitId": site.commit })
            }
            None => {
                let owner = self.api.service(id).await?.owner_id;
                let image = self.image(desired, &owner, supplies).await?;
                let path = format!("services/{id}");
                let operation = format!("set the image of {}", desired.name);
                let url = image["imagePath"].clone();
                self.api
                    .change(Change::of(Method::Patch, &operation, &path, Some(json!({ "image": image }))))
                    .await?;
                json!({ "imageUrl": url })
            }
        };
        self.begin(id, &desired.name, body).await?;
        self.one(id, &format!("{MARK}DEPLOYED"), &desired.deployed()).await
    }

    /// What a static site is built by.
    pub(super) async fn site(&self, id: &str, site: &crate::desired::Site) -> Result<(), TargetError> {
        let path = format!("services/{id}");
        let mut body = json!({
            "repo": site.repo, "rootDir": site.root.clone().unwrap_or_default(),
            "serviceDetails": { "buildCommand": site.build, "publishPath": site.publish },
        });
        if let Some(branch) = &site.branch {
            body["branch"] = json!(branch);
        }
        self.api.change(Change::of(Method::Patch, "set up a static site", &path, Some(body))).await?;
        for (what, value) in [("routes", &site.routes), ("headers", &site.headers)] {
            let path = format!("services/{id}/{what}");
            self.api
                .change(Change::of(Method::Put, "set up a static site", &path, Some(value.clone())))
                .await?;
        }
        Ok(())
    }

    /// Begins a deploy. 202 has no body: it waits behind another one. A lost answer is looked for among the deploys since.
    pub(super) async fn begin(&self, id: &str, name: &str, body: Value) -> Result<(), TargetError> {
        let operation = format!("deploy {name}");
        let known: Vec<String> = self.api.deploys(id).await?.into_iter().map(|deploy| deploy.id).collect();
        let path = format!("services/{id}/deploys");
        let sent = self.api.send(Change::create(&operation, &path, body)).await;
        let open = match &sent {
            Ok(answer) if answer.is_success() => return Ok(()),
            Ok(answer) => is_open(answer),
            Err(error) => error.may_have_happened,
        };
        let newer =
            || async { Ok(self.api.deploys(id).await?.iter().any(|deploy| !known.contains(&deploy.id))) };
        if open && self.seen_soon(newer).await? {
            return Ok(());
        }
        match sent {
            Ok(answer) => Err(refused(&answer, &operation)),
            Err(error) => Err(unanswered(error, &operation)),
        }
    }

    /// Deploys what was there before.
    pub(super) async fn deploy_back(
        &self,
        id: &str,
        former: &Former,
        desired: &Desired,
        resume: bool,
    ) -> Result<(), TargetError> {
        // The variables of before first, the mark among them, so that the deploy has them.
        self.variables_back(id).await?;
        if resume {
            let path = format!("services/{id}/suspend");
            return self
                .api
                .change(Change::of(Method::Post, "suspend a service", &path, None))
                .await
                .map(|_| ());
        }
        match (&former.image, &former.commit) {
            (Some(image), _) => {
                let owner = self.api.service(id).await?.owner_id;
                let path = format!("services/{id}");
                let mut set = json!({ "image": { "ownerId": owner, "imagePath": image } });
                if let Some(name) = &desired.credential
                    && let Some(found) = self.api.credential(name, &owner).await?
                {
                    set["image"]["registryCredentialId"] = json!(found.id);
                }
                self.api
                    .change(Change::of(Method::Patch, "set the image of before", &path, Some(set)))
                    .await?;
                self.begin(id, &desired.name, json!({ "imageUrl": image })).await
            }
            (None, Some(commit)) => self.begin(id, &desired.name, json!({ "commitId": commit })).await,
            (None, None) => Err(ours(
                ErrorKind::Unsupported,
                format!("bring {} back", desired.name),
                "no deploy of before is known",
            )
            .hint("choose one in Render's dashboard and roll back to it")),
        }
    }
}
