//! Build and start commands of Render's Python (<https://render.com/docs/deploy-fastapi>). Render hands both to a shell.

use dashdeploy_contract::{Build, BuildKind, PythonPackages, PythonRecipe, Recipe, Service, shell};

use crate::config::Place;

/// Both commands.
pub(super) struct Commands {
    pub(super) build: String,
    pub(super) start: String,
}

/// The commands of a service that is Python.
pub(super) fn commands(place: &Place, service: &Service, build: &Build) -> Commands {
    let Recipe::Python(recipe) = &build.recipe else {
        return Commands { build: "true".to_owned(), start: "true".to_owned() };
    };
    let server = Server::of(place, service, build.kind);
    let mut steps = vec![install(&recipe.packages)];
    // A server that is not among the dependencies is found out here, and not when the service starts.
    steps.extend(
        server
            .as_ref()
            .map(|server| format!("{}python -c 'import {}'", runner(&recipe.packages), server.modules())),
    );
    steps.extend(build.links.iter().enumerate().map(|(at, (path, end))| link(at, path, end)));
    Commands {
        build: steps.into_iter().filter(|step| step != "true").collect::<Vec<_>>().join(" && "),
        start: seeded(build, &start(place, service, recipe, server.as_ref())),
    }
    .or_nothing()
}

impl Commands {
    /// Render wants a build command also where there is nothing to build.
    fn or_nothing(mut self) -> Self {
        if self.build.is_empty() {
            "true".clone_into(&mut self.build);
        }
        self
    }
}

fn install(packages: &PythonPackages) -> String {
    match packages {
        PythonPackages::Pip { requirements } => {
            let files: Vec<String> =
                requirements.iter().map(|file| format!("-r {}", shell::word(file))).collect();
            format!("pip install {}", files.join(" "))
        }
        PythonPackages::Uv => "uv sync --frozen --no-dev --no-install-project".to_owned(),
        PythonPackages::Poetry => "poetry install --only main --no-root".to_owned(),
        PythonPackages::Pyproject => "pip install .".to_owned(),
        PythonPackages::None => "true".to_owned(),
    }
}

/// What runs a program with the packages installed.
fn runner(packages: &PythonPackages) -> &'static str {
    match packages {
        PythonPackages::Uv => "uv run --no-sync ",
        PythonPackages::Poetry => "poetry run ",
        _ => "",
    }
}

/// What the source ships where a link will be is kept here until the disk is there.
const SHIPPED: &str = ".shipped";

/// A path of the source that stands for one on the disk, which is not there while the service is built.
fn link(at: usize, path: &str, end: &str) -> String {
    let (quoted, end) = (shell::word(path), shell::word(end));
    let parent = path.rsplit_once('/').map(|(parent, _)| format!("mkdir -p {} && ", shell::word(parent)));
    let kept = format!("{SHIPPED}/{at}");
    format!(
        "{}mkdir -p {SHIPPED} && if [ -e {quoted} ] && [ ! -L {quoted} ]; then rm -rf {kept} && mv {quoted} {kept}; fi && \
         ln -sfn {end} {quoted}",
        parent.unwrap_or_default()
    )
}

/// The start command, and before it what fills a disk that is empty. A new file system has a folder `lost+found` already.
fn seeded(build: &Build, start: &str) -> String {
    let fill = |(at, end): (usize, &String)| {
        let (kept, end) = (format!("{SHIPPED}/{at}"), shell::word(end));
        format!(
            "if [ -d {kept} ] && [ -z \"$(ls -A -I lost+found {end})\" ]; then cp -R {kept}/. {end}/; \
             elif [ -f {kept} ] && [ ! -e {end} ]; then cp {kept} {end}; fi; "
        )
    };
    let fills: String = build.links.values().enumerate().map(fill).collect();
    if fills.is_empty() { start.to_owned() } else { format!("{fills}exec {start}") }
}

fn start(place: &Place, service: &Service, recipe: &PythonRecipe, server: Option<&Server>) -> String {
    let runner = runner(&recipe.packages);
    match (&service.command, server, &recipe.app) {
        (Some(command), _, _) => format!("{runner}{}", shell::line(command)),
        (None, Some(server), Some(app)) => format!("{runner}{}", server.line(place, service, app)),
        // `render` refuses a service of kind `python` without a command.
        _ => format!("{runner}python"),
    }
}

/// What serves the application.
enum Server {
    Uvicorn,
    /// Gunicorn with Uvicorn's worker class.
    GunicornAsgi,
    Gunicorn,
}

impl Server {
    fn of(place: &Place, service: &Service, kind: BuildKind) -> Option<Self> {
        if service.command.is_some() {
            return None;
        }
        match kind {
            BuildKind::Fastapi if place.option(service, "server") == Some("gunicorn") => {
                Some(Self::GunicornAsgi)
            }
            BuildKind::Fastapi => Some(Self::Uvicorn),
            BuildKind::Flask | BuildKind::Django => Some(Self::Gunicorn),
            _ => None,
        }
    }

    fn modules(&self) -> &'static str {
        match self {
            Self::Uvicorn => "uvicorn",
            Self::GunicornAsgi => "gunicorn, uvicorn.workers",
            Self::Gunicorn => "gunicorn",
        }
    }

    /// Numbers of processes and threads are those of the generated image where none is asked for.
    fn line(&self, place: &Place, service: &Service, app: &str) -> String {
        let app = shell::word(app);
        let asked = place.workers(service);
        let access = if service.log.access { "--access-logfile - " } else { "" };
        match self {
            Self::Uvicorn => {
                format!("uvicorn {app} --host 0.0.0.0 --port $PORT --workers {}", asked.unwrap_or(1))
            }
            Self::GunicornAsgi => format!(
                "gunicorn {app} -k uvicorn.workers.UvicornWorker -b 0.0.0.0:$PORT {access}--workers {}",
                asked.unwrap_or(1)
            ),
            Self::Gunicorn => {
                let (workers, threads) = if place.writes_alone(service) { (1, 8) } else { (2, 4) };
                let workers = asked.unwrap_or(workers);
                format!("gunicorn {app} -b 0.0.0.0:$PORT {access}--workers {workers} --threads {threads}")
            }
        }
    }
}

/// A whole version of Python, as `PYTHON_VERSION` wants it (<https://render.com/docs/python-version>): the one asked for,
/// else the last one known here of that minor version.
pub(super) fn version(place: &Place, service: &Service, recipe: &PythonRecipe) -> String {
    const KNOWN: [&str; 8] =
        ["3.7.17", "3.8.20", "3.9.23", "3.10.18", "3.11.13", "3.12.11", "3.13.5", "3.14.3"];
    if let Some(version) = place.option(service, "python_version") {
        return version.to_owned();
    }
    let known = KNOWN.iter().find(|known| known.starts_with(&format!("{}.", recipe.version)));
    match known {
        Some(known) => (*known).to_owned(),
        None if recipe.version.matches('.').count() == 2 => recipe.version.clone(),
        None => format!("{}.0", recipe.version),
    }
}
