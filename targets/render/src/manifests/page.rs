//! A static site: built from the repository, served by Render's edge (<https://render.com/docs/static-sites>).

use dashdeploy_contract::{Build, Desk, Recipe, Service, SpaRecipe, page, shell};

use super::{Entry, Header, Route};
use crate::config::Place;

/// Where files that are served as they are are gathered, when they lie beside files that are not to be served.
const GATHERED: &str = ".render-site";

/// Adds what a static site has besides what every service has.
pub(super) fn complete(mut entry: Entry, place: &Place, desk: &Desk, service: &Service) -> Entry {
    let Some(build) = service.build() else { return entry };
    entry.root = (build.context != ".").then(|| build.context.clone());
    let (command, publish) = built(place, service, build);
    (entry.build_command, entry.publish) = (Some(command), Some(publish));
    entry.routes = routes(desk, service);
    entry.headers = headers(desk, service);
    entry
}

/// The build command, and the folder that it leaves the files in.
fn built(place: &Place, service: &Service, build: &Build) -> (String, String) {
    match &build.recipe {
        Recipe::Spa(recipe) => (spa(recipe), recipe.output.clone()),
        Recipe::Files { root } if root == "." => (gather(place, service, build), GATHERED.to_owned()),
        Recipe::Files { root } => ("true".to_owned(), root.clone()),
        _ => ("true".to_owned(), ".".to_owned()),
    }
}

fn spa(recipe: &SpaRecipe) -> String {
    format!("{} && {}", recipe.install_command(), recipe.build_command())
}

/// Files that belong to a deployment and not to the page.
const NOT_SERVED: [&str; 13] = [
    "./.[!w]*",
    "*/.[!w]*",
    "dashdeploy.yaml",
    "Dockerfile",
    "*.dockerignore",
    "docker-compose*.yml",
    "nginx*.conf",
    "node_modules",
    "render*.yaml",
    "fly*.toml",
    "railway*.json",
    "netlify*.toml",
    "vercel*.json",
];

/// A page that is the whole folder: all of it but what lies there for other reasons.
fn gather(place: &Place, service: &Service, build: &Build) -> String {
    let mut patterns: Vec<String> = NOT_SERVED.map(str::to_owned).to_vec();
    patterns.extend(super::nested(place, service).into_iter().map(|context| {
        let inside = context.strip_prefix(&format!("{}/", build.context)).unwrap_or(&context).to_owned();
        format!("./{inside}")
    }));
    let own = build.ignore.iter().filter(|pattern| !pattern.starts_with('!'));
    patterns.extend(own.map(|pattern| match pattern.strip_prefix("**/") {
        Some(anywhere) => anywhere.to_owned(),
        None => format!("./{}", pattern.trim_start_matches('/')),
    }));
    let excluded: Vec<String> =
        patterns.iter().map(|pattern| format!("--exclude={}", shell::word(pattern))).collect();
    format!(
        "rm -rf {GATHERED} && mkdir {GATHERED} && tar {} -cf - . | tar -xf - -C {GATHERED}",
        excluded.join(" ")
    )
}

/// Paths handed on, then the page for everything that is no file.
fn routes(desk: &Desk, service: &Service) -> Vec<Route> {
    let mut routes = Vec::new();
    if desk.wiring.same_origin.contains(&service.name) {
        for (prefix, upstream) in &service.proxy {
            let url = desk.wiring.services.get(upstream).and_then(|address| address.url.as_deref());
            let (Some(url), path) = (url, prefix.trim_end_matches('/')) else { continue };
            routes.extend(["", "/*"].map(|rest| Route {
                source: format!("{path}{rest}"),
                destination: format!("{url}{path}{rest}"),
            }));
        }
    }
    if service.is_spa() {
        routes.push(Route { source: "/*".to_owned(), destination: "/index.html".to_owned() });
    }
    routes
}

/// The page's headers for all paths. Which of two rules for one header counts is not documented, so that no path has two: files
/// with a hash in their name, and the page itself under both its names.
fn headers(desk: &Desk, service: &Service) -> Vec<Header> {
    let own = page::headers(service, &page::origins(service, desk.wiring));
    let caches = service.headers.keys().any(|name| name.eq_ignore_ascii_case("cache-control"));
    let header = |path: &str, name: &str, value: &str| Header {
        path: path.to_owned(),
        name: name.to_owned(),
        value: value.to_owned(),
    };
    let mut all: Vec<Header> = own.iter().map(|(name, value)| header("/*", name, value)).collect();
    let cached: &[(&str, &str)] = match (caches, service.is_spa()) {
        (true, _) => &[],
        (false, true) => {
            &[("/", page::CACHE_PAGES), ("/index.html", page::CACHE_PAGES), ("/assets/*", page::CACHE_ASSETS)]
        }
        (false, false) => &[("/*", page::CACHE_PAGES)],
    };
    all.extend(cached.iter().map(|(path, value)| header(path, "Cache-Control", value)));
    all
}
