//! The built files of a static service: out of its image, into the project's `.dashdeploy/dist/<service>`.
//!
//! A container is created for it, never started, and removed whatever happens; or nothing is, where the files are there
//! already. What a guard refuses is not put in place. Without an image: [`build_files`].

mod direct;
mod index;
mod memory;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bollard::Docker;
use bollard::models::ContainerCreateBody;
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, DownloadFromContainerOptionsBuilder, RemoveContainerOptionsBuilder,
};
use dashdeploy_contract::{Event, EventSink, Finding, ImageId, Name};
use futures_util::StreamExt as _;
use indexmap::IndexMap;

use super::BuildFailure;
use super::solve::random;
use crate::io::context::inspect::Inspect;
use crate::io::unpack::{self, Unpacked};
use memory::Memory;

pub use direct::build_files;
pub use index::index_html;

/// What is to be taken out of which image.
#[derive(Debug, Clone)]
pub struct Export<'a> {
    /// The service.
    pub service: &'a Name,
    /// The image.
    pub image: &'a ImageId,
    /// The folder in the image, as `/usr/share/nginx/html`.
    pub from: &'a str,
    /// The project's folder.
    pub project_dir: &'a Path,
    /// Ownership marks of the container that lives for a moment.
    pub labels: &'a IndexMap<String, String>,
    /// What looks at every file before any is put in place; none for nothing.
    pub inspect: Option<Arc<dyn Inspect>>,
    /// The folder where is remembered what exports left; none to export every time.
    pub cache_dir: Option<PathBuf>,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Exported {
    /// The folder, relative to the project.
    pub path: String,
    /// Files in it.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What a guard found that does not stop anything.
    #[serde(skip)]
    pub findings: Vec<Finding>,
}

/// Why the built files could not be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize)]
#[error("the built files of `{service}` could not be written: {reason}")]
pub struct ExportError {
    /// The service.
    pub service: Name,
    /// What happened.
    pub reason: String,
    /// What mends it, where that is known.
    pub hint: Option<String>,
    /// What a guard found in the files; not empty where they were refused because of it.
    pub refused: Vec<Finding>,
}

/// Why files could not be built or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilesError {
    /// The build failed.
    #[error(transparent)]
    Build(#[from] BuildFailure),
    /// They could not be written, or must not be.
    #[error(transparent)]
    Export(#[from] ExportError),
}

/// Copies a folder of an image to `.dashdeploy/dist/<service>`; what was there before is replaced in one step, or stays where
/// this fails.
///
/// # Errors
/// [`ExportError`]: no such folder in the image, entries that lead out of it, a disk that cannot be written.
pub async fn export_static(
    engine: &Docker,
    export: &Export<'_>,
    events: &dyn EventSink,
) -> Result<Exported, ExportError> {
    let path = path_of(export.service);
    let to = export.project_dir.join(&path);
    let cache = export.cache_dir.as_deref();
    let memory = remembered(cache, &to, Some(&export.image.0), export.inspect.as_ref(), &path).await;
    if let (_, Some(current)) = memory {
        return Ok(current);
    }
    let container = Container::create(engine, export.service, export.image, export.labels).await;
    let container = container.map_err(|error| failed(export, error.to_string()))?;
    let result = copy(engine, export, &container.name, &to).await;
    container.remove().await;
    let exported = conclude(export.service, &path, result?, events)?;
    if let Some(memory) = memory.0 {
        let _ = tokio::task::spawn_blocking(move || memory.remember()).await;
    }
    Ok(exported)
}

fn path_of(service: &Name) -> String {
    format!(".dashdeploy/dist/{service}")
}

/// What is known of former exports, and what is there where it is what an export would write.
async fn remembered(
    cache: Option<&Path>,
    to: &Path,
    made_of: Option<&str>,
    inspect: Option<&Arc<dyn Inspect>>,
    path: &str,
) -> (Option<Memory>, Option<Exported>) {
    let Some((cache, made_of)) = cache.zip(made_of) else {
        return (None, None);
    };
    let memory = Memory::of(cache, to, made_of, inspect);
    let (asked, path) = (memory.clone(), path.to_owned());
    let current = tokio::task::spawn_blocking(move || asked.current(&path)).await.ok().flatten();
    (Some(memory), current)
}

/// Tells what was written; an error where a guard refused it.
fn conclude(
    service: &Name,
    path: &str,
    unpacked: Unpacked,
    events: &dyn EventSink,
) -> Result<Exported, ExportError> {
    if unpacked.is_refused() {
        let reason = "they hold what must not be published".to_owned();
        return Err(ExportError { service: service.clone(), reason, hint: None, refused: unpacked.findings });
    }
    for left_out in &unpacked.left_out {
        let message = format!("`{left_out}` of `{service}` is neither a file nor a folder, and was left out");
        events.emit(Event::Warning { message });
    }
    events.emit(Event::Exported { service: service.clone(), path: path.to_owned(), files: unpacked.files });
    Ok(Exported {
        path: path.to_owned(),
        files: unpacked.files,
        bytes: unpacked.bytes,
        findings: unpacked.findings,
    })
}

async fn copy(
    engine: &Docker,
    export: &Export<'_>,
    container: &str,
    to: &Path,
) -> Result<Unpacked, ExportError> {
    // With `/.` the entries begin with the folder's content instead of its name.
    let path = format!("{}/.", export.from.trim_end_matches('/'));
    let parameters = DownloadFromContainerOptionsBuilder::new().path(&path).build();
    let (mut feed, unpacking) = unpack::start(to, export.inspect.clone());
    let mut stream = engine.download_from_container(container, Some(parameters));
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| no_folder(export, error))?;
        if feed.send(chunk).await.is_err() {
            break;
        }
    }
    feed.end();
    unpacking.await.map_err(|error| failed(export, error.to_string()))
}

