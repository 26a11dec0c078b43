//! vercel.json and .vercelignore: how a page is built, how Vercel answers for it, and which files are sent.
//!
//! Given: a desk. Gives: the files of each page; at the root of the repository where there is one page, else in each page's
//! folder. Deliberately absent: a framework preset, since every command is said, and functions: only the page's folder is
//! sent, so that a folder `api` of the repository is not taken for some.

use dashdeploy_contract::{
    Build, Desk, Finding, Manifest, Manifests, PageHost, Recipe, Service, Template, page, shell,
};
use serde_json::{Value, json};

use crate::config;

/// The templates.
pub(crate) const TEMPLATES: &[Template] = &[
    ("vercel/vercel.json.j2", include_str!("../templates/vercel.json.j2")),
    ("vercel/vercelignore.dockerignore.j2", include_str!("../templates/vercelignore.dockerignore.j2")),
];

/// The longest command that Vercel's schema (openapi.vercel.sh/vercel.json) takes.
const LONGEST: usize = 256;

/// How a page is built.
pub(crate) struct Commands {
    pub(crate) install: String,
    pub(crate) build: String,
    pub(crate) output: String,
    /// Variables that stand in `build.env`, since the command cannot hold them; none where it does.
    pub(crate) env: Vec<(String, String)>,
    /// Variables whose value is not known beforehand.
    pub(crate) open: Vec<String>,
}

/// All files.
pub(crate) fn all(desk: &Desk) -> Manifests {
    let pages = config::HOST.pages(desk.bound);
    let alone = pages.len() == 1;
    let mut all = Manifests::default();
    for (service, build) in pages {
        let folder = folder(build, alone);
        let commands = Commands::of(desk, service, build, folder);
        all.findings.extend(unfit(service, &commands));
        all.files.push(configuration(desk, service, folder, &commands));
        all.files.extend(ignored(service, build, folder));
    }
    all
}

/// The page's folder as seen from where its file lies; none where that is the folder.
fn folder(build: &Build, alone: bool) -> Option<&str> {
    (alone && build.context != ".").then_some(build.context.as_str())
}

/// Where the files of a page go.
fn place(build: &Build, folder: Option<&str>, file: &str) -> String {
    match folder {
        None if build.context != "." => format!("{}/{file}", build.context),
        _ => file.to_owned(),
    }
}

fn configuration(desk: &Desk, service: &Service, folder: Option<&str>, commands: &Commands) -> Manifest {
    let build = service.build();
    let plain = build.map_or("vercel.json".to_owned(), |build| place(build, folder, "vercel.json"));
    let env: serde_json::Map<String, Value> =
        commands.env.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    Manifest {
        path: desk.path(&plain),
        template: "vercel/vercel.json.j2",
        context: json!({
            "install": commands.install,
            "build": commands.build,
            "output": commands.output,
            "env": (!env.is_empty()).then_some(env),
            "clean": !service.is_spa(),
            "rewrites": rewrites(desk, service),
            "headers": headers(desk, service),
        }),
        head: Vec::new(),
        key: format!("services.{}", service.name),
    }
}

/// What is sent: the page's folder and nothing beside it; of a folder that is the whole project, nothing that is secret or
/// of dashdeploy. Without the file, the command line sends `.env` too.
fn ignored(service: &Service, build: &Build, folder: Option<&str>) -> Option<Manifest> {
    let mut folders: Vec<String> = Vec::new();
    for part in folder.into_iter().flat_map(|folder| folder.split('/')) {
        folders.push(folders.last().map_or(part.to_owned(), |parent| format!("{parent}/{part}")));
    }
    let last = folders.pop();
    Some(Manifest {
        path: place(build, folder, ".vercelignore"),
        template: "vercel/vercelignore.dockerignore.j2",
        context: json!({
            "only": last.map(|last| json!({ "parents": folders, "folder": last })),
            "dockerfile": build.dockerfile,
        }),
        head: Vec::new(),
        key: format!("services.{}", service.name),
    })
}

impl Commands {
    /// The commands of a page, to be run where its file lies.
    pub(crate) fn of(desk: &Desk, service: &Service, build: &Build, folder: Option<&str>) -> Self {
        let inside = |path: &str| match folder {
            Some(folder) if path == "." => folder.to_owned(),
            Some(folder) => format!("{folder}/{path}"),
            None => path.to_owned(),
        };
        let Recipe::Spa(spa) = &build.recipe else {
            let root = if let Recipe::Files { root } = &build.recipe { root } else { "." };
            let none = String::new;
            return Self {
                install: none(),
                build: none(),
                output: inside(root),
                env: Vec::new(),
                open: Vec::new(),
            };
        };
        let enter = folder.map_or(String::new(), |folder| format!("cd {} && ", shell::word(folder)));
        let mut known = Vec::new();
        let mut open = Vec::new();
        for (name, text) in &service.env {
            match desk.value(text, service) {
                Some(value) => known.push((name.clone(), value)),
                None => open.push(name.clone()),
            }
        }
        let set: String = known.iter().map(|(name, value)| shell::assignment(name, value) + " ").collect();
        let mut command = format!("{enter}{set}{}", spa.build_command());
        let fits = command.chars().count() <= LONGEST && known.iter().all(|(name, _)| is_variable(name));
        if fits {
            known.clear();
        } else {
            command = format!("{enter}{}", spa.build_command());
        }
        let install = format!("{enter}{}", spa.install_command());
        Self { install, build: command, output: inside(&spa.output), env: known, open }
    }

