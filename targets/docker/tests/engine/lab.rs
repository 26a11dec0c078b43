//! One stack on the engine for one test.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bollard::Docker;
use bollard::query_parameters::{InspectContainerOptions, RemoveVolumeOptions};
use dashdeploy_contract::conformance::{canaries, sample};
use dashdeploy_contract::{
    Access, Change, ExecOutput, ExecRequest, Health, HealthCheck, ImageId, LogStream, Name, Observed, Plan,
    Publish, Reader, Release, ReleaseImage, Removal, Supplies, Target, TargetError, Writer,
};
use dashdeploy_docker::DockerTarget;

const IMAGE: &str = "debian:bookworm-slim";
const LONG: Duration = Duration::from_secs(90);

/// Says that it started, is healthy, and ends at once when asked.
pub(crate) const SERVE: &str =
    "echo started; touch /tmp/ok; trap 'echo bye; exit 0' TERM; while :; do sleep 0.1 & wait $!; done";

pub(crate) struct Lab {
    pub(crate) docker: Docker,
    pub(crate) target: DockerTarget,
    pub(crate) reader: Box<dyn Reader>,
    pub(crate) writer: Box<dyn Writer>,
    pub(crate) release: Release,
}

/// Runs a test with a stack of its own; what it made is taken away whatever happens.
pub(crate) fn run<F>(name: &str, test: impl FnOnce(Arc<Lab>) -> F + Send + 'static)
where
    F: Future<Output = ()> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let Some(docker) = engine(name).await else {
            return;
        };
        let lab = Arc::new(Lab::new(docker, name).await);
        let outcome = tokio::spawn(tokio::time::timeout(LONG * 2, test(lab.clone()))).await;
        lab.clean().await;
        match outcome {
            Ok(done) => done.expect("the test took too long"),
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    });
}

async fn engine(test: &str) -> Option<Docker> {
    let wanted = std::env::var("DASHDEPLOY_TEST_ENGINE").unwrap_or_default();
    if wanted == "off" {
        skip(test, "DASHDEPLOY_TEST_ENGINE=off");
        return None;
    }
    let found = match connect().await {
        Ok(docker) => docker.inspect_image(IMAGE).await.map(|_| docker),
        Err(error) => Err(error),
    };
    match found {
        Ok(docker) => Some(docker),
        Err(error) if wanted == "required" => panic!("no engine with {IMAGE}: {error}"),
        Err(error) => {
            skip(test, &format!("no engine with {IMAGE}: {error}"));
            None
        }
    }
}

/// Says aloud that a test was skipped, and why.
pub(crate) fn skip(test: &str, reason: &str) {
    eprintln!("SKIPPED docker::{test}: {reason}");
    if let Ok(path) = std::env::var("DASHDEPLOY_SKIPPED") {
        use std::io::Write as _;
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
        writeln!(file, "docker::{test}: {reason}").unwrap();
    }
}

async fn connect() -> Result<Docker, bollard::errors::Error> {
    Docker::connect_with_defaults()?.negotiate_version().await
}

