//! Images that are taken from a registry: fetched by the engine where it does not have them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bollard::Docker;
use bollard::auth::DockerCredentials;
use bollard::errors::Error;
use bollard::models::CreateImageInfo;
use bollard::query_parameters::CreateImageOptionsBuilder;
use dashdeploy_contract::{Event, EventSink, ImageId};
use futures_util::StreamExt as _;
use secrecy::ExposeSecret as _;

use crate::io::logins::{Logins, docker_server, mend};
use crate::io::registry::Repository;

/// How often progress is told.
const NEWS_EVERY: Duration = Duration::from_millis(200);

/// Why an image is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize)]
#[error("the image `{image}` cannot be fetched: {reason}")]
pub struct PullError {
    /// The image as asked for.
    pub image: String,
    /// What the registry or the engine says.
    pub reason: String,
    /// What mends it.
    pub hint: String,
}

/// The content of an image, fetched first where the engine does not have it. The name is asked of the registry only then: an
/// image that is there is taken as it is. Dropping the future ends the transfer.
///
/// # Errors
/// [`PullError`]: no such image, no right to it, no way to the registry.
pub async fn pull_if_missing(
    engine: &Docker,
    image: &str,
    platform: Option<&str>,
    logins: Option<Arc<dyn Logins>>,
    events: &dyn EventSink,
) -> Result<ImageId, PullError> {
    let failed = |error: Error| explain(image, &said(&error));
    match engine.inspect_image(image).await {
        Ok(found) => return Ok(ImageId(found.id.unwrap_or_default())),
        Err(Error::DockerResponseServerError { status_code: 404, .. }) => {}
        Err(error) => return Err(failed(error)),
    }
    let mut parameters = CreateImageOptionsBuilder::new().from_image(&with_tag(image));
    if let Some(platform) = platform {
        parameters = parameters.platform(platform);
    }
    let login = login(image, logins).await?;
    let mut stream = engine.create_image(Some(parameters.build()), None, login);
    let mut layers = Layers::default();
    while let Some(message) = stream.next().await {
        let message = message.map_err(failed)?;
        if let Some(reason) = message.error_detail.as_ref().and_then(|detail| detail.message.as_deref()) {
            return Err(explain(image, reason));
        }
        if let Some(status) = layers.take(message) {
            events.emit(Event::ImagePull { image: image.to_owned(), status });
        }
    }
    let found = engine.inspect_image(image).await.map_err(failed)?;
    events.emit(Event::ImagePull { image: image.to_owned(), status: "done".to_owned() });
    Ok(ImageId(found.id.unwrap_or_default()))
}

/// The login at the image's registry, as the engine takes it.
async fn login(image: &str, logins: Option<Arc<dyn Logins>>) -> Result<Option<DockerCredentials>, PullError> {
    let Some(logins) = logins else { return Ok(None) };
    let host = Repository::of_image(image).host;
    let asked = host.clone();
    let looked = tokio::task::spawn_blocking(move || logins.login(&asked)).await;
    let found = looked.unwrap_or_else(|_| Err("the look-up ended without a result".to_owned()));
    let found = found.map_err(|why| PullError {
        image: image.to_owned(),
        reason: format!("no login for {host}: {why}"),
        hint: mend(&host),
    })?;
    Ok(found.map(|login| {
        let password = Some(login.password.expose_secret().to_owned());
        let serveraddress = Some(docker_server(&host).to_owned());
        if login.is_identity_token() {
            DockerCredentials { identitytoken: password, serveraddress, ..DockerCredentials::default() }
        } else {
            let username = Some(login.username);
            DockerCredentials { username, password, serveraddress, ..DockerCredentials::default() }
        }
    }))
}

/// A reference without tag and digest means `latest`; the engine would fetch every tag.
fn with_tag(image: &str) -> String {
    let name = image.rsplit('/').next().unwrap_or(image);
    if name.contains([':', '@']) { image.to_owned() } else { format!("{image}:latest") }
}

#[derive(Default)]
struct Layers {
    /// Bytes fetched and bytes in all, for each layer.
    bytes: HashMap<String, (i64, i64)>,
    finished: usize,
    told: Option<Instant>,
}

impl Layers {
    /// One line about the whole, from time to time.
    fn take(&mut self, message: CreateImageInfo) -> Option<String> {
        let layer = message.id?;
        let status = message.status?;
        match status.as_str() {
            "Pulling fs layer" => {
                self.bytes.entry(layer).or_default();
            }
            "Downloading" => {
                let detail = message.progress_detail?;
                self.bytes.insert(layer, (detail.current?, detail.total?));
            }
            "Pull complete" => self.finished += 1,
            _ => return None,
        }
        if self.told.is_some_and(|told| told.elapsed() < NEWS_EVERY) {
            return None;
        }
        self.told = Some(Instant::now());
        let (current, total) = self.bytes.values().fold((0, 0), |sum, next| (sum.0 + next.0, sum.1 + next.1));
        let layers = self.bytes.len();
        Some(format!(
            "{} of {layers} layers, {} of {} MB",
            self.finished,
            current / 1_000_000,
            total / 1_000_000
        ))
    }
}

fn said(error: &Error) -> String {
    match error {
        Error::DockerResponseServerError { message, .. } => message.clone(),
        Error::DockerStreamError { error } => error.clone(),
        other => other.to_string(),
    }
}

fn explain(image: &str, said: &str) -> PullError {
    let hint = if said.contains("toomanyrequests") {
        "the registry's rate limit is reached: `docker login`, or wait".to_owned()
    } else if said.contains("pull access denied") || said.contains("unauthorized") || said.contains("denied:")
    {
        format!("check the name; for a private registry: {}", mend(&Repository::of_image(image).host))
    } else if said.contains("not found")
        || said.contains("manifest unknown")
        || said.contains("no such manifest")
    {
        "check the image's name and tag under `image:` in dashdeploy.yaml".to_owned()
    } else if said.contains("no space left on device") {
        "the engine's disk is full: `docker system df` shows what takes the room".to_owned()
    } else if said.contains("invalid reference format") {
        "write it as `name:tag` or `registry/name:tag` under `image:` in dashdeploy.yaml".to_owned()
    } else {
        format!("check the engine's network and proxy, then try `docker pull {image}`")
    };
    PullError { image: image.to_owned(), reason: said.trim().to_owned(), hint }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_tag_means_latest() {
        assert_eq!(with_tag("redis"), "redis:latest");
        assert_eq!(with_tag("localhost:5000/redis"), "localhost:5000/redis:latest");
        assert_eq!(with_tag("redis:7"), "redis:7");
        assert_eq!(with_tag("redis@sha256:00"), "redis@sha256:00");
    }

    #[test]
    fn each_refusal_has_its_mend() {
        for (said, word) in [
            (
                "pull access denied for x, repository does not exist or may require 'docker login'",
                "docker login",
            ),
            ("manifest for redis:99 not found: manifest unknown", "tag"),
            ("Get https://r/v2/: dial tcp: lookup r: no such host", "network"),
            ("toomanyrequests: You have reached your pull rate limit", "rate limit"),
        ] {
            assert!(explain("x", said).hint.contains(word), "{said}");
        }
    }
}
