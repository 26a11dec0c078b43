//! A service of a release as Render has it: what shall be.
//!
//! Given: a release, a service on Render. Gives: plain data that a plan carries, without the image's digest, which is known only when
//! it was pushed, and without any secret's value. What render.yaml says is decided by the same functions, so that the two stay in step.

use std::collections::BTreeMap;

use dashdeploy_contract::{
    Desk, ErrorKind, HealthCheck, Name, Observed, Release, Service, ServiceKind, Source, TargetError,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::check::docker_command;
use crate::config::{Form, Place, Runtime};
use crate::error::ours;
use crate::hosts::{self, Neighbour};
use crate::manifests::site_of;
use crate::mark::{Deployed, digest_of, mark};
use crate::registry::{self, Pull};
use crate::size;

/// A service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Desired {
    /// The service.
    pub(crate) service: Name,
    /// Its name at Render.
    pub(crate) name: String,
    /// `web_service`, `private_service`, `background_worker`, `static_site`.
    pub(crate) kind: String,
    /// The workspace, where one is named.
    pub(crate) workspace: Option<String>,
    /// The registry credential's name, where one is named or this run keeps one.
    pub(crate) credential: Option<String>,
    /// Our own registry credential, which is used where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pull: Option<Pull>,
    /// The marks, as variables.
    pub(crate) marks: BTreeMap<String, String>,
    /// Plain variables.
    pub(crate) env: BTreeMap<String, String>,
    /// The names of its secrets, with the fingerprints of their values.
    pub(crate) secrets: BTreeMap<String, String>,
    /// What a container has.
    pub(crate) container: Option<Container>,
    /// What a static site has.
    pub(crate) site: Option<Site>,
    /// The user's own host name.
    pub(crate) domain: Option<String>,
    /// The release's number.
    pub(crate) release: Option<u32>,
    /// The services that are not there yet and whose addresses stand in it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) neighbours: BTreeMap<Name, Neighbour>,
}

/// What a container has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Container {
    /// The image's content: [`dashdeploy_contract::ImageId`].
    pub(crate) image: String,
    /// Where an image that is another's lies, so that nobody has to put it anywhere.
    pub(crate) public: Option<String>,
    /// The instance type in the API's spelling.
    pub(crate) plan: String,
    pub(crate) region: Option<String>,
    pub(crate) instances: u32,
    pub(crate) health: Option<String>,
    pub(crate) command: Option<String>,
    pub(crate) disk: Option<Disk>,
}

/// A disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Disk {
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) size: u64,
}

/// What a static site has: Render builds it from a commit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Site {
    pub(crate) repo: String,
    pub(crate) branch: Option<String>,
    pub(crate) commit: String,
    pub(crate) root: Option<String>,
    pub(crate) build: String,
    pub(crate) publish: String,
    pub(crate) routes: Value,
    pub(crate) headers: Value,
}

impl Desired {
    /// What shall be for a service.
    ///
    /// # Errors
    /// `Invalid` for a variable that cannot be filled in, `Unsupported` for what Render would build itself from its Dockerfile.
    pub(crate) fn of(
        place: &Place,
        release: &Release,
        observed: &Observed,
        service: &Service,
    ) -> Result<Self, TargetError> {
        let wiring = hosts::wired(place, &release.wiring, observed);
        let desk = Desk { bound: &release.bound, wiring: &wiring, suffix: None };
        let (bound, form) = (&release.bound, place.form(service));
        let site = if form == Form::Site { Some(site(place, &desk, release, service)?) } else { None };
        let container = if form == Form::Site { None } else { Some(container(place, release, service)?) };
        let marks =
            [("PROJECT", &bound.project), ("ENVIRONMENT", &bound.environment), ("SERVICE", &service.name)];
        let mut desired = Self {
            service: service.name.clone(),
            name: place.name(service),
            kind: kind(form).to_owned(),
            workspace: place.option(service, "workspace").map(str::to_owned),
            credential: place.option(service, "registry_credential").map(str::to_owned),
            pull: registry::pull(place, service),
            marks: marks.map(|(kind, name)| (mark(kind), name.to_string())).into(),
            env: env(place, &desk, service)?,
            secrets: release
                .secrets
                .get(&service.name)
                .into_iter()
                .flatten()
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect(),
            container,
            site,
            domain: bound.domains.get(&service.name).cloned(),
            release: release.number,
            neighbours: BTreeMap::new(),
        };
        desired.neighbours = hosts::neighbours(place, observed, &desired);
        Ok(desired)
    }

    /// What tells one deploy from another: all that takes effect with a deploy, so neither the number of instances nor the size of
    /// the disk, and not what the image is pulled with.
    pub(crate) fn hash(&self) -> String {
        let container = self.container.as_ref().map(|container| {
            let disk = container.disk.as_ref().map(|disk| &disk.path);
            json!([container.image, container.plan, container.health, container.command, disk])
        });
        let parts = json!([self.env, self.secrets, container, self.site]);
        let hex: String =
            Sha256::digest(parts.to_string().as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        hex[..16].to_owned()
    }

    /// The mark of a deploy of it: from an image, where it is one, and after the newest deploy that there is.
    pub(crate) fn deployed(&self, image: Option<&str>, after: Option<&str>) -> Deployed {
        Deployed {
            of: self.hash(),
            content: self.content().to_owned(),
            digest: image.and_then(digest_of),
            after: after.map(str::to_owned),
            release: self.release,
            secrets: self.secrets.clone(),
        }
    }

    /// What of the deploy is compared with one that is there, for people.
    pub(crate) fn content(&self) -> &str {
        match (&self.container, &self.site) {
            (Some(container), _) => &container.image,
            (_, Some(site)) => &site.commit,
            _ => "",
        }
    }
}

fn kind(form: Form) -> &'static str {
    match form {
        Form::Site => "static_site",
        Form::Web => "web_service",
        Form::Private => "private_service",
        Form::Worker => "background_worker",
    }
}

