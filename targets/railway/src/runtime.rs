//! What Railway runs for a service: an image that it builds, an image of a registry, or what Railpack makes of the sources.
//!
//! Given: a service and its option `runtime`. Gives: builder, paths as Railway sees them, the command. Railway builds with
//! the service's root directory as context, and takes the Dockerfile from inside it. Its builder refuses every mount but a
//! cache that bears the service's id (docs.railway.com, "Dockerfiles", cache mounts), so that for a service whose Dockerfile
//! dashdeploy writes it has one of its own, without mounts. Deliberately absent: the root directory itself, which railway.json
//! cannot hold (docs.railway.com, "Deploying a Monorepo").

use dashdeploy_contract::{
    Bound, Build, BuildKind, Descriptor, Finding, Recipe, Service, ServiceKind, Writers, shell,
};

use crate::config::TARGET;

/// What is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Runtime {
    /// An image that Railway builds from the Dockerfile.
    Dockerfile,
    /// An image of a registry.
    Image,
    /// What Railway's own builder makes of the sources.
    Railpack,
}

impl Runtime {
    /// As the option says; else the Dockerfile where Railway can build it, and the image where not.
    pub(crate) fn of(descriptor: &Descriptor, bound: &Bound, service: &Service) -> Self {
        let Some(build) = service.build() else { return Self::Image };
        match descriptor.option(bound, service, "runtime") {
            Some("dockerfile") => Self::Dockerfile,
            Some("railpack") => Self::Railpack,
            Some(_) => Self::Image,
            // Nothing in Railway's configuration names a stage of a Dockerfile.
            None if stage(build).is_some() => Self::Image,
            None if build.secrets.is_empty() && dockerfile(bound, service).is_some() => Self::Dockerfile,
            None => Self::Image,
        }
    }
}

/// The Dockerfile that Railway builds, as seen from the context; none where it lies outside, so that Railway cannot find it.
pub(crate) fn dockerfile(bound: &Bound, service: &Service) -> Option<String> {
    let build = service.build()?;
    if service.is_generated() {
        return Some(own(bound, service, build));
    }
    if build.context == "." {
        return Some(build.dockerfile.clone());
    }
    Some(build.dockerfile.strip_prefix(build.context.as_str())?.strip_prefix('/')?.to_owned())
}

/// The stage of the user's own Dockerfile that is meant, when not the last.
pub(crate) fn stage(build: &Build) -> Option<&str> {
    match &build.recipe {
        Recipe::Own { target } => target.as_deref(),
        _ => None,
    }
}

/// The name of the Dockerfile without mounts. Services that share a context carry their name in it.
fn own(bound: &Bound, service: &Service, build: &Build) -> String {
    let others = bound.services.values().filter(|other| other.is_generated());
    let shared =
        others.filter_map(|other| other.build()).filter(|other| other.context == build.context).count() > 1;
    if shared { format!("Dockerfile.{TARGET}.{}", service.name) } else { format!("Dockerfile.{TARGET}") }
}

/// Where the Dockerfile without mounts goes, relative to the project; none where Railway builds another or none.
pub(crate) fn plain_dockerfile(descriptor: &Descriptor, bound: &Bound, service: &Service) -> Option<String> {
    let build = service.build().filter(|_| service.is_generated())?;
    let built = Runtime::of(descriptor, bound, service) == Runtime::Dockerfile && build.secrets.is_empty();
    let name = built.then(|| own(bound, service, build))?;
    Some(if build.context == "." { name } else { format!("{}/{name}", build.context) })
}

/// The folder that is the service's root directory on Railway; none for the repository's own.
pub(crate) fn root(runtime: Runtime, service: &Service) -> Option<&str> {
    let build = service.build().filter(|_| runtime != Runtime::Image)?;
    (build.context != ".").then_some(build.context.as_str())
}

/// The command that starts the service. An image has its own, unless the service says another.
pub(crate) fn start(runtime: Runtime, bound: &Bound, service: &Service) -> Option<String> {
    if let Some(command) = &service.command {
        return Some(shell::line(command));
    }
    if runtime != Runtime::Railpack {
        return None;
    }
    let build = service.build()?;
    match &build.recipe {
        Recipe::Python(recipe) => server(bound, service, build.kind, recipe.app.as_deref()?),
        Recipe::Node(recipe) => Some(shell::line(&recipe.start)),
        _ => None,
    }
}

