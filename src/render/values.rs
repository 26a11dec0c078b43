//! Values that are known only when a file is used: variables of Compose in place of this machine's own.
//!
//! Given: addresses and a bound project. Gives: the same addresses with a marker for `${env:…}`, `${release}` and, for
//! production, every public address; and a reader that turns a resolved text with markers into [`Piece`]s. A value of the
//! environment in which dashdeploy runs so never gets into a generated file. NUL delimits the markers, since no variable
//! of a container can hold one.

use std::net::IpAddr;

use indexmap::IndexMap;

use dashdeploy_contract::{Bound, Name, Project, Publish, Reference, Text, Wiring};

use super::escape::Piece;

const MARK: char = '\0';
const ENVIRONMENT: &str = "env:";
const ADDRESS: &str = "url:";
const RELEASE: &str = "release";
/// The variable that stands for `${release}` in Compose files.
const RELEASE_VARIABLE: &str = "DASHDEPLOY_RELEASE";

/// The project in its environment `local`, which is always there; a project made by hand without one is bound as it is.
pub fn local(project: &Project) -> Bound {
    bind(project, "local")
}

/// The project in an environment, or as it is where it has none of that name.
pub fn bind(project: &Project, environment: &str) -> Bound {
    if let Ok(bound) = project.bind(environment) {
        return bound;
    }
    let docker = Name::from_any("docker", "docker");
    Bound {
        project: project.name.clone(),
        environment: Name::from_any(environment, "local"),
        target: docker.clone(),
        region: None,
        regions: IndexMap::new(),
        domains: IndexMap::new(),
        options: IndexMap::new(),
        own_options: IndexMap::new(),
        registry: project.registry.clone(),
        ledger: project.ledger.clone(),
        services: project.services.clone(),
        targets: project.services.keys().map(|s| (s.clone(), docker.clone())).collect(),
        volumes: project.volumes.clone(),
        smoke: project.smoke.clone(),
        hooks: project.hooks.clone(),
    }
}

/// The addresses with markers for what belongs to the machine that uses the file.
pub fn with_variables(wiring: &Wiring, bound: &Bound) -> Wiring {
    let mut wiring = wiring.clone();
    wiring.release = Some(format!("{MARK}{RELEASE}{MARK}"));
    let texts = bound.services.values().flat_map(|service| service.env.values());
    wiring.environment = texts
        .flat_map(Text::references)
        .filter_map(|reference| match reference {
            Reference::Environment(name) => Some((name.clone(), format!("{MARK}{ENVIRONMENT}{name}{MARK}"))),
            _ => None,
        })
        .collect();
    wiring
}

/// The same with a marker for the public address of every service that has one.
pub fn with_public_addresses(wiring: &Wiring) -> Wiring {
    let mut wiring = wiring.clone();
    for (name, address) in &mut wiring.services {
        if address.url.is_some() {
            address.url = Some(format!("{MARK}{ADDRESS}{name}{MARK}"));
        }
    }
    wiring
}

/// A resolved text as pieces.
pub fn pieces(text: &str, bound: &Bound) -> Vec<Piece> {
    let parts = text.split(MARK).enumerate();
    parts
        .filter(|(at, part)| at % 2 == 1 || !part.is_empty())
        .map(|(at, part)| if at % 2 == 0 { Piece::Text(part.to_owned()) } else { variable(part, bound) })
        .collect()
}

/// True where the text is complete without any variable.
pub fn is_complete(text: &str) -> bool {
    !text.contains(MARK)
}

fn variable(marker: &str, bound: &Bound) -> Piece {
    if let Some(name) = marker.strip_prefix(ENVIRONMENT) {
        return Piece::Required { name: name.to_owned(), message: format!("set {name}") };
    }
    if let Some(service) = marker.strip_prefix(ADDRESS) {
        let name = format!("{}_URL", upper(service));
        let found = bound.services.values().find(|known| known.name.as_str() == service);
        return match found.and_then(|service| public_url(service.publish)) {
            Some(default) => Piece::Default { name, default },
            None => {
                let message = format!("set {name} to the address at which {service} is reached");
                Piece::Required { name, message }
            }
        };
    }
    Piece::Default { name: RELEASE_VARIABLE.to_owned(), default: "unreleased".to_owned() }
}

/// A service's name as the start of a variable's name.
pub fn upper(name: &str) -> String {
    name.to_ascii_uppercase().replace('-', "_")
}

/// The address of a published port on the Docker host itself.
fn public_url(publish: Publish) -> Option<String> {
    let Publish::Port { address, port } = publish else { return None };
    let host = match address {
        any if any.is_unspecified() || any.is_loopback() => "localhost".to_owned(),
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    };
    Some(if port == 80 { format!("http://{host}") } else { format!("http://{host}:{port}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_become_variables_and_text_stays_text() {
        let file = b"project: x\nservices: { web: { build: { kind: static }, publish: 4173 } }\n";
        let project = crate::config::parse("dashdeploy.yaml", file, &["docker"]).project.unwrap();
        let bound = local(&project);
        let text = "a\0env:X\0$b\0url:web\0\0release\0";
        assert_eq!(
            pieces(text, &bound),
            [
                Piece::Text("a".to_owned()),
                Piece::Required { name: "X".to_owned(), message: "set X".to_owned() },
                Piece::Text("$b".to_owned()),
                Piece::Default { name: "WEB_URL".to_owned(), default: "http://localhost:4173".to_owned() },
                Piece::Default { name: RELEASE_VARIABLE.to_owned(), default: "unreleased".to_owned() },
            ]
        );
        assert!(!is_complete(text) && is_complete("$b"));
    }
}
