//! The user's own Dockerfiles: which service each builds, and what it tells.
//!
//! Given: the tree, the services found in the sources. Gives: the services with their own Dockerfile kept and the generated one
//! as the alternative; services of their own for Dockerfiles that belong to none. Deliberately absent: changing a Dockerfile.

use dashdeploy_contract::{BuildKind, Name, Recipe, Requirement};

use super::compose::{Composed, Given};
use super::draft::{Draft, Found};
use super::envfile::{is_safe_value, is_secret_name};
use super::index::{
    Index, folder_of, is_aside, is_mountable, is_within, join, name_of, normal, relative, shown,
};
use super::model::{Evidence, Note, Proposal, Rejected, Role, Secret, Topic, Variable};
use super::starts::{is_dockerfile, is_ours, port_in};
use super::storage::{named, volume_name};

/// What a Dockerfile says.
#[derive(Debug)]
pub(crate) struct Own {
    path: String,
    context: String,
    stage: Option<String>,
    /// The service's name in a Compose file.
    service: Option<String>,
    bases: Vec<String>,
    port: Option<(u16, Evidence)>,
    workdir: String,
    volumes: Vec<String>,
    /// Sources of `COPY` and `ADD`, from the project.
    copies: Vec<String>,
    commands: Vec<String>,
    environment: Vec<Given>,
    evidence: Evidence,
}

/// Reads the Dockerfiles that are neither for development nor written by dashdeploy.
pub(crate) fn read(index: &Index<'_>, composed: &[Composed], rejected: &mut Vec<Rejected>) -> Vec<Own> {
    let mut found = Vec::new();
    for path in index.files().filter(|path| is_dockerfile(name_of(path)) && !is_aside(path, "")) {
        let Some(text) = index.text(path).filter(|text| !is_ours(text)) else { continue };
        let name = name_of(path).to_ascii_lowercase();
        let built = composed.iter().find(|service| service.dockerfile.as_deref() == Some(path));
        if ["dev", "test", "ci", "debug", "local"]
            .iter()
            .any(|word| name.split(['.', '-', '_']).any(|part| part == *word))
        {
            rejected.push(Rejected {
                candidate: format!("the Dockerfile `{path}`"),
                reason: "its name says that it is not for production".to_owned(),
                evidence: index.evidence(path, "FROM"),
            });
            continue;
        }
        if let Some(own) = parse(index, path, &text, built) {
            found.push(own);
        }
    }
    found
}

fn parse(index: &Index<'_>, path: &str, text: &str, built: Option<&Composed>) -> Option<Own> {
    let mut own = Own {
        path: path.to_owned(),
        context: String::new(),
        stage: built.and_then(|service| service.stage.clone()),
        service: built.map(|service| service.name.clone()),
        bases: Vec::new(),
        port: None,
        workdir: "/".to_owned(),
        volumes: Vec::new(),
        copies: Vec::new(),
        commands: Vec::new(),
        environment: built.map(|service| service.environment.clone()).unwrap_or_default(),
        evidence: Evidence::new("", path, 0),
    };
    let mut sources: Vec<String> = Vec::new();
    for (line, instruction) in instructions(text) {
        let evidence = Evidence::new(instruction.as_str(), path, line);
        own.take(&instruction, evidence, &mut sources);
    }
    if own.bases.is_empty() {
        return None;
    }
    own.commands.extend(built.and_then(|service| service.command.clone()));
    if own.volumes.is_empty() {
        own.volumes = built.map(|service| service.volumes.clone()).unwrap_or_default();
    }
    if own.port.is_none() {
        own.port = built.and_then(|service| service.port.clone());
    }
    own.context = match built {
        Some(service) => service.context.clone(),
        None => context(index, folder_of(path), &sources),
    };
    own.copies = sources.iter().filter_map(|source| normal(&join(&own.context, source))).collect();
    Some(own)
}