fn no_folder(export: &Export<'_>, error: bollard::errors::Error) -> ExportError {
    match error {
        bollard::errors::Error::DockerResponseServerError { status_code: 404, .. } => ExportError {
            service: export.service.clone(),
            reason: format!("the image has no folder {}", export.from),
            hint: Some("check the last stage of its Dockerfile, and `output` in dashdeploy.yaml".to_owned()),
            refused: Vec::new(),
        },
        other => failed(export, other.to_string()),
    }
}

fn failed(export: &Export<'_>, reason: String) -> ExportError {
    ExportError { service: export.service.clone(), reason, hint: None, refused: Vec::new() }
}

/// A container that is never started. Dropped without [`Self::remove`], it is removed by a task of its own.
struct Container {
    engine: Docker,
    name: String,
    removed: bool,
}

impl Container {
    async fn create(
        engine: &Docker,
        service: &Name,
        image: &ImageId,
        labels: &IndexMap<String, String>,
    ) -> Result<Self, bollard::errors::Error> {
        let name = format!("dashdeploy-dist-{service}-{:016x}", random());
        // Made before the request: the engine may create it although its answer is never read.
        let container = Self { engine: engine.clone(), name, removed: false };
        let body = ContainerCreateBody {
            image: Some(image.0.clone()),
            // An image without a command could not be created; this one is never run.
            cmd: Some(vec!["true".to_owned()]),
            labels: Some(labels.clone().into_iter().collect()),
            network_disabled: Some(true),
            ..ContainerCreateBody::default()
        };
        let parameters = CreateContainerOptionsBuilder::new().name(&container.name).build();
        engine.create_container(Some(parameters), body).await?;
        Ok(container)
    }

    async fn remove(mut self) {
        self.removed = true;
        remove(&self.engine, &self.name).await;
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if self.removed {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let (engine, name) = (self.engine.clone(), self.name.clone());
            drop(runtime.spawn(async move { remove(&engine, &name).await }));
        }
    }
}

/// A container that is not there needs no removal, and nothing else can be done about a failure.
async fn remove(engine: &Docker, name: &str) {
    let parameters = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
    let _ = engine.remove_container(name, Some(parameters)).await;
}