fn container(place: &Place, release: &Release, service: &Service) -> Result<Container, TargetError> {
    let operation = format!("plan {}", service.name);
    if place.runtime(service) != Runtime::Image {
        return Err(ours(ErrorKind::Unsupported, operation, built_there(place, service)).hint(
            "write `registry:` for where images go, and no other `runtime:` than `image`; render.yaml can be used by hand as it is",
        ));
    }
    let image = release.images.get(&service.name).ok_or_else(|| {
        ours(ErrorKind::Invalid, operation.clone(), format!("the release has no image of `{}`", service.name))
    })?;
    let plan = size::of(place, service).ok_or_else(|| {
        ours(ErrorKind::Invalid, operation, format!("no instance type has the memory of `{}`", service.name))
    })?;
    Ok(Container {
        image: image.id.0.clone(),
        public: matches!(service.source, Source::Image(_))
            .then(|| image.digest.clone().unwrap_or_else(|| image.reference.clone())),
        plan: plan.word.replace(' ', "_"),
        region: place.region(service).map(str::to_owned),
        instances: service.replicas,
        health: match &service.health {
            HealthCheck::Http { path } if place.form(service) == Form::Web => Some(path.clone()),
            _ => None,
        },
        command: docker_command(place, service).map(|words| words.join(" ")),
        disk: service.volumes.first().map(|(volume, path)| Disk {
            name: volume.to_string(),
            path: path.clone(),
            size: size::gigabytes(place.bound.volumes.get(volume).and_then(|volume| volume.size)),
        }),
    })
}

/// Why a service is not deployed by digest.
fn built_there(place: &Place, service: &Service) -> &'static str {
    match place.runtime(service) {
        Runtime::Python => {
            "Render would build it from the repository by its own Python, and no image of ours would run"
        }
        _ => "Render would build it from the repository by its Dockerfile, and no image of ours would run",
    }
}

fn site(place: &Place, desk: &Desk, release: &Release, service: &Service) -> Result<Site, TargetError> {
    let operation = format!("plan {}", service.name);
    let choose = "or write `hosting: docker` for its nginx image, which is deployed by digest";
    let git = release.git.as_ref().and_then(|git| Some((git, git.remote.as_ref()?)));
    let Some((git, remote)) = git else {
        let message = "Render builds a static site from a repository, and this folder is in none that has a remote `origin`";
        return Err(ours(ErrorKind::Invalid, operation, message)
            .hint(format!("push it to a repository that Render can read, {choose}")));
    };
    if git.dirty {
        let message = format!(
            "Render would build commit {}, and files here differ from it",
            &git.commit[..git.commit.len().min(12)]
        );
        return Err(
            ours(ErrorKind::Invalid, operation, message).hint(format!("commit and push first, {choose}"))
        );
    }
    let (root, build, publish, routes, headers) = site_of(place, desk, service);
    Ok(Site {
        repo: https(remote),
        branch: git.branch.clone(),
        commit: git.commit.clone(),
        root,
        build,
        publish,
        routes,
        headers,
    })
}

/// A remote in the form that Render takes: `git@github.com:acme/shop.git` is `https://github.com/acme/shop`.
fn https(remote: &str) -> String {
    let plain = remote.trim_end_matches('/').trim_end_matches(".git");
    let ssh = plain.strip_prefix("ssh://").unwrap_or(plain);
    match ssh.strip_prefix("git@") {
        Some(rest) => format!("https://{}", rest.replacen(':', "/", 1)),
        None => plain.to_owned(),
    }
}

/// The plain variables, with the port that Render sends requests to (<https://render.com/docs/web-services#port-binding>).
fn env(place: &Place, desk: &Desk, service: &Service) -> Result<BTreeMap<String, String>, TargetError> {
    let mut env = BTreeMap::new();
    let in_files = service.kind() == ServiceKind::Static && place.form(service) != Form::Site;
    if !in_files {
        for (name, text) in &service.env {
            let value = desk.wiring.resolve(text, service).map_err(|unresolved| {
                ours(
                    ErrorKind::Invalid,
                    format!("plan {}", service.name),
                    format!("variable {name}: {unresolved}"),
                )
                .hint("a service without a port has no address at Render, nor has a static site one inside")
            })?;
            env.insert(name.clone(), value);
        }
    }
    if let Some(port) = service.port.filter(|_| place.form(service) != Form::Site) {
        env.entry("PORT".to_owned()).or_insert_with(|| port.to_string());
    }
    Ok(env)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remotes_are_given_as_addresses() {
        for form in [
            "git@github.com:acme/shop.git",
            "ssh://git@github.com/acme/shop",
            "https://github.com/acme/shop.git",
        ] {
            assert_eq!(https(form), "https://github.com/acme/shop", "{form}");
        }
    }
}