    /// The commands as the page's own file has them.
    pub(crate) fn on(desk: &Desk, service: &Service) -> Option<Self> {
        let alone = config::HOST.pages(desk.bound).len() == 1;
        service.build().map(|build| Self::of(desk, service, build, folder(build, alone)))
    }
}

/// A name that a shell takes for a variable's.
fn is_variable(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// In `build.env`, `@` starts the name of a secret (openapi.vercel.sh/vercel.json).
fn unfit(service: &Service, commands: &Commands) -> Vec<Finding> {
    let key = |name: &str| format!("services.{}.env.{name}", service.name);
    let named = commands.env.iter().filter(|(_, value)| value.starts_with('@'));
    let mut findings: Vec<Finding> = named
        .map(|(name, _)| {
            let message =
                format!("vercel.json takes the value of `{name}` for the name of a secret: it starts with @");
            Finding::error("value-not-carried", key(name), message)
                .hint(format!("remove it here, and set it with `vercel env add {name}`"))
        })
        .collect();
    for command in [&commands.install, &commands.build] {
        if command.chars().count() > LONGEST {
            let message = format!("Vercel takes commands of {LONGEST} characters at most: `{command}`");
            findings.push(Finding::error(
                "value-not-carried",
                format!("services.{}.build", service.name),
                message,
            ));
        }
    }
    findings
}

/// What a pattern of path-to-regexp must not match: paths that are handed on, and folders besides.
fn except(service: &Service, folders: &[&str]) -> String {
    let handed_on = service.proxy.keys().flat_map(|prefix| {
        let path = quoted(prefix.trim_end_matches('/').trim_start_matches('/'));
        [format!("{path}/"), format!("{path}$")]
    });
    let folders = folders.iter().map(|folder| quoted(folder.trim_start_matches('/')));
    let all: Vec<String> = handed_on.chain(folders).collect();
    if all.is_empty() { String::new() } else { format!("(?!{})", all.join("|")) }
}

fn quoted(path: &str) -> String {
    path.replace('.', "\\.")
}

fn rewrites(desk: &Desk, service: &Service) -> Vec<Value> {
    let mut rules = Vec::new();
    for (prefix, named) in &service.proxy {
        let Some(url) = PageHost::upstream(desk, named) else { continue };
        let path = prefix.trim_end_matches('/');
        rules.push(json!({ "source": path, "destination": format!("{url}{path}") }));
        rules.push(json!({ "source": format!("{path}/(.*)"), "destination": format!("{url}{path}/$1") }));
    }
    if service.is_spa() {
        // A file that is missing is missing: what ends like one is not answered with the page.
        let file = format!("(?!.*{})", page::FILE_PATTERN);
        let other = except(service, &[page::ASSETS, "/.well-known/"]);
        rules.push(json!({ "source": format!("/({other}{file}.*)"), "destination": "/index.html" }));
    }
    rules
}

/// Rules that exclude each other, so that it does not matter how Vercel adds them up. What is handed on keeps its own.
fn headers(desk: &Desk, service: &Service) -> Vec<Value> {
    let list = |headers: Vec<(String, String)>| -> Vec<Value> {
        headers.into_iter().map(|(key, value)| json!({ "key": key, "value": value })).collect()
    };
    let caching = |value: &str| list(vec![("Cache-Control".to_owned(), value.to_owned())]);
    let own = page::headers(service, &page::callable(service, desk.wiring));
    let caches = own.iter().any(|(name, _)| name.eq_ignore_ascii_case("cache-control"));
    let source = |folders: &[&str]| format!("/({}.*)", except(service, folders));
    let mut rules = vec![json!({ "source": source(&[]), "headers": list(own) })];
    if caches {
        return rules;
    }
    if service.is_spa() {
        rules.push(json!({ "source": source(&[page::ASSETS]), "headers": caching(page::CACHE_PAGES) }));
        let assets = format!("{}(.*)", page::ASSETS);
        rules.push(json!({ "source": assets, "headers": caching(page::CACHE_ASSETS) }));
    } else {
        rules.push(json!({ "source": source(&[]), "headers": caching(page::CACHE_PAGES) }));
    }
    rules
}
