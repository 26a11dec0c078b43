//! The head of render.yaml: how it is used without dashdeploy, and what has to be there before.

use dashdeploy_contract::{Desk, Requirement, Service, Text, page, shell};

use super::{container, variables};
use crate::config::{Form, Place, Runtime};

/// The lines.
pub(super) fn lines(place: &Place, desk: &Desk, path: &str) -> Vec<String> {
    let mut lines = vec![
        format!("A Blueprint of Render. Check it with: render blueprints validate {path}"),
        "Commit it with the files it names; paths are those of a repository whose root is this folder."
            .to_owned(),
        format!(
            "Then, in the Render Dashboard: New > Blueprint, the repository, and `{path}` as Blueprint Path."
        ),
    ];
    let mut add = |part: Vec<String>| {
        if !part.is_empty() {
            lines.push(String::new());
            lines.extend(part);
        }
    };
    add(images(place, desk));
    add(asked(place, desk));
    add(build_secrets(place));
    add(predicted(place, desk));
    add(domains(place));
    add(data(place));
    lines
}

/// Images that have to be pushed before.
fn images(place: &Place, desk: &Desk) -> Vec<String> {
    let mut lines = Vec::new();
    for service in place.services().filter(|service| place.runtime(service) == Runtime::Image) {
        if let (Some(build), Some(image)) = (service.build(), container::image(place, service)) {
            let mut options = shell::image_build(build);
            options.extend(arguments(place, desk, service));
            let (options, context) = (options.join(" "), shell::word(&build.context));
            lines.push(format!("docker build --platform linux/amd64 {options} --tag {image} {context}"));
            lines.push(format!("docker push {image}"));
        }
    }
    if !lines.is_empty() {
        let first = "First build and push the images; Render pulls them when it deploys, and not by itself when they change:";
        lines.insert(0, first.to_owned());
    }
    let mut credentials: Vec<&str> =
        place.services().filter_map(|service| place.option(service, "registry_credential")).collect();
    credentials.sort_unstable();
    credentials.dedup();
    for name in credentials {
        lines.push(format!("The workspace needs a registry credential named: {name}"));
    }
    lines
}

/// What the build of a page's image is told, since Render tells it nothing. A name alone is a variable of the shell.
fn arguments(place: &Place, desk: &Desk, service: &Service) -> Vec<String> {
    if !place.is_built_page(service) {
        return Vec::new();
    }
    let server = place.page_server(desk, service);
    let conf = server.and_then(|server| page::configuration_in_context(place.bound, service, &server));
    let conf = conf.map(|conf| format!("--build-arg NGINX_CONF={}", shell::word(&conf)));
    // A comment has one line.
    let fits = |value: &String| !value.chars().any(char::is_control);
    let variables = service.env.iter().map(|(name, text)| match desk.value(text, service).filter(fits) {
        Some(value) => format!("--build-arg {name}={}", shell::word(&value)),
        None => format!("--build-arg {name}"),
    });
    conf.into_iter().chain(variables).collect()
}

/// What Render asks for when the Blueprint is made, and never again.
fn asked(place: &Place, desk: &Desk) -> Vec<String> {
    let mut lines = Vec::new();
    for service in place.services() {
        let named = |wanted: Requirement| {
            let names = service.secrets.iter().filter(|(_, requirement)| **requirement == wanted);
            names.map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
        };
        let (required, optional) = (named(Requirement::Required), named(Requirement::Optional));
        if !required.is_empty() {
            lines.push(format!("  {}: {required}", service.name));
        }
        if !optional.is_empty() {
            lines.push(format!("  {}, optional: {optional}", service.name));
        }
        for (name, text) in variables::by_hand(place, desk, service) {
            lines.push(format!("  {}: {name}{}", service.name, described(text)));
        }
    }
    if !lines.is_empty() {
        lines.insert(
            0,
            "Render asks for these when the Blueprint is made; set later ones in the Dashboard:".to_owned(),
        );
    }
    lines
}

/// What a value is made of, where that fits on a line.
fn described(text: &Text) -> String {
    let text = text.to_string();
    let fits = text.len() <= 80 && text.chars().all(|c| c == ' ' || c.is_ascii_graphic());
    if fits { format!(", which is {text}") } else { String::new() }
}

/// Secrets that a build may mount (<https://render.com/docs/docker>).
fn build_secrets(place: &Place) -> Vec<String> {
    let built = place.services().filter(|service| place.runtime(service) == Runtime::Docker);
    let line = |service: &Service| {
        let secrets = &service.build().filter(|build| !build.secrets.is_empty())?.secrets;
        Some(format!(
            "The build of {} reads the Secret Files of these names: {}",
            service.name,
            secrets.join(", ")
        ))
    };
    built.filter_map(line).collect()
}

/// Addresses that stand in the file although Render may assign others.
fn predicted(place: &Place, desk: &Desk) -> Vec<String> {
    let mut lines = Vec::new();
    for service in place.services().filter(|service| place.is_predicted(service)) {
        let Some(url) = place.url(service) else { continue };
        let used = place.services().any(|other| names_address(place, desk, other, service, &url));
        if used {
            lines.push(format!("  {}: {url}", service.name));
        }
    }
    if !lines.is_empty() {
        let first = "These addresses stand in this file as Render makes them of the names. Compare them before anybody uses the page: a name";
        lines.insert(0, first.to_owned());
        lines.insert(1, "that is taken gets letters added, and requests would go to a stranger. Then write what stands before".to_owned());
        lines.insert(
            2,
            ".onrender.com as option `subdomain` of the service in dashdeploy.yaml, and render again."
                .to_owned(),
        );
    }
    lines
}

fn names_address(place: &Place, desk: &Desk, other: &Service, service: &Service, url: &str) -> bool {
    let proxied = desk.wiring.same_origin.contains(&other.name)
        && other.proxy.values().any(|name| *name == service.name);
    let allowed = place.form(other) == Form::Site
        && page::origins(other, desk.wiring).iter().any(|origin| origin == url);
    proxied || allowed || variables::holds_prediction(place, desk, other, url)
}

/// DNS records that only the owner of a domain can make (<https://render.com/docs/custom-domains>).
fn domains(place: &Place) -> Vec<String> {
    let mut lines: Vec<String> = place
        .services()
        .filter_map(|service| {
            Some(format!("  {}: {}", service.name, place.bound.domains.get(&service.name)?))
        })
        .collect();
    if !lines.is_empty() {
        let first = "Point the DNS record of each domain to its service, as the Dashboard tells under Custom Domains:";
        lines.insert(0, first.to_owned());
    }
    lines
}

fn data(place: &Place) -> Vec<String> {
    let with: Vec<&str> = place
        .services()
        .filter(|service| !service.volumes.is_empty())
        .map(|service| service.name.as_str())
        .collect();
    if with.is_empty() {
        return Vec::new();
    }
    vec![format!(
        "A service with a disk stops before its next version starts, so that requests fail for some seconds: {}",
        with.join(", ")
    )]
}
