//! Python services: which folders hold one, which application it serves, how it is started.
//!
//! Given: the tree. Gives: drafts with kind, application, version, packages, port, routes. Deliberately absent: importing or
//! running anything; and what several services have to do with each other.

pub(crate) mod apps;
pub(crate) mod django;
pub(crate) mod imports;
pub(crate) mod packages;
pub(crate) mod program;
pub(crate) mod reach;
pub(crate) mod routes;

use std::collections::BTreeMap;

use dashdeploy_contract::{BuildKind, PythonPackages, PythonRecipe, Recipe};

use self::apps::{App, Framework, apps};
use self::packages::{Packages, packages};
use super::draft::{Draft, Found};
use super::index::{Index, folder_of, is_aside, is_within, join, name_of, relative};
use super::model::{Evidence, Note, Proposal, Rejected, Role, Topic};
use super::port;
use super::reads;
use super::starts::Starts;
use super::version;

/// Files of one folder with a manifest (or of the top, without one), nested folders with their own left out.
type Groups = BTreeMap<String, Vec<String>>;

/// The Python services of the tree.
pub(crate) fn propose(index: &Index<'_>, starts: &Starts) -> Found {
    let mut found = Found::default();
    for (folder, files) in groups(index) {
        service(index, starts, &folder, &files, &mut found);
    }
    found
}

/// Every folder with a manifest, and the files that belong to it.
fn groups(index: &Index<'_>) -> Groups {
    let mut folders: Vec<&str> = index.files().map(folder_of).collect();
    folders.dedup();
    folders.sort_unstable();
    folders.dedup();
    let mut groups: Groups = folders
        .into_iter()
        .filter(|folder| !is_aside(&join(folder, "x"), "") && packages::is_manifest_folder(index, folder))
        .map(|folder| (folder.to_owned(), Vec::new()))
        .collect();
    for path in index.files().filter(|path| path.ends_with(".py") && !is_aside(path, "")) {
        let mut folder = folder_of(path);
        while !folder.is_empty() && !groups.contains_key(folder) {
            folder = folder_of(folder);
        }
        groups.entry(folder.to_owned()).or_default().push(path.to_owned());
    }
    groups
}

fn service(index: &Index<'_>, starts: &Starts, folder: &str, files: &[String], found: &mut Found) {
    if let Some(project) =
        django::projects(index, folder).into_iter().find(|project| files.contains(&project.file))
    {
        let draft = django_draft(index, starts, folder, files, &project, &mut found.notes);
        found.drafts.push(draft);
        program::workers(index, starts, folder, files, found);
        return;
    }
    let packages = packages(index, folder, folder);
    let candidates = candidates(index, folder, files, &packages, starts);
    if let Some((chosen, others)) = candidates.split_first() {
        let draft = app_draft(index, starts, folder, files, chosen, others, found);
        found.drafts.push(draft);
        program::workers(index, starts, folder, files, found);
    } else if let Some(draft) = program::draft(index, starts, folder, files, &packages, found) {
        found.drafts.push(draft);
    } else if packages::is_manifest_folder(index, folder) {
        let manifest = manifest(index, folder);
        found.rejected.push(Rejected {
            candidate: format!("a Python service in `{}`", super::index::shown(folder)),
            reason: "no ASGI or WSGI application, no Procfile and no main.py, app.py, run.py, worker.py or bot.py that \
                     starts something"
                .to_owned(),
            evidence: index.evidence(&manifest, ""),
        });
    }
}

fn manifest(index: &Index<'_>, folder: &str) -> String {
    let names = ["pyproject.toml", "requirements.txt", "Pipfile", "setup.py"];
    names
        .iter()
        .map(|name| join(folder, name))
        .find(|path| index.has(path))
        .unwrap_or_else(|| join(folder, "requirements"))
}

/// An application with its import root and the name under which a server imports it.
struct Candidate {
    app: App,
    root: String,
    name: String,
    /// Where a Procfile, Dockerfile or Compose file starts just this one.
    started: Option<Evidence>,
}

