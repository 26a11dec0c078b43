//! What the services have to do with each other: names, host ports, the API's address in the front end, the front end's origin
//! in the API.
//!
//! Given: all drafts. Gives: names, `publish`, `proxy`, and variables with references. Deliberately absent: addresses; those are
//! known only where the project is deployed.

use std::collections::BTreeSet;

use dashdeploy_contract::{BuildKind, Name};
use indexmap::IndexMap;

use super::draft::Draft;
use super::index::{Index, is_aside, name_of};
use super::model::{Evidence, Note, Role, Topic, Variable};
use super::routes::is_segment;
use super::variables::{dev_proxies, is_public};

/// Where the front end of one API and one front end is published: the port of Vite's own preview.
const WEB_PORT: u16 = 4173;
/// Segments that an API has to itself by convention.
const API_SEGMENTS: [&str; 4] = ["api", "ws", "graphql", "socket.io"];

/// The positions of the one API and the one front end, where there is one of each.
pub(crate) fn pair(drafts: &[Draft]) -> Option<(usize, usize)> {
    let only = |role: Role| {
        let mut found = drafts.iter().enumerate().filter(|(_, draft)| draft.proposal.role == role);
        match (found.next(), found.next()) {
            (Some((at, _)), None) => Some(at),
            _ => None,
        }
    };
    Some((only(Role::Api)?, only(Role::Spa)?))
}

/// Names, Dockerfile paths and host ports.
pub(crate) fn name(index: &Index<'_>, drafts: &mut [Draft]) {
    let pair = pair(drafts);
    let mut taken: BTreeSet<String> = BTreeSet::new();
    if let Some((api, web)) = pair {
        drafts[api].proposal.name = unique("api", &mut taken);
        drafts[web].proposal.name = unique("web", &mut taken);
    }
    let single = drafts.len() == 1;
    for (at, draft) in drafts.iter_mut().enumerate() {
        if pair.is_some_and(|(api, web)| at == api || at == web) {
            continue;
        }
        let given = draft.proposal.name.as_str();
        let wanted = if given != "service" { given.to_owned() } else { wanted(draft, single) };
        draft.proposal.name = unique(&wanted, &mut taken);
    }
    for (at, draft) in drafts.iter_mut().enumerate().filter(|(_, draft)| draft.proposal.role != Role::Other) {
        let planned = match pair {
            Some((api, _)) if at == api => Some("backend/Dockerfile"),
            Some((_, web)) if at == web => Some("frontend/Dockerfile"),
            _ => None,
        };
        // A file of the user's own is never in the way.
        let free = |path: &str| index.text(path).is_none_or(|text| super::starts::is_ours(&text));
        let path = planned.filter(|path| free(path)).map(str::to_owned);
        draft.proposal.build.dockerfile =
            path.unwrap_or_else(|| format!("deploy/{}/Dockerfile", draft.proposal.name));
    }
}

fn wanted(draft: &Draft, single: bool) -> String {
    let by_role = match draft.proposal.role {
        // These render pages as a rule.
        Role::Api if matches!(draft.proposal.build.kind, BuildKind::Flask | BuildKind::Django) => "web",
        Role::Api => "api",
        Role::Spa | Role::Site => "web",
        Role::Worker => "worker",
        Role::Other => "app",
    };
    if single || draft.folder.is_empty() { by_role.to_owned() } else { name_of(&draft.folder).to_owned() }
}

fn unique(wanted: &str, taken: &mut BTreeSet<String>) -> Name {
    let base = Name::from_any(wanted, "app");
    let mut name = base.clone();
    let mut number = 2;
    while !taken.insert(name.as_str().to_owned()) {
        name = Name::from_any(&format!("{base}-{number}"), "app");
        number += 1;
    }
    name
}

/// Host ports: the planned one for the pair's front end, else the service's own, moved up where another has it.
pub(crate) fn publish(drafts: &mut [Draft]) {
    let front = pair(drafts).map(|(_, web)| web);
    let mut taken: BTreeSet<u16> = BTreeSet::new();
    for (at, draft) in drafts.iter_mut().enumerate() {
        let Some(port) = draft.proposal.port else { continue };
        let mut wanted = match port {
            _ if front == Some(at) => WEB_PORT,
            // Ports below 1024 need rights that a developer's engine may not have.
            port if port < 1024 => 8080,
            port => port,
        };
        while !taken.insert(wanted) {
            wanted = wanted.checked_add(1).unwrap_or(1024);
        }
        draft.proposal.publish = (wanted != port).then_some(wanted);
    }
}

