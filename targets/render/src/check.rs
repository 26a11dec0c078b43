//! What Render cannot take of a project, each with the mend.
//!
//! Given: a bound project. Gives: findings of everything that would make the Blueprint wrong; a Blueprint with one of them is
//! not written. Deliberately absent: what is carried another way, which `portability` tells.

mod disk;
mod process;

use dashdeploy_contract::{BuildKind, Finding, Recipe, Service};

use crate::config::{Form, Place, REGIONS, Runtime};
use crate::mark::MARK;
use crate::size;

pub(crate) use process::{docker_command, takes_workers};

/// Ports that Render keeps for itself (<https://render.com/docs/private-network>).
const RESERVED_PORTS: [u16; 3] = [18_012, 18_013, 19_099];
/// The one port of a web service that its private network leaves out (same page).
const PUBLIC_PORT: u16 = 10_000;

/// All findings.
pub(crate) fn findings(place: &Place) -> Vec<Finding> {
    let mut findings = Vec::new();
    for service in place.services() {
        findings.extend(region(place, service));
        findings.extend(subdomain(place, service));
        findings.extend(sizes(place, service));
        findings.extend(ports(place, service));
        findings.extend(neighbours(place, service));
        findings.extend(variables(service));
        findings.extend(marks(service));
        findings.extend(source(place, service));
        findings.extend(idle_options(place, service));
        findings.extend(disk::findings(place, service));
        findings.extend(process::findings(place, service));
    }
    findings.dedup();
    findings
}

fn region(place: &Place, service: &Service) -> Option<Finding> {
    let region = place.region(service).filter(|region| !REGIONS.contains(region))?;
    let message = format!("Render has no region `{region}`");
    let hint = format!("its regions are {}", REGIONS.join(", "));
    Some(Finding::error("unknown-region", place.bound.region_key(service), message).hint(hint))
}

fn subdomain(place: &Place, service: &Service) -> Option<Finding> {
    let label = place.option(service, "subdomain")?;
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let fits = label.len() <= 63
        && label.chars().all(allowed)
        && !label.starts_with('-')
        && !label.ends_with('-')
        && !label.is_empty();
    let key = place.bound.option_key(service, "subdomain");
    if !fits {
        let message = format!("`{label}` is not the word before .onrender.com");
        let hint = "write it without dots: `shop-api-x1y2` for https://shop-api-x1y2.onrender.com";
        return Some(Finding::error("bad-subdomain", key, message).hint(hint));
    }
    let twice = place
        .services()
        .find(|other| other.name != service.name && place.option(other, "subdomain") == Some(label));
    let message = format!("`{label}` is the subdomain of `{}` too", twice?.name);
    Some(Finding::error("bad-subdomain", key, message).hint("write it under the one service that has it"))
}

fn sizes(place: &Place, service: &Service) -> Option<Finding> {
    let form = place.form(service);
    if form == Form::Site {
        return None;
    }
    let Some(plan) = size::of(place, service) else {
        let message = "no instance type of Render has that much memory and that many processors";
        let hint = "the largest has 32 GiB and 8 processors: lower `memory:` or `cpus:`";
        let key = format!("services.{}.memory", service.name);
        return Some(Finding::error("too-big", key, message).hint(hint));
    };
    let reason = match form {
        _ if !plan.is_free() => return None,
        Form::Private | Form::Worker => format!("a {} cannot be free", form.title()),
        _ if service.replicas > 1 => "a free instance has no copies".to_owned(),
        _ if !service.volumes.is_empty() => "a free instance has no disk".to_owned(),
        _ => return None,
    };
    let message = format!("`plan: free` does not do for `{}`: {reason}", service.name);
    let key = place.bound.option_key(service, "plan");
    Some(Finding::error("plan-too-small", key, message).hint("write `plan: starter`, or remove the option"))
}

fn ports(place: &Place, service: &Service) -> Option<Finding> {
    let port = service.port.filter(|_| place.form(service) != Form::Site)?;
    let asked = place.services().any(|other| place.asks_inside(other).any(|name| *name == service.name));
    let inside = place.form(service) == Form::Private || asked;
    let reserved = RESERVED_PORTS.contains(&port) || (inside && port == PUBLIC_PORT);
    let message = format!("Render's private network has no port {port} for services");
    let finding = Finding::error("reserved-port", format!("services.{}.port", service.name), message);
    reserved.then(|| finding.hint("let the service listen on another port, such as 8000"))
}

