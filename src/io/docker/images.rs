//! What the engine knows of its images, and further names for them.
//!
//! Given: a connected engine. Gives: an image's content and digests. Deliberately absent: building (`build`).

use bollard::errors::Error;
use bollard::query_parameters::{ListImagesOptions, RemoveImageOptionsBuilder, TagImageOptionsBuilder};

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

    /// Takes the names away that begin with `prefix`; an image that has another name stays, and so do images without a name.
    ///
    /// # Errors
    /// [`EngineError`] where the engine does not, as for an image that a container is made of and that has no other name.
    pub async fn untag(&self, prefix: &str) -> Result<(), EngineError> {
        let failed = |error| EngineError::from_bollard(&self.address, &error);
        let images = self.docker.list_images(None::<ListImagesOptions>).await.map_err(failed)?;
        let names = images.into_iter().flat_map(|image| image.repo_tags);
        for name in names.filter(|name| name.starts_with(prefix)) {
            let options = RemoveImageOptionsBuilder::new().noprune(true).build();
            self.docker.remove_image(&name, Some(options), None).await.map_err(failed)?;
        }
        Ok(())
    }
}
