//! How a service is made: everything in one request, and its first deploy with it.
//!
//! Given: `POST /services`. Gives: the service and the id of its deploy, or what is wrong; then nothing is made. Deliberately
//! absent: what is built from a repository, static sites aside. Source: <https://api-docs.render.com/reference/create-service>.

use serde_json::json;

use super::Render;
use super::body::{ContainerDetails, Image, Kind, ServicePost, StaticDetails, Switch};
use super::deploy::{Artifact, Trigger};
use super::details::{read_container, read_site};
use super::fault::{Answer, Fault};
use super::image::Name;
use super::settings::{checked_files, checked_variables};
use super::state::{Disk, Header, Route, Service, Settings, Source};
use crate::{Call, Reply};

impl Render {
    /// `POST /services`.
    pub(super) fn create_service(&mut self, call: &Call) -> Answer {
        let post: ServicePost = call.json().map_err(Fault::bad)?;
        self.owner_of_body(&post.owner_id)?;
        self.free_name(&post.owner_id, &post.name, None)?;
        if post.r#type == Kind::CronJob {
            return Err(Fault::unplayed("a cron job"));
        }
        let mut service = self.bare(&post)?;
        if service.kind == Kind::StaticSite {
            let details = read_site(post.service_details.as_ref(), true)?;
            self.furnish_site(&mut service, &post, details)?;
        } else {
            let details = read_container(service.kind, post.service_details.as_ref(), true)?;
            self.furnish_container(&mut service, &post, details)?;
        }
        self.stage.hold(&service)?;
        let artifact = service.artifact(None);
        let deploy = self.stage.ask(&mut service, Trigger::Api, artifact, self.now).0;
        let shown = self.shown_service(&service);
        self.services.push(service);
        Ok(Reply::json(201, &json!({ "service": shown, "deployId": deploy })))
    }

    /// A service with what all kinds have.
    fn bare(&mut self, post: &ServicePost) -> Result<Service, Fault> {
        let env = checked_variables(&post.env_vars, &mut self.stage.ids)?;
        Ok(Service {
            id: self.stage.ids.next("srv"),
            owner: post.owner_id.clone(),
            name: post.name.clone(),
            slug: self.slug(&post.name),
            kind: post.r#type,
            auto_deploy: post.auto_deploy != Some(Switch::No),
            environment: post.environment_id.clone(),
            source: Source::Image { path: String::new(), credential: None },
            build_filter: post.build_filter.clone(),
            root_dir: post.root_dir.clone().unwrap_or_default(),
            env,
            files: checked_files(&post.secret_files)?,
            settings: Settings::new(),
            disk: None,
            routes: Vec::new(),
            headers: Vec::new(),
            domains: Vec::new(),
            suspended: false,
            created: self.now,
            updated: self.now,
            deploys: Vec::new(),
            running: Vec::new(),
        })
    }

    fn furnish_site(
        &mut self,
        service: &mut Service,
        post: &ServicePost,
        details: StaticDetails,
    ) -> Result<(), Fault> {
        if post.image.is_some() {
            return Err(Fault::bad("a static site has no image"));
        }
        service.settings.take_site(&details);
        service.source = Source::Repository {
            url: post.repo.clone().ok_or_else(|| Fault::bad("repo is required for a static site"))?,
            branch: post.branch.clone().unwrap_or_else(|| "main".to_owned()),
            build: details.build_command.unwrap_or_default(),
            publish: details.publish_path.unwrap_or_else(|| "public".to_owned()),
        };
        let ids = &mut self.stage.ids;
        service.routes = details.routes.into_iter().flatten().map(|put| Route::new(put, ids)).collect();
        service.headers = details.headers.into_iter().flatten().map(|put| Header::new(put, ids)).collect();
        Ok(())
    }

    fn furnish_container(
        &mut self,
        service: &mut Service,
        post: &ServicePost,
        details: ContainerDetails,
    ) -> Result<(), Fault> {
        let runtime =
            details.runtime.as_deref().ok_or_else(|| Fault::bad("serviceDetails: missing field runtime"))?;
        if runtime != "image" || details.env.as_deref().is_some_and(|env| env != "image") {
            return Err(Fault::unplayed(&format!("runtime {runtime}")));
        }
        if post.repo.is_some() || post.branch.is_some() {
            return Err(Fault::bad("a service with an image has no repository"));
        }
        let image = post.image.as_ref().ok_or_else(|| Fault::bad("image is required for runtime image"))?;
        service.source = self.image_source(&service.owner, image)?;
        service.settings.take(&details);
        self.take_docker_credential(service, &details)?;
        let now = self.now;
        service.disk = details.disk.map(|put| Disk {
            id: self.stage.ids.next("dsk"),
            name: put.name,
            size: put.size_gb.unwrap_or(1),
            mount: put.mount_path,
            created: now,
            updated: now,
        });
        Ok(())
    }

    /// An image that a body names.
    pub(super) fn image_source(&self, owner: &str, image: &Image) -> Result<Source, Fault> {
        if image.owner_id != owner {
            return Err(Fault::bad("image.ownerId must be the service's ownerId"));
        }
        Name::read(&image.image_path)?;
        if let Some(id) = &image.registry_credential_id {
            self.credential_of_body(owner, id)?;
        }
        Ok(Source::Image { path: image.image_path.clone(), credential: image.registry_credential_id.clone() })
    }

    /// The other place where a credential may stand.
    pub(super) fn take_docker_credential(
        &self,
        service: &mut Service,
        details: &ContainerDetails,
    ) -> Result<(), Fault> {
        let named =
            details.env_specific_details.as_ref().and_then(|docker| docker.registry_credential_id.as_ref());
        if let (Some(id), Source::Image { credential, .. }) = (named, &mut service.source) {
            self.credential_of_body(&service.owner, id)?;
            *credential = Some(id.clone());
        }
        Ok(())
    }

    /// Refuses a name that another service of the workspace has.
    pub(super) fn free_name(&self, owner: &str, name: &str, own: Option<&str>) -> Result<(), Fault> {
        if name.trim().is_empty() {
            return Err(Fault::bad("name must not be empty"));
        }
        let taken = self.services.iter().any(|service| {
            service.owner == owner && service.name == name && Some(service.id.as_str()) != own
        });
        if taken { Err(Fault::conflict(format!("name already in use: {name}"))) } else { Ok(()) }
    }

    /// The label under `onrender.com`: the name, with a suffix where somebody has it.
    fn slug(&mut self, name: &str) -> String {
        let plain: String = name
            .to_ascii_lowercase()
            .chars()
            .map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' })
            .collect();
        let plain = plain.trim_matches('-');
        let label = if plain.is_empty() { "service" } else { plain };
        let mut slug = label.to_owned();
        while self.stage.options.taken_labels.contains(&slug)
            || self.services.iter().any(|service| service.slug == slug)
        {
            slug = format!("{label}-{}", self.stage.ids.letters(4));
        }
        slug
    }
}

impl Service {
    /// What a deploy of it puts in place, where the request names nothing: the image that is set, or the branch's newest commit.
    pub(super) fn artifact(&self, named: Option<String>) -> Artifact {
        match &self.source {
            Source::Image { path, .. } => Artifact::Image(named.unwrap_or_else(|| path.clone())),
            Source::Repository { url, branch, .. } => {
                Artifact::Commit(named.unwrap_or_else(|| newest(url, branch)))
            }
        }
    }
}

/// Stands for the newest commit of a branch: forty hexadecimal digits, the same for the same branch.
fn newest(url: &str, branch: &str) -> String {
    super::ids::sha256(&format!("{url}#{branch}"))[..40].to_owned()
}