/// The applications of a service, the best first: started somewhere by name, an object before a factory, the usual names, the
/// least deep file.
fn candidates(
    index: &Index<'_>,
    folder: &str,
    files: &[String],
    packages: &Packages,
    starts: &Starts,
) -> Vec<Candidate> {
    let fallback =
        [Framework::Fastapi, Framework::Flask, Framework::Starlette, Framework::Litestar, Framework::Quart]
            .into_iter()
            .find(|framework| packages.names.contains(framework.package()));
    let mut found: Vec<Candidate> = files
        .iter()
        .filter_map(|path| index.source_with(path, apps::WORDS))
        .flat_map(|source| apps(&source, fallback))
        .filter_map(|app| {
            let root = imports::import_root(index, folder, &app.file, files)?;
            let name = format!("{}:{}", imports::module_name(&app.file, &root), app.attribute);
            let started = starts.of_app(&name);
            // Gunicorn calls a function that is named with brackets; Uvicorn is told by a flag.
            let name = if app.factory && app.framework.is_wsgi() { format!("{name}()") } else { name };
            Some(Candidate { app, root, name, started })
        })
        .collect();
    found.sort_by_cached_key(|candidate| {
        let app = &candidate.app;
        (
            candidate.started.is_none(),
            app.factory,
            rank(&app.attribute, &["app", "application", "api", "server"]),
            rank(
                name_of(&app.file),
                &["app.py", "main.py", "asgi.py", "wsgi.py", "server.py", "api.py", "__init__.py"],
            ),
            app.file.split('/').count(),
            app.file.clone(),
        )
    });
    found
}

fn rank(name: &str, order: &[&str]) -> usize {
    order.iter().position(|known| *known == name).unwrap_or(order.len())
}

fn app_draft(
    index: &Index<'_>,
    starts: &Starts,
    folder: &str,
    files: &[String],
    chosen: &Candidate,
    others: &[Candidate],
    found: &mut Found,
) -> Draft {
    // A root above the manifest's folder (`from backend.x import …`) makes that folder the context.
    let context = if is_within(&chosen.root, folder) { folder } else { chosen.root.as_str() };
    let packages = packages(index, folder, context);
    let wsgi = chosen.app.framework.is_wsgi();
    let kind = if wsgi { BuildKind::Flask } else { BuildKind::Fastapi };
    let source_root = (chosen.root != context).then(|| relative(&chosen.root, context));
    let place = Place { folder, context, source_root };
    let mut draft = python_draft(index, &place, kind, Role::Api, &packages, Some(&chosen.name));
    found.notes.extend(server_note(index, folder, &packages, &chosen.app));
    found.notes.extend(packages.notes);
    describe(&mut draft.proposal, chosen, others);
    draft.files = files.to_vec();
    draft.routes = routes::routes(index, &chosen.root, files);
    finish(index, starts, &mut draft);
    if chosen.app.factory && !wsgi {
        let port = draft.proposal.port.unwrap_or(8000).to_string();
        let command = ["uvicorn", &chosen.name, "--factory", "--host", "0.0.0.0", "--port", &port];
        draft.proposal.command = Some(command.map(str::to_owned).to_vec());
    }
    draft
}

/// The application chosen, and those that were not.
fn describe(proposal: &mut Proposal, chosen: &Candidate, others: &[Candidate]) {
    let object = if chosen.app.factory { "factory" } else { "application" };
    let gateway = if chosen.app.framework.is_wsgi() { "WSGI" } else { "ASGI" };
    let kind = format!("{} application", chosen.app.framework.title());
    let application = format!("{gateway} {object} `{}`", chosen.name);
    proposal.conclude_first(Topic::Application, application, Some(chosen.app.evidence()));
    proposal.conclude_first(Topic::Kind, kind, Some(chosen.app.evidence()));
    if let Some(started) = &chosen.started {
        let text = format!("`{}` is what is started", chosen.name);
        proposal.conclude(Topic::Application, text, Some(started.clone()));
    }
    for other in others {
        if !other.app.factory {
            proposal.other_apps.push(other.name.clone());
        }
        proposal.rejected.push(Rejected {
            candidate: format!("{} application `{}`", other.app.framework.title(), other.name),
            reason: reason(chosen, other),
            evidence: other.app.evidence(),
        });
    }
}

/// The generated image runs Uvicorn or Gunicorn, which must be among the dependencies.
fn server_note(index: &Index<'_>, folder: &str, packages: &Packages, app: &App) -> Option<Note> {
    let server = if app.framework.is_wsgi() { "gunicorn" } else { "uvicorn" };
    let evidence = app.evidence();
    if packages.packages == PythonPackages::None {
        let message = format!("nothing names the dependencies of `{}`", super::index::shown(folder));
        return Some(
            Note::warning("no-dependencies", message).mend("pip freeze > requirements.txt").at(evidence),
        );
    }
    let manifests = ["requirements.txt", "pyproject.toml", "uv.lock", "poetry.lock"];
    let manifests = manifests.map(|name| join(folder, name));
    // An extra such as `fastapi[standard]` brings the server along; a lock file names everything.
    let locked = format!("name = \"{server}\"");
    let has = |text: &str| text.contains(&locked) || text.contains("fastapi[") || text.contains("litestar[");
    let named = packages.names.contains(server)
        || manifests.iter().any(|path| index.text(path).is_some_and(|text| has(&text)));
    (!named).then(|| {
        let message = format!("`{server}`, which serves the application, is not among the dependencies");
        Note::warning("server-not-required", message)
            .mend(format!("add `{server}` to the dependencies"))
            .at(evidence)
    })
}

