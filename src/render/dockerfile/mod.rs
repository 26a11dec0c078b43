//! One Dockerfile for each service that is built from source by us.
//!
//! Given: a bound service. Gives: the context of its template. What all Dockerfiles share is here: health check, command,
//! folders for data, links. Nothing that BuildKit of Docker Engine 20.10 does not know: no syntax line, no here-document,
//! no `COPY --link` or `--exclude`, no start interval.

mod node;
mod python;
mod web;

use dashdeploy_contract::{APP_USER, Bound, Build, Finding, Name, Probe, Recipe, Service, Wiring};
use serde::Serialize;

use super::RenderError;
use super::engine::{Marked, TemplateError};
use super::layout::APP_FOLDER;
use super::sheet::Sheet;
use super::{escape, ignore};

pub use node::{PNPM, YARN};
pub use python::{POETRY, UV, list_dependencies};
pub use web::NGINX;

/// Adds a service's Dockerfile and ignore file, and the same pair without mounts where a builder needs one; nothing for an
/// image from a registry or the user's own Dockerfile.
pub fn add(
    sheet: &mut Sheet<'_>,
    bound: &Bound,
    service: &Service,
    wiring: &Wiring,
    plain: &[(Name, String)],
) -> Result<(), RenderError> {
    let Some(build) = service.build().filter(|_| service.is_generated()) else { return Ok(()) };
    let plain = plain.iter().filter(|(name, _)| *name == service.name).map(|(_, path)| path.as_str());
    let paths = Paths { main: &build.dockerfile, plain: plain.collect() };
    match &build.recipe {
        Recipe::Python(recipe) => python::add(sheet, bound, service, build, recipe, &paths)?,
        Recipe::Node(recipe) => node::add(sheet, service, build, recipe, &paths)?,
        Recipe::Spa(_) | Recipe::Files { .. } => web::add(sheet, bound, service, build, wiring, &paths)?,
        Recipe::Own { .. } => return Ok(()),
    }
    ignore::add(sheet, bound, service, build, paths.all())
}

/// Where a service's Dockerfiles go.
struct Paths<'a> {
    /// The Dockerfile.
    main: &'a str,
    /// The same without mounts. One path may be there for several environments.
    plain: Vec<&'a str>,
}

impl Paths<'_> {
    fn all(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.main).chain(self.plain.iter().copied())
    }

    /// Fills in a service's template for each of its Dockerfiles.
    fn add(
        &self,
        sheet: &mut Sheet<'_>,
        service: &Service,
        template: &str,
        mut image: impl Image,
    ) -> Result<(), TemplateError> {
        let key = format!("services.{}.dockerfile", service.name);
        sheet.add(self.main, template, &image, &key)?;
        image.common().mounts = false;
        self.plain.iter().try_for_each(|path| sheet.add(path, template, &image, &key))
    }
}

/// What a template is filled in with.
trait Image: Serialize {
    fn common(&mut self) -> &mut Common;
}

/// The id of the build secret with certificates to trust besides the base image's, in PEM: for networks that re-sign TLS.
/// Every step of a generated Dockerfile that fetches packages mounts it, and does without where it is not given or empty.
pub const CA_SECRET: &str = "dashdeploy_ca";

/// What every template may use.
#[derive(Serialize)]
struct Common {
    /// True where steps may mount caches and secrets; not every builder takes that.
    mounts: bool,
    /// [`CA_SECRET`].
    ca: &'static str,
    /// Names of the secrets that steps which fetch packages get as variables.
    secrets: Vec<String>,
    /// The same names, for the comment.
    named: Marked,
    /// Numeric user and group.
    user: &'static str,
    /// The port listened on.
    port: Option<u16>,
    /// The health check; none where the configuration has none.
    probe: Option<ProbeLine>,
    /// Links into data folders.
    links: Vec<Link>,
    /// Folders that the user owns, with what the context ships for them.
    data: Vec<DataFolder>,
    /// Makes the seeds of all data folders.
    make_seeds: Marked,
    /// Gives the data folders to the user, also those that the base image has.
    own_data: Marked,
}

/// `HEALTHCHECK`.
#[derive(Serialize)]
struct ProbeLine {
    interval: String,
    timeout: String,
    start_period: String,
    retries: u32,
    command: Marked,
}

/// A path of the application folder that leads to a data folder.
#[derive(Serialize)]
struct Link {
    /// For the comment: `data -> /data`.
    about: Marked,
    /// The path, relative to the application folder.
    path: Marked,
    /// Where it leads.
    end: Marked,
    /// Where what the context ships there is kept for the last stage.
    seed: Marked,
    /// Makes the folders of path and seed.
    make: Marked,
    /// True where the end is a file, told by its extension.
    is_file: bool,
}

