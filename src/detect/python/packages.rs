//! Where a Python service's dependencies come from.
//!
//! Given: the tree. Gives: the package manager, its files, what to mend. Deliberately absent: resolving anything.

use std::collections::BTreeSet;

use dashdeploy_contract::PythonPackages;

use crate::detect::index::{Index, folder_of, join, normal, relative};
use crate::detect::model::{Evidence, Note};

/// Requirement files of production, the likeliest first.
const REQUIREMENTS: [&str; 7] = [
    "requirements.txt",
    "requirements/production.txt",
    "requirements/prod.txt",
    "requirements/base.txt",
    "requirements-prod.txt",
    "requirements/main.txt",
    "requirements/requirements.txt",
];

/// The dependencies of a service.
#[derive(Debug)]
pub(crate) struct Packages {
    pub packages: PythonPackages,
    pub conclusion: String,
    pub evidence: Option<Evidence>,
    pub notes: Vec<Note>,
    /// The distributions named, in lower case with `-`.
    pub names: BTreeSet<String>,
}

/// A parsed `pyproject.toml`; none where there is none or it is broken.
pub(crate) fn pyproject(index: &Index<'_>, folder: &str) -> Option<toml::Table> {
    index.text(&join(folder, "pyproject.toml"))?.parse().ok()
}

/// True for a folder with a file that names dependencies of an application.
pub(crate) fn is_manifest_folder(index: &Index<'_>, folder: &str) -> bool {
    let has = |name: &str| index.has(&join(folder, name));
    REQUIREMENTS.iter().any(|name| has(name))
        || ["Pipfile", "uv.lock", "poetry.lock", "setup.py", "manage.py"].iter().any(|name| has(name))
        || pyproject(index, folder)
            .is_some_and(|table| table.contains_key("project") || tool(&table, "poetry").is_some())
}

fn tool<'t>(table: &'t toml::Table, name: &str) -> Option<&'t toml::Value> {
    table.get("tool")?.get(name)
}

/// The dependencies of the service whose manifest lies in `folder`, with paths relative to `context`.
pub(crate) fn packages(index: &Index<'_>, folder: &str, context: &str) -> Packages {
    let table = pyproject(index, folder);
    let manifest = join(folder, "pyproject.toml");
    let mut found = locked(index, folder, context, table.as_ref())
        .or_else(|| listed(index, folder, context))
        .or_else(|| unlocked(index, folder, context, table.as_ref()?))
        .unwrap_or_else(|| Packages {
            packages: PythonPackages::None,
            conclusion: "no dependencies named".to_owned(),
            evidence: None,
            notes: without_manifest(index, folder).into_iter().collect(),
            names: BTreeSet::new(),
        });
    if index.has(&manifest) && table.is_none() {
        let message = format!("`{manifest}` is no valid TOML and was not used");
        found.notes.push(Note::warning("unreadable-manifest", message).at(index.evidence(&manifest, "")));
    }
    found.names = names(index, folder, table.as_ref());
    found
}

fn from(packages: PythonPackages, conclusion: &str, evidence: Evidence) -> Packages {
    let conclusion = conclusion.to_owned();
    Packages { packages, conclusion, evidence: Some(evidence), notes: Vec::new(), names: BTreeSet::new() }
}

/// uv or poetry with its lock file; both are read only at the top of the context.
fn locked(index: &Index<'_>, folder: &str, context: &str, table: Option<&toml::Table>) -> Option<Packages> {
    table.filter(|_| folder == context)?;
    let locks = [
        ("uv.lock", PythonPackages::Uv, "uv, locked"),
        ("poetry.lock", PythonPackages::Poetry, "poetry, locked"),
    ];
    locks.into_iter().find_map(|(name, packages, conclusion)| {
        let lock = join(folder, name);
        index.has(&lock).then(|| from(packages, conclusion, index.evidence(&lock, "")))
    })
}

/// Requirement files.
fn listed(index: &Index<'_>, folder: &str, context: &str) -> Option<Packages> {
    let files = requirements(index, folder)?;
    let last = files.last()?;
    let requirements = files.iter().map(|file| relative(file, context).to_owned()).collect();
    let conclusion = format!("pip, {}", relative(last, context));
    Some(from(PythonPackages::Pip { requirements }, &conclusion, index.evidence(last, "")))
}

