//! netlify.toml: how a page is built, and how Netlify answers for it.
//!
//! Given: a desk. Gives: one file for each page; at the root of the repository where there is one page, else in each page's
//! folder, where Netlify looks first. Deliberately absent: caching rules for pages themselves, since Netlify's own
//! (`max-age=0, must-revalidate`) already ask anew each time, and how two rules for one header add up is not documented.

use dashdeploy_contract::{
    Build, Descriptor, Desk, Manifest, Manifests, Name, PageHost, Recipe, Service, Template, ValuePart, page,
    shell, word,
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::config;

/// The templates.
pub(crate) const TEMPLATES: &[Template] =
    &[("netlify/netlify.toml.j2", include_str!("../templates/netlify.toml.j2"))];

/// What dashdeploy and a repository keep beside a page whose folder is published as it is.
const HIDDEN: [&str; 7] = [
    "/dashdeploy.yaml",
    "/dashdeploy.yml",
    "/netlify.toml",
    "/docker-compose.yml",
    "/docker-compose.dev.yml",
    "/deploy/*",
    "/node_modules/*",
];

/// A rule of `[[redirects]]`.
#[derive(Serialize)]
struct Rule {
    /// What it is for; none where that is said above.
    why: Option<Value>,
    from: String,
    to: String,
    status: u16,
    /// True where it holds even for a path that is a file.
    force: bool,
}

/// All files.
pub(crate) fn all(descriptor: &Descriptor, desk: &Desk) -> Manifests {
    let pages = config::HOST.pages(desk.bound);
    let alone = pages.len() == 1;
    let files = pages.into_iter().map(|(service, build)| manifest(descriptor, desk, service, build, alone));
    Manifests { files: files.collect(), findings: Vec::new() }
}

fn manifest(descriptor: &Descriptor, desk: &Desk, service: &Service, build: &Build, alone: bool) -> Manifest {
    let in_folder = build.context != ".";
    let plain = if in_folder && !alone {
        format!("{}/netlify.toml", build.context)
    } else {
        "netlify.toml".to_owned()
    };
    let (command, publish) = commands(build);
    let (known, open) = variables(desk, service);
    let context = json!({
        "base": (in_folder && alone).then_some(&build.context),
        "command": command,
        "publish": publish,
        "environment": environment(build, known),
        "rules": rules(desk, service, build),
        "headers": headers(desk, service),
        "assets": service.is_spa().then(|| json!({ "path": format!("{}*", page::ASSETS), "value": page::CACHE_ASSETS })),
    });
    let path = desk.path(&plain);
    let site = config::HOST.name(descriptor, desk.bound, service);
    let head = head(desk, service, build, &Usage { site, path: &path, plain: &plain, open });
    Manifest {
        head,
        path,
        template: "netlify/netlify.toml.j2",
        context,
        key: format!("services.{}", service.name),
    }
}

/// The build's command and the folder that is published, both as seen from the page's folder.
fn commands(build: &Build) -> (Option<String>, &str) {
    match &build.recipe {
        Recipe::Spa(spa) => {
            (Some(format!("{} && {}", spa.install_command(), spa.build_command())), &spa.output)
        }
        Recipe::Files { root } => (None, root),
        // `config` makes no other recipe for a static service.
        _ => (None, "."),
    }
}

/// Variables whose value is known, and those that have to be set by hand.
fn variables<'a>(desk: &Desk, service: &'a Service) -> (Vec<(&'a str, String)>, Vec<&'a str>) {
    let mut known = Vec::new();
    let mut open = Vec::new();
    for (name, text) in &service.env {
        match desk.value(text, service) {
            Some(value) => known.push((name.as_str(), value)),
            None => open.push(name.as_str()),
        }
    }
    (known, open)
}

/// `[build.environment]`: the version of Node.js (docs.netlify.com, "Manage build dependencies"), then the page's own.
fn environment(build: &Build, known: Vec<(&str, String)>) -> Vec<Value> {
    let version = match &build.recipe {
        Recipe::Spa(spa) => Some(("NODE_VERSION", spa.version.clone())),
        _ => None,
    };
    let version = version.filter(|(name, _)| known.iter().all(|(own, _)| own != name));
    version
        .into_iter()
        .chain(known)
        .map(|(name, value)| json!({ "name": word::key(name), "value": value }))
        .collect()
}

/// The rules in the order in which Netlify takes the first that fits.
fn rules(desk: &Desk, service: &Service, build: &Build) -> Vec<Rule> {
    let mut rules = hidden(build);
    for (prefix, named) in &service.proxy {
        rules.extend(
            PageHost::upstream(desk, named).into_iter().flat_map(|url| handed_on(prefix, named, url)),
        );
    }
    if service.is_spa() {
        rules.extend([page::ASSETS, "/.well-known/"].map(missing));
        let why = "Every other path that is no file is a page of the application.";
        rules.push(rule(why, "/*".to_owned(), "/index.html".to_owned(), 200, false));
    }
    rules
}

fn handed_on(prefix: &str, named: &Name, url: &str) -> [Rule; 2] {
    let path = prefix.trim_end_matches('/');
    let why = format!("{path} is answered by `{named}`.");
    [
        rule(&why, path.to_owned(), format!("{url}{path}"), 200, true),
        rule("", format!("{path}/*"), format!("{url}{path}/:splat"), 200, true),
    ]
}

fn missing(folder: &str) -> Rule {
    let why = format!("What is missing below {folder} is missing, and not the page.");
    rule(&why, format!("{folder}*"), "/404.html".to_owned(), 404, false)
}

/// Where the folder itself is published, what else lies in it is not served.
fn hidden(build: &Build) -> Vec<Rule> {
    if !matches!(&build.recipe, Recipe::Files { root } if root == ".") {
        return Vec::new();
    }
    let dockerfile =
        build.dockerfile.strip_prefix(&format!("{}/", build.context)).unwrap_or(&build.dockerfile);
    let beside = (!dockerfile.starts_with("deploy/")).then(|| format!("/{dockerfile}"));
    let paths = HIDDEN.iter().map(|path| (*path).to_owned()).chain(beside);
    let mut rules: Vec<Rule> = paths.map(|path| rule("", path, "/404.html".to_owned(), 404, true)).collect();
    if let Some(first) = rules.first_mut() {
        first.why = Some(word::comment("What lies beside the page and is no part of it is not served."));
    }
    rules
}

fn rule(why: &str, from: String, to: String, status: u16, force: bool) -> Rule {
    Rule { why: (!why.is_empty()).then(|| word::comment(why)), from, to, status, force }
}

fn headers(desk: &Desk, service: &Service) -> Vec<Value> {
    let callable = page::callable(service, desk.wiring);
    let headers = page::headers(service, &callable).into_iter();
    headers.map(|(name, value)| json!({ "name": word::key(&name), "value": value })).collect()
}

/// What the file's head tells.
struct Usage<'a> {
    site: String,
    path: &'a str,
    plain: &'a str,
    /// Variables to be set by hand.
    open: Vec<&'a str>,
}

