//! What is checked of each service before anything is built.
//!
//! Given: a service. Gives: the context of its job: language, version, package manager, and the values that the scripts read
//! from variables. Services of other languages, images and plain files have nothing to check here.

use std::collections::BTreeSet;

use dashdeploy_contract::{Build, NodeManager, Project, PythonPackages, PythonRecipe, Recipe, Service};
use serde::Serialize;

use super::access::{self, Variable};
use crate::render::dockerfile::{PNPM, POETRY, UV, YARN, list_dependencies};
use crate::render::layout;
use crate::render::sheet::Sheet;

/// What lints Python where a project has settings for it and does not bring it: <https://pypi.org/project/ruff/>.
const RUFF: &str = "ruff==0.17.6";

/// The job of one service.
#[derive(Serialize)]
pub struct Check {
    /// The job's id.
    pub id: String,
    /// What it does.
    pub name: String,
    /// The folder that it works in.
    folder: String,
    /// Secrets that installing packages may need.
    secrets: Vec<Variable>,
    python: Option<Python>,
    node: Option<Node>,
}

/// A Python service.
#[derive(Serialize)]
struct Python {
    /// `3.11`.
    version: String,
    /// The image with it, for pipelines that run in one.
    image: String,
    /// The folders of other services below this one, one a line: their tests are theirs.
    nested: Option<String>,
    /// The folders that hold the packages.
    path: Option<String>,
    /// Requirement files, one a line.
    requirements: Option<String>,
    /// The same from the repository's root, for the key of the cache.
    cached: Option<String>,
    /// uv as pip knows it.
    uv: Option<&'static str>,
    /// Poetry as pip knows it.
    poetry: Option<&'static str>,
    /// The program that lists the dependencies of pyproject.toml.
    listing: Option<String>,
    /// ruff as pip knows it.
    ruff: &'static str,
}

/// A Node.js server or a page.
#[derive(Serialize)]
struct Node {
    /// `20`.
    version: String,
    /// The image with it, for pipelines that run in one.
    image: String,
    /// Installs the package manager, where Node.js does not bring it.
    tool: Option<String>,
    /// Installs the packages.
    install: &'static str,
    /// The lock file from the repository's root, where setup-node keeps npm's packages by it.
    lock: Option<String>,
    /// The manager whose packages are kept from run to run, where setup-node does not keep them.
    store: Option<&'static str>,
    /// The package script that builds.
    script: Option<String>,
    /// Public values that the build writes into a page.
    values: Vec<Value>,
    /// True for a page, which browsers test.
    page: bool,
}

/// A variable with its value.
#[derive(Serialize)]
struct Value {
    name: String,
    value: String,
}

/// The jobs of all services that have something to check.
pub fn of(sheet: &mut Sheet<'_>, project: &Project) -> Vec<Check> {
    project.services.values().filter_map(|service| check(sheet, project, service)).collect()
}

impl Check {
    /// True for a Python service.
    pub fn is_python(&self) -> bool {
        self.python.is_some()
    }

    /// True for what Node.js builds.
    pub fn is_node(&self) -> bool {
        self.node.is_some()
    }
}

fn check(sheet: &mut Sheet<'_>, project: &Project, service: &Service) -> Option<Check> {
    let build = service.build()?;
    let (python, node) = match &build.recipe {
        Recipe::Python(recipe) => (Some(python(sheet, project, build, recipe)), None),
        Recipe::Node(recipe) => {
            let script = recipe.script.clone();
            (None, Some(node(sheet, build, &recipe.version, (recipe.manager, recipe.locked), script)))
        }
        Recipe::Spa(recipe) => {
            let script = Some(recipe.script.clone());
            let node = node(sheet, build, &recipe.version, (recipe.manager, recipe.locked), script);
            (None, Some(Node { values: values(service), page: true, ..node }))
        }
        Recipe::Files { .. } | Recipe::Own { .. } => return None,
    };
    Some(Check {
        id: format!("test-{}", service.name),
        name: format!("Test {}", service.name),
        folder: build.context.clone(),
        secrets: build.secrets.iter().map(|name| access::secret(name)).collect(),
        python,
        node,
    })
}

fn below(context: &str, path: &str) -> String {
    if context == "." { path.to_owned() } else { format!("{context}/{path}") }
}

/// The folders of other services inside a context, as seen from it.
fn nested(project: &Project, context: &str) -> Vec<String> {
    let others = project.services.values().filter_map(|service| service.build());
    let inside =
        others.filter_map(|other| layout::inside(context, &other.context)).filter(|path| *path != ".");
    let all: BTreeSet<String> = inside.map(|path| format!("./{path}")).collect();
    all.into_iter().collect()
}

fn python(sheet: &mut Sheet<'_>, project: &Project, build: &Build, recipe: &PythonRecipe) -> Python {
    let requirements = match &recipe.packages {
        PythonPackages::Pip { requirements } => requirements.as_slice(),
        _ => &[],
    };
    let lines = |lines: Vec<String>| (!lines.is_empty()).then(|| lines.join("\n"));
    let cached: Vec<String> = match &recipe.packages {
        PythonPackages::Pyproject => vec![below(&build.context, "pyproject.toml")],
        _ => requirements.iter().map(|path| below(&build.context, path)).collect(),
    };
    Python {
        version: recipe.version.clone(),
        image: sheet.image(&format!("python:{}-slim", recipe.version)),
        nested: lines(nested(project, &build.context)),
        path: recipe.source_root.as_ref().map(|folder| format!("{folder}:.")),
        requirements: lines(requirements.to_vec()),
        cached: lines(cached),
        uv: (recipe.packages == PythonPackages::Uv).then_some(UV),
        poetry: (recipe.packages == PythonPackages::Poetry).then_some(POETRY),
        listing: (recipe.packages == PythonPackages::Pyproject).then(|| list_dependencies(&recipe.version)),
        ruff: RUFF,
    }
}

fn node(
    sheet: &mut Sheet<'_>,
    build: &Build,
    version: &str,
    (manager, locked): (NodeManager, bool),
    script: Option<String>,
) -> Node {
    let tool = match manager {
        NodeManager::Npm => None,
        NodeManager::Pnpm => Some(PNPM),
        NodeManager::Yarn => Some(YARN),
    };
    Node {
        version: version.to_owned(),
        image: sheet.image(&format!("node:{version}-alpine")),
        tool: tool.map(|tool| format!("npm install --global --force --no-audit --no-fund {tool}")),
        install: match (manager, locked) {
            (NodeManager::Npm, true) => "npm ci --no-audit --no-fund",
            (NodeManager::Npm, false) => "npm install --no-audit --no-fund",
            (NodeManager::Pnpm, true) => "pnpm install --frozen-lockfile",
            (NodeManager::Pnpm, false) => "pnpm install --no-frozen-lockfile",
            (NodeManager::Yarn, true) => "yarn install --frozen-lockfile",
            (NodeManager::Yarn, false) => "yarn install",
        },
        lock: (manager == NodeManager::Npm && locked).then(|| below(&build.context, "package-lock.json")),
        store: (locked && manager != NodeManager::Npm).then(|| manager.as_str()),
        script,
        values: Vec::new(),
        page: false,
    }
}

/// The values of a page that are the same everywhere. Addresses are not: a page takes an unset one for none.
fn values(service: &Service) -> Vec<Value> {
    let fixed = service.env.iter().filter_map(|(name, text)| Some((name, text.as_literal()?)));
    fixed.map(|(name, value)| Value { name: name.clone(), value: value.to_owned() }).collect()
}