/// Connects each front end with the API it can mean: the only one there is.
pub(crate) fn connect(index: &Index<'_>, drafts: &mut [Draft], notes: &mut Vec<Note>) {
    let apis: Vec<usize> = (0..drafts.len()).filter(|at| drafts[*at].proposal.role == Role::Api).collect();
    let fronts: Vec<usize> =
        (0..drafts.len()).filter(|at| matches!(drafts[*at].proposal.role, Role::Spa | Role::Site)).collect();
    let Some(&api) = apis.iter().find(|at| drafts[**at].proposal.name.as_str() == "api").or(apis.first())
    else {
        return;
    };
    if apis.len() > 1 && !fronts.is_empty() {
        let name = drafts[api].proposal.name.clone();
        notes.push(Note::hint(
            "several-apis",
            format!("there are several APIs; the front ends were connected with `{name}`"),
        ));
    }
    for front in fronts {
        let connected = address(drafts, front, api) | proxy(index, drafts, front, api, notes);
        if connected && drafts[front].proposal.role == Role::Spa {
            origin(drafts, front, api);
        }
    }
}

/// The variable that holds the API's address, and what stands behind the host in it.
fn address(drafts: &mut [Draft], front: usize, api: usize) -> bool {
    let name = drafts[api].proposal.name.clone();
    let draft = &mut drafts[front];
    let mut found: Vec<(String, String, Evidence)> = Vec::new();
    for read in draft.reads.iter().filter(|read| is_public(&read.name) && is_api_name(&read.name)) {
        if !found.iter().any(|(name, _, _)| *name == read.name) {
            found.push((read.name.clone(), read.default.clone().unwrap_or_default(), read.evidence()));
        }
    }
    let set = draft.proposal.env.iter().map(|(name, variable)| (name, &variable.evidence));
    for (variable, evidence) in draft.proposal.unset.iter().chain(set).filter(|(name, _)| is_api_name(name)) {
        if !found.iter().any(|(name, _, _)| name == variable) {
            found.push((variable.clone(), String::new(), evidence.clone()));
        }
    }
    for (variable, example, evidence) in &found {
        let written = draft.proposal.env.get(variable).map(|known| known.value.clone());
        let value = format!("${{services.{name}.url}}{}", path_of(written.as_deref().unwrap_or(example)));
        draft.proposal.unset.shift_remove(variable);
        draft
            .proposal
            .env
            .insert(variable.clone(), Variable { value: value.clone(), evidence: evidence.clone() });
        draft.proposal.conclude(
            Topic::Wiring,
            format!("`{variable}` gets the address of `{name}`"),
            Some(evidence.clone()),
        );
    }
    !found.is_empty()
}

/// True for names such as `VITE_API_BASE_URL`, `REACT_APP_BACKEND_URL`, `VITE_API`.
fn is_api_name(name: &str) -> bool {
    let parts: Vec<&str> = name.split('_').collect();
    let has = |words: &[&str]| parts.iter().any(|part| words.contains(part));
    let about = has(&["API", "BACKEND", "SERVER", "APIURL"]);
    let other = has(&["KEY", "TOKEN", "VERSION", "TIMEOUT", "SECRET", "ID", "WS", "SOCKET", "PREFIX"]);
    let bare = matches!(parts.last(), Some(&("API" | "BACKEND" | "APIURL")));
    about
        && !other
        && (bare || has(&["URL", "BASE", "HOST", "ORIGIN", "ENDPOINT", "ROOT", "URI", "BASEURL", "ADDRESS"]))
}

/// What stands behind the host: `/api` of `http://localhost:8000/api` and of `/api`.
fn path_of(address: &str) -> &str {
    if address.contains(['$', '?', '#']) || !address.is_ascii() {
        return "";
    }
    let path = match address.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("", |at| &rest[at..]),
        None if address.starts_with('/') => address,
        None => "",
    };
    path.trim_end_matches('/')
}

/// Prefixes under one origin: what the API answers, and the front end asks for or convention gives to APIs.
fn proxy(index: &Index<'_>, drafts: &mut [Draft], front: usize, api: usize, notes: &mut Vec<Note>) -> bool {
    let name = drafts[api].proposal.name.clone();
    let asked = asked_paths(index, &drafts[front]);
    let mut prefixes = answered(&drafts[api], &asked);
    for (prefix, rewrites, evidence) in dev_proxies(index, &drafts[front]) {
        let Some(segment) = first(&prefix).filter(|_| !prefix.contains('^')) else { continue };
        if rewrites {
            let message = format!(
                "the development server takes `{prefix}` off the path before it asks the API; the generated nginx does not"
            );
            let mend = format!("serve the API's routes below `{prefix}`");
            notes.push(Note::warning("proxy-rewrites", message).mend(mend).at(evidence));
        } else {
            prefixes.entry(format!("/{segment}")).or_insert(evidence);
        }
    }
    let draft = &mut drafts[front];
    for (prefix, evidence) in &prefixes {
        let text = format!("`{prefix}` is handed on to `{name}`: one origin");
        draft.proposal.conclude(Topic::Wiring, text, Some(evidence.clone()));
        draft.proposal.proxy.insert(prefix.clone(), name.clone());
    }
    !prefixes.is_empty()
}