impl Own {
    /// Takes in one instruction.
    fn take(&mut self, instruction: &str, evidence: Evidence, sources: &mut Vec<String>) {
        let Some((word, rest)) = instruction.split_once(char::is_whitespace) else { return };
        let rest = rest.trim();
        match word.to_ascii_uppercase().as_str() {
            "FROM" => from(self, rest, evidence),
            "EXPOSE" => {
                let port = rest.split(['/', ' ']).next().and_then(|port| port.parse().ok());
                self.port = port.filter(|port| *port > 0).map(|port| (port, evidence));
            }
            "WORKDIR" if rest.starts_with('/') => self.workdir = rest.to_owned(),
            "WORKDIR" => self.workdir = join(self.workdir.trim_end_matches('/'), rest),
            "VOLUME" => self.volumes.extend(list(rest).into_iter().filter(|path| is_mountable(path))),
            "COPY" | "ADD" if !rest.contains("--from=") => {
                let mut parts = list(rest);
                parts.retain(|part| !part.starts_with("--"));
                parts.pop();
                sources.extend(parts);
            }
            "CMD" | "ENTRYPOINT" => {
                self.commands.push(instruction.to_owned());
                let port = port_in(instruction).map(|port| (port, evidence));
                self.port = port.or(self.port.take());
            }
            _ => {}
        }
    }
}

/// Instructions with their first line, continuation lines joined, comments left out.
fn instructions(text: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (at, line) in text.lines().enumerate() {
        let code = line.trim();
        if code.starts_with('#') || code.is_empty() {
            continue;
        }
        let (code, continues) = code.strip_suffix('\\').map_or((code, false), |code| (code.trim_end(), true));
        match found.last_mut().filter(|_| open) {
            Some((_, last)) => {
                last.push(' ');
                last.push_str(code);
            }
            None => found.push((at + 1, code.to_owned())),
        }
        open = continues;
    }
    found
}

/// Each stage starts over; what the last says holds.
fn from(own: &mut Own, rest: &str, evidence: Evidence) {
    let image = rest.split_whitespace().find(|word| !word.starts_with("--")).unwrap_or_default();
    own.bases.push(image.to_owned());
    own.evidence = evidence;
    own.port = None;
    own.workdir = "/".to_owned();
    own.volumes.clear();
    own.commands.clear();
}

/// `a b c` or `["a", "b", "c"]`.
fn list(text: &str) -> Vec<String> {
    if text.trim_start().starts_with('[') {
        return serde_json::from_str(text).unwrap_or_default();
    }
    text.split_whitespace().map(str::to_owned).collect()
}

/// The folder from which the copied files exist: the Dockerfile's own, or one above it.
fn context(index: &Index<'_>, folder: &str, sources: &[String]) -> String {
    let exists = |base: &str| {
        sources
            .iter()
            .filter_map(|source| normal(&join(base, source.trim_end_matches('*'))))
            .filter(|path| !path.is_empty() && path != base && (index.has(path) || index.has_folder(path)))
            .count()
    };
    let mut best = (exists(folder), folder);
    let mut above = folder;
    while !above.is_empty() {
        above = folder_of(above);
        let count = exists(above);
        if count > best.0 {
            best = (count, above);
        }
    }
    best.1.to_owned()
}

/// Gives each Dockerfile to the service it builds; the rest become services.
pub(crate) fn assign(
    index: &Index<'_>,
    owns: Vec<Own>,
    drafts: &mut [Draft],
    found: &mut Found,
) -> Vec<(usize, Own)> {
    let mut assigned: Vec<(usize, Own)> = Vec::new();
    for own in owns {
        let at = drafts.iter().position(|draft| builds(&own, draft));
        match at {
            Some(at) if assigned.iter().any(|(taken, _)| *taken == at) => found.rejected.push(Rejected {
                candidate: format!("the Dockerfile `{}`", own.path),
                reason: "another Dockerfile builds the same service".to_owned(),
                evidence: own.evidence,
            }),
            Some(at) => assigned.push((at, own)),
            None => found.drafts.push(alone(index, &own)),
        }
    }
    assigned
}

