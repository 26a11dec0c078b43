//! Names → content: registries are asked for digests, GitHub for commits, all at the same time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::future::join_all;

use super::super::load::Loaded;
use super::super::{CliResult, Context};
use super::unresolved;
use crate::config::{PinnedAction, Pins};
use crate::io::github::{Github, GithubError, version};
use crate::io::http::Http;
use crate::io::logins::{Login, Logins, MachineLogins};
use crate::io::registry::{Registry, RegistryError, Repository};
use crate::render::Used;

/// Why one of them is not known: what happened, and the mend.
struct Failure(String, String);

impl From<RegistryError> for Failure {
    fn from(error: RegistryError) -> Self {
        Self(error.message, error.hint.unwrap_or_default())
    }
}

impl From<GithubError> for Failure {
    fn from(error: GithubError) -> Self {
        Self(error.message, error.hint)
    }
}

/// The content of everything asked for.
///
/// # Errors
/// Exit code 1 with each name that could not be looked up.
pub async fn all(context: &Context, loaded: &Loaded, ask: Used) -> CliResult<Pins> {
    let http = Arc::new(Http::default());
    let count = ask.images.len() + ask.actions.len();
    let registries = registries(context, loaded, &http, &ask.images).await;
    let github = Github::new(http, &context.environment);
    let images = join_all(ask.images.iter().map(|name| image(name, &registries)));
    let actions = join_all(ask.actions.iter().map(|(name, tag)| action(&github, name, tag)));
    let (images, actions) = tokio::join!(images, actions);
    let (mut pins, mut failures) = (Pins::default(), Vec::new());
    for (name, found) in ask.images.into_iter().zip(images) {
        match found {
            Ok(digest) => {
                pins.images.insert(name, digest);
            }
            Err(Failure(message, hint)) => failures.push((name, message, hint)),
        }
    }
    for (name, found) in ask.actions.into_keys().zip(actions) {
        match found {
            Ok(pinned) => {
                pins.actions.insert(name, pinned);
            }
            Err(Failure(message, hint)) => failures.push((name, message, hint)),
        }
    }
    if failures.is_empty() { Ok(pins) } else { Err(unresolved(failures, count)) }
}

type Registries = BTreeMap<String, Result<Registry, (String, String)>>;

/// One connection to each registry, as whoever this machine is logged in as.
async fn registries(
    context: &Context,
    loaded: &Loaded,
    http: &Arc<Http>,
    images: &BTreeSet<String>,
) -> Registries {
    let own = loaded.project.registry.as_deref();
    let logins = Arc::new(MachineLogins::new(&context.environment, own, Arc::clone(http)));
    let hosts: BTreeSet<String> = images.iter().map(|name| Repository::of_image(name).host).collect();
    let mut registries = Registries::new();
    for host in hosts {
        let login = login(Arc::clone(&logins), host.clone()).await;
        let made = match login {
            Ok(login) => Registry::new(Arc::clone(http), &host, login)
                .map_err(|error| (error.message, error.hint.unwrap_or_default())),
            Err(why) => Err((why, format!("log in anew: `docker login {host}`"))),
        };
        registries.insert(host, made);
    }
    registries
}

/// A credential helper may be a program that takes its time.
async fn login(logins: Arc<MachineLogins>, host: String) -> Result<Option<Login>, String> {
    let looked = tokio::task::spawn_blocking(move || logins.login(&host)).await;
    looked.unwrap_or_else(|_| Err("the look-up ended without a result".to_owned()))
}

async fn image(name: &str, registries: &Registries) -> Result<String, Failure> {
    let repository = Repository::of_image(name);
    let registry = match registries.get(&repository.host) {
        Some(Ok(registry)) => registry,
        Some(Err((message, hint))) => return Err(Failure(message.clone(), hint.clone())),
        None => return Err(Failure("its registry was not asked".to_owned(), String::new())),
    };
    let found = registry.digest(&repository.path, tag(name)).await?;
    let digest = found.ok_or_else(|| {
        let message = format!("{} has no {}:{}", repository.host, repository.path, tag(name));
        Failure(message, "check the image's name and version in dashdeploy.yaml".to_owned())
    })?;
    if digest.starts_with("sha256:") {
        return Ok(digest);
    }
    Err(Failure(format!("its digest is {digest}, which is not by SHA-256"), String::new()))
}

/// The tag of a reference; `latest` where it names none.
fn tag(reference: &str) -> &str {
    let last = reference.rsplit('/').next().unwrap_or(reference);
    last.split_once(':').map_or("latest", |(_, tag)| tag)
}

/// The newest release of the major version that the workflow is written for.
async fn action(github: &Github, name: &str, tag: &str) -> Result<PinnedAction, Failure> {
    let major = version(tag).map_or(0, |version| version[0]);
    let (tag, commit) = github.newest(name, major).await?.ok_or_else(|| {
        let message = format!("there is no release v{major}.x.y of it");
        Failure(message, "check GITHUB_API_URL: the server has to know github.com's actions".to_owned())
    })?;
    Ok(PinnedAction { tag, commit })
}

#[cfg(test)]
mod tests {
    use super::tag;

    #[test]
    fn a_reference_without_a_tag_is_the_latest() {
        for (reference, expected) in
            [("redis", "latest"), ("redis:7", "7"), ("127.0.0.1:5000/a/b", "latest"), ("h:1/a:b", "b")]
        {
            assert_eq!(tag(reference), expected);
        }
    }
}
