//! How a service's settings are changed: stored, and without effect until the next deploy.
//!
//! Given: `PATCH /services/{id}`. Gives: the service with the new settings, or what is wrong; then none of them is stored.
//! Deliberately absent: disk, region, number of instances, variables, which this request does not take.
//! Source: <https://api-docs.render.com/reference/update-service>.

use super::Render;
use super::body::{BuildFilter, ServicePatch, Switch};
use super::details::{keep, read_container, read_site};
use super::fault::{Answer, Fault};
use super::state::{Service, Settings, Source};
use crate::{Call, Reply};

/// What a change may touch, as it was.
struct Former {
    name: String,
    auto_deploy: bool,
    source: Source,
    build_filter: Option<BuildFilter>,
    root_dir: String,
    settings: Settings,
}

impl Render {
    /// `PATCH /services/{id}`.
    pub(super) fn change_service(&mut self, call: &Call, id: &str) -> Answer {
        let index =
            self.services.iter().position(|service| service.id == id).ok_or_else(|| Fault::missing(id))?;
        let patch: ServicePatch = call.json().map_err(Fault::bad)?;
        if let Some(name) = &patch.name {
            self.free_name(&self.services[index].owner, name, Some(id))?;
        }
        let mut service = self.services.remove(index);
        let former = Former::of(&service);
        let answer = self.patch(&mut service, &patch).and_then(|()| self.stage.hold(&service));
        match answer {
            Ok(()) => service.updated = self.now,
            Err(_) => former.back(&mut service),
        }
        let shown = self.shown_service(&service);
        self.services.insert(index, service);
        answer.map(|()| Reply::json(200, &shown))
    }

    fn patch(&self, service: &mut Service, patch: &ServicePatch) -> Result<(), Fault> {
        keep(&mut service.name, patch.name.clone());
        keep(&mut service.auto_deploy, patch.auto_deploy.map(|switch| switch == Switch::Yes));
        keep(&mut service.root_dir, patch.root_dir.clone());
        service.build_filter = patch.build_filter.clone().or(service.build_filter.take());
        match service.source {
            Source::Image { .. } => self.patch_container(service, patch),
            Source::Repository { .. } => self.patch_site(service, patch),
        }
    }

    fn patch_container(&self, service: &mut Service, patch: &ServicePatch) -> Result<(), Fault> {
        if patch.repo.is_some() || patch.branch.is_some() {
            return Err(Fault::bad("a service with an image has no repository"));
        }
        let details = read_container(service.kind, patch.service_details.as_ref(), false)?;
        if details.runtime.as_deref().is_some_and(|runtime| runtime != "image") {
            return Err(Fault::bad("the runtime of a service with an image cannot be changed"));
        }
        if let Some(image) = &patch.image {
            service.source = self.image_source(&service.owner, image)?;
        }
        service.settings.take(&details);
        self.take_docker_credential(service, &details)
    }

    fn patch_site(&self, service: &mut Service, patch: &ServicePatch) -> Result<(), Fault> {
        if patch.image.is_some() {
            return Err(Fault::bad("a static site has no image"));
        }
        let details = read_site(patch.service_details.as_ref(), false)?;
        service.settings.take_site(&details);
        if let Source::Repository { url, branch, build, publish } = &mut service.source {
            keep(url, patch.repo.clone());
            keep(branch, patch.branch.clone());
            keep(build, details.build_command);
            keep(publish, details.publish_path);
        }
        Ok(())
    }
}

impl Former {
    fn of(service: &Service) -> Self {
        Self {
            name: service.name.clone(),
            auto_deploy: service.auto_deploy,
            source: service.source.clone(),
            build_filter: service.build_filter.clone(),
            root_dir: service.root_dir.clone(),
            settings: service.settings.clone(),
        }
    }

    fn back(self, service: &mut Service) {
        (service.name, service.auto_deploy, service.source) = (self.name, self.auto_deploy, self.source);
        (service.build_filter, service.root_dir, service.settings) =
            (self.build_filter, self.root_dir, self.settings);
    }
}