/// True where a Dockerfile builds a service: it starts its application by name, copies its manifest, or lies beside it.
fn builds(own: &Own, draft: &Draft) -> bool {
    let application = match &draft.proposal.build.recipe {
        Recipe::Python(recipe) => recipe.app.as_deref(),
        _ => None,
    };
    if let Some(name) = application
        && own.commands.iter().any(|command| command.contains(name))
    {
        return true;
    }
    let language = match draft.proposal.build.kind {
        BuildKind::Fastapi | BuildKind::Flask | BuildKind::Django | BuildKind::Python => "python",
        BuildKind::Node | BuildKind::Vite => "node",
        BuildKind::Static => "nginx",
        BuildKind::Dockerfile => return false,
    };
    // A worker shares its folder with the application it works for, whose Dockerfile this is.
    let known = |base: &String| {
        ["python", "uv", "node", "nginx", "httpd", "caddy"].iter().any(|name| name_of(base).starts_with(name))
    };
    let fits = own.bases.iter().any(|base| name_of(base).contains(language)) || !own.bases.iter().any(known);
    if draft.proposal.role == Role::Worker && draft.proposal.name.as_str() != "service" || !fits {
        return false;
    }
    let folder = draft.folder.as_str();
    let manifests = ["requirements", "pyproject.toml", "package.json", "Pipfile", "uv.lock", "poetry.lock"];
    let copies_manifest = own.copies.iter().any(|path| {
        folder_of(path) == folder && manifests.iter().any(|name| name_of(path).starts_with(name))
    });
    let copies_folder = own.copies.iter().any(|path| path == folder);
    copies_manifest || copies_folder && (own.context == folder || !folder.is_empty())
}

/// A service of which only the Dockerfile is known.
fn alone(index: &Index<'_>, own: &Own) -> Draft {
    let mut draft =
        Draft::new(Role::Other, folder_of(&own.path), &own.context, BuildKind::Dockerfile, recipe(own));
    let proposal = &mut draft.proposal;
    proposal.build.dockerfile = own.path.clone();
    let name = own.service.clone().or_else(|| name_in(name_of(&own.path)).map(str::to_owned));
    if let Some(name) = name {
        proposal.name = Name::from_any(&name, "app");
    }
    proposal.conclude(Topic::Kind, format!("your own Dockerfile `{}`", own.path), Some(own.evidence.clone()));
    proposal.conclude(Topic::Dockerfile, format!("built from `{}`", shown(&own.context)), None);
    if let Some((port, evidence)) = &own.port {
        proposal.port = Some(*port);
        proposal.conclude(Topic::Port, format!("port {port}"), Some(evidence.clone()));
    }
    environment(own, proposal);
    for (name, path) in named(&own.volumes, volume_name()) {
        let evidence = index.evidence(&own.path, "VOLUME");
        proposal.conclude(Topic::Data, format!("`{path}` is kept in the volume `{name}`"), Some(evidence));
        proposal.volumes.insert(name, path);
    }
    draft
}

/// What the Compose file gives to the service: plain values as they are, secrets by name alone.
fn environment(own: &Own, proposal: &mut Proposal) {
    for Given { name, value, evidence } in &own.environment {
        if proposal.env.contains_key(name) || proposal.secrets.contains_key(name) {
            continue;
        }
        let plain = value.as_deref().filter(|value| is_safe_value(value) && !is_secret_name(name));
        if let Some(value) = plain {
            proposal
                .env
                .insert(name.clone(), Variable { value: value.to_owned(), evidence: evidence.clone() });
        } else if is_secret_name(name) {
            let secret = Secret { requirement: Requirement::Optional, evidence: evidence.clone() };
            proposal.secrets.insert(name.clone(), secret);
        } else {
            proposal.unset.insert(name.clone(), evidence.clone());
        }
    }
}

/// `api` of `Dockerfile.api` and `api.Dockerfile`.
fn name_in(file: &str) -> Option<&str> {
    let rest = file
        .strip_prefix("Dockerfile.")
        .or_else(|| file.strip_suffix(".Dockerfile"))
        .or_else(|| file.strip_suffix(".dockerfile"))?;
    (!matches!(rest, "prod" | "production" | "release")).then_some(rest)
}

fn recipe(own: &Own) -> Recipe {
    Recipe::Own { target: own.stage.clone() }
}

