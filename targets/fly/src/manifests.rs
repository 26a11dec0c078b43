//! A service as `fly.toml`.
//!
//! Given: the desk of an environment. Gives: one file for each app, as template and context, and how the nginx of a page
//! reaches the apps behind it. Deliberately absent: how a value is quoted (`render` does that), and the number of machines,
//! which no `fly.toml` holds (`head.rs` has the command).

use dashdeploy_contract::{
    Build, Descriptor, Desk, HealthCheck, Manifest, Manifests, PageServer, Recipe, Service, Severity, Source,
    page, word,
};
use serde::Serialize;
use serde_json::Value;

use crate::config::{App, TARGET};
use crate::{findings, head, size};

/// The template.
pub(crate) const TEMPLATE: &str = "fly/fly.toml.j2";
/// The name server of Fly.io's private network, as nginx takes it (fly.io/docs/networking/private-networking).
const NAME_SERVER: &str = "[fdaa::3]";
/// Where a page's files lie in its bucket.
pub(crate) const BUCKET_FOLDER: &str = "/site";

/// `fly.toml`.
#[derive(Serialize)]
struct FlyToml {
    app: String,
    region: String,
    kill_signal: &'static str,
    image: Option<String>,
    build: Option<BuildPart>,
    args: Vec<Pair>,
    strategy: String,
    env: Vec<Pair>,
    mount: Option<Mount>,
    /// The service on ports 80 and 443, for the whole world.
    public: Option<u16>,
    /// The service for other apps.
    private: Option<Private>,
    check: Option<Check>,
    auto_stop: String,
    /// True where machines that nobody asks are stopped.
    sleeps: bool,
    /// Machines that stay up all the same.
    least: u32,
    statics: Option<Statics>,
    size: &'static str,
    memory: String,
    command: Option<Vec<String>>,
}

/// How the image is built, paths as seen from the file.
#[derive(Serialize)]
struct BuildPart {
    dockerfile: String,
    ignorefile: Option<String>,
    target: Option<String>,
}

/// A name and its value.
#[derive(Serialize)]
struct Pair {
    key: Value,
    value: String,
}

/// The volume.
#[derive(Serialize)]
struct Mount {
    source: String,
    destination: String,
    size: String,
    snapshot_days: u32,
}

/// The service that other apps reach.
#[derive(Serialize)]
pub(crate) struct Private {
    /// The port it listens on.
    pub internal_port: u16,
    /// The port that others use.
    pub port: u16,
    /// Its address, for a comment.
    address: Value,
}

/// How Fly.io tells that it works.
#[derive(Serialize)]
pub(crate) struct Check {
    /// The path asked for; none for a connection alone.
    pub path: Option<String>,
    /// The port asked.
    pub port: u16,
    /// True for an application, which may want to know that a request came by HTTPS.
    pub forwarded: bool,
}

/// A page's files in a bucket.
#[derive(Serialize)]
struct Statics {
    guest_path: String,
    url_prefix: &'static str,
    bucket: String,
    index: Option<&'static str>,
}

/// The files of all apps. Nothing is written where something is not carried.
pub(crate) fn all(descriptor: &Descriptor, desk: &Desk) -> Manifests {
    let apps = App::all(descriptor, desk.bound);
    let errors = findings::all(descriptor, desk.bound);
    let errors: Vec<_> = errors.into_iter().filter(|finding| finding.severity == Severity::Error).collect();
    if !errors.is_empty() {
        return Manifests { files: Vec::new(), findings: errors };
    }
    let alone = apps.len() == 1;
    Manifests { files: apps.iter().filter_map(|app| file(app, desk, alone)).collect(), findings: Vec::new() }
}

fn file(app: &App, desk: &Desk, alone: bool) -> Option<Manifest> {
    let plain = if alone { "fly.toml".to_owned() } else { format!("fly.{}.toml", app.service.name) };
    let path = desk.path(&plain);
    // `findings` has refused what has no size.
    let toml = FlyToml::of(app, desk, size::of(app.service.resources, app.option("size")).ok()?);
    Some(Manifest {
        head: head::lines(app, desk, &path),
        path,
        template: TEMPLATE,
        context: serde_json::to_value(toml).unwrap_or_default(),
        key: format!("services.{}", app.service.name),
    })
}

impl FlyToml {
    fn of(app: &App, desk: &Desk, size: size::Size) -> Self {
        let service = app.service;
        let auto_stop = app.option("auto_stop").unwrap_or("off");
        Self {
            app: app.name(),
            region: app.region().to_owned(),
            kill_signal: kill_signal(app),
            image: match &service.source {
                Source::Image(image) => Some(image.clone()),
                Source::Build(_) => None,
            },
            build: service.build().map(BuildPart::of),
            args: args(app, desk),
            strategy: app.strategy().to_owned(),
            env: if app.is_page() { Vec::new() } else { known(app, desk) },
            mount: mount(app),
            public: service.port.filter(|_| app.is_public()),
            private: private(app),
            check: check(app),
            auto_stop: auto_stop.to_owned(),
            sleeps: auto_stop != "off",
            least: number(app, "min_machines"),
            statics: app.has_bucket().then(|| Statics::of(app)),
            size: size.name,
            memory: format!("{}mb", size.memory),
            command: service.command.clone(),
        }
    }
}

