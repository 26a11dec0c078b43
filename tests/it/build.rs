//! Images, built on a real engine. Skipped aloud where none answers, failed where one is required.

mod crash;
mod engine;
mod ignore;
mod key;
mod stream;

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use bollard::Docker;
use bollard::models::ContainerCreateBody;
use bollard::query_parameters::{
    DownloadFromContainerOptionsBuilder, ListImagesOptionsBuilder, RemoveContainerOptionsBuilder,
    RemoveImageOptionsBuilder,
};
use dashdeploy::build::{BuildFailure, BuildOptions, BuildRequest, BuiltImage, build_all};
use dashdeploy::io::docker::{EngineSettings, connect};
use dashdeploy_contract::{Event, EventSink, Name};
use futures_util::StreamExt as _;
use indexmap::IndexMap;

/// Marks what a test made, so that only that is removed.
const MARK: &str = "dev.dashdeploy.test";

/// Keeps every event.
#[derive(Default)]
struct Kept(Mutex<Vec<Event>>);

impl EventSink for Kept {
    fn emit(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

impl Kept {
    fn count(&self, wanted: impl Fn(&Event) -> bool) -> usize {
        self.0.lock().unwrap().iter().filter(|event| wanted(event)).count()
    }
}

/// A folder, an engine and a name that no other test has; the images are removed in the end.
struct Lab {
    dir: tempfile::TempDir,
    engine: Docker,
    address: String,
    name: String,
    events: Arc<Kept>,
}

impl Lab {
    async fn new(test: &str) -> Option<Self> {
        let wish = std::env::var("DASHDEPLOY_TEST_ENGINE").unwrap_or_default();
        if wish == "off" {
            eprintln!("SKIPPED: {test}: DASHDEPLOY_TEST_ENGINE=off");
            return None;
        }
        match connect(&EngineSettings::from_env()).await {
            Ok(engine) => Some(Self {
                dir: tempfile::tempdir().unwrap(),
                engine: engine.docker,
                address: engine.address,
                name: format!("t{}-{test}", std::process::id()),
                events: Arc::new(Kept::default()),
            }),
            Err(error) => {
                assert!(wish != "required", "{error}: {}", error.hint);
                eprintln!("SKIPPED: {test}: {error}");
                None
            }
        }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A request with `ctx` as its context and a Dockerfile from memory, outside of it.
    fn request(&self, service: &str, dockerfile: &str) -> BuildRequest {
        let context = self.path().join("ctx");
        fs::create_dir_all(&context).unwrap();
        BuildRequest {
            service: Name::parse(service).unwrap(),
            reference: format!("{}-{service}:latest", self.name),
            context,
            dockerfile: self.path().join(format!("{service}.Dockerfile")),
            dockerfile_text: Some(dockerfile.to_owned()),
            ignore_text: None,
            args: IndexMap::new(),
            labels: IndexMap::from([(MARK.to_owned(), self.name.clone())]),
            target: None,
            secrets: Default::default(),
        }
    }

    /// A container of an image that is never started.
    async fn container(&self, image: &str) -> String {
        let body = ContainerCreateBody {
            image: Some(image.to_owned()),
            cmd: Some(vec!["true".to_owned()]),
            labels: Some([(MARK.to_owned(), self.name.clone())].into()),
            ..ContainerCreateBody::default()
        };
        self.engine.create_container(None, body).await.unwrap().id
    }

    /// The content of a file in a container.
    async fn file(&self, container: &str, path: &str) -> Vec<u8> {
        let parameters = DownloadFromContainerOptionsBuilder::new().path(path).build();
        let chunks = self.engine.download_from_container(container, Some(parameters));
        let bytes: Vec<u8> = chunks.map(|chunk| chunk.unwrap().to_vec()).collect::<Vec<_>>().await.concat();
        let mut content = Vec::new();
        let mut archive = tar::Archive::new(bytes.as_slice());
        let mut entry = archive.entries().unwrap().next().unwrap().unwrap();
        std::io::Read::read_to_end(&mut entry, &mut content).unwrap();
        content
    }

    async fn remove(&self, container: &str) {
        let force = RemoveContainerOptionsBuilder::new().force(true).build();
        self.engine.remove_container(container, Some(force)).await.unwrap();
    }

    async fn build(&self, requests: Vec<BuildRequest>) -> Result<Vec<BuiltImage>, BuildFailure> {
        self.build_with(requests, &self.options()).await
    }

    /// Options with which files travel over a session.
    fn options(&self) -> BuildOptions {
        BuildOptions { address: Some(self.address.clone()), ..BuildOptions::default() }
    }

    async fn build_with(
        &self,
        requests: Vec<BuildRequest>,
        options: &BuildOptions,
    ) -> Result<Vec<BuiltImage>, BuildFailure> {
        build_all(&self.engine, requests, options, Arc::clone(&self.events) as Arc<dyn EventSink>).await
    }
}

impl Drop for Lab {
    /// Takes the images of this test away, also after a failure.
    fn drop(&mut self) {
        let (engine, name) = (self.engine.clone(), self.name.clone());
        let removal = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(remove_images(&engine, &name));
        });
        // A failure to tidy up is not the test's.
        let _ = removal.join();
    }
}

async fn remove_images(engine: &Docker, name: &str) {
    let filters = std::collections::HashMap::from([("label", vec![format!("{MARK}={name}")])]);
    let all = ListImagesOptionsBuilder::new().filters(&filters).build();
    for image in engine.list_images(Some(all)).await.unwrap() {
        let force = RemoveImageOptionsBuilder::new().force(true).build();
        let _ = engine.remove_image(&image.id, Some(force), None).await;
    }
}
