//! Generated files: rendered, compared with the disk, written.

use std::collections::BTreeMap;

use dashdeploy_contract::{Bound, Severity, Wiring};

use super::load::Loaded;
use super::manifests::{self, Wanted};
use super::pipeline::{self, Provider};
use super::{CliError, CliResult, Context, Exit};
use crate::config::{LOCK_NAME, Pins, parse_lock};
use crate::registry;
use crate::render::{self, Compared, Inputs, RenderError, State, Used};

/// Every generated file of the project, compared with the one on disk.
///
/// # Errors
/// Exit code 2 for values that a file's format cannot carry, each with its place.
pub fn compared(loaded: &Loaded, wanted: &Wanted) -> CliResult<Vec<Compared>> {
    compared_for(loaded, wanted, None)
}

/// The same with the pipeline of another provider than the configured one.
///
/// # Errors
/// As for [`compared`].
pub fn compared_for(
    loaded: &Loaded,
    wanted: &Wanted,
    provider: Option<Provider>,
) -> CliResult<Vec<Compared>> {
    let inputs = inputs(loaded, wanted, provider)?;
    let files = render::render(&loaded.project, &inputs).map_err(|error| failed(loaded, error))?;
    drop(inputs);
    let unreadable = std::cell::RefCell::new(None);
    let compared = render::compare(files, &|path| {
        loaded.dir.read(path).unwrap_or_else(|error| {
            unreadable.borrow_mut().get_or_insert(error);
            None
        })
    });
    match unreadable.into_inner() {
        Some(error) => Err(error.into()),
        None => Ok(compared),
    }
}

/// What the project's files name of others.
///
/// # Errors
/// As for [`compared`].
pub(super) fn used(loaded: &Loaded) -> CliResult<Used> {
    let inputs = inputs(loaded, &Wanted::USED, None)?;
    render::used(&loaded.project, &inputs).map_err(|error| failed(loaded, error))
}

fn inputs(loaded: &Loaded, wanted: &Wanted, provider: Option<Provider>) -> CliResult<Inputs> {
    let added = manifests::additions(&manifests::placed(&loaded.project, wanted));
    Ok(Inputs {
        local: local_wiring(loaded)?,
        overrides: overrides(loaded)?,
        templates: manifests::templates(),
        manifests: added.manifests,
        page_servers: added.page_servers,
        plain_dockerfiles: added.plain_dockerfiles,
        pipeline: pipeline::pipeline(&loaded.project, provider),
        pins: pins(loaded)?,
    })
}

/// What dashdeploy.lock says; nothing where it is not there.
///
/// # Errors
/// Exit code 2 where it is broken, with every finding at its place.
pub(super) fn pins(loaded: &Loaded) -> CliResult<Pins> {
    let Some(bytes) = loaded.dir.read(LOCK_NAME)? else { return Ok(Pins::default()) };
    parse_lock(LOCK_NAME, &bytes).map_err(|findings| {
        CliError::findings(format!("{LOCK_NAME} cannot be read"), findings)
            .hint(format!("mend it, or remove {LOCK_NAME} and run `dashdeploy pin`"))
    })
}

fn failed(loaded: &Loaded, error: RenderError) -> CliError {
    match error {
        RenderError::Findings(findings) => {
            let located = findings.into_iter().map(|finding| loaded.places.locate(finding));
            let mut errors: Vec<_> = located.filter(|finding| finding.severity == Severity::Error).collect();
            // One value often goes into several files; it is one problem all the same.
            let mut known = Vec::new();
            errors.retain(|finding| {
                let new = !known.contains(finding);
                known.push(finding.clone());
                new
            });
            CliError::findings("the files cannot be written", errors)
        }
        other => CliError::new(Exit::Failed, "template", other.to_string()),
    }
}

/// Where the user's own templates lie.
pub(super) const TEMPLATES: &str = ".dashdeploy/templates";