pub(crate) fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Lab {
    async fn new(docker: Docker, test: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let unique = format!("ddt-{}-{}-{test}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let mut release = sample("docker");
        let image = docker.inspect_image(IMAGE).await.unwrap().id.unwrap();
        release.bound.project = Name::from_any(&unique.replace('_', "-"), "ddt");
        release.project_dir = format!("/srv/{unique}");
        for service in release.bound.services.values_mut() {
            service.env.clear();
            service.health =
                HealthCheck::Command { test: vec!["test".into(), "-f".into(), "/tmp/ok".into()] };
            service.command = Some(vec!["sh".into(), "-c".into(), SERVE.into()]);
            let port = free_port();
            service.publish = Publish::Port { address: std::net::Ipv4Addr::LOCALHOST.into(), port };
            // The built-in check of a static service is wget; this stand-in has none, so both are of the same kind.
            let image = ReleaseImage::new(IMAGE, ImageId(image.clone()));
            release.images.insert(service.name.clone(), image);
        }
        let made = docker.clone();
        let target = dashdeploy_docker::target(Arc::new(move |_: &Access| {
            let docker = made.clone();
            Box::pin(async move { Ok(docker) })
        }));
        let options = Access::default();
        let reader = target.connect_reader(&options).await.unwrap();
        let writer = target.connect_writer(&options, dashdeploy_contract::no_writes()).await.unwrap();
        let mut lab = Self { docker, target, reader, writer, release };
        lab.release = lab.edited(|_| {});
        lab
    }

    /// The release after an edit, with its secrets' fingerprints made anew.
    pub(crate) fn edited(&self, edit: impl FnOnce(&mut Release)) -> Release {
        let mut release = self.release.clone();
        edit(&mut release);
        release.secrets = Release::fingerprints(&release.bound, &canaries(&release.bound));
        release
    }

    pub(crate) fn secrets(&self) -> Supplies {
        Supplies::of(canaries(&self.release.bound))
    }

    pub(crate) fn container(&self, service: &str) -> String {
        format!("{}-{service}-1", self.release.bound.project)
    }

    pub(crate) async fn observe(&self) -> Observed {
        self.reader.observe(&self.release.bound).await.unwrap()
    }

    pub(crate) async fn plan(&self, release: &Release) -> Plan {
        self.target.plan(release, &self.reader.observe(&release.bound).await.unwrap()).unwrap()
    }

    pub(crate) async fn apply(&self, release: &Release, change: &Change) -> Result<(), TargetError> {
        for service in &change.needs_healthy {
            self.healthy(service.as_str()).await;
        }
        self.writer.apply(&release.bound, change, &Supplies::of(canaries(&release.bound))).await
    }

    /// Plans and applies, waits until all is well, settles; gives the plan.
    pub(crate) async fn up(&self, release: &Release) -> Plan {
        let plan = self.plan(release).await;
        for change in &plan.changes {
            self.apply(release, change).await.unwrap();
        }
        for service in release.bound.services.keys() {
            self.healthy(service.as_str()).await;
        }
        for change in &plan.changes {
            self.writer.settle(&release.bound, change).await.unwrap();
        }
        plan
    }

    /// Waits, by events alone, until a service is healthy.
    pub(crate) async fn healthy(&self, service: &str) {
        let mut watch = self.reader.watch(&self.release.bound).await.unwrap().unwrap();
        let wait = async {
            loop {
                let sample = watch.next().await.unwrap();
                if sample.service.as_str() == service && sample.health == Health::Healthy {
                    return;
                }
            }
        };
        tokio::time::timeout(LONG, wait).await.unwrap_or_else(|_| panic!("{service} is not healthy in time"));
    }

    /// The names of all containers that begin so, running or not.
    pub(crate) async fn containers_named(&self, start: &str) -> Vec<String> {
        let all = bollard::query_parameters::ListContainersOptionsBuilder::new().all(true).build();
        let found = self.docker.list_containers(Some(all)).await.unwrap();
        let names = found.into_iter().flat_map(|found| found.names.unwrap_or_default());
        let names = names.map(|name| name.trim_start_matches('/').to_owned());
        names.filter(|name| name.starts_with(start)).collect()
    }

    /// The id of the container that holds a name.
    pub(crate) async fn id(&self, container: &str) -> Option<String> {
        self.docker.inspect_container(container, None::<InspectContainerOptions>).await.ok()?.id
    }

    /// Runs a command; its output and exit code.
    pub(crate) async fn exec(&self, service: &str, command: &[&str]) -> (String, String, i64) {
        self.exec_with(request(service, command), None).await
    }

    pub(crate) async fn exec_with(
        &self,
        request: ExecRequest,
        input: Option<&[u8]>,
    ) -> (String, String, i64) {
        let mut session = self.writer.exec(&self.release.bound, &request).await.unwrap();
        if let (Some(bytes), Some(stdin)) = (input, session.input.as_mut()) {
            stdin.send(bytes).await.unwrap();
            stdin.close().await.unwrap();
        }
        let mut streams = BTreeMap::from([("out", Vec::new()), ("err", Vec::new())]);
        loop {
            match session.output.next().await.unwrap() {
                ExecOutput::Data(LogStream::Stdout, bytes) => streams.get_mut("out").unwrap().extend(bytes),
                ExecOutput::Data(LogStream::Stderr, bytes) => streams.get_mut("err").unwrap().extend(bytes),
                ExecOutput::Exited(code) => {
                    let text = |name| String::from_utf8_lossy(&streams[name]).into_owned();
                    return (text("out"), text("err"), code);
                }
            }
        }
    }

    pub(crate) async fn remove(&self, removal: Removal) -> Plan {
        let bound = &self.release.bound;
        let plan = self.target.plan_removal(bound, &self.observe().await, removal).unwrap();
        for change in &plan.changes {
            self.writer.apply(bound, change, &self.secrets()).await.unwrap();
        }
        plan
    }

    /// Everything that bears this project's marks or names, by means that do not depend on what is tested.
    async fn clean(&self) {
        let project = self.release.bound.project.to_string();
        let all = bollard::query_parameters::ListContainersOptionsBuilder::new().all(true).build();
        for found in self.docker.list_containers(Some(all)).await.unwrap() {
            let own =
                found.names.iter().flatten().any(|name| name.trim_start_matches('/').starts_with(&project));
            if let (true, Some(id)) = (own, found.id) {
                let force = bollard::query_parameters::RemoveContainerOptionsBuilder::new()
                    .force(true)
                    .v(true)
                    .build();
                let _ = self.docker.remove_container(&id, Some(force)).await;
            }
        }
        let filters = std::collections::HashMap::from([("name".to_owned(), vec![project.clone()])]);
        let named = bollard::query_parameters::ListNetworksOptionsBuilder::new().filters(&filters).build();
        for network in self.docker.list_networks(Some(named)).await.unwrap() {
            let _ = self.docker.remove_network(&network.id.unwrap_or_default()).await;
        }
        let named = bollard::query_parameters::ListVolumesOptionsBuilder::new().filters(&filters).build();
        for volume in self.docker.list_volumes(Some(named)).await.unwrap().volumes.unwrap_or_default() {
            let _ = self.docker.remove_volume(&volume.name, None::<RemoveVolumeOptions>).await;
        }
    }
}

/// A command without input or terminal.
pub(crate) fn request(service: &str, command: &[&str]) -> ExecRequest {
    ExecRequest {
        service: name(service),
        command: command.iter().map(|word| (*word).to_owned()).collect(),
        terminal: false,
        interactive: false,
        user: None,
        workdir: None,
        size: None,
    }
}