/// Why another application was not taken.
fn reason(chosen: &Candidate, other: &Candidate) -> String {
    if chosen.started.is_some() && other.started.is_none() {
        format!("`{}` is the one that is started by the project's own files", chosen.name)
    } else if other.app.factory && !chosen.app.factory {
        "it is a factory, and there is an application object".to_owned()
    } else {
        format!("`{}` has the more usual name or place", chosen.name)
    }
}

fn django_draft(
    index: &Index<'_>,
    starts: &Starts,
    folder: &str,
    files: &[String],
    project: &django::Project,
    notes: &mut Vec<Note>,
) -> Draft {
    let packages = packages(index, folder, folder);
    let source_root = (project.root != folder).then(|| relative(&project.root, folder));
    let place = Place { folder, context: folder, source_root };
    let mut draft = python_draft(index, &place, BuildKind::Django, Role::Api, &packages, Some(&project.app));
    notes.extend(packages.notes);
    let kind = index.evidence(&join(&project.root, "manage.py"), "DJANGO_SETTINGS_MODULE");
    let evidence = Evidence::new(project.excerpt.as_str(), &project.file, project.line);
    let application = format!("WSGI application `{}`", project.app);
    draft.proposal.conclude_first(Topic::Application, application, Some(evidence));
    draft.proposal.conclude_first(Topic::Kind, "Django project", Some(kind));
    draft.files = files.to_vec();
    draft.routes = routes::routes(index, &project.root, files);
    finish(index, starts, &mut draft);
    draft
}

/// Where a service's manifest lies, what its context is, and where imports start below that.
pub(crate) struct Place<'p> {
    pub folder: &'p str,
    pub context: &'p str,
    pub source_root: Option<&'p str>,
}

/// The part that all Python kinds share.
pub(crate) fn python_draft(
    index: &Index<'_>,
    place: &Place<'_>,
    kind: BuildKind,
    role: Role,
    packages: &Packages,
    app: Option<&str>,
) -> Draft {
    let version = version::python(index, place.folder);
    let recipe = PythonRecipe {
        version: version.text.clone(),
        packages: packages.packages.clone(),
        app: app.map(str::to_owned),
        source_root: place.source_root.map(str::to_owned),
    };
    let mut draft = Draft::new(role, place.folder, place.context, kind, Recipe::Python(recipe));
    let proposal = &mut draft.proposal;
    if let Some(source) = place.source_root {
        proposal.conclude(Topic::Application, format!("modules are imported from `{source}`"), None);
    }
    let said = if version.evidence.is_some() { "" } else { " (the default; the project names none)" };
    proposal.conclude(Topic::Version, format!("Python {}{said}", version.text), version.evidence);
    proposal.conclude(Topic::Packages, packages.conclusion.clone(), packages.evidence.clone());
    draft
}

/// Port and variables, once the files are known.
fn finish(index: &Index<'_>, starts: &Starts, draft: &mut Draft) {
    let reads: Vec<_> = draft
        .files
        .iter()
        .filter_map(|path| index.source_with(path, reads::WORDS))
        .flat_map(|source| reads::reads(&source))
        .collect();
    draft.reads = reads;
    let found = port::python(index, &draft.files).or_else(|| starts.port(&draft.folder));
    let (port, evidence) = match found {
        Some((port, evidence)) => (port, Some(evidence)),
        None => (8000, None),
    };
    let said = if evidence.is_some() { "" } else { " (the default of its kind)" };
    draft.proposal.port = Some(port);
    draft.proposal.conclude(Topic::Port, format!("port {port}{said}"), evidence);
}

/// The same for services without a port.
pub(crate) fn finish_worker(index: &Index<'_>, draft: &mut Draft) {
    draft.reads = draft
        .files
        .iter()
        .filter_map(|path| index.source_with(path, reads::WORDS))
        .flat_map(|source| reads::reads(&source))
        .collect();
}
