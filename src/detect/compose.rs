//! The user's own Compose files: what they say about services, for evidence; the files themselves are kept.
//!
//! Given: the tree. Gives: the services that are built, and notes about the rest. Deliberately absent: `extends`, `include`,
//! merge keys, profiles, variables; what needs them is not used.

use crate::config::{Node, read_yaml};

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
    pub environment: Vec<Given>,
}

/// A variable of a Compose file. Its evidence holds the name alone: the line may hold a value that is nobody's business.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub name: String,
    pub value: Option<String>,
    pub evidence: Evidence,
}

/// The services that the tree's Compose files build; a note for each file and for each image taken from a registry.
pub(crate) fn read(index: &Index<'_>, notes: &mut Vec<Note>) -> Vec<Composed> {
    let mut found: Vec<Composed> = Vec::new();
    for path in index.files().filter(|path| is_compose(name_of(path)) && !is_aside(path, "")) {
        let Some(text) = index.text(path).filter(|text| !is_ours(text)) else { continue };
        let kept = format!("`{path}` is yours and is kept; dashdeploy never overwrites it");
        notes.push(Note::hint("compose-file-kept", kept).at(index.evidence(path, "services:")));
        let Some(file) = read_yaml(&text) else {
            let message = format!("`{path}` could not be read as YAML and was not used");
            notes.push(Note::hint("unreadable-manifest", message).at(index.evidence(path, "")));
            continue;
        };
        for entry in file.get("services").map(Node::entries).unwrap_or_default() {
            let (name, service) = (entry.key.text.as_str(), &*entry.value);
            if let Some(build) = service.get("build") {
                found.push(composed(index, path, name, service, build));
            } else if let Some(image) = service.get("image") {
                notes.extend(image_note(path, name, image));
            }
        }
    }
    found
}

fn text(node: &Node) -> Option<&str> {
    node.scalar().map(|scalar| scalar.text.as_str())
}

fn text_at<'n>(node: &'n Node, key: &str) -> Option<&'n str> {
    node.get(key).and_then(text)
}

fn composed(index: &Index<'_>, path: &str, name: &str, service: &Node, build: &Node) -> Composed {
    let written = text(build).or_else(|| text_at(build, "context")).unwrap_or(".");
    let context = normal(&join(folder_of(path), written)).unwrap_or_default();
    let dockerfile = text_at(build, "dockerfile").unwrap_or("Dockerfile");
    let dockerfile = normal(&join(&context, dockerfile)).filter(|path| index.has(path));
    let ports = service.get("ports").map(Node::items).unwrap_or_default();
    let port = ports.iter().find_map(|port| {
        let number = container_port(port).filter(|port| *port > 0)?;
        Some((number, Evidence::new(text(port).unwrap_or("target"), path, port.span.start.line)))
    });
    Composed {
        name: name.to_owned(),
        context,
        dockerfile,
        stage: text_at(build, "target").filter(|stage| is_segment(stage)).map(str::to_owned),
        command: service.get("command").map(command),
        port,
        volumes: service
            .get("volumes")
            .map(Node::items)
            .unwrap_or_default()
            .iter()
            .filter_map(|m| mount(m))
            .collect(),
        environment: service.get("environment").map(|node| environment(path, node)).unwrap_or_default(),
    }
}

/// A command, as text or as a list.
fn command(node: &Node) -> String {
    match text(node) {
        Some(text) => text.to_owned(),
        None => node.items().iter().filter_map(|word| text(word)).collect::<Vec<_>>().join(" "),
    }
}

/// `"8000:8000"`, `8000`, `127.0.0.1:80:8080/tcp`, `{ target: 8000 }`: the port inside.
fn container_port(port: &Node) -> Option<u16> {
    let written = text_at(port, "target").or_else(|| text(port))?;
    written.split('/').next()?.rsplit(':').next()?.parse().ok()
}

/// The mount point of a named volume; folders of the machine that are mounted for development are left out.
fn mount(node: &Node) -> Option<String> {
    if text_at(node, "type") == Some("volume") {
        return text_at(node, "target").filter(|path| is_mountable(path)).map(str::to_owned);
    }
    let (source, rest) = text(node)?.split_once(':')?;
    let target = rest.split(':').next()?;
    (!source.contains(['/', '.', '~', '$']) && is_mountable(target)).then(|| target.to_owned())
}

/// `environment:` as a map or as a list. A value with `$` comes from outside.
fn environment(path: &str, node: &Node) -> Vec<Given> {
    let given = |name: &str, value: Option<&str>, line: usize| {
        let valid = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.len() < 200
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        valid.then(|| Given {
            name: name.to_owned(),
            value: value.filter(|value| !value.contains('$')).map(str::to_owned),
            evidence: Evidence::new(name, path, line),
        })
    };
    let map = node
        .entries()
        .iter()
        .filter_map(|entry| given(&entry.key.text, text(&entry.value), entry.key.span.start.line));
    let list = node.items().iter().filter_map(|item| {
        let written = text(item)?;
        let (name, value) =
            written.split_once('=').map_or((written, None), |(name, value)| (name, Some(value)));
        given(name, value, item.span.start.line)
    });
    map.chain(list).collect()
}

fn image_note(path: &str, name: &str, image: &Node) -> Option<Note> {
    let written = text(image)?;
    let mend = format!(
        "if it belongs to the application, add it under `services:` as `{name}: {{ image: \"{written}\" }}`"
    );
    let note = Note::hint(
        "image-not-taken-over",
        format!("`{name}` in `{path}` is the image `{written}` and was not taken over"),
    )
    .mend(mend);
    Some(note.at(Evidence::new(format!("image: {written}"), path, image.span.start.line)))
}