fn head(desk: &Desk, service: &Service, build: &Build, usage: &Usage) -> Vec<String> {
    let folder = usage.plain.strip_suffix("/netlify.toml");
    let here =
        folder.map_or("At the root of the repository".to_owned(), |folder| format!("In the folder {folder}"));
    let mut lines = vec![
        format!("The page `{}` on Netlify. {here}, with Netlify's own command line:", service.name),
        format!("  netlify sites:create --name {}", usage.site),
        format!("  netlify link --name {}", usage.site),
    ];
    for name in &usage.open {
        let value = sources(desk, service, name);
        lines.push(format!("  netlify env:set {name} <{value}>"));
    }
    for name in &build.secrets {
        lines.push(format!("  netlify env:set {name} <its value> --secret"));
    }
    if usage.path != usage.plain {
        let file = |path: &str| shell::word(path.rsplit('/').next().unwrap_or(path));
        lines.push(format!("  cp {} {}", file(usage.path), file(usage.plain)));
        lines.push("(Netlify reads netlify.toml alone: copy it there in a clone of its own.)".to_owned());
    }
    lines.push("  netlify deploy --prod".to_owned());
    lines.extend(notes(desk, service));
    lines
}

/// Where the value of a variable that is not known comes from.
fn sources(desk: &Desk, service: &Service, name: &str) -> String {
    let parts = service.env.get(name).map(|text| desk.parts(text, service)).unwrap_or_default();
    let parts = parts.into_iter().map(|part| match part {
        ValuePart::Text(text) => text.escape_debug().to_string(),
        ValuePart::Url(service) => format!("the address of {service}"),
        ValuePart::Host(service) => format!("the host name of {service}"),
        ValuePart::Port(service) => format!("the port of {service}"),
        ValuePart::Given(name) => format!("your own {name}"),
        ValuePart::Release => "the release".to_owned(),
    });
    parts.collect::<Vec<_>>().join(" + ")
}

fn notes(desk: &Desk, service: &Service) -> Vec<String> {
    let mut lines = Vec::new();
    for (prefix, named) in &service.proxy {
        if PageHost::upstream(desk, named).is_none() {
            lines.push(format!(
                "{prefix} is not handed on: no public https address of `{named}` is known beforehand."
            ));
        }
    }
    if let Some(domain) = desk.bound.domains.get(&service.name) {
        lines.push(format!(
            "Add {domain} to the site: Domain management, Add a domain; then point its DNS there."
        ));
    }
    lines
}