pub(crate) fn number(app: &App, option: &str) -> u32 {
    app.option(option).and_then(|value| value.parse().ok()).unwrap_or_default()
}

/// nginx answers what it has begun on SIGQUIT alone; every other server does on SIGTERM, as under Docker. Without one
/// Fly.io sends SIGINT, on which Gunicorn drops what it is answering.
pub(crate) fn kill_signal(app: &App) -> &'static str {
    if app.is_page() { "SIGQUIT" } else { "SIGTERM" }
}

impl BuildPart {
    fn of(build: &Build) -> Self {
        let (own, target) = match &build.recipe {
            Recipe::Own { target } => (true, target.clone()),
            _ => (false, None),
        };
        // The user's own Dockerfile has the ignore file that Fly.io looks for by itself.
        let ignorefile = (!own).then(|| format!("{}.dockerignore", build.dockerfile));
        Self { dockerfile: build.dockerfile.clone(), ignorefile, target }
    }
}

/// The variables whose value is known beforehand; `head` has the others.
fn known(app: &App, desk: &Desk) -> Vec<Pair> {
    let env = app.service.env.iter();
    env.filter_map(|(name, text)| Some(Pair { key: word::key(name), value: desk.value(text, app.service)? }))
        .collect()
}

/// The arguments of a page's build: its public variables, and its configuration on Fly.io.
fn args(app: &App, desk: &Desk) -> Vec<Pair> {
    if !app.is_page() {
        return Vec::new();
    }
    let server = page_server(app, desk);
    let conf = server.and_then(|server| page::configuration_in_context(desk.bound, app.service, &server));
    let mut args = known(app, desk);
    args.extend(conf.map(|conf| Pair { key: word::key("NGINX_CONF"), value: conf }));
    args
}

/// How the nginx of a page reaches the apps beside it.
pub(crate) fn page_server(app: &App, desk: &Desk) -> Option<PageServer> {
    let upstream = |name| {
        let other = app.other(name)?;
        Some((name.clone(), format!("{}:{}", other.private_host(), other.private_port()?)))
    };
    let upstreams: indexmap::IndexMap<_, _> = app.service.proxy.values().filter_map(upstream).collect();
    let resolver = (!upstreams.is_empty()).then_some(NAME_SERVER);
    PageServer::of(TARGET, desk, app.service, resolver, upstreams)
}

fn mount(app: &App) -> Option<Mount> {
    let (volume, destination) = app.service.volumes.first()?;
    let size = app.bound.volumes.get(volume).and_then(|volume| volume.size).unwrap_or_default();
    Some(Mount {
        source: volume_name(volume.as_str()),
        destination: destination.clone(),
        size: format!("{}gb", gigabytes(size)),
        snapshot_days: number(app, "snapshot_days"),
    })
}

/// A volume's name: 30 characters of a-z, 0-9 and _, as `fly volumes create` takes them.
pub(crate) fn volume_name(name: &str) -> String {
    dashdeploy_contract::derived_name(&[name], 30).replace('-', "_")
}

/// Whole gigabytes, at least one: there are no others (fly.io/docs/reference/configuration, "initial_size").
pub(crate) fn gigabytes(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 30).max(1)
}

pub(crate) fn private(app: &App) -> Option<Private> {
    let (internal_port, port) = (app.service.port?, app.private_port()?);
    let address = word::comment(&format!("{}:{port}", app.private_host()));
    app.is_private().then_some(Private { internal_port, port, address })
}

pub(crate) fn check(app: &App) -> Option<Check> {
    let port = app.service.port?;
    let forwarded = !app.is_page();
    match &app.service.health {
        HealthCheck::None => None,
        HealthCheck::Http { path } => Some(Check { path: Some(path.clone()), port, forwarded }),
        // No command runs in the machine: that it listens is all that can be asked.
        HealthCheck::Command { .. } => Some(Check { path: None, port, forwarded }),
    }
}

impl Statics {
    /// Of an application the files with a hash in their name, so that its page, its routes and its headers stay nginx's; of
    /// plain files all.
    fn of(app: &App) -> Self {
        let bucket = app.bucket();
        if app.service.is_spa() {
            let folder = page::ASSETS.trim_end_matches('/');
            return Self {
                guest_path: format!("{BUCKET_FOLDER}{folder}"),
                url_prefix: folder,
                bucket,
                index: None,
            };
        }
        Self { guest_path: BUCKET_FOLDER.to_owned(), url_prefix: "/", bucket, index: Some("index.html") }
    }
}

/// The services that a page hands paths on to and that are elsewhere.
pub(crate) fn proxied_elsewhere<'a>(app: &App<'a>) -> Vec<&'a Service> {
    let elsewhere = app.service.proxy.values().filter(|name| app.other(name).is_none());
    elsewhere.filter_map(|name| app.bound.services.get(name)).collect()
}