/// `pyproject.toml` alone.
fn unlocked(index: &Index<'_>, folder: &str, context: &str, table: &toml::Table) -> Option<Packages> {
    let manifest = join(folder, "pyproject.toml");
    let project = table.contains_key("project");
    let poetry = tool(table, "poetry").is_some();
    if !project && !poetry {
        return None;
    }
    let key = if project { "[project]" } else { "[tool.poetry" };
    let mut found = from(
        PythonPackages::Pyproject,
        "pyproject.toml, without a lock file",
        index.evidence(&manifest, key),
    );
    let mend = in_folder(folder, if poetry { "poetry lock" } else { "uv lock" });
    let note = if project {
        Note::hint(
            "no-lock-file",
            format!("`{manifest}` has no lock file beside it: each build may get other versions"),
        )
    } else {
        Note::warning(
            "no-lock-file",
            format!(
                "`{manifest}` names its dependencies for Poetry alone, and has no lock file to install them from"
            ),
        )
    };
    found.notes.push(note.mend(mend).at(index.evidence(&manifest, "dependencies")));
    if folder != context {
        let message = format!(
            "`{manifest}` lies below the folder that imports start from; the generated Dockerfile does not find it"
        );
        let mend = "write a requirements.txt beside it, or start imports from its own folder";
        found.notes.push(
            Note::warning("manifest-out-of-reach", message).mend(mend).at(index.evidence(&manifest, key)),
        );
    }
    Some(found)
}

fn without_manifest(index: &Index<'_>, folder: &str) -> Option<Note> {
    let pipfile = join(folder, "Pipfile");
    if index.has(&pipfile) {
        let message = "Pipenv's files are not read by the generated Dockerfile; nothing would be installed";
        let mend = in_folder(folder, "pipenv requirements > requirements.txt");
        return Some(
            Note::warning("manifest-not-read", message).mend(mend).at(index.evidence(&pipfile, "[packages]")),
        );
    }
    let setup = join(folder, "setup.py");
    index.has(&setup).then(|| {
        Note::warning(
            "manifest-not-read",
            "`setup.py` alone names the dependencies; nothing would be installed",
        )
        .mend("list them in requirements.txt or in pyproject.toml")
        .at(index.evidence(&setup, "install_requires"))
    })
}

/// A command, run in the service's folder.
pub(crate) fn in_folder(folder: &str, command: &str) -> String {
    if folder.is_empty() { command.to_owned() } else { format!("cd {folder} && {command}") }
}

/// The requirement file and those it includes with `-r`, included ones first. Paths from the project.
fn requirements(index: &Index<'_>, folder: &str) -> Option<Vec<String>> {
    let file = REQUIREMENTS.iter().map(|name| join(folder, name)).find(|path| index.has(path))?;
    let mut files = Vec::new();
    include(index, &file, &mut files, 0);
    Some(files)
}

fn include(index: &Index<'_>, file: &str, files: &mut Vec<String>, depth: usize) {
    if depth > 8 || files.iter().any(|known| known == file) {
        return;
    }
    for line in index.text(file).iter().flat_map(|text| text.lines()) {
        let line = line.trim();
        let other =
            ["-r ", "--requirement ", "-c ", "--constraint "].iter().find_map(|flag| line.strip_prefix(flag));
        let path = other.and_then(|other| normal(&join(folder_of(file), other.trim())));
        if let Some(path) = path.filter(|path| index.has(path) && line.starts_with("-r")) {
            include(index, &path, files, depth + 1);
        }
    }
    files.push(file.to_owned());
}

/// The distributions that requirement files and `pyproject.toml` name.
fn names(index: &Index<'_>, folder: &str, table: Option<&toml::Table>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for file in requirements(index, folder).unwrap_or_default() {
        let Some(text) = index.text(&file) else { continue };
        names.extend(text.lines().filter_map(distribution));
    }
    let Some(table) = table else { return names };
    if let Some(list) = table.get("project").and_then(|p| p.get("dependencies")).and_then(|d| d.as_array()) {
        names.extend(list.iter().filter_map(|item| item.as_str()).filter_map(distribution));
    }
    if let Some(list) = tool(table, "poetry").and_then(|p| p.get("dependencies")).and_then(|d| d.as_table()) {
        names.extend(list.keys().filter_map(|name| distribution(name)));
    }
    names
}

/// The name at the start of a requirement (PEP 508), in its normal form (PEP 503).
fn distribution(line: &str) -> Option<String> {
    let line = line.trim();
    let end = line.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))).unwrap_or(line.len());
    let name = line[..end].to_ascii_lowercase().replace(['_', '.'], "-");
    name.starts_with(|c: char| c.is_ascii_alphanumeric()).then_some(name)
}
