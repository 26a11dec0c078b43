//! What the engine knows of its images, and further names for them.
//!
//! Given: a connected engine. Gives: an image's content and digests. Deliberately absent: building (`build`).

use bollard::errors::Error;
use bollard::query_parameters::TagImageOptionsBuilder;

use super::{Engine, EngineError};

/// An image that the engine has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineImage {
    /// Its content: the digest of its configuration, or of its manifest where images are kept by containerd.
    pub id: String,
    /// `repository@sha256:…` for every repository that it was pushed to or fetched from, as the engine saw it.
    pub repo_digests: Vec<String>,
}

impl Engine {
    /// The image of a name or id; none where the engine does not have it.
    ///
    /// # Errors
    /// [`EngineError`] where the engine does not answer.
    pub async fn image(&self, name: &str) -> Result<Option<EngineImage>, EngineError> {
        match self.docker.inspect_image(name).await {
            Ok(image) => Ok(Some(EngineImage {
                id: image.id.unwrap_or_default(),
                repo_digests: image.repo_digests.unwrap_or_default(),
            })),
            Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
            Err(error) => Err(EngineError::from_bollard(&self.address, &error)),
        }
    }

    /// Gives an image one more name. It moves where it was another's.
    ///
    /// # Errors
    /// [`EngineError`] where the engine does not, as for an image that is gone.
    pub async fn tag(&self, image: &str, repository: &str, tag: &str) -> Result<(), EngineError> {
        let options = TagImageOptionsBuilder::new().repo(repository).tag(tag).build();
        let tagged = self.docker.tag_image(image, Some(options)).await;
        tagged.map_err(|error| EngineError::from_bollard(&self.address, &error))
    }
}
