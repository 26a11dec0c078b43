//! JavaScript and TypeScript packages: front ends built to files, and servers.
//!
//! Given: the tree. Gives: drafts with kind, version, package manager, output folder or start command. Deliberately absent:
//! evaluating configuration that is code; only literals in it are read.

mod manager;
pub(crate) mod package;
mod routes;
mod server;
pub(crate) mod spa;

use dashdeploy_contract::Recipe;

use self::package::Package;
use super::draft::{Draft, Found};
use super::index::{Index, folder_of, is_aside, is_within, shown};
use super::model::{Note, Rejected, Topic};
use super::{reads, version};

/// Endings of sources.
const SOURCES: [&str; 11] =
    [".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx", ".vue", ".svelte", ".astro"];

/// The services made of packages.
pub(crate) fn propose(index: &Index<'_>) -> Found {
    let mut found = Found::default();
    let manifests: Vec<&str> = index.named("package.json").filter(|path| !is_aside(path, "")).collect();
    let folders: Vec<&str> = manifests.iter().map(|path| folder_of(path)).collect();
    for path in &manifests {
        let Some(package) = Package::read(index, path) else {
            let message = format!("`{path}` is no valid JSON and was not used");
            found.notes.push(Note::warning("unreadable-manifest", message).at(index.evidence(path, "")));
            continue;
        };
        let folder = folder_of(path);
        let files = files(index, folder, &folders);
        match draft(index, &package, &files, &mut found) {
            Ok(draft) => found.drafts.push(draft),
            Err(reason) => found.rejected.push(Rejected {
                candidate: format!("a Node.js service in `{}`", shown(folder)),
                reason,
                evidence: index.evidence(path, "\"name\""),
            }),
        }
    }
    found
}

/// The package's own sources.
fn files(index: &Index<'_>, folder: &str, folders: &[&str]) -> Vec<String> {
    let nested: Vec<&&str> =
        folders.iter().filter(|other| **other != folder && is_within(other, folder)).collect();
    index
        .under(folder)
        .filter(|path| SOURCES.iter().any(|end| path.ends_with(end)) && !path.ends_with(".min.js"))
        .filter(|path| !is_aside(path, folder) && !nested.iter().any(|other| is_within(path, other)))
        .map(str::to_owned)
        .collect()
}

fn draft(index: &Index<'_>, package: &Package, files: &[String], found: &mut Found) -> Result<Draft, String> {
    let front = spa::framework(index, package);
    let serves = server::start(index, package, files);
    let mut draft = match (front, serves) {
        (Some(_), Some(start)) if start.is_server => server::draft(index, package, files, start),
        (Some(front), _) => spa::draft(index, package, front)?,
        (None, Some(start)) if start.is_server => server::draft(index, package, files, start),
        _ => return Err(package.why_not().to_owned()),
    };
    draft.files = files.to_vec();
    let chosen = manager::manager(index, package);
    let version = version::node(index, &package.folder);
    fill(&mut draft, &chosen, &version.text);
    let said = if version.evidence.is_some() { "" } else { " (the default; the project names none)" };
    draft.proposal.conclude(Topic::Version, format!("Node.js {}{said}", version.text), version.evidence);
    draft.proposal.conclude(Topic::Packages, chosen.conclusion, chosen.evidence);
    found.notes.extend(chosen.notes);
    draft.reads = files
        .iter()
        .filter_map(|path| index.source_with(path, reads::WORDS))
        .flat_map(|source| reads::reads(&source))
        .collect();
    Ok(draft)
}

fn fill(draft: &mut Draft, chosen: &manager::Chosen, version: &str) {
    match &mut draft.proposal.build.recipe {
        Recipe::Node(recipe) => {
            recipe.version = version.to_owned();
            recipe.manager = chosen.manager;
            recipe.locked = chosen.locked;
        }
        Recipe::Spa(recipe) => {
            recipe.version = version.to_owned();
            recipe.manager = chosen.manager;
            recipe.locked = chosen.locked;
        }
        Recipe::Python(_) | Recipe::Files { .. } | Recipe::Own { .. } => {}
    }
}