/// Puts the user's own Dockerfile before the generated one, which stays as the alternative.
pub(crate) fn keep(own: &Own, proposal: &mut Proposal, notes: &mut Vec<Note>) {
    let generated = proposal.clone();
    let build = &mut proposal.build;
    build.kind = BuildKind::Dockerfile;
    build.dockerfile = own.path.clone();
    build.context = shown(&own.context);
    build.recipe = recipe(own);
    build.ignore.clear();
    let links = std::mem::take(&mut build.links);
    proposal.command = None;
    let text = format!("`{}` is kept as it is; a generated one is the alternative", own.path);
    proposal.conclude_first(Topic::Dockerfile, text, Some(own.evidence.clone()));
    let serves = own.bases.last().is_some_and(|base| {
        ["nginx", "httpd", "caddy"].iter().any(|server| name_of(base).starts_with(server))
    });
    let is_front = matches!(generated.role, Role::Spa | Role::Site);
    let port = own.port.as_ref().map(|(port, _)| *port).or(if serves { Some(80) } else { generated.port });
    if port != generated.port {
        proposal.facts.retain(|fact| fact.topic != Topic::Port);
        let evidence = own.port.as_ref().map(|(_, evidence)| evidence.clone());
        proposal.conclude(Topic::Port, format!("port {}", port.unwrap_or_default()), evidence);
        proposal.port = port;
    }
    if is_front {
        front(own, proposal, notes);
    }
    environment(own, proposal);
    kept_data(own, proposal, &links);
    proposal.generated = Some(Box::new(generated));
}

/// What a front end's own Dockerfile must do itself.
fn front(own: &Own, proposal: &mut Proposal, notes: &mut Vec<Note>) {
    proposal.health = Some("/".to_owned());
    proposal.proxy.clear();
    let built: Vec<String> =
        proposal.env.keys().filter(|name| super::variables::is_public(name)).cloned().collect();
    if built.is_empty() {
        return;
    }
    proposal.env.retain(|name, _| !super::variables::is_public(name));
    let message = format!(
        "`{}` must set {} itself when it builds: with a Dockerfile of your own, `env:` is given to the running container",
        own.path,
        built.join(", ")
    );
    notes.push(
        Note::warning("build-variable-not-set", message)
            .mend("let dashdeploy generate the Dockerfile (kind `vite`)")
            .at(own.evidence.clone()),
    );
}

/// Without links, the volume is mounted where the program writes.
fn kept_data(own: &Own, proposal: &mut Proposal, links: &indexmap::IndexMap<String, String>) {
    if proposal.volumes.is_empty() && own.volumes.is_empty() {
        return;
    }
    let inside = |folder: &String| format!("{}/{folder}", own.workdir.trim_end_matches('/'));
    let linked = || links.keys().map(inside).filter(|path| is_mountable(path)).collect();
    let paths: Vec<String> = if own.volumes.is_empty() { linked() } else { own.volumes.clone() };
    let Some(path) = paths.first().cloned() else { return };
    // The name may have been made the service's own already.
    let (first, before) = proposal.volumes.pop().unwrap_or_else(|| (volume_name(), String::new()));
    proposal.volumes.extend(named(&paths, first));
    for variable in proposal.env.values_mut() {
        if is_within(&variable.value, &before) && !before.is_empty() {
            variable.value = format!("{path}{}", relative_end(&variable.value, &before));
        }
    }
    proposal.facts.retain(|fact| fact.topic != Topic::Data || !fact.conclusion.contains("link"));
    proposal.conclude(
        Topic::Data,
        format!("what it writes is kept in a volume mounted at `{}`", paths.join("`, `")),
        Some(own.evidence.clone()),
    );
}

fn relative_end(value: &str, before: &str) -> String {
    match relative(value, before) {
        "." => String::new(),
        rest => format!("/{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::tree::MemoryTree;

    #[test]
    fn reads_the_last_stage() {
        let text = "FROM node:20 AS b\nEXPOSE 1\nCOPY package.json \\\n  # why\n  package-lock.json ./\nFROM nginx\nCOPY --from=b /x /y\nEXPOSE 80/tcp\nVOLUME [\"/data\"]\nCMD [\"a\", \"--port\", \"8001\"]\n";
        let tree = MemoryTree::new("x", [("web/Dockerfile", text), ("web/package.json", "{}")]);
        let own = parse(&Index::new(&tree), "web/Dockerfile", text, None).unwrap();
        assert_eq!(own.copies, ["web/package.json", "web/package-lock.json"]);
        assert_eq!(own.context, "web");
        assert_eq!(own.port.unwrap().0, 8001);
        assert_eq!((own.volumes, own.bases.len()), (vec!["/data".to_owned()], 2));
    }
}
