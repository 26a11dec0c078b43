//! One image: looked for, sent where it is not there, read back, given its further tags.

use std::time::Instant;

use dashdeploy_contract::{Event, EventSink};
use tokio::sync::Semaphore;

use super::hint::{Trouble, mend, trouble};
use super::layers::Layers;
use super::{PushFailure, PushFailureKind, PushImage, PushOptions, PushedImage, proof};
use crate::io::docker::push::{PushError, PushOrder, push};
use crate::io::docker::{Engine, EngineImage};
use crate::io::http::pause;
use crate::io::logins::{Login, docker_server};
use crate::io::registry::{Manifest, Registry, RegistryError, Repository};

/// How often a transfer is begun at most. The engine itself tries a layer five times before it gives up.
const ATTEMPTS: u32 = 3;

/// What all images share.
pub(super) struct Push<'a> {
    pub engine: &'a Engine,
    pub registry: &'a Registry,
    pub login: Option<&'a Login>,
    pub options: &'a PushOptions,
    pub events: &'a dyn EventSink,
    /// Lets only so many images be sent at once.
    pub turn: Semaphore,
}

/// One image and where it goes.
struct Job<'a> {
    image: &'a PushImage,
    known: &'a EngineImage,
    repository: Repository,
    tag: String,
}

impl Push<'_> {
    /// Pushes an image that the engine has.
    pub(super) async fn image(
        &self,
        image: &PushImage,
        known: &EngineImage,
    ) -> Result<PushedImage, PushFailure> {
        let begun = Instant::now();
        let repository = Repository::below(&self.options.registry, &image.name);
        let job = Job { image, known, repository, tag: image.id.content_tag() };
        let reference = format!("{}:{}", job.repository, job.tag);
        let service = image.service.clone();
        self.events.emit(Event::PushStarted { service: service.clone(), image: reference.clone() });
        let there = self.registry.digest(&job.repository.path, &job.tag).await;
        let there = there.map_err(|error| PushFailure::registry(&image.service, error))?;
        let existed = there.is_some();
        let (digest, layers, bytes) = match there {
            Some(digest) => {
                self.prove(&job, &digest).await?;
                (digest, 0, 0)
            }
            None => self.send(&job).await?,
        };
        self.tags(&job, &digest).await?;
        let repo_digest = format!("{}@{digest}", job.repository);
        let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let image = repo_digest.clone();
        self.events.emit(Event::PushFinished { service: service.clone(), image, existed, bytes, millis });
        let tags = self.options.tags.clone();
        Ok(PushedImage { service, reference, digest, repo_digest, tags, existed, bytes, layers })
    }

    /// That what stands under our tag is our image; where the engine knows that already, nothing is asked.
    async fn prove(&self, job: &Job<'_>, digest: &str) -> Result<(), PushFailure> {
        if proof::known(job.known, &job.repository, digest) {
            return Ok(());
        }
        let manifest = self.manifest(job, digest).await?;
        match proof::configuration(&manifest) {
            Some(found) if found == job.known.id => Ok(()),
            found => Err(foreign(job, digest, found.as_deref())),
        }
    }

    async fn manifest(&self, job: &Job<'_>, reference: &str) -> Result<Manifest, PushFailure> {
        let found = self.registry.manifest(&job.repository.path, reference).await;
        let found = found.map_err(|error| PushFailure::registry(&job.image.service, error))?;
        found.ok_or_else(|| {
            let message = format!("{} has no manifest under {reference}", job.repository);
            PushFailure::new(&job.image.service, message, "run this again; somebody may be cleaning up there")
        })
    }

    /// Sends it and reads it back: the digest, layers and bytes.
    async fn send(&self, job: &Job<'_>) -> Result<(String, u64, u64), PushFailure> {
        let service = &job.image.service;
        if let Some(guard) = &self.options.guard {
            let passed = guard.inspect(job.image).await;
            passed.map_err(|refusal| PushFailure::refused(service, refusal))?;
        }
        let turn = self.turn.acquire().await;
        let turn = turn.map_err(|_| PushFailure::new(service, "the push was ended", ""))?;
        let named = self.engine.tag(&job.known.id, &job.repository.to_string(), &job.tag).await;
        named.map_err(|error| PushFailure::engine(service, error))?;
        let mut layers = Layers::default();
        let told = self.transfer(job, &mut layers).await?;
        drop(turn);
        let back = self.manifest(job, &job.tag).await?;
        if let Some(told) = told.filter(|told| *told != back.digest) {
            let message = format!(
                "the engine pushed {told}, and {}:{} is {} at the registry",
                job.repository, job.tag, back.digest
            );
            return Err(PushFailure::new(
                service,
                message,
                "somebody else pushes the same tag, or the registry is broken",
            ));
        }
        self.ours(job, &back).await?;
        let (count, bytes) = layers.sent();
        Ok((back.digest, count, bytes))
    }

    /// That what was read back is the image that was sent. An engine that keeps images by containerd has no digest of the
    /// configuration to compare with; there the digest that it told stands for it.
    async fn ours(&self, job: &Job<'_>, back: &Manifest) -> Result<(), PushFailure> {
        let found = proof::configuration(back);
        if found.as_deref() == Some(job.known.id.as_str()) || back.digest == job.known.id {
            return Ok(());
        }
        let info = self.engine.info().await;
        let info = info.map_err(|error| PushFailure::engine(&job.image.service, error))?;
        if info.containerd_store { Ok(()) } else { Err(foreign(job, &back.digest, found.as_deref())) }
    }

    async fn transfer(&self, job: &Job<'_>, layers: &mut Layers) -> Result<Option<String>, PushFailure> {
        let service = &job.image.service;
        let repository = job.repository.to_string();
        let server = docker_server(&job.repository.host);
        let order = PushOrder { repository: &repository, tag: &job.tag, server, login: self.login };
        let mut attempt = 1;
        loop {
            let mut news = |news| layers.take(news, service, self.events);
            let error = match push(&self.engine.address, &order, &mut news).await {
                Ok(digest) => return Ok(digest),
                Err(error) => error,
            };
            let said = self.login.map_or_else(|| error.to_string(), |login| login.redact(&error.to_string()));
            let kind = match error {
                PushError::Said(_) => trouble(&said),
                PushError::Broken(_) => Trouble::Passing,
            };
            if kind != Trouble::Passing || attempt == ATTEMPTS {
                return Err(self.failed(job, kind, &said));
            }
            self.events.emit(Event::PushRetried { service: service.clone(), message: said });
            // Twice as long as for a request: a registry that breaks transfers needs more time.
            tokio::time::sleep(pause(attempt + 1)).await;
            attempt += 1;
        }
    }

    fn failed(&self, job: &Job<'_>, kind: Trouble, said: &str) -> PushFailure {
        let service = &job.image.service;
        if kind == Trouble::Denied {
            let host = &job.repository.host;
            return PushFailure::registry(service, RegistryError::denied(host, said, self.login.is_some()));
        }
        let message = format!("{} does not take it: {said}", job.repository);
        PushFailure {
            kind: PushFailureKind::Failed,
            ..PushFailure::new(service, message, mend(said, &job.repository))
        }
    }

    /// The further tags, by copies of the manifest; one that stands already is left.
    async fn tags(&self, job: &Job<'_>, digest: &str) -> Result<(), PushFailure> {
        let (service, path) = (&job.image.service, &job.repository.path);
        let wrong = |error| PushFailure::registry(service, error);
        let looks = self.options.tags.iter().map(|tag| self.registry.digest(path, tag));
        let there = futures_util::future::try_join_all(looks).await.map_err(wrong)?;
        let tags = self.options.tags.iter().zip(there);
        let missing: Vec<&String> =
            tags.filter(|(_, found)| found.as_deref() != Some(digest)).map(|(tag, _)| tag).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let manifest = self.manifest(job, digest).await?;
        let put = missing.into_iter().map(|tag| self.registry.tag(path, tag, &manifest));
        futures_util::future::try_join_all(put).await.map_err(wrong)?;
        Ok(())
    }
}

/// Another image under a tag that is made from ours.
fn foreign(job: &Job<'_>, digest: &str, configuration: Option<&str>) -> PushFailure {
    let found =
        configuration.map_or_else(|| "no single image".to_owned(), |found| format!("the image {found}"));
    let message = format!(
        "{}:{} at the registry is {digest}, which holds {found}, and the image to push is {}",
        job.repository, job.tag, job.known.id
    );
    let hint = "that tag belongs to one content alone: delete it at the registry, and find out who moved it";
    PushFailure::new(&job.image.service, message, hint)
}
