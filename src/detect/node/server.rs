//! Servers on Node.js: the command that starts one, its port, its routes.
//!
//! Given: a package. Gives: a draft. Deliberately absent: process managers; what they start is started directly.

use dashdeploy_contract::{BuildKind, NodeManager, NodeRecipe, Recipe};

use crate::detect::draft::{Draft, split_command};
use crate::detect::index::{Index, join};
use crate::detect::model::{Evidence, Role, Topic, Variable};
use crate::detect::port;

use super::package::Package;
use super::routes;

/// Packages that make a server.
const SERVERS: [(&str, &str); 14] = [
    ("next", "Next.js"),
    ("@nestjs/core", "NestJS"),
    ("express", "Express"),
    ("fastify", "Fastify"),
    ("koa", "Koa"),
    ("@hapi/hapi", "hapi"),
    ("hono", "Hono"),
    ("@hono/node-server", "Hono"),
    ("polka", "Polka"),
    ("restify", "Restify"),
    ("@apollo/server", "Apollo"),
    ("socket.io", "Socket.IO"),
    ("ws", "WebSocket"),
    ("json-server", "json-server"),
];
/// Files that start a server where nothing says which one does.
const ENTRIES: [&str; 8] = [
    "server.js",
    "index.js",
    "app.js",
    "main.js",
    "src/server.js",
    "src/index.js",
    "src/app.js",
    "src/main.js",
];

/// How a package is started.
#[derive(Debug)]
pub(crate) struct Start {
    command: Vec<String>,
    variables: Vec<(String, String)>,
    evidence: Evidence,
    framework: Option<(&'static str, Evidence)>,
    /// True where what is started serves something.
    pub is_server: bool,
}

/// The start command: `start:prod`, `start`, `main`, or a file of a usual name.
pub(crate) fn start(index: &Index<'_>, package: &Package, files: &[String]) -> Option<Start> {
    let framework = SERVERS
        .iter()
        .find(|(name, _)| package.needs(name))
        .map(|(name, title)| (*title, package.evidence(name)));
    let listens = files
        .iter()
        .filter_map(|path| index.source_with(path, &["listen(", "createServer("]))
        .any(|source| (0..source.len()).any(|at| source.is(at, "listen") && source.is(at + 1, "(")));
    let scripted = ["start:prod", "start"].into_iter().find_map(|name| {
        let text = package.script(name)?;
        let (variables, command) = split_command(text).unwrap_or_default();
        let command = runnable(&command, name);
        let command = compiled(package, &command).unwrap_or(command);
        Some((variables, command, package.evidence(name)))
    });
    let (variables, command, evidence) = scripted.or_else(|| entry(index, package))?;
    // Development servers of front ends are started by `start` as well.
    let is_tool = command.iter().any(|word| {
        ["vite", "react-scripts", "astro", "vue-cli-service", "serve", "ng"]
            .iter()
            .any(|tool| word == tool || word.ends_with(&format!("/{tool}")))
    });
    let is_server = (framework.is_some() || listens) && !is_tool && !package.is_tool();
    Some(Start { command, variables, evidence, framework, is_server })
}

/// A script's command as the container runs it: `node` directly, other tools from `node_modules/.bin`, shell scripts by npm.
fn runnable(command: &[String], script: &str) -> Vec<String> {
    let Some((program, rest)) = command.split_first() else { return npm(script) };
    if command.iter().any(|word| word.contains('$')) {
        return npm(script);
    }
    let with = |first: &str| std::iter::once(first.to_owned()).chain(rest.iter().cloned()).collect();
    match program.as_str() {
        "node" => command.to_vec(),
        "nodemon" | "node-dev" if !rest.is_empty() && !rest[0].starts_with('-') => with("node"),
        "npm" | "pnpm" | "yarn" | "npx" | "cross-env" | "pm2" | "sh" | "bash" | "nodemon" | "node-dev"
        | "concurrently" => npm(script),
        program if program.contains('/') => command.to_vec(),
        program => with(&format!("node_modules/.bin/{program}")),
    }
}

/// Runners of TypeScript that are installed for development only are not in the image: the built `main` is started instead.
fn compiled(package: &Package, command: &[String]) -> Option<Vec<String>> {
    let runner = command.first()?.strip_prefix("node_modules/.bin/")?;
    let runners = ["tsx", "ts-node", "ts-node-dev", "babel-node"];
    if !runners.contains(&runner) || package.needs(runner) {
        return None;
    }
    package.script("build")?;
    let main = package.text("main")?;
    Some(vec!["node".to_owned(), main.strip_prefix("./").unwrap_or(main).to_owned()])
}

fn npm(script: &str) -> Vec<String> {
    ["npm", "run", script].map(str::to_owned).to_vec()
}

type Entry = (Vec<(String, String)>, Vec<String>, Evidence);

fn entry(index: &Index<'_>, package: &Package) -> Option<Entry> {
    let node = |file: &str| vec!["node".to_owned(), file.to_owned()];
    if let Some(main) = package.text("main").map(|main| main.strip_prefix("./").unwrap_or(main))
        && index.has(&join(&package.folder, main))
    {
        return Some((Vec::new(), node(main), package.evidence("main")));
    }
    ENTRIES
        .iter()
        .find(|name| index.has(&join(&package.folder, name)))
        .map(|name| (Vec::new(), node(name), index.evidence(&join(&package.folder, name), "listen(")))
}

pub(crate) fn draft(index: &Index<'_>, package: &Package, files: &[String], start: Start) -> Draft {
    let script = package.script("build").map(|_| "build".to_owned());
    let recipe = NodeRecipe {
        version: String::new(),
        manager: NodeManager::Npm,
        locked: false,
        script: script.clone(),
        start: start.command.clone(),
    };
    let mut draft =
        Draft::new(Role::Api, &package.folder, &package.folder, BuildKind::Node, Recipe::Node(recipe));
    let proposal = &mut draft.proposal;
    let (title, kind) = match start.framework {
        Some((title, evidence)) => (title, evidence),
        None => ("plain Node.js", start.evidence.clone()),
    };
    proposal.conclude(Topic::Kind, format!("{title} server"), Some(kind));
    let evidence = start.evidence;
    proposal.conclude(
        Topic::Application,
        format!("started with `{}`", start.command.join(" ")),
        Some(evidence.clone()),
    );
    if script.is_some() {
        proposal.conclude(Topic::Application, "built by the script `build`", Some(package.evidence("build")));
    }
    for (name, value) in start
        .variables
        .into_iter()
        .filter(|(name, value)| name != "NODE_ENV" && name != "PORT" && !value.contains('$'))
    {
        proposal.env.insert(name, Variable { value, evidence: evidence.clone() });
    }
    let found = port::node(index, files);
    let said = if found.is_some() { "" } else { " (the default of its kind)" };
    let port = found.as_ref().map_or(3000, |(port, _)| *port);
    proposal.port = Some(port);
    proposal.conclude(Topic::Port, format!("port {port}{said}"), found.map(|(_, evidence)| evidence));
    draft.routes = routes::routes(index, files);
    draft
}
