//! The page that an image serves, by which a deploy tells whether it is the one that is served.
//!
//! Given: an image of a static service. Gives: the bytes of its `index.html`. A container is created for it, never started, and
//! removed whatever happens.

use std::io::Read as _;

use bollard::Docker;
use bollard::query_parameters::DownloadFromContainerOptionsBuilder;
use dashdeploy_contract::{ImageId, Name};
use futures_util::StreamExt as _;
use indexmap::IndexMap;

use super::Container;

/// Bytes that such a page, with its frame of an archive, may have.
const LARGEST: usize = 4 << 20;

/// The bytes of `index.html` in a folder of an image; none where there is no such file, or one that is larger than 4 MiB.
///
/// # Errors
/// The engine's words.
pub async fn index_html(
    engine: &Docker,
    service: &Name,
    image: &ImageId,
    folder: &str,
    labels: &IndexMap<String, String>,
) -> Result<Option<Vec<u8>>, String> {
    let container = Container::create(engine, service, image, labels).await;
    let container = container.map_err(|error| error.to_string())?;
    let archive = archive(engine, &container.name, &format!("{folder}/index.html")).await;
    container.remove().await;
    Ok(archive?.and_then(|archive| only_file(&archive)))
}

async fn archive(engine: &Docker, container: &str, path: &str) -> Result<Option<Vec<u8>>, String> {
    let parameters = DownloadFromContainerOptionsBuilder::new().path(path).build();
    let mut stream = engine.download_from_container(container, Some(parameters));
    let mut archive = Vec::new();
    while let Some(chunk) = stream.next().await {
        match chunk {
            Ok(chunk) => archive.extend_from_slice(&chunk),
            Err(bollard::errors::Error::DockerResponseServerError { status_code: 404, .. }) => {
                return Ok(None);
            }
            Err(error) => return Err(error.to_string()),
        }
        if archive.len() > LARGEST {
            return Ok(None);
        }
    }
    Ok(Some(archive))
}

fn only_file(archive: &[u8]) -> Option<Vec<u8>> {
    let mut archive = tar::Archive::new(archive);
    let mut entries = archive.entries().ok()?.filter_map(Result::ok);
    let mut file = entries.find(|entry| entry.header().entry_type().is_file())?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).ok()?;
    Some(bytes)
}
