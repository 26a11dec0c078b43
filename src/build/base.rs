//! The images that a build begins with, as the engine has them.

use bollard::Docker;
use bollard::errors::Error;
use futures_util::future::try_join_all;

/// What the engine has of the images that a Dockerfile names.
#[derive(Debug, Default)]
pub(super) struct Bases {
    /// Each reference with the id of the image; none where the engine has none under that name.
    pub(super) ids: Vec<(String, Option<String>)>,
    /// True where an image is absent, or brings instructions of its own (`ONBUILD`): it may take anything from the context.
    pub(super) may_take_all: bool,
}

/// Asks the engine for all of them at once.
///
/// # Errors
/// Where the engine does not answer.
pub(super) async fn bases(engine: &Docker, references: &[String]) -> Result<Bases, Error> {
    let asked = references.iter().map(|reference| async move {
        match engine.inspect_image(reference).await {
            Ok(image) => {
                let onbuild = image.config.and_then(|config| config.on_build).unwrap_or_default();
                Ok((reference.clone(), image.id, !onbuild.is_empty()))
            }
            // Also a name that only BuildKit understands.
            Err(Error::DockerResponseServerError { .. }) => Ok((reference.clone(), None, true)),
            Err(error) => Err(error),
        }
    });
    let mut bases = Bases::default();
    for (reference, id, takes) in try_join_all(asked).await? {
        bases.may_take_all |= takes;
        bases.ids.push((reference, id));
    }
    Ok(bases)
}