/// The user's own templates, by name.
pub(super) fn overrides(loaded: &Loaded) -> CliResult<BTreeMap<String, String>> {
    let mut own = BTreeMap::new();
    for name in loaded.dir.files_below(TEMPLATES)? {
        let path = format!("{TEMPLATES}/{name}");
        let bytes = loaded.dir.read(&path)?.unwrap_or_default();
        let text = String::from_utf8(bytes)
            .map_err(|_| CliError::new(Exit::Usage, "template", format!("{path} is not UTF-8 text")))?;
        own.insert(name, text);
    }
    Ok(own)
}

/// The addresses on the local Docker host: what the generated Compose files are made with.
fn local_wiring(loaded: &Loaded) -> CliResult<Wiring> {
    let local = loaded
        .project
        .bind("local")
        .map_err(|error| CliError::new(Exit::Usage, "unknown-environment", error.to_string()))?;
    Ok(registry::compose_host().map_or_else(Wiring::default, |target| {
        // Compose files are a Docker host's, whatever target `local` names.
        Wiring::of(&local.moved_to(target.descriptor()), &|_| Some(target.as_ref()))
    }))
}

/// What was done with one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Done {
    /// It was not there.
    Written,
    /// It was older than the configuration.
    Refreshed,
    /// It was as it should be.
    Fresh,
    /// It was edited by hand, and stays.
    Kept,
    /// It was edited by hand; it is replaced and the former one kept as `.bak`.
    Replaced,
}

/// Writes one file by the rules of ownership.
///
/// # Errors
/// When the disk refuses; what was there stays.
pub fn write(loaded: &Loaded, compared: &Compared, force: bool) -> CliResult<Done> {
    let path = compared.file.path.as_str();
    let done = match compared.state {
        State::Fresh => return Ok(Done::Fresh),
        State::Missing => Done::Written,
        State::Stale => Done::Refreshed,
        State::Edited | State::Foreign if force => {
            if let Some(former) = loaded.dir.read(path)? {
                loaded.dir.write(&format!("{path}.bak"), &former)?;
            }
            Done::Replaced
        }
        State::Edited | State::Foreign => return Ok(Done::Kept),
    };
    loaded.dir.write(path, compared.file.contents.as_bytes())?;
    Ok(done)
}

/// Writes what the builds read and is missing or stale, so that an edit of dashdeploy.yaml is enough; says what it wrote, and
/// warns of hand-edited files that the configuration has moved on from.
///
/// # Errors
/// As for [`compared`] and [`write`].
pub fn refresh_build_files(context: &Context, loaded: &Loaded, bound: &Bound) -> CliResult<()> {
    let builds: Vec<&dashdeploy_contract::Build> =
        bound.services.values().filter_map(|service| service.build()).collect();
    let read_by_builds = |path: &str| {
        let file = path.strip_suffix(".dockerignore").unwrap_or(path);
        let name = file.rsplit('/').next().unwrap_or(file);
        builds.iter().any(|build| build.dockerfile == file)
            || (name.starts_with("nginx.") && name.ends_with(".conf"))
    };
    if !bound.services.values().any(dashdeploy_contract::Service::is_generated) {
        return Ok(());
    }
    // A page that a platform runs has its configuration there beside the one of a Docker host. What is wrong with another
    // environment is no reason not to build for this one.
    let docker = registry::compose_host().map(|target| target.descriptor().name.clone());
    let elsewhere = bound.targets.values().any(|target| Some(target.as_str()) != docker.as_deref());
    let wanted = if elsewhere { Wanted::USED } else { Wanted::NOTHING };
    for compared in compared(loaded, &wanted)?.iter().filter(|compared| read_by_builds(&compared.file.path)) {
        let path = &compared.file.path;
        match write(loaded, compared, false)? {
            Done::Written => context.console.status(&format!("wrote {path}, which was missing")),
            Done::Refreshed => context.console.status(&format!("refreshed {path}, which was older than dashdeploy.yaml")),
            Done::Kept if compared.state == State::Edited => context.console.warning(&format!(
                "{path} was edited by hand and is used as it is; `dashdeploy render --check` shows what would differ"
            )),
            _ => {}
        }
    }
    Ok(())
}
