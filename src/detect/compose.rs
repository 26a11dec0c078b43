//! The user's own Compose files: what they say about services, for evidence; the files themselves are kept.
//!
//! Given: the tree. Gives: the services that are built, and notes about the rest. Deliberately absent: `extends`, `include`,
//! profiles, variables; what needs them is not used.

use serde_json::Value;

use super::index::{Index, folder_of, is_aside, is_mountable, join, name_of, normal};
use super::model::{Evidence, Note};
use super::routes::is_segment;
use super::starts::{is_compose, is_ours};

/// A service with `build:` in a Compose file.
#[derive(Debug, Clone)]
pub(crate) struct Composed {
    pub name: String,
    pub context: String,
    pub dockerfile: Option<String>,
    pub stage: Option<String>,
    pub command: Option<String>,
    /// The port inside the container.
    pub port: Option<(u16, Evidence)>,
    /// Paths inside the container where named volumes are mounted.
    pub volumes: Vec<String>,
    /// Variables with their values; none where the value comes from outside.
    pub environment: Vec<(String, Option<String>, Evidence)>,
}

/// The services that the tree's Compose files build; a note for each file and for each image taken from a registry.
pub(crate) fn read(index: &Index<'_>, notes: &mut Vec<Note>) -> Vec<Composed> {
    let mut found: Vec<Composed> = Vec::new();
    for path in index.files().filter(|path| is_compose(name_of(path)) && !is_aside(path, "")) {
        let Some(text) = index.text(path).filter(|text| !is_ours(text)) else { continue };
        notes.push(
            Note::hint(format!("`{path}` is yours and is kept; dashdeploy never overwrites it"))
                .at(index.evidence(path, "services:")),
        );
        let Ok(file) = serde_saphyr::from_str::<Value>(&text) else {
            notes.push(
                Note::hint(format!("`{path}` could not be read as YAML and was not used"))
                    .at(index.evidence(path, "")),
            );
            continue;
        };
        let services = file.get("services").and_then(Value::as_object);
        for (name, service) in services.into_iter().flatten() {
            if let Some(build) = service.get("build") {
                found.push(composed(index, path, &text, name, service, build));
            } else if let Some(image) = service.get("image").and_then(Value::as_str) {
                notes.push(image_note(path, &text, name, image));
            }
        }
    }
    found
}

fn composed(
    index: &Index<'_>,
    path: &str,
    text: &str,
    name: &str,
    service: &Value,
    build: &Value,
) -> Composed {
    let written = build.as_str().or_else(|| build.get("context")?.as_str()).unwrap_or(".");
    let context = normal(&join(folder_of(path), written)).unwrap_or_default();
    let dockerfile = build.get("dockerfile").and_then(Value::as_str).unwrap_or("Dockerfile");
    let dockerfile = normal(&join(&context, dockerfile)).filter(|path| index.has(path));
    let port = service
        .get("ports")
        .and_then(Value::as_array)
        .and_then(|ports| ports.iter().find_map(container_port))
        .filter(|port| *port > 0);
    Composed {
        name: name.to_owned(),
        context,
        dockerfile,
        stage: build
            .get("target")
            .and_then(Value::as_str)
            .filter(|stage| is_segment(stage))
            .map(str::to_owned),
        command: service
            .get("command")
            .map(|command| command.as_str().map_or_else(|| command.to_string(), str::to_owned)),
        port: port.map(|port| (port, below(path, text, name, "ports:"))),
        volumes: volumes(service),
        environment: environment(path, text, name, service),
    }
}

/// `"8000:8000"`, `8000`, `127.0.0.1:80:8080/tcp`, `{ target: 8000 }`: the port inside.
fn container_port(port: &Value) -> Option<u16> {
    if let Some(target) = port.get("target").or_else(|| port.is_number().then_some(port)) {
        return u16::try_from(target.as_u64()?).ok();
    }
    port.as_str()?.split('/').next()?.rsplit(':').next()?.parse().ok()
}

/// The mount points of named volumes; folders of the machine that are mounted for development are left out.
fn volumes(service: &Value) -> Vec<String> {
    let mounts = service.get("volumes").and_then(Value::as_array).into_iter().flatten();
    mounts
        .filter_map(|mount| {
            if mount.get("type").and_then(Value::as_str) == Some("volume") {
                return mount.get("target")?.as_str().filter(|path| is_mountable(path)).map(str::to_owned);
            }
            let (source, target) = mount.as_str()?.split_once(':')?;
            let target = target.split(':').next()?;
            (!source.contains(['/', '.', '~', '$']) && is_mountable(target)).then(|| target.to_owned())
        })
        .collect()
}

/// `environment:` as a map or as a list. A value with `$` comes from outside.
fn environment(
    path: &str,
    text: &str,
    name: &str,
    service: &Value,
) -> Vec<(String, Option<String>, Evidence)> {
    let mut pairs: Vec<(String, Option<String>)> = Vec::new();
    match service.get("environment") {
        Some(Value::Object(map)) => pairs.extend(map.iter().map(|(key, value)| {
            let text = match value {
                Value::Null => None,
                Value::String(text) => Some(text.clone()),
                other => Some(other.to_string()),
            };
            (key.clone(), text)
        })),
        Some(Value::Array(list)) => {
            pairs.extend(list.iter().filter_map(Value::as_str).map(|item| match item.split_once('=') {
                Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
                None => (item.to_owned(), None),
            }))
        }
        _ => {}
    }
    pairs
        .into_iter()
        .map(|(key, value)| {
            let mut evidence = below(path, text, name, &key);
            if evidence.line == 0 {
                evidence = below(path, text, name, &format!("- {key}"));
            }
            // The line may hold a value that is nobody's business.
            evidence.what = key.clone();
            (key, value.filter(|value| !value.contains('$')), evidence)
        })
        .collect()
}

/// The line of a key below a service's line.
fn below(path: &str, text: &str, service: &str, key: &str) -> Evidence {
    let mut lines = text.lines().enumerate().skip_while(|(_, line)| line.trim() != format!("{service}:"));
    match lines.find(|(_, line)| line.trim_start().starts_with(key)) {
        Some((at, line)) => Evidence::new(line, path, at + 1),
        None => Evidence::new(service, path, 0),
    }
}

fn image_note(path: &str, text: &str, name: &str, image: &str) -> Note {
    let mend = format!(
        "if it belongs to the application, add it under `services:` as `{name}: {{ image: \"{image}\" }}`"
    );
    Note::hint(format!("`{name}` in `{path}` is the image `{image}` and was not taken over"))
        .mend(mend)
        .at(below(path, text, name, "image:"))
}
