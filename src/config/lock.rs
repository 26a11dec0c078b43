//! dashdeploy.lock: what the generated files name of others, each by its content.
//!
//! Given: a file's name and bytes. Gives: [`Pins`], or every finding with its place; and the text of a file for pins.
//! Deliberately absent: asking registries and GitHub (`dashdeploy pin` does), and the date, so that the same pins are the same
//! bytes.

use std::collections::BTreeMap;

use dashdeploy_contract::Finding;

use super::check::Check;
use super::keys;
use super::places::Places;
use super::report::Report;
use super::shape::Shape;
use super::source::Source;
use super::yaml::{self, Node, quote};

/// The file's name, beside dashdeploy.yaml.
pub const LOCK_NAME: &str = "dashdeploy.lock";

/// What names stand for: the same content whenever and wherever it is fetched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pins {
    /// The digest of an image by its name, such as `python:3.11-slim`.
    pub images: BTreeMap<String, String>,
    /// The commit of an action by its name, such as `actions/checkout`.
    pub actions: BTreeMap<String, PinnedAction>,
}

/// An action at a commit.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PinnedAction {
    /// The tag that the commit had.
    pub tag: String,
    /// The commit: 40 hex digits.
    pub commit: String,
}

/// Reads dashdeploy.lock.
///
/// # Errors
/// Every finding, each with its place.
pub fn parse_lock(file_name: &str, bytes: &[u8]) -> Result<Pins, Vec<Finding>> {
    let source = match Source::read(file_name, bytes) {
        Ok(source) => source,
        Err(refused) => return Err(vec![refused.1]),
    };
    let report = Report::default();
    let root = yaml::read(source.text(), &report);
    let places = Places::of(source, root.as_deref());
    if let Some(root) = &root {
        Check { report: &report, places: &places }.node(root, &Shape::Object(&keys::LOCK), "");
    }
    match root {
        Some(root) if !report.has_errors() => Ok(pins(&root)),
        _ => {
            if !report.has_errors() {
                report.add(Finding::error("unreadable", "", "the file holds no pins"));
            }
            Err(report.finish(&places))
        }
    }
}

fn pins(root: &Node) -> Pins {
    let entries = |key: &str| root.get(key).map_or(&[][..], Node::entries).iter();
    let text = |node: &Node| node.scalar().map(|scalar| scalar.text.clone());
    Pins {
        images: entries("images")
            .filter_map(|entry| Some((entry.key.text.clone(), text(&entry.value)?)))
            .collect(),
        actions: entries("actions")
            .filter_map(|entry| {
                let of = |key| entry.value.scalar_at(key).map(|scalar| scalar.text.clone());
                Some((entry.key.text.clone(), PinnedAction { tag: of("tag")?, commit: of("commit")? }))
            })
            .collect(),
    }
}

const ABOUT: &str = "\
# Written by dashdeploy pin, and meant to be committed: what the generated files name of others, each by its content.
#   dashdeploy pin            adds what is missing and removes what is no longer used
#   dashdeploy pin --update   asks for everything anew
#   dashdeploy render         writes it into the files
version: 1
";

/// The file for pins, sorted by name.
pub fn lock_text(pins: &Pins) -> String {
    let mut text = ABOUT.to_owned();
    if !pins.images.is_empty() {
        text.push_str("images:\n");
    }
    for (name, digest) in &pins.images {
        text.push_str(&format!("  {}: {}\n", quote(name), quote(digest)));
    }
    if !pins.actions.is_empty() {
        text.push_str("actions:\n");
    }
    for (name, PinnedAction { tag, commit }) in &pins.actions {
        // Forty digits may look like a number to some reader.
        text.push_str(&format!("  {}: {{ tag: {}, commit: \"{commit}\" }}\n", quote(name), quote(tag)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Pins {
        let action = PinnedAction { tag: "v6.0.2".to_owned(), commit: "1".repeat(40) };
        Pins {
            images: BTreeMap::from([
                ("node:20-alpine".to_owned(), format!("sha256:{}", "0".repeat(64))),
                ("127.0.0.1:5000/a/b".to_owned(), format!("sha256:{}", "e1".repeat(32))),
            ]),
            actions: BTreeMap::from([("actions/checkout".to_owned(), action)]),
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for pins in [sample(), Pins::default()] {
            let text = lock_text(&pins);
            assert_eq!(parse_lock("dashdeploy.lock", text.as_bytes()).unwrap(), pins, "{text}");
            assert_eq!(lock_text(&pins), text);
        }
    }

    #[test]
    fn a_broken_file_is_told_with_its_places() {
        let at = |text: &str| {
            let found = parse_lock("dashdeploy.lock", text.as_bytes()).unwrap_err();
            let places = found.iter().map(|finding| {
                let place = finding.place.clone().unwrap();
                (place.line, place.column, finding.code.to_string())
            });
            places.collect::<Vec<_>>()
        };
        assert_eq!(at("version: 1\nimages:\n  a:1: sha256:00\n"), [(3, 8, "invalid-digest".to_owned())]);
        assert_eq!(at("actions:\n  checkout: { tag: v1, commit: abc }\n").len(), 2);
        assert_eq!(at("actions:\n  a/b: { tag: v1 }\n")[0].2, "missing-key");
        assert_eq!(at("version: 1\nimages: [\n")[0].0, 2);
        assert_eq!(at("version: 2\n")[0].2, "unknown-version");
        assert_eq!(at("").len(), 1);
        assert_eq!(at("pins: {}\n")[0].2, "unknown-key");
    }
}
