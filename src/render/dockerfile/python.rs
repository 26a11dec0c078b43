//! The Dockerfile of a Python service: `fastapi`, `flask`, `django`, `python`.

use dashdeploy_contract::{Bound, Build, BuildKind, Finding, PythonPackages, PythonRecipe, Service};
use serde::Serialize;

use super::{Common, Image, Paths};
use crate::render::engine::{Marked, TemplateError};
use crate::render::escape;
use crate::render::sheet::Sheet;

const TEMPLATE: &str = "dockerfile/python.Dockerfile.j2";
/// What reads `uv.lock`: each version reads the locks of all before it.
pub const UV: &str = "uv==0.13.9";
/// What reads `poetry.lock`: the newest that still runs on Python 3.9.
pub const POETRY: &str = "poetry==2.1.4";
/// Turns `poetry.lock` into requirements with hashes: pip then installs them from any index, also from a mirror without
/// the JSON interface that `poetry install` needs, and Poetry itself stays out of the image.
const POETRY_EXPORT: &str = "poetry-plugin-export==1.9.0";

/// A Python image.
#[derive(Serialize)]
struct PythonImage {
    common: Common,
    /// `python:3.11-slim`.
    base: String,
    /// Requirement files installed by pip.
    pip: Option<Pip>,
    /// uv as pip knows it.
    uv: Option<&'static str>,
    /// Poetry and its plug-in as pip knows them.
    poetry: Option<[&'static str; 2]>,
    /// The program that lists the dependencies of pyproject.toml.
    pyproject: Option<Marked>,
    /// False where there is nothing to install.
    environment: bool,
    /// The server that the dependencies must hold.
    server: Option<Server>,
    /// `PYTHONPATH`.
    python_path: Marked,
    /// The command; none where only `command:` of another environment can tell.
    command: Marked,
}

/// Requirement files.
#[derive(Serialize)]
struct Pip {
    /// One `COPY` a folder: files that include each other come along.
    copies: Vec<Marked>,
    /// `-r a -r b`.
    arguments: Marked,
}

/// The server that runs the application.
#[derive(Serialize)]
struct Server {
    /// The module.
    module: &'static str,
    /// What to do when it is not installed.
    mend: Marked,
}

impl Image for PythonImage {
    fn common(&mut self) -> &mut Common {
        &mut self.common
    }
}

/// Adds the Dockerfiles.
pub fn add(
    sheet: &mut Sheet<'_>,
    bound: &Bound,
    service: &Service,
    build: &Build,
    recipe: &PythonRecipe,
    paths: &Paths<'_>,
) -> Result<(), TemplateError> {
    let key = format!("services.{}", service.name);
    let common = Common::of(sheet, service, build);
    let Some(command) = command(bound, service, build.kind, recipe) else {
        let message = "a service of kind `python` needs `command:`, the program it runs";
        let hint = "for example `command: [python, -m, worker]`";
        sheet.find(Finding::error("missing-command", key, message).hint(hint));
        return Ok(());
    };
    sheet.check(&format!("{key}.build.python"), escape::dockerfile_word(&recipe.version));
    let packages = &recipe.packages;
    let image = PythonImage {
        common,
        base: sheet.image(&format!("python:{}-slim", recipe.version)),
        pip: pip(sheet, &key, packages),
        uv: (*packages == PythonPackages::Uv).then_some(UV),
        poetry: (*packages == PythonPackages::Poetry).then_some([POETRY, POETRY_EXPORT]),
        pyproject: (*packages == PythonPackages::Pyproject)
            .then(|| Marked::Shell(list_dependencies(&recipe.version))),
        environment: *packages != PythonPackages::None,
        server: server(build.kind, packages),
        python_path: python_path(sheet, &key, recipe),
        command: Marked::Exec(command),
    };
    paths.add(sheet, service, TEMPLATE, image)
}

fn pip(sheet: &mut Sheet<'_>, key: &str, packages: &PythonPackages) -> Option<Pip> {
    let PythonPackages::Pip { requirements } = packages else { return None };
    for path in requirements {
        let operand = [path.clone()];
        let at = format!("{key}.build.requirements");
        if sheet.check(&at, escape::copy_operands(&operand)) && path.contains(['*', '?', '[']) {
            sheet.find(Finding::error("value-not-carried", at, format!("`{path}` is no path of one file")));
        }
    }
    let mut copies: Vec<Vec<String>> = Vec::new();
    for path in requirements {
        let copy = match path.rsplit_once('/') {
            // Requirement and constraint files include each other by relative paths.
            Some((folder, _)) => vec![format!("{folder}/"), format!("./{folder}/")],
            None => {
                vec![path.clone(), "*requirements*.txt".into(), "*constraints*.txt".into(), "./".into()]
            }
        };
        if !copies.contains(&copy) {
            copies.push(copy);
        }
    }
    let arguments = requirements.iter().flat_map(|path| ["-r".to_owned(), path.clone()]);
    Some(Pip {
        copies: copies.into_iter().map(Marked::Copy).collect(),
        arguments: Marked::Line(arguments.collect()),
    })
}

/// Prints the dependencies of pyproject.toml, one a line. Only the file itself is needed, so that an edit of the source
/// installs nothing anew.
pub fn list_dependencies(version: &str) -> String {
    let minor: u32 = version.split('.').nth(1).and_then(|minor| minor.parse().ok()).unwrap_or(11);
    // The standard library reads TOML from Python 3.11 on; before, the copy inside pip does.
    let toml = if minor >= 11 { "import tomllib" } else { "from pip._vendor import tomli as tomllib" };
    format!(
        "import sys; {toml}; p = tomllib.load(open(\"pyproject.toml\", \"rb\")).get(\"project\", {{}}); \
         \"dependencies\" in p.get(\"dynamic\", []) and sys.exit(\"pyproject.toml computes its dependencies: list \
         them under [project], or use packages: pip\"); print(*p.get(\"dependencies\", []), sep=\"\\n\")"
    )
}

fn server(kind: BuildKind, packages: &PythonPackages) -> Option<Server> {
    let module = match kind {
        BuildKind::Fastapi => "uvicorn",
        BuildKind::Flask | BuildKind::Django => "gunicorn",
        _ => return None,
    };
    let file = match packages {
        PythonPackages::Pip { requirements } => {
            requirements.first().map_or("requirements.txt", String::as_str)
        }
        PythonPackages::Uv => "pyproject.toml (uv add)",
        PythonPackages::Poetry => "pyproject.toml (poetry add)",
        PythonPackages::Pyproject => "pyproject.toml",
        PythonPackages::None => return None,
    };
    let mend = format!("{module} serves this application and is not installed: add it to {file}");
    Some(Server { module, mend: Marked::Shell(mend) })
}

fn python_path(sheet: &mut Sheet<'_>, key: &str, recipe: &PythonRecipe) -> Marked {
    let path = match &recipe.source_root {
        Some(folder) => format!("/app/{folder}:/app"),
        None => "/app".to_owned(),
    };
    sheet.check(&format!("{key}.build.source"), escape::dockerfile_quoted(&path));
    Marked::Quoted(path)
}

/// The image's command: the service's own, else the server's.
fn command(bound: &Bound, service: &Service, kind: BuildKind, recipe: &PythonRecipe) -> Option<Vec<String>> {
    if let Some(command) = &service.command {
        return Some(command.clone());
    }
    let app = recipe.app.as_deref()?;
    let port = service.port.unwrap_or(8000);
    let line = match kind {
        BuildKind::Fastapi => format!("uvicorn {app} --host 0.0.0.0 --port {port}"),
        BuildKind::Flask | BuildKind::Django => {
            // Heartbeats of workers go to memory: a read-only root has no other place that is as quick. One process where
            // a volume has one writer, since SQLite and files know no second one.
            let access = if service.log.access { "--access-logfile - " } else { "" };
            let (workers, threads) = if super::writes_alone(bound, service) { (1, 8) } else { (2, 4) };
            format!(
                "gunicorn -b 0.0.0.0:{port} --workers {workers} --threads {threads} \
                 --worker-tmp-dir /dev/shm {access}{app}"
            )
        }
        _ => return None,
    };
    Some(line.split(' ').map(str::to_owned).collect())
}