/// The servers that the generated images start, in a shell, on the port that Railway gives.
fn server(bound: &Bound, service: &Service, kind: BuildKind, app: &str) -> Option<String> {
    let app = shell::word(app);
    match kind {
        BuildKind::Fastapi => Some(format!("uvicorn {app} --host 0.0.0.0 --port $PORT")),
        BuildKind::Flask | BuildKind::Django => {
            let access = if service.log.access { "--access-logfile - " } else { "" };
            let single = |volume| bound.volumes.get(volume).is_some_and(|v| v.writers == Writers::Single);
            let (workers, threads) = if service.volumes.keys().any(single) { (1, 8) } else { (2, 4) };
            Some(format!("gunicorn -b 0.0.0.0:$PORT --workers {workers} --threads {threads} {access}{app}"))
        }
        _ => None,
    }
}

/// The command that builds, where Railpack has to be told.
pub(crate) fn build_command(runtime: Runtime, service: &Service) -> Option<String> {
    match (runtime, service.build().map(|build| &build.recipe)) {
        (Runtime::Railpack, Some(Recipe::Node(recipe))) => {
            let script = recipe.script.clone()?;
            Some(shell::line(&[recipe.manager.as_str().to_owned(), "run".to_owned(), script]))
        }
        _ => None,
    }
}

/// The variable that tells Railpack which version to take (railpack.com, "Python", "Node").
pub(crate) fn version(runtime: Runtime, service: &Service) -> Option<(&'static str, &str)> {
    match (runtime, service.build().map(|build| &build.recipe)) {
        (Runtime::Railpack, Some(Recipe::Python(recipe))) => {
            Some(("RAILPACK_PYTHON_VERSION", &recipe.version))
        }
        (Runtime::Railpack, Some(Recipe::Node(recipe))) => Some(("RAILPACK_NODE_VERSION", &recipe.version)),
        _ => None,
    }
}

/// Runtimes that a service cannot have.
pub(crate) fn unfit(descriptor: &Descriptor, bound: &Bound, service: &Service) -> Vec<Finding> {
    let key = bound.option_key(service, "runtime");
    let wanted = descriptor.option(bound, service, "runtime");
    let Some(build) = service.build() else { return from_registry(wanted, &key, service) };
    let refused = match wanted {
        Some("dockerfile") => no_dockerfile(bound, service, build),
        Some("railpack") => no_railpack(service, build),
        _ => None,
    };
    refused
        .map(|(message, hint)| Finding::error("unfit-runtime", key, message).hint(hint))
        .into_iter()
        .collect()
}

/// Why Railway's builder cannot build the service from its Dockerfile, and the mend.
fn no_dockerfile(bound: &Bound, service: &Service, build: &Build) -> Option<(String, &'static str)> {
    if dockerfile(bound, service).is_none() {
        let message = format!(
            "Railway builds in `{}` and finds no Dockerfile outside it: `{}`",
            build.context, build.dockerfile
        );
        return Some((message, "put it inside with `dockerfile:`, or write `runtime: image`"));
    }
    if !build.secrets.is_empty() {
        let message = format!(
            "Railway's builder gives no step a secret, and the build of `{}` reads some",
            service.name
        );
        return Some((message, "write `runtime: image`"));
    }
    let stage = stage(build)?;
    let message = format!("Railway builds the last stage of a Dockerfile, not `{stage}`");
    Some((message, "make it the last one, or write `runtime: image`"))
}

/// Why Railpack cannot build the service, and the mend.
fn no_railpack(service: &Service, build: &Build) -> Option<(String, &'static str)> {
    let name = &service.name;
    if !build.links.is_empty() {
        let message = format!("the links of `{name}` are in its image alone, and Railpack builds another");
        return Some((message, "write `runtime: image`"));
    }
    if service.kind() == ServiceKind::Static {
        let message = format!("Railpack serves `{name}` without its headers and without its proxies");
        return Some((message, "write `runtime: dockerfile` or `runtime: image`"));
    }
    let message = format!("`{name}` is made by your own Dockerfile, of which Railpack knows nothing");
    (build.kind == BuildKind::Dockerfile).then_some((message, "write `runtime: dockerfile`"))
}

fn from_registry(wanted: Option<&str>, key: &str, service: &Service) -> Vec<Finding> {
    let Some(wanted) = wanted.filter(|wanted| *wanted != "image") else { return Vec::new() };
    let message =
        format!("`{}` is an image of a registry: there is nothing to build with `{wanted}`", service.name);
    // An option of the whole environment is for those services that can have it.
    let own = key.contains(".services.");
    own.then(|| Finding::error("unfit-runtime", key, message).hint("remove the option")).into_iter().collect()
}