/// A folder that is a volume when it runs.
#[derive(Serialize)]
struct DataFolder {
    /// The absolute path.
    path: Marked,
    /// Where its first contents are kept for the last stage.
    seed: Marked,
    /// From the seed to the path.
    copy: Marked,
    /// True where it lies in the application folder, which may ship files there.
    in_app: bool,
    #[serde(skip)]
    plain_path: String,
}

impl Common {
    /// Reads the service; findings for paths that no shell line or `COPY` can carry.
    fn of(sheet: &mut Sheet<'_>, service: &Service, build: &Build) -> Self {
        let key = format!("services.{}", service.name);
        for name in &build.secrets {
            sheet.check(&format!("{key}.build.secrets"), escape::dockerfile_word(name));
            sheet.check(&format!("{key}.build.secrets"), escape::shell_word(name));
        }
        for (path, end) in &build.links {
            let operands = [path.clone(), end.clone()];
            sheet.check(&format!("{key}.build.links.{path}"), escape::copy_operands(&operands));
        }
        for (volume, path) in &service.volumes {
            let at = format!("{key}.volumes.{volume}");
            if sheet.check(&at, escape::copy_operands(std::slice::from_ref(path)))
                && path.contains(['*', '?'])
            {
                sheet.find(Finding::error("value-not-carried", at, "a volume's path holds no * or ?"));
            }
        }
        let data = data_folders(service, build);
        let line = |start: [&str; 2], of: &dyn Fn(&DataFolder) -> String| {
            Marked::Line(start.map(str::to_owned).into_iter().chain(data.iter().map(of)).collect())
        };
        Self {
            mounts: true,
            ca: CA_SECRET,
            secrets: build.secrets.clone(),
            named: Marked::Comment(build.secrets.join(", ")),
            make_seeds: line(["mkdir", "-p"], &|folder| format!("/seed{}", folder.plain_path)),
            own_data: line(["chown", APP_USER], &|folder| folder.plain_path.clone()),
            user: APP_USER,
            port: service.port,
            probe: Probe::of(service).map(|probe| ProbeLine::of(&probe)),
            links: build.links.iter().map(|(path, end)| Link::of(path, end)).collect(),
            data,
        }
    }
}

impl ProbeLine {
    fn of(probe: &Probe) -> Self {
        let seconds = |count: u32| format!("{count}s");
        Self {
            interval: seconds(probe.interval_seconds),
            timeout: seconds(probe.timeout_seconds),
            start_period: seconds(probe.start_period_seconds),
            retries: probe.retries,
            // Generated kinds have the exec form `CMD`, …; the shell form is for images of others.
            command: Marked::Exec(probe.test.iter().skip(1).cloned().collect()),
        }
    }
}

impl Link {
    fn of(path: &str, end: &str) -> Self {
        let seed = format!("/seed{end}");
        let kept = if is_file(end) { parent(&seed) } else { &seed };
        let mut make = ["mkdir", "-p", kept].map(str::to_owned).to_vec();
        make.extend(Some(parent(path)).filter(|parent| *parent != ".").map(str::to_owned));
        Self {
            about: Marked::Comment(format!("{path} -> {end}")),
            path: Marked::Shell(path.to_owned()),
            end: Marked::Shell(end.to_owned()),
            make: Marked::Line(make),
            is_file: is_file(end),
            seed: Marked::Shell(seed),
        }
    }
}

fn parent(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some(("", _)) => "/",
        Some((parent, _)) => parent,
        None => ".",
    }
}

fn is_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.trim_start_matches('.').contains('.')
}

/// The volumes' paths, and the ends of links that lie in none of them.
fn data_folders(service: &Service, build: &Build) -> Vec<DataFolder> {
    let mut paths: Vec<&str> = service.volumes.values().map(String::as_str).collect();
    for end in build.links.values() {
        let end = if is_file(end) { parent(end) } else { end };
        if !paths.iter().any(|path| is_at_or_below(end, path)) {
            paths.push(end);
        }
    }
    paths
        .into_iter()
        .map(|path| DataFolder {
            path: Marked::Shell(path.to_owned()),
            seed: Marked::Shell(format!("/seed{path}")),
            copy: Marked::Copy(vec![format!("/seed{path}/"), format!("{path}/")]),
            in_app: path != APP_FOLDER && is_at_or_below(path, APP_FOLDER),
            plain_path: path.to_owned(),
        })
        .collect()
}

fn is_at_or_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// True where the service shares a volume that only one process may write to.
fn writes_alone(bound: &Bound, service: &Service) -> bool {
    let single =
        |name| bound.volumes.get(name).is_none_or(|v| v.writers == dashdeploy_contract::Writers::Single);
    service.volumes.keys().any(single)
}
