//! The Dockerfile of a Node.js server, and what every image that Node.js builds has in common.

use dashdeploy_contract::{Build, NodeManager, NodeRecipe, Service};
use serde::Serialize;

use super::{Common, Image, Paths};
use crate::render::engine::{Marked, TemplateError};
use crate::render::escape;
use crate::render::sheet::Sheet;

const TEMPLATE: &str = "dockerfile/node.Dockerfile.j2";
/// Reads lock files of pnpm 9 and 10, and runs on Node.js 18 and later.
pub const PNPM: &str = "pnpm@9.15.9";
/// The last of Yarn 1.
pub const YARN: &str = "yarn@1.22.22";

/// A Node.js server image.
#[derive(Serialize)]
struct NodeImage {
    common: Common,
    packages: Packages,
    /// The build script's command.
    script: Option<Marked>,
    /// The command.
    command: Marked,
}

/// How packages are installed.
#[derive(Serialize)]
pub struct Packages {
    /// `node:20-alpine`.
    pub base: String,
    /// `pnpm@9.15.9`, where the manager is not part of the base.
    pub manager: Option<Marked>,
    /// What describes the packages, and where to: operands of `COPY`.
    pub manifests: Marked,
    /// The folder of the manager's cache.
    pub cache: &'static str,
    /// True where two runs at a time spoil the cache.
    pub one_at_a_time: bool,
    /// Installs everything, for the build.
    pub install: Marked,
    /// Installs what the server needs.
    pub install_production: Marked,
    /// Variables to set to nothing where the manager runs a script without the secrets of the build: Yarn 1 ends at an
    /// `.npmrc` that names a variable which is not set, also where nothing is fetched.
    pub blank: Vec<String>,
    /// What to do when the lock file is out of step; none without one.
    pub mend: Option<Marked>,
}

impl Packages {
    /// The commands of a package manager.
    pub fn of(
        sheet: &mut Sheet<'_>,
        version: &str,
        manager: NodeManager,
        locked: bool,
        build: &Build,
    ) -> Self {
        let context = build.context.as_str();
        let line = |text: &str| Marked::Line(text.split(' ').map(str::to_owned).collect());
        let (install, production) = commands(manager, locked);
        let place = if context == "." { String::new() } else { format!(" in {context}") };
        let (lock, name) = (manager.lock_file(), manager.as_str());
        Self {
            base: sheet.image(&format!("node:{version}-alpine")),
            manager: match manager {
                NodeManager::Npm => None,
                NodeManager::Pnpm => Some(line(PNPM)),
                // The official image brings a Yarn of its own, which has to give way.
                NodeManager::Yarn => Some(line(&format!("--force {YARN}"))),
            },
            manifests: manifests(manager, locked),
            cache: match manager {
                NodeManager::Npm => "/root/.npm",
                NodeManager::Pnpm => "/root/.local/share/pnpm/store",
                NodeManager::Yarn => "/root/.cache/yarn",
            },
            // The caches of the others are made for it.
            one_at_a_time: manager == NodeManager::Yarn,
            blank: if manager == NodeManager::Yarn { build.secrets.clone() } else { Vec::new() },
            install: line(install),
            install_production: line(production),
            mend: locked.then(|| {
                Marked::Comment(format!(
                    "Fails when {lock} is out of step with package.json: run `{name} install`{place} and commit {lock}."
                ))
            }),
        }
    }
}

fn commands(manager: NodeManager, locked: bool) -> (&'static str, &'static str) {
    match (manager, locked) {
        (NodeManager::Npm, true) => ("npm ci --no-audit --no-fund", "npm ci --omit=dev --no-audit --no-fund"),
        (NodeManager::Npm, false) => {
            ("npm install --no-audit --no-fund", "npm install --omit=dev --no-audit --no-fund")
        }
        (NodeManager::Pnpm, true) => {
            ("pnpm install --frozen-lockfile", "pnpm install --frozen-lockfile --prod")
        }
        (NodeManager::Pnpm, false) => {
            ("pnpm install --no-frozen-lockfile", "pnpm install --no-frozen-lockfile --prod")
        }
        (NodeManager::Yarn, true) => (
            "yarn install --frozen-lockfile --cache-folder /root/.cache/yarn",
            "yarn install --frozen-lockfile --production --cache-folder /root/.cache/yarn",
        ),
        (NodeManager::Yarn, false) => (
            "yarn install --cache-folder /root/.cache/yarn",
            "yarn install --production --cache-folder /root/.cache/yarn",
        ),
    }
}

/// package.json, the lock file, and settings of the manager where the context has any (a wildcard may match nothing).
fn manifests(manager: NodeManager, locked: bool) -> Marked {
    let mut operands = vec!["package.json"];
    if locked {
        operands.push(manager.lock_file());
    }
    operands.push(".npmrc*");
    match manager {
        NodeManager::Npm => {}
        NodeManager::Pnpm => operands.push("pnpm-workspace.yaml*"),
        NodeManager::Yarn => operands.push(".yarnrc*"),
    }
    operands.push("./");
    Marked::Copy(operands.into_iter().map(str::to_owned).collect())
}

/// `npm run build` and its like.
pub fn run_script(manager: NodeManager, script: &str) -> Vec<String> {
    [manager.as_str(), "run", script].map(str::to_owned).to_vec()
}

impl Image for NodeImage {
    fn common(&mut self) -> &mut Common {
        &mut self.common
    }
}

/// Adds the Dockerfiles.
pub fn add(
    sheet: &mut Sheet<'_>,
    service: &Service,
    build: &Build,
    recipe: &NodeRecipe,
    paths: &Paths<'_>,
) -> Result<(), TemplateError> {
    let key = format!("services.{}", service.name);
    sheet.check(&format!("{key}.build.node"), escape::dockerfile_word(&recipe.version));
    if let Some(script) = &recipe.script {
        sheet.check(&format!("{key}.build.script"), escape::shell_word(script));
    }
    let image = NodeImage {
        common: Common::of(sheet, service, build),
        packages: Packages::of(sheet, &recipe.version, recipe.manager, recipe.locked, build),
        script: recipe.script.as_ref().map(|script| Marked::Line(run_script(recipe.manager, script))),
        command: Marked::Exec(service.command.clone().unwrap_or_else(|| recipe.start.clone())),
    };
    paths.add(sheet, service, TEMPLATE, image)
}
