//! What is in an image, looked at before it is pushed.
//!
//! Given: an engine's client, an image, the layers of its base, and what looks at files. Gives: findings, each in its layer.
//! The image comes as the stream that `docker save` writes, and is looked at while it comes: layers (plain or gzip), the names
//! and targets in them, the configuration with its history. Nothing is written to a disk, and no more than a piece of a file
//! is in memory. Deliberately absent: files that a later layer deletes are looked at like all others, since they can be read
//! from the image all the same.
//!
//! Both layouts are read: that of engines before 25 (`<id>/layer.tar`, `<id>.json`), where a layer is known only after its
//! last byte by the hash of them all, and that of OCI (`blobs/sha256/<digest>`).

mod archive;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bollard::Docker;
use dashdeploy_contract::{Finding, Severity};
use futures_util::StreamExt as _;
use sha2::{Digest as _, Sha256};

use crate::guard::{Border, Guard};
use crate::io::{chunks, clean};
use crate::push::{ImageGuard, PushImage, Refusal};
use archive::{Seen, look};

/// An image that is to be looked at.
#[derive(Debug, Clone)]
pub struct ImageLook<'a> {
    /// Its id or a name of it.
    pub image: &'a str,
    /// The layers that need no look, since they are those of its base image: their hashes before compression, as
    /// `sha256:…`. Empty to look at all.
    pub base: &'a [String],
}

/// Why an image could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the image {image} could not be looked into: {reason}")]
pub struct LookError {
    /// The image.
    pub image: String,
    /// What happened.
    pub reason: String,
}

/// Everything in an image that must not be pushed; nothing where it may be. Findings of severity info say what could not be
/// seen through.
///
/// # Errors
/// [`LookError`]: no such image, a stream that broke off or is no image.
pub async fn look_into(
    engine: &Docker,
    look_at: &ImageLook<'_>,
    guard: &Arc<Guard>,
) -> Result<Vec<Finding>, LookError> {
    let failed = |reason: String| LookError { image: look_at.image.to_owned(), reason };
    let base: BTreeSet<String> = look_at.base.iter().cloned().collect();
    let guard = Arc::clone(guard);
    let (mut feed, reader) = chunks::channel();
    let looking = tokio::task::spawn_blocking(move || look(reader, &base, &guard));
    let mut stream = std::pin::pin!(engine.export_image(look_at.image));
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| failed(error.to_string()))?;
        if feed.send(chunk).await.is_err() {
            break;
        }
    }
    feed.end();
    let seen: Seen = looking
        .await
        .map_err(|error| failed(error.to_string()))?
        .map_err(|error| failed(error.to_string()))?;
    if seen.configurations == 0 {
        return Err(failed("the engine sent no configuration with it".to_owned()));
    }
    Ok(seen.findings)
}

/// The guard of the way to a registry. An image that was found clean is not looked into again while nothing changed that it
/// is judged by.
#[derive(Debug)]
pub struct LayerGuard {
    engine: Docker,
    guard: Arc<Guard>,
    clean: Option<PathBuf>,
    noted: Mutex<Vec<Finding>>,
}

impl LayerGuard {
    /// A guard of the images of an engine, that remembers clean ones in the user's cache folder where there is one.
    pub fn new(engine: &Docker, guard: &Arc<Guard>, cache: Option<PathBuf>) -> Self {
        let clean = cache.map(|folder| folder.join("clean-images"));
        Self { engine: engine.clone(), guard: Arc::clone(guard), clean, noted: Mutex::default() }
    }

    /// What is worth knowing about images that passed, such as a layer that nobody can see into.
    pub fn noted(&self) -> Vec<Finding> {
        self.noted.lock().map(|noted| noted.clone()).unwrap_or_default()
    }

    fn key(&self, image: &PushImage) -> clean::Key {
        let mut hash = Sha256::new();
        hash.update(self.guard.at(Border::Image).edition());
        hash.update(image.id.0.as_bytes());
        hash.finalize().into()
    }
}

#[async_trait]
impl ImageGuard for LayerGuard {
    async fn inspect(&self, image: &PushImage) -> Result<(), Refusal> {
        let key = self.key(image);
        if self.clean.as_deref().is_some_and(|path| clean::is_known(path, &key)) {
            return Ok(());
        }
        let refusal = |message: String, findings: Vec<Finding>| Refusal {
            message,
            evidence: Vec::new(),
            hint: None,
            findings,
        };
        let found = look_into(&self.engine, &ImageLook { image: &image.id.0, base: &[] }, &self.guard).await;
        let found = found.map_err(|error| refusal(error.to_string(), Vec::new()))?;
        if found.iter().any(|finding| finding.severity == Severity::Error) {
            return Err(refusal("it holds secrets; none of it was sent".to_owned(), found));
        }
        if found.is_empty()
            && let Some(path) = &self.clean
        {
            // Without it the image is looked into again, which is all that is lost.
            let _ = clean::remember(path, &key);
        }
        if let Ok(mut noted) = self.noted.lock() {
            noted.extend(found);
        }
        Ok(())
    }
}
