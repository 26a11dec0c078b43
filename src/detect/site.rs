//! Folders of files that are served as they are.
//!
//! Given: the tree and the services found so far. Gives: drafts of kind `static`. Deliberately absent: pages that a server
//! renders or that a tool builds.

use dashdeploy_contract::{BuildKind, Recipe};

use super::draft::{Draft, Found};
use super::index::{Index, folder_of, is_aside, is_within, shown};
use super::model::{Evidence, Rejected, Role, Topic};
use super::node::spa::mount;

/// How deep a folder with a page may lie.
const DEEPEST: usize = 2;

/// The folders with an `index.html` that belongs to nothing else.
pub(crate) fn propose(index: &Index<'_>, services: &[Draft]) -> Found {
    let mut found = Found::default();
    let pages = index
        .named("index.html")
        .filter(|path| !is_aside(path, "") && folder_of(path).split('/').count() <= DEEPEST);
    let mut pages: Vec<&str> = pages.collect();
    pages.sort_by_key(|path| (path.split('/').count(), *path));
    for page in pages {
        let folder = folder_of(page);
        if found.drafts.iter().any(|draft: &Draft| is_within(folder, &draft.folder)) {
            continue;
        }
        match why_not(index, services, page) {
            Some(reason) => found.rejected.push(Rejected {
                candidate: format!("static files in `{}`", shown(folder)),
                reason,
                evidence: index.evidence(page, "<html"),
            }),
            None => found.drafts.push(draft(index, page)),
        }
    }
    found
}

fn why_not(index: &Index<'_>, services: &[Draft], page: &str) -> Option<String> {
    let folder = folder_of(page);
    let name = folder.rsplit('/').next().unwrap_or_default();
    if index.ignored(page) {
        return Some("Git ignores it: it is built".to_owned());
    }
    if services.iter().any(|draft| draft.proposal.role == Role::Spa && is_within(folder, &draft.folder)) {
        return Some("it is the page of a front end that is built".to_owned());
    }
    if let Some(inner) = services.iter().find(|draft| is_within(&draft.folder, folder)) {
        return Some(format!("serving this folder would publish the sources of `{}`", shown(&inner.folder)));
    }
    let text = index.text(page)?;
    if text.contains("{{") || text.contains("{%") {
        return Some("it is a template".to_owned());
    }
    let has_package = |folder: &str| index.has(&super::index::join(folder, "package.json"));
    if matches!(name, "public" | "static" | "templates" | "views") && has_package(folder_of(folder)) {
        return Some("it belongs to the package beside it".to_owned());
    }
    let server = services.iter().find(|draft| draft.is_server() && is_within(folder, &draft.folder))?;
    if let Some(place) = served_by(index, server, name) {
        return Some(format!("the server in `{}` serves it ({place})", shown(&server.folder)));
    }
    let belongs = matches!(name, "templates" | "static" | "views" | "public");
    belongs.then(|| format!("it belongs to the server in `{}`", shown(&server.folder)))
}

/// Where a server's code names the folder as one that it serves.
fn served_by(index: &Index<'_>, server: &Draft, name: &str) -> Option<String> {
    let words = ["StaticFiles", "static_folder", "template_folder", "static(", "sendFile"];
    server.files.iter().filter(|_| !name.is_empty()).find_map(|path| {
        let source = index.source_with(path, &words)?;
        let named =
            |at: &usize| source.string(*at).is_some_and(|text| text.trim_matches(['/', '.']).ends_with(name));
        let at = (0..source.len()).find(named)?;
        Some(Evidence::new(source.excerpt(at), path, source.line(at)).place())
    })
}

fn draft(index: &Index<'_>, page: &str) -> Draft {
    let folder = folder_of(page);
    let recipe = Recipe::Files { root: ".".to_owned() };
    let mut draft = Draft::new(Role::Site, folder, folder, BuildKind::Static, recipe);
    draft.proposal.port = Some(8080);
    draft.proposal.conclude(Topic::Kind, "static files", Some(index.evidence(page, "<html")));
    if let Some((text, evidence)) = mount(index, page) {
        draft.proposal.conclude(Topic::Health, format!("the page contains `{text}`"), Some(evidence));
        draft.proposal.page_contains = Some(text);
    }
    draft.files = index.under(folder).filter(|path| path.ends_with(".js")).map(str::to_owned).collect();
    draft
}
