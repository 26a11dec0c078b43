//! Deploys: asked for, listed, looked at, canceled, gone back to.
//!
//! Given: requests below `/deploys` and `/rollback`. Gives: answers. Deliberately absent: how a deploy goes; that is `rollout`.
//! Source: <https://api-docs.render.com/reference/create-deploy>, <https://render.com/docs/rollbacks>.

use serde_json::{Value, json};

use super::Render;
use super::body::{DeployMode, DeployPost, RollbackPost};
use super::deploy::{Artifact, Deploy, Status, Trigger};
use super::fault::{Answer, Fault};
use super::image::Name;
use super::list::Asked;
use super::route::strange;
use super::state::{Service, Source, set};
use crate::{Call, Reply};

const FILTERS: &[&str] = &[
    "status",
    "createdBefore",
    "createdAfter",
    "updatedBefore",
    "updatedAfter",
    "finishedBefore",
    "finishedAfter",
];

impl Render {
    /// `/services/{id}/deploys` and `/services/{id}/rollback`.
    pub(super) fn deploy_route(&mut self, call: &Call, id: &str, rest: &[&str]) -> Answer {
        self.service(id)?;
        match (call.method.as_str(), rest) {
            ("GET", ["deploys"]) => self.list_deploys(call, id),
            ("POST", ["deploys"]) => self.create_deploy(call, id),
            ("GET", ["deploys", deploy]) => self.one_deploy(id, deploy, 200),
            ("POST", ["deploys", deploy, "cancel"]) => self.cancel_deploy(id, deploy),
            ("POST", ["rollback"]) => self.roll_back(call, id),
            _ => Err(strange(call)),
        }
    }

    /// The newest first.
    fn list_deploys(&self, call: &Call, id: &str) -> Answer {
        let (asked, service, calendar) = (Asked::new(call, FILTERS)?, self.service(id)?, self.stage.calendar);
        let mut admitted = Vec::new();
        for deploy in service.deploys.iter().rev() {
            let fits = asked.admits("status", json!(deploy.status).as_str().unwrap_or_default())
                && asked.within("created", Some(deploy.created), calendar)?
                && asked.within("updated", Some(deploy.updated), calendar)?
                && asked.within("finished", deploy.finished, calendar)?;
            if fits {
                admitted.push((deploy.id.clone(), self.shown_deploy(service, deploy)));
            }
        }
        asked.answer("deploy", admitted)
    }

    fn create_deploy(&mut self, call: &Call, id: &str) -> Answer {
        let post: DeployPost = call.json().map_err(Fault::bad)?;
        let now = self.now;
        let (service, stage) = self.staged(id)?;
        active(service)?;
        let artifact = asked_artifact(service, post)?;
        let (deploy, waits) = stage.ask(service, Trigger::Api, artifact, now);
        if waits { Ok(Reply::empty(202)) } else { self.one_deploy(id, &deploy, 201) }
    }

    fn cancel_deploy(&mut self, id: &str, deploy: &str) -> Answer {
        let now = self.now;
        let (service, stage) = self.staged(id)?;
        let index = position(service, deploy)?;
        if !service.deploys[index].moves() && !service.deploys[index].waits() {
            return Err(Fault::bad("the deploy is not in progress"));
        }
        stage.cancel(service, index, now);
        self.one_deploy(id, deploy, 200)
    }

    /// Only what was live once can be gone back to; variables and the disk stay as they are.
    fn roll_back(&mut self, call: &Call, id: &str) -> Answer {
        let post: RollbackPost = call.json().map_err(Fault::bad)?;
        let now = self.now;
        let (service, stage) = self.staged(id)?;
        active(service)?;
        let former = &service.deploys[position(service, &post.deploy_id)?];
        if former.status != Status::Deactivated && former.status != Status::Live {
            return Err(Fault::bad("only a deploy that was live can be rolled back to"));
        }
        let artifact = former.artifact.clone();
        let deploy = stage.ask(service, Trigger::Rollback, artifact, now).0;
        self.one_deploy(id, &deploy, 201)
    }

    fn one_deploy(&self, id: &str, deploy: &str, status: u16) -> Answer {
        let service = self.service(id)?;
        let deploy = &service.deploys[position(service, deploy)?];
        Ok(Reply::json(status, &self.shown_deploy(service, deploy)))
    }

    pub(super) fn shown_deploy(&self, service: &Service, deploy: &Deploy) -> Value {
        let date = |moment| json!(self.stage.calendar.date(moment));
        let mut shown = json!({
            "id": deploy.id, "status": deploy.status, "trigger": deploy.trigger,
            "createdAt": date(deploy.created), "updatedAt": date(deploy.updated),
        });
        set(&mut shown, "startedAt", deploy.started.map(date));
        set(&mut shown, "finishedAt", deploy.finished.map(date));
        match (&deploy.artifact, &service.source) {
            (Artifact::Commit(id), _) => {
                shown["commit"] = json!({ "id": id, "message": "", "createdAt": date(deploy.created) })
            }
            (Artifact::Image(path), source) => {
                let other = self.stage.options.swapped.iter().find(|(part, _)| path.contains(part.as_str()));
                let named = || Name::read(path).map(|name| name.digest).unwrap_or_default();
                let digest = other.map_or_else(named, |(_, digest)| digest.clone());
                shown["image"] = json!({ "ref": path, "sha": digest });
                let Source::Image { credential: Some(id), .. } = source else { return shown };
                set(&mut shown["image"], "registryCredential", self.credential_name(id).map(Value::from));
            }
        }
        shown
    }
}

fn position(service: &Service, deploy: &str) -> Result<usize, Fault> {
    service.deploys.iter().position(|known| known.id == deploy).ok_or_else(|| Fault::missing(deploy))
}

/// What is asked of a service that is suspended is not documented: refused as a conflict.
fn active(service: &Service) -> Result<(), Fault> {
    if service.suspended { Err(Fault::conflict("the service is suspended")) } else { Ok(()) }
}

/// What a request for a deploy puts in place.
fn asked_artifact(service: &Service, post: DeployPost) -> Result<Artifact, Fault> {
    let names = post.commit_id.is_some() || post.image_url.is_some() || post.clear_cache.is_some();
    if names && post.deploy_mode == Some(DeployMode::DeployOnly) {
        return Err(Fault::bad("deployMode deploy_only excludes clearCache, commitId and imageUrl"));
    }
    match (&service.source, post.commit_id, post.image_url) {
        (Source::Image { .. }, Some(_), _) => Err(Fault::bad("a service with an image has no commits")),
        (Source::Repository { .. }, _, Some(_)) => Err(Fault::bad("a static site has no image")),
        (Source::Image { path, .. }, None, Some(url)) => {
            let (set, asked) = (Name::read(path)?.repository, Name::read(&url)?.repository);
            if set != asked {
                return Err(Fault::bad(format!(
                    "imageUrl must be of the service's repository {set}: {asked}"
                )));
            }
            Ok(service.artifact(Some(url)))
        }
        (_, commit, None) => Ok(service.artifact(commit)),
    }
}