/// The first segments of the API's routes that are its own by convention or asked for; of an API without known routes, `/api`
/// where it is asked for.
fn answered(api: &Draft, asked: &[(String, Evidence)]) -> IndexMap<String, Evidence> {
    let mut prefixes = IndexMap::new();
    for route in &api.routes {
        let Some(segment) = route.first_segment() else { continue };
        if API_SEGMENTS.contains(&segment) || asked.iter().any(|(path, _)| first(path) == Some(segment)) {
            prefixes.entry(format!("/{segment}")).or_insert_with(|| route.evidence());
        }
    }
    let unknown = asked.iter().find(|(path, _)| api.routes.is_empty() && first(path) == Some("api"));
    if let Some((_, evidence)) = unknown {
        prefixes.insert("/api".to_owned(), evidence.clone());
    }
    prefixes
}

fn first(path: &str) -> Option<&str> {
    path.trim_start_matches('/').split(['/', '?']).next().filter(|segment| is_segment(segment))
}

/// The paths that a front end's code hands to a function: `fetch("/api/x")`, `` get(`${BASE}/api/x`) ``.
fn asked_paths(index: &Index<'_>, draft: &Draft) -> Vec<(String, Evidence)> {
    let mut found = Vec::new();
    for path in draft
        .files
        .iter()
        .filter(|path| !is_aside(path, &draft.folder) && !name_of(path).starts_with("vite.config"))
    {
        let words =
            ["fetch(", "axios", "request(", "Api(", "api", "EventSource", "XMLHttpRequest", "useSWR", "ky."];
        let Some(source) = index.source_with(path, &words) else { continue };
        for at in 1..source.len() {
            let Some(text) = source.any_string(at).filter(|_| source.is(at - 1, "(")) else { continue };
            // A template that starts with the address: the path begins after the first placeholder.
            let text =
                if text.starts_with("${") { text.split_once('}').map_or("", |(_, rest)| rest) } else { text };
            if text.starts_with('/') && text.len() > 1 && !text.contains(char::is_whitespace) {
                found.push((text.to_owned(), Evidence::new(source.excerpt(at), path, source.line(at))));
            }
        }
    }
    found
}

/// The API's variable for the origins it answers to.
fn origin(drafts: &mut [Draft], front: usize, api: usize) {
    let web = drafts[front].proposal.name.clone();
    let draft = &mut drafts[api];
    let read = draft.reads.iter().find(|read| is_origin_name(&read.name)).cloned();
    let named = draft
        .proposal
        .unset
        .keys()
        .chain(draft.proposal.env.keys())
        .find(|name| is_origin_name(name))
        .cloned();
    let Some(name) = read.as_ref().map(|read| read.name.clone()).or(named) else { return };
    let known = draft.proposal.env.get(&name);
    let json = read.as_ref().is_some_and(|read| read.json)
        || known.is_some_and(|known| known.value.starts_with('['));
    let reference = format!("${{services.{web}.origin}}");
    let value = if json { format!("[\"{reference}\"]") } else { reference };
    let evidence = match (&read, known) {
        (Some(read), _) => read.evidence(),
        (None, Some(known)) => known.evidence.clone(),
        (None, None) => {
            draft.proposal.unset.get(&name).cloned().unwrap_or_else(|| Evidence::new(name.as_str(), "", 0))
        }
    };
    draft.proposal.unset.shift_remove(&name);
    draft.proposal.conclude(
        Topic::Wiring,
        format!("`{name}` gets the origin of `{web}`"),
        Some(evidence.clone()),
    );
    draft.proposal.env.insert(name, Variable { value, evidence });
}

fn is_origin_name(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let origin = upper.contains("ORIGIN") || upper.ends_with("CORS");
    let about = ["CORS", "ALLOW", "FRONTEND", "CLIENT", "WEB"].iter().any(|part| upper.contains(part));
    (origin && about && !upper.contains("REGEX") && !upper.contains("CREDENTIAL"))
        || matches!(upper.as_str(), "FRONTEND_URL" | "CLIENT_URL" | "WEB_URL")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_variables() {
        for api in
            ["VITE_API_BASE_URL", "VITE_API_URL", "REACT_APP_BACKEND_URL", "VITE_API", "VITE_SERVER_HOST"]
        {
            assert!(is_api_name(api), "{api}");
        }
        for other in ["VITE_API_KEY", "VITE_TITLE", "VITE_MAPS_URL", "VITE_API_TIMEOUT", "VITE_CAPITAL_URL"] {
            assert!(!is_api_name(other), "{other}");
        }
        for origin in
            ["CORS_ORIGINS", "BACKEND_CORS_ORIGINS", "ALLOWED_ORIGINS", "FRONTEND_URL", "FRONTEND_ORIGIN"]
        {
            assert!(is_origin_name(origin), "{origin}");
        }
        assert!(!is_origin_name("CORS_ALLOW_CREDENTIALS") && !is_origin_name("ORIGINAL_NAME"));
        assert_eq!(path_of("http://localhost:8000/api/"), "/api");
        assert_eq!(path_of("http://localhost:8000"), "");
    }
}