/// Services of Render that this one is told the internal address of.
fn neighbours(place: &Place, service: &Service) -> Vec<Finding> {
    let unreachable = |named: &Service| {
        let reason = match place.form(named) {
            Form::Worker => "it has no port, and nothing reaches a background worker",
            Form::Site => "a static site is on no private network",
            _ if size::of(place, named).is_some_and(size::Plan::is_free) => {
                "a free instance gets no requests from the private network"
            }
            _ if place.region(named) != place.region(service) => {
                "it is in another region, and a private network ends there"
            }
            _ => return None,
        };
        let message = format!("`{}` cannot reach `{}` by its host name: {reason}", service.name, named.name);
        let hint = "refer to its `url`, or put both where they meet";
        Some(Finding::error("unreachable", format!("services.{}.env", service.name), message).hint(hint))
    };
    place.asks_inside(service).filter_map(|name| place.hosts(name)).filter_map(unreachable).collect()
}

/// Variables that Render sets by itself (<https://render.com/docs/environment-variables>).
fn variables(service: &Service) -> Vec<Finding> {
    let names = service.env.keys().chain(service.secrets.keys());
    let reserved =
        |name: &&String| *name == "RENDER" || name.starts_with("RENDER_") || *name == "IS_PULL_REQUEST";
    let finding = |name: &String| {
        let place = if service.env.contains_key(name) { "env" } else { "secrets" };
        let message = format!("Render sets the variable `{name}` by itself");
        let key = format!("services.{}.{place}.{name}", service.name);
        Finding::error("reserved-variable", key, message).hint("give it another name")
    };
    names.filter(reserved).map(finding).collect()
}

/// Variables with the names of our own marks, which stand among a service's variables since services bear no labels.
fn marks(service: &Service) -> Vec<Finding> {
    let named = |place: &str, name: &String| {
        let message =
            format!("variables that begin with {MARK} are dashdeploy's own marks on Render: `{name}`");
        let key = format!("services.{}.{place}.{name}", service.name);
        Finding::error("reserved-variable", key, message).hint("give it another name")
    };
    let of = |name: &&String| name.starts_with(MARK);
    let env = service.env.keys().filter(of).map(|name| named("env", name));
    env.chain(service.secrets.keys().filter(of).map(|name| named("secrets", name))).collect()
}

/// Options written for this service alone that nothing here reads. Those of a whole environment are for whom they fit.
fn idle_options(place: &Place, service: &Service) -> Vec<Finding> {
    let (form, runtime) = (place.form(service), place.runtime(service));
    let read = |option: &str| match option {
        "plan" => form != Form::Site,
        "registry_credential" => matches!(runtime, Runtime::Docker | Runtime::Image),
        "subdomain" => matches!(form, Form::Site | Form::Web),
        "exposure" => service.port.is_some(),
        "auto_deploy" => runtime != Runtime::Image,
        "python_version" => runtime == Runtime::Python,
        // `process` looks at `server` and `workers`; the others are read by every service that they are for.
        _ => true,
    };
    let own = place.bound.own_options.get(&service.name).into_iter().flatten();
    let finding = |option: &String| {
        let message = format!("option `{option}` does nothing for `{}`, a {}", service.name, form.title());
        let key = place.bound.option_key(service, option);
        Finding::error("misplaced-option", key, message).hint("remove it")
    };
    own.map(|(option, _)| option).filter(|option| !read(option)).map(finding).collect()
}

/// Where the service comes from.
fn source(place: &Place, service: &Service) -> Option<Finding> {
    let build = service.build()?;
    let asked = place.option(service, "runtime");
    let own = place.bound.own_options.get(&service.name).is_some_and(|own| own.contains_key("runtime"));
    let key = place.bound.option_key(service, "runtime");
    match place.runtime(service) {
        Runtime::Docker if asked == Some("python") && own => {
            let message = format!("`{}` is no Python application that Render could run", service.name);
            Some(Finding::error("bad-runtime", key, message).hint("remove `runtime: python`"))
        }
        Runtime::Image if place.bound.registry.is_none() => {
            let message =
                format!("`runtime: image` needs a registry from which Render pulls `{}`", service.name);
            let hint = "write `registry: ghcr.io/you` at the top of dashdeploy.yaml";
            Some(Finding::error("no-registry", key, message).hint(hint))
        }
        Runtime::Docker if build.kind == BuildKind::Dockerfile => match &build.recipe {
            Recipe::Own { target: Some(stage) } => {
                let message = format!("Render builds the last stage of a Dockerfile, not `{stage}`");
                let key = format!("services.{}.build.stage", service.name);
                let hint = "make it the last one, or write the option `runtime: image`";
                Some(Finding::error("stage-not-carried", key, message).hint(hint))
            }
            _ => None,
        },
        _ => None,
    }
}
