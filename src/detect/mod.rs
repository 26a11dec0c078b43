//! A source tree to proposed services, with the evidence for each conclusion.
//!
//! Given: a [`tree::SourceTree`]. Gives: a [`Detection`]; the questions it leaves open; the text of a dashdeploy.yaml. The same
//! tree gives the same result on every machine. Deliberately absent: running anything of the project, asking this machine,
//! printing.

pub(crate) mod code;
mod compose;
mod data;
pub(crate) mod draft;
pub(crate) mod envfile;
mod gitignore;
mod health;
mod index;
mod model;
mod node;
mod own;
mod port;
mod python;
mod question;
pub(crate) mod reads;
mod report;
pub(crate) mod routes;
mod scan;
mod site;
mod starts;
mod storage;
pub mod tree;
pub(crate) mod variables;
mod version;
mod wiring;
pub mod yaml;

pub use self::model::{Detection, Evidence, Fact, Note, Proposal, Rejected, Role, Secret, Topic, Variable};
pub use self::question::{Choice, Question, UnknownAnswer, questions};
pub use self::report::{ServiceReport, report};

use dashdeploy_contract::Name;

use self::draft::{Draft, Found};
use self::index::Index;
use self::tree::SourceTree;

/// What is looked for, in the words of the message that nothing was found.
const LOOKED_FOR: [&str; 8] = [
    "Python: `FastAPI()`, `Starlette()`, `Litestar()`, `Flask()` objects and `create_app()` factories beside a requirements.txt or pyproject.toml",
    "Django: a manage.py with a wsgi.py below it",
    "Python programs: a Procfile, or main.py, app.py, run.py, worker.py, bot.py with `if __name__ == \"__main__\"`",
    "front ends: a package.json with vite, react-scripts, @vue/cli-service or astro and a `build` script",
    "Node.js servers: a package.json with express, fastify, koa, next and the like, or a `start` script that listens",
    "static files: an index.html at the top or up to two folders below it",
    "Dockerfiles and Compose files of your own",
    "all of that outside tests, examples, docs, vendor, and folders of installed or built files",
];

/// Looks at a tree.
pub fn detect(tree: &dyn SourceTree) -> Detection {
    let index = Index::new(tree);
    let starts = starts::starts(&index);
    let mut notes = tree.notes().to_vec();
    let composed = compose::read(&index, &mut notes);
    let mut found = python::propose(&index, &starts);
    found.take(node::propose(&index));
    let sites = site::propose(&index, &found.drafts);
    found.take(sites);
    let owns = own::read(&index, &composed, &mut found.rejected);
    let mut drafts = std::mem::take(&mut found.drafts);
    let assigned = own::assign(&index, owns, &mut drafts, &mut found);
    drafts.append(&mut found.drafts);
    notes.append(&mut found.notes);
    let kept = assigned
        .into_iter()
        .map(|(at, own)| (drafts[at].folder.clone(), drafts[at].proposal.build.kind, own));
    let kept: Vec<_> = kept.collect();
    drafts.sort_by_cached_key(order);
    conclude(&index, &mut drafts, &mut notes);
    for draft in &mut drafts {
        let mine = kept
            .iter()
            .find(|(folder, kind, _)| *folder == draft.folder && *kind == draft.proposal.build.kind);
        if let Some((_, _, own)) = mine {
            own::keep(own, &mut draft.proposal, &mut notes);
        }
    }
    wiring::publish(&mut drafts);
    variables::shipped_secrets(&index, &mut notes);
    finished(&index, drafts, notes, found.rejected)
}

/// Everything that needs to know of all services.
fn conclude(index: &Index<'_>, drafts: &mut [Draft], notes: &mut Vec<Note>) {
    wiring::name(index, drafts);
    for draft in drafts.iter_mut() {
        let before = notes.len();
        health::fill(draft, notes);
        storage::fill(index, draft);
        variables::fill(index, draft, notes);
        variables::committed(index, draft, notes);
        if let Some(evidence) = port::loopback(index, &draft.files).filter(|_| draft.is_server()) {
            let message =
                "the server listens on the loopback address only: nothing outside its container reaches it";
            notes.push(Note::warning("listens-on-loopback", message).mend("listen on 0.0.0.0").at(evidence));
        }
        for note in &mut notes[before..] {
            note.service = Some(draft.proposal.name.to_string());
        }
    }
    storage::separate(drafts, notes);
    wiring::connect(index, drafts, notes);
    for draft in drafts.iter_mut() {
        variables::conclude(draft);
    }
}

/// APIs first, then what works for them, then what is served to browsers.
fn order(draft: &Draft) -> (u8, String, String) {
    let role = match draft.proposal.role {
        Role::Api => 0,
        Role::Worker => 1,
        Role::Spa => 2,
        Role::Site => 3,
        Role::Other => 4,
    };
    (role, draft.folder.clone(), draft.proposal.name.to_string())
}

fn finished(index: &Index<'_>, drafts: Vec<Draft>, notes: Vec<Note>, rejected: Vec<Rejected>) -> Detection {
    let mut services: Vec<Proposal> = drafts.into_iter().map(|draft| draft.proposal).collect();
    for service in &mut services {
        let host = service.publish.or(service.port);
        if let Some(generated) = &mut service.generated {
            generated.publish = host.filter(|host| Some(*host) != generated.port);
        }
    }
    let volumes = volumes(&services);
    Detection {
        project: project_name(index),
        services,
        volumes,
        notes,
        rejected,
        looked_for: LOOKED_FOR.to_vec(),
    }
}

/// The volumes that the services mount.
fn volumes(services: &[Proposal]) -> Vec<Name> {
    let mut volumes: Vec<Name> =
        services.iter().flat_map(|service| service.volumes.keys().cloned()).collect();
    volumes.sort();
    volumes.dedup();
    volumes
}

/// The name in the manifests at the top, else the folder's own.
fn project_name(index: &Index<'_>) -> Name {
    let python = python::packages::pyproject(index, "").and_then(|table| {
        let poetry = || table.get("tool")?.get("poetry")?.get("name");
        let name = table.get("project").and_then(|project| project.get("name")).or_else(poetry)?;
        Some(name.as_str()?.to_owned())
    });
    let node = || {
        let package = node::package::Package::read(index, "package.json")?;
        Some(package.text("name")?.rsplit('/').next()?.to_owned())
    };
    let name = python.or_else(node).unwrap_or_else(|| index.tree().folder_name().to_owned());
    Name::from_any(&name, "app")
}

impl Found {
    fn take(&mut self, mut other: Self) {
        self.drafts.append(&mut other.drafts);
        self.rejected.append(&mut other.rejected);
        self.notes.append(&mut other.notes);
    }
}
