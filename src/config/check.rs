//! The tree against the tables: every unknown key, missing key, wrong shape and broken rule of a single value, all at once.

use dashdeploy_contract::Finding;

use super::places::{Places, child};
use super::report::{Report, shown};
use super::rules::{Problem, Rule};
use super::secrets::recognised;
use super::shape::{Key, Map, Object, Shape};
use super::suggest;
use super::yaml::{Entry, Kind, Node, Scalar};

/// Walks a tree by its shape.
pub(crate) struct Check<'a> {
    pub report: &'a Report,
    pub places: &'a Places,
}

impl Check<'_> {
    /// Reports whatever in the node under `path` is not as the shape says.
    pub fn node(&self, node: &Node, shape: &Shape, path: &str) {
        match (shape, &node.kind) {
            (_, Kind::Broken) => {}
            (Shape::Either(shapes), _) => match shapes.iter().find(|shape| fits(shape, node)) {
                Some(fitting) => self.node(node, fitting, path),
                None => self.misfit(node, shape, path),
            },
            (_, _) if !fits(shape, node) => self.misfit(node, shape, path),
            (Shape::Scalar(rule), Kind::Scalar(scalar)) => self.scalar(scalar, rule, path),
            (Shape::Object(object), Kind::Map(entries)) => self.object(entries, object, path),
            (Shape::Map(map), Kind::Map(entries)) => self.map(entries, map, path),
            (Shape::List(item, least), Kind::List(items)) => {
                if items.len() < *least {
                    self.report.add(Finding::error("empty-list", path, format!("`{}` is empty", last(path))));
                }
                for (n, node) in items.iter().enumerate() {
                    self.node(node, item, &format!("{path}[{n}]"));
                }
            }
            _ => {}
        }
    }

    fn misfit(&self, node: &Node, shape: &Shape, path: &str) {
        let name = if path.is_empty() { "the file".to_owned() } else { format!("`{}`", last(path)) };
        if !node.is_null() {
            let message = format!("{name} must be {}, not {}", shape.expects(), node.describe());
            return self.report.add(Finding::error("wrong-shape", path, message));
        }
        let finding = Finding::error("no-value", path, format!("{name} has no value"));
        let hint = match shape {
            Shape::Scalar(rule) if rule.null_hint.is_some() => rule.null_hint.unwrap_or_default().to_owned(),
            _ => format!("give it {}, or remove the key", shape.expects()),
        };
        self.report.add(finding.hint(hint));
    }

    fn scalar(&self, scalar: &Scalar, rule: &Rule, path: &str) {
        match (rule.check)(scalar) {
            Err(problem) => self.problem(path, scalar, problem),
            Ok(()) => {
                if let Some(kind) = recognised(&scalar.text) {
                    self.report.add(secret(kind, path));
                }
            }
        }
    }

    fn problem(&self, path: &str, scalar: &Scalar, problem: Problem) {
        let range = problem.range.clone();
        let span = range.and_then(|range| self.places.within(path, &scalar.text, range.start, range.len()));
        match span {
            None => self.report.problem(path, problem),
            Some(span) => {
                let mut finding = Finding::error(problem.code, path, problem.message);
                finding.hint = problem.hint;
                self.report.at(finding, span);
            }
        }
    }

    fn object(&self, entries: &[Entry], object: &Object, path: &str) {
        let kind = object.kind.and_then(|by| kind_of(entries, by, object));
        for entry in entries {
            match object.keys.iter().find(|key| key.name == entry.key.text) {
                Some(key) if key.is_for(kind) => self.node(&entry.value, &key.shape, &child(path, key.name)),
                Some(key) => self.report.at(misplaced(key, kind, path), entry.key.span),
                None => self.report.at(unknown(&entry.key.text, object, kind, path), entry.key.span),
            }
        }
        let missing = |key: &&Key| {
            key.required && key.is_for(kind) && entries.iter().all(|entry| entry.key.text != key.name)
        };
        for key in object.keys.iter().filter(missing) {
            // Without a kind it is not known which of the keys that belong to kinds are wanted.
            if kind.is_some() || key.kinds.is_empty() {
                self.report.add(lacking(key, object, kind, path));
            }
        }
    }

    fn map(&self, entries: &[Entry], map: &Map, path: &str) {
        if entries.len() > map.most {
            let message =
                format!("`{}` holds {} entries; {} are allowed", last(path), entries.len(), map.most);
            return self.report.add(Finding::error("too-many", path, message));
        }
        if entries.len() < map.least {
            self.report.add(Finding::error("empty-map", path, format!("`{}` is empty", last(path))));
        }
        for entry in entries {
            let below = child(path, &entry.key.text);
            let text = Scalar { text: entry.key.text.clone(), plain: false };
            if let Err(problem) = (map.key.check)(&text) {
                let mut finding = Finding::error(problem.code, below.as_str(), problem.message);
                finding.hint = problem.hint;
                self.report.at(finding, entry.key.span);
            }
            self.node(&entry.value, &map.value, &below);
        }
    }
}

/// A value that an issuer made recognisable as a secret, wherever in the file it stands.
fn secret(kind: &str, path: &str) -> Finding {
    let message = format!("the value of `{}` looks like {kind}", last(path));
    Finding::error("secret-in-file", path, message).hint(
        "name a variable under `secrets:` for it, put the value into `.env`, and change it if it was committed",
    )
}

fn fits(shape: &Shape, node: &Node) -> bool {
    match shape {
        Shape::Scalar(_) => matches!(node.kind, Kind::Scalar(_)) && !node.is_null(),
        Shape::Object(_) | Shape::Map(_) => matches!(node.kind, Kind::Map(_)),
        Shape::List(..) => matches!(node.kind, Kind::List(_)),
        Shape::Either(shapes) => shapes.iter().any(|shape| fits(shape, node)),
        Shape::Nothing => node.is_null(),
    }
}

/// The kind that is written, if it is one that any key is known for.
fn kind_of<'a>(entries: &'a [Entry], by: &str, object: &Object) -> Option<&'a str> {
    let entry = entries.iter().find(|entry| entry.key.text == by)?;
    let kind = entry.value.scalar()?.text.as_str();
    object.keys.iter().any(|key| key.kinds.contains(&kind)).then_some(kind)
}

fn unknown(written: &str, object: &Object, kind: Option<&str>, path: &str) -> Finding {
    let known: Vec<&str> = object.keys.iter().filter(|key| key.is_for(kind)).map(|key| key.name).collect();
    let message = format!("`{}` is not a key of {}", shown(written), object.title);
    let mut finding = Finding::error("unknown-key", child(path, written), message);
    finding.hint = suggest::hint(written, &known);
    finding
}

fn misplaced(key: &Key, kind: Option<&str>, path: &str) -> Finding {
    let message = format!("`{}` means nothing for the kind `{}`", key.name, kind.unwrap_or_default());
    Finding::error("misplaced-key", child(path, key.name), message)
        .hint(format!("remove it; it belongs to: {}", key.kinds.join(", ")))
}

fn lacking(key: &Key, object: &Object, kind: Option<&str>, path: &str) -> Finding {
    let of =
        kind.map_or_else(|| object.title.to_owned(), |kind| format!("{} of kind `{kind}`", object.title));
    let finding = Finding::error("missing-key", path, format!("`{}` is missing: {of} needs it", key.name));
    finding.hint(format!("add `{}:` with {}", key.name, key.shape.expects()))
}

fn last(path: &str) -> String {
    let from = path.rfind('.').map_or(0, |at| at + 1);
    shown(&path[from..])
}
