//! How a service's image is made: the build kinds and what each needs to know.
//!
//! Everything here has been decided: no option is left open, defaults are filled in by `config`.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// The word under `build.kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BuildKind {
    /// An ASGI application served by Uvicorn.
    Fastapi,
    /// A WSGI application served by Gunicorn.
    Flask,
    /// A Django project served by Gunicorn.
    Django,
    /// A Python program started by a command.
    Python,
    /// A Node.js server.
    Node,
    /// A single-page application built by a package script, served by nginx.
    Vite,
    /// Files served as they are, by nginx.
    Static,
    /// The user's own Dockerfile.
    Dockerfile,
}

/// How one image is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Build {
    /// The kind as written.
    pub kind: BuildKind,
    /// The context folder relative to the project, `/`-separated, without `./`; `.` for the project folder itself.
    pub context: String,
    /// The Dockerfile relative to the project: generated for every kind but `dockerfile`.
    pub dockerfile: String,
    /// Patterns added to the ignore file, in Docker's syntax, relative to the context.
    pub ignore: Vec<String>,
    /// Names of secrets that steps may mount, each once: never arguments, never variables of the container.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// Paths relative to the application folder that become links, such as `data` → `/data`. Files the context ships there
    /// are moved to the link's end, from where an empty volume is seeded.
    pub links: IndexMap<String, String>,
    /// What the kind needs to know.
    pub recipe: Recipe,
}

/// What a build kind needs to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "recipe", rename_all = "snake_case")]
pub enum Recipe {
    /// `fastapi`, `flask`, `django`, `python`.
    Python(PythonRecipe),
    /// `node`.
    Node(NodeRecipe),
    /// `vite`.
    Spa(SpaRecipe),
    /// `static`: the folder with the files, relative to the context.
    Files {
        /// The folder relative to the context; `.` for the context itself.
        root: String,
    },
    /// `dockerfile`: nothing is generated. `target` is the stage to build, when not the last.
    Own {
        /// The stage to build.
        target: Option<String>,
    },
}

/// A Python image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PythonRecipe {
    /// Major and minor version, such as `3.11`.
    pub version: String,
    /// Where the dependencies come from.
    pub packages: PythonPackages,
    /// `module:attribute` of the ASGI or WSGI application; absent for `python`.
    pub app: Option<String>,
    /// The source folder below the context that holds the packages (`src` layout), when it is not the context itself.
    pub source_root: Option<String>,
}

/// Where Python dependencies come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "manager", rename_all = "snake_case")]
pub enum PythonPackages {
    /// Requirement files, installed by pip in this order.
    Pip {
        /// Paths relative to the context.
        requirements: Vec<String>,
    },
    /// `pyproject.toml` and `uv.lock`.
    Uv,
    /// `pyproject.toml` and `poetry.lock`.
    Poetry,
    /// `pyproject.toml` alone, installed by pip.
    Pyproject,
    /// No dependency at all.
    None,
}

/// A package manager of Node.js.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeManager {
    /// npm, `package-lock.json`.
    Npm,
    /// pnpm, `pnpm-lock.yaml`.
    Pnpm,
    /// Yarn 1, `yarn.lock`.
    Yarn,
}

/// A Node.js server image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRecipe {
    /// Major version, such as `20`.
    pub version: String,
    /// Who installs.
    pub manager: NodeManager,
    /// True where the lock file is present and obeyed (`npm ci` and its like).
    pub locked: bool,
    /// The package script that builds, when there is one.
    pub script: Option<String>,
    /// The command that starts the server.
    pub start: Vec<String>,
}

/// A single-page application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpaRecipe {
    /// Major version of Node.js for the build.
    pub version: String,
    /// Who installs.
    pub manager: NodeManager,
    /// True where the lock file is present and obeyed (`npm ci` and its like).
    pub locked: bool,
    /// The package script that builds.
    pub script: String,
    /// The package script of the development server.
    pub dev_script: String,
    /// The folder with the built files, relative to the context.
    pub output: String,
}

impl BuildKind {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Self; 8] = [
        Self::Fastapi,
        Self::Flask,
        Self::Django,
        Self::Python,
        Self::Node,
        Self::Vite,
        Self::Static,
        Self::Dockerfile,
    ];

    /// The word in dashdeploy.yaml.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fastapi => "fastapi",
            Self::Flask => "flask",
            Self::Django => "django",
            Self::Python => "python",
            Self::Node => "node",
            Self::Vite => "vite",
            Self::Static => "static",
            Self::Dockerfile => "dockerfile",
        }
    }
}

impl SpaRecipe {
    /// The command that installs what the build needs, obeying the lock file where there is one.
    pub fn install_command(&self) -> &'static str {
        match (self.manager, self.locked) {
            (NodeManager::Npm, true) => "npm ci",
            (NodeManager::Npm, false) => "npm install",
            (NodeManager::Pnpm, true) => "pnpm install --frozen-lockfile",
            (NodeManager::Pnpm, false) => "pnpm install --no-frozen-lockfile",
            (NodeManager::Yarn, true) => "yarn install --frozen-lockfile",
            (NodeManager::Yarn, false) => "yarn install",
        }
    }

    /// The command that builds, for a shell in the context folder.
    pub fn build_command(&self) -> String {
        crate::shell::line(&[self.manager.as_str(), "run", &self.script].map(str::to_owned))
    }
}

impl NodeManager {
    /// The program's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::Pnpm => "pnpm",
            Self::Yarn => "yarn",
        }
    }

    /// The lock file's name.
    pub fn lock_file(self) -> &'static str {
        match self {
            Self::Npm => "package-lock.json",
            Self::Pnpm => "pnpm-lock.yaml",
            Self::Yarn => "yarn.lock",
        }
    }
}
