//! The ignore file of each generated Dockerfile: what never gets into a build context.
//!
//! A list of what stays out rather than of what comes in: a trimmed context that lacks a module imported inside a function
//! builds, starts, is healthy, and fails on the first such request. Patterns with `**/`, since a bare `.env` leaves out only
//! the one at the top (measured).

use dashdeploy_contract::{Bound, Build, Recipe, Service};
use serde::Serialize;

use super::RenderError;
use super::engine::Marked;
use super::sheet::Sheet;
use super::{escape, layout};

const TEMPLATE: &str = "ignore/context.dockerignore.j2";

/// One ignore file.
#[derive(Serialize)]
struct IgnoreFile {
    /// Files that dashdeploy writes or reads, inside this context.
    generated: Vec<String>,
    /// Other services' sources.
    nested: Vec<String>,
    /// Local twins of volumes: their name inside the context.
    data: Vec<String>,
    /// True for images that Node.js builds.
    node: bool,
    /// The output folder of a build, as the build makes it anew.
    output: Option<String>,
    /// nginx.conf, which must come in.
    keep: Vec<KeptPath>,
    /// The user's own patterns.
    own: Vec<Marked>,
}

/// A path that comes in although a pattern above would leave it out.
#[derive(Serialize)]
struct KeptPath {
    path: String,
}

/// Adds the ignore file of each of a service's Dockerfiles.
pub fn add<'a>(
    sheet: &mut Sheet<'_>,
    bound: &Bound,
    service: &Service,
    build: &Build,
    dockerfiles: impl Iterator<Item = &'a str>,
) -> Result<(), RenderError> {
    let key = format!("services.{}", service.name);
    for pattern in &build.ignore {
        sheet.check(&format!("{key}.build.ignore"), escape::ignore_pattern(pattern));
    }
    let conf = layout::nginx_files(bound, service).map(|(conf, _)| conf);
    let inside = |path: &str| layout::inside(&build.context, path).map(str::to_owned);
    let generated = layout::generated(bound);
    let file = IgnoreFile {
        generated: generated
            .iter()
            .filter(|path| Some(*path) != conf.as_ref())
            .filter_map(|p| inside(p))
            .collect(),
        nested: layout::nested_contexts(bound, &service.name, build),
        data: data(service, build),
        node: matches!(build.recipe, Recipe::Node(_) | Recipe::Spa(_)),
        output: match &build.recipe {
            Recipe::Spa(recipe) if recipe.output != "." => Some(recipe.output.clone()),
            _ => None,
        },
        keep: conf.iter().filter_map(|path| inside(path)).map(|path| KeptPath { path }).collect(),
        own: build.ignore.iter().cloned().map(Marked::Pattern).collect(),
    };
    for dockerfile in dockerfiles {
        sheet.add(&layout::ignore_file(dockerfile), TEMPLATE, &file, &format!("{key}.dockerfile"))?;
    }
    Ok(())
}

/// Folders at the top of the context that have the name of a volume's folder: what the application wrote when it ran
/// without a container. A link says the opposite: what lies there is shipped.
fn data(service: &Service, build: &Build) -> Vec<String> {
    let linked = |folder: &str| {
        build.links.keys().any(|path| path == folder || path.starts_with(&format!("{folder}/")))
    };
    let mut folders: Vec<String> = service
        .volumes
        .values()
        .filter(|path| path.matches('/').count() == 1)
        .map(|path| path.trim_start_matches('/').to_owned())
        .filter(|folder| !folder.is_empty() && !linked(folder))
        .collect();
    folders.sort();
    folders.dedup();
    folders
}
