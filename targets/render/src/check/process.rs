//! What runs in an instance: command, server, processes, Python.

use dashdeploy_contract::{BuildKind, Finding, Recipe, Service};

use crate::config::{Place, Runtime};

/// The findings.
pub(super) fn findings(place: &Place, service: &Service) -> Vec<Finding> {
    let all =
        [command(place, service), server(place, service), workers(place, service), python(place, service)];
    all.into_iter().flatten().collect()
}

/// The command that the Blueprint has to state; none where the image has it already.
pub(crate) fn docker_command<'a>(place: &Place, service: &'a Service) -> Option<&'a [String]> {
    let stated =
        matches!(place.runtime(service), Runtime::Docker | Runtime::Image) && !service.is_generated();
    service.command.as_deref().filter(|_| stated)
}

/// Render splits a Docker command at blanks, and its documentation knows no quotes: users report that quoted words arrive
/// with more or less in them than was meant. So only words that need no quotes are let through.
fn command(place: &Place, service: &Service) -> Option<Finding> {
    let plain = |word: &&String| {
        !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "_./:=@,+-".contains(c))
    };
    let word = docker_command(place, service)?.iter().find(|word| !plain(word))?;
    let message = format!(
        "Render splits a Docker command at blanks, so that `{}` would not arrive as one word",
        word.escape_debug()
    );
    let hint = "put the command into the image's CMD, or into a script of the image, and name that";
    Some(
        Finding::error("command-not-carried", format!("services.{}.command", service.name), message)
            .hint(hint),
    )
}

fn server(place: &Place, service: &Service) -> Option<Finding> {
    let server = place.option(service, "server")?;
    let own = place.bound.own_options.get(&service.name).is_some_and(|own| own.contains_key("server"));
    let key = place.bound.option_key(service, "server");
    let kind = service.build().map(|build| build.kind);
    if place.runtime(service) != Runtime::Python || service.command.is_some() {
        let message = format!("option `server` does nothing for `{}`", service.name);
        let hint = "it is for `runtime: python` without a `command:` of its own";
        return own.then(|| Finding::error("misplaced-option", key, message).hint(hint));
    }
    let wsgi = matches!(kind, Some(BuildKind::Flask | BuildKind::Django)) && server == "uvicorn";
    let message = format!("Uvicorn does not serve `{}`, a WSGI application", service.name);
    wsgi.then(|| {
        Finding::error("bad-server", key, message).hint("write `server: gunicorn`, or remove the option")
    })
}

/// True where the number of processes is told: as an argument by Render's Python, or by the variable that Uvicorn reads.
pub(crate) fn takes_workers(place: &Place, service: &Service) -> bool {
    let kind = service.build().map(|build| build.kind);
    let served = match place.runtime(service) {
        Runtime::Python => matches!(kind, Some(BuildKind::Fastapi | BuildKind::Flask | BuildKind::Django)),
        Runtime::Docker | Runtime::Image => kind == Some(BuildKind::Fastapi),
        Runtime::Static => false,
    };
    served && service.command.is_none()
}

fn workers(place: &Place, service: &Service) -> Option<Finding> {
    let workers = place.workers(service)?;
    let key = place.bound.option_key(service, "workers");
    let own = place.bound.own_options.get(&service.name).is_some_and(|own| own.contains_key("workers"));
    if workers == 0 {
        let message = "an application is served by one process at least";
        return Some(Finding::error("bad-workers", key, message).hint("write `workers: 1`"));
    }
    if !takes_workers(place, service) {
        let message = format!("option `workers` does nothing for `{}`", service.name);
        let hint = "it is for fastapi, and with `runtime: python` for flask and django, without a `command:` of their own";
        return own.then(|| Finding::error("misplaced-option", key, message).hint(hint));
    }
    let message =
        format!("`{}` has a volume with one writer: {workers} processes would spoil it", service.name);
    let crowded = workers > 1 && place.writes_alone(service);
    let hint = "write `workers: 1`, or `writers: many` for a volume that bears them";
    crowded.then(|| Finding::error("too-many-writers", key, message).hint(hint))
}

fn python(place: &Place, service: &Service) -> Option<Finding> {
    let version = place.option(service, "python_version")?;
    if place.runtime(service) != Runtime::Python {
        return None;
    }
    let Recipe::Python(recipe) = &service.build()?.recipe else { return None };
    let whole = version.split('.').count() == 3
        && version.split('.').all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit()));
    let same = version.starts_with(&format!("{}.", recipe.version));
    let message = format!("`{version}` is no whole version of Python {}", recipe.version);
    let hint = format!("write three numbers, such as {}.1; `build.python` has the first two", recipe.version);
    let key = place.bound.option_key(service, "python_version");
    (!whole || !same).then(|| Finding::error("bad-python-version", key, message).hint(hint))
}
