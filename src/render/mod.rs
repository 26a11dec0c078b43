//! A project as files: Dockerfiles, ignore files, nginx.conf, Compose files, `.env.example`.
//!
//! Given: a validated [`Project`] and the addresses of its services on this machine. Gives: files in memory, the same bytes
//! for the same input on any machine; and how they relate to what is on disk. Deliberately absent: reading or writing a
//! file, reading the clock, the environment or the version of this program.

mod ci;
mod compare;
mod compose;
mod dockerfile;
mod engine;
mod env_example;
mod escape;
mod header;
mod ignore;
mod layout;
mod nginx;
mod pins;
mod sheet;
mod values;

use std::collections::BTreeMap;

use crate::config::Pins;
use dashdeploy_contract::{Finding, Manifests, Name, PageServer, Project, Template, Wiring};

pub use ci::{Access, Pipeline, Stage, WORKFLOW};
pub use compare::{Compared, State, compare};
pub use dockerfile::CA_SECRET;
pub use header::{Origin, origin};
pub use layout::{COMPOSE, COMPOSE_DEV, COMPOSE_PROD, STATIC_ROOT, ignore_file};
pub use pins::Used;

/// The stage of a static service's Dockerfile that holds the built files and nothing else.
pub const STATIC_STAGE: &str = "files";

/// What rendering needs to know besides the project.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    /// The addresses of the environment `local`, as its target predicts them.
    pub local: Wiring,
    /// The user's own templates from `.dashdeploy/templates/`, by name such as `nginx/nginx.conf.j2`.
    pub overrides: BTreeMap<String, String>,
    /// The templates of the targets.
    pub templates: Vec<Template>,
    /// The files of the targets, for every environment.
    pub manifests: Manifests,
    /// How nginx reaches the services behind a page where a platform runs it, by the page's service.
    pub page_servers: Vec<(Name, PageServer)>,
    /// Where a platform's builder wants a Dockerfile without mounts, by the service that is built.
    pub plain_dockerfiles: Vec<(Name, String)>,
    /// The pipeline to write, if any.
    pub pipeline: Option<Pipeline>,
    /// Digests of images and commits of actions, from `dashdeploy.lock`.
    pub pins: Pins,
}

/// One file, ready to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedFile {
    /// Relative to the project folder, `/`-separated.
    pub path: String,
    /// The whole text with its header, `\n` line ends.
    pub contents: String,
}

/// Why nothing was rendered.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The configuration holds what the files cannot express; each finding names its key.
    #[error("{} in dashdeploy.yaml cannot be rendered", count(.0.len()))]
    Findings(Vec<Finding>),
    /// A template is at fault: the user's own, or (a defect of dashdeploy) a built-in one.
    #[error(transparent)]
    Template(#[from] engine::TemplateError),
}

fn count(findings: usize) -> String {
    if findings == 1 { "one value".to_owned() } else { format!("{findings} values") }
}

/// Renders every file of a project, in a fixed order.
///
/// # Errors
/// [`RenderError::Findings`] with all problems at once; [`RenderError::Template`] for a template that cannot be filled in.
pub fn render(project: &Project, inputs: &Inputs) -> Result<Vec<RenderedFile>, RenderError> {
    Ok(filled(project, inputs)?.0)
}

/// The images and actions of others that the files of a project name.
///
/// # Errors
/// As for [`render`].
pub fn used(project: &Project, inputs: &Inputs) -> Result<Used, RenderError> {
    Ok(filled(project, inputs)?.1)
}

fn filled(project: &Project, inputs: &Inputs) -> Result<(Vec<RenderedFile>, Used), RenderError> {
    let engine = engine::Engine::new(&inputs.templates, &inputs.overrides)?;
    let mut sheet = sheet::Sheet::new(&engine, &inputs.pins);
    if !inputs.overrides.is_empty() {
        sheet.check_overrides(&inputs.overrides, &engine::Engine::new(&inputs.templates, &BTreeMap::new())?);
    }
    let local = values::local(project);
    let wiring = values::with_variables(&inputs.local, &local);
    for service in local.services.values() {
        dockerfile::add(&mut sheet, &local, service, &wiring, &inputs.plain_dockerfiles)?;
        nginx::add(&mut sheet, &local, service, &wiring, &inputs.page_servers)?;
    }
    compose::add(&mut sheet, project, &local, &wiring)?;
    env_example::add(&mut sheet, &local)?;
    sheet.add_manifests(&inputs.manifests)?;
    if let Some(pipeline) = &inputs.pipeline {
        ci::add(&mut sheet, project, pipeline)?;
    }
    sheet.finish()
}

/// The built-in templates, those of the targets among them: name and text, sorted by name.
pub fn templates(of_targets: &[Template]) -> BTreeMap<String, String> {
    let engine = engine::Engine::new(of_targets, &BTreeMap::new());
    engine.map(|engine| engine.sources()).unwrap_or_default()
}
