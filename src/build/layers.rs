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
use std::sync::Arc;

use bollard::Docker;
use dashdeploy_contract::Finding;
use futures_util::StreamExt as _;

use crate::guard::Guard;
use crate::io::chunks;
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
