//! Where each key of the file stands.

use std::collections::HashMap;
use std::sync::Arc;

use dashdeploy_contract::{Finding, Place};

use super::secrets;
use super::source::Source;
use super::yaml::{Entry, Kind, Node, Pos, Span};

/// Key paths longer than this are not kept: no key of a configuration is that long, and their sum has to stay small.
const LONGEST_PATH: usize = 1024;

/// The places of a file's keys, so that a finding that knows a key path gets its line and column.
#[derive(Debug, Clone)]
pub struct Places {
    source: Arc<Source>,
    keys: HashMap<String, Spot>,
}

#[derive(Debug, Clone, Copy)]
struct Spot {
    /// What is shown: the value of a key, if that is one word in one line, else the key.
    shown: Span,
    /// The whole value.
    value: Span,
}

impl Places {
    /// The places of a tree; of no key where there is no tree.
    pub(crate) fn of(source: Source, root: Option<&Node>) -> Self {
        let mut places = Self { source: Arc::new(source), keys: HashMap::new() };
        if let Some(root) = root {
            places.keys.insert(String::new(), Spot { shown: first_character(root.span), value: root.span });
            places.walk("", root);
        }
        places
    }

    fn walk(&mut self, path: &str, node: &Node) {
        if path.len() > LONGEST_PATH {
            return;
        }
        match &node.kind {
            Kind::Map(entries) => entries.iter().for_each(|entry| self.entry(path, entry)),
            Kind::List(items) => items.iter().enumerate().for_each(|(n, item)| self.item(path, n, item)),
            Kind::Scalar(_) | Kind::Broken => {}
        }
    }

    fn entry(&mut self, path: &str, entry: &Entry) {
        let value = &entry.value;
        let is_word = matches!(value.kind, Kind::Scalar(_)) && value.span.start.line == value.span.end.line;
        let shown = if is_word && !value.is_null() { value.span } else { entry.key.span };
        let path = child(path, &entry.key.text);
        self.keys.insert(path.clone(), Spot { shown, value: value.span });
        self.walk(&path, value);
    }

    fn item(&mut self, path: &str, number: usize, item: &Node) {
        let shown = match item.entries().first() {
            Some(first) => first.key.span,
            None => item.span,
        };
        let path = format!("{path}[{number}]");
        self.keys.insert(path.clone(), Spot { shown, value: item.span });
        self.walk(&path, item);
    }

    /// The same finding with the place of its key, or of the nearest key above it that stands in the file. A finding that
    /// has a place keeps it.
    pub fn locate(&self, finding: Finding) -> Finding {
        if finding.place.is_some() {
            return finding;
        }
        let place = self.source.place(self.nearest(&finding.key));
        finding.at(place)
    }

    /// True where a key is written in the file: what follows from another key is not.
    pub fn has(&self, key: &str) -> bool {
        self.keys.contains_key(key)
    }

    /// The place of each key, or of the nearest key above it that stands in the file; all in one reading of the file.
    pub fn of_keys(&self, keys: &[&str]) -> Vec<Place> {
        self.all(keys.iter().map(|key| self.nearest(key)))
    }

    fn nearest(&self, key: &str) -> Span {
        let mut path = key;
        loop {
            if let Some(spot) = self.keys.get(path) {
                return spot.shown;
            }
            match path.rfind(['.', '[']) {
                Some(at) => path = &path[..at],
                None => break,
            }
        }
        self.keys.get("").map_or_else(Span::default, |spot| spot.shown)
    }

    /// The span of a finding: its own, else that of its key.
    pub(crate) fn span(&self, own: Option<Span>, finding: &Finding) -> Span {
        own.unwrap_or_else(|| self.nearest(&finding.key))
    }

    pub(crate) fn all(&self, spans: impl Iterator<Item = Span>) -> Vec<Place> {
        self.source.places(spans)
    }

    pub(crate) fn place(&self, span: Span) -> Place {
        self.source.place(span)
    }

    /// The place of a piece of a key's value, `from` and `length` in characters of the value; the whole value where it is
    /// not written as it is read.
    pub(crate) fn within(&self, key: &str, text: &str, from: usize, length: usize) -> Option<Span> {
        let spot = self.keys.get(key)?;
        let written = self.source.slice(spot.value)?;
        let before = written.find(text).map(|at| written[..at].chars().count())?;
        let start = Pos { column: spot.value.start.column + before + from, ..spot.value.start };
        Some(Span { start, end: Pos { column: start.column + length, ..start } })
    }

    /// Hides the values of keys from every place made afterwards.
    pub(crate) fn mask(&mut self, keys: &[String]) {
        let spans: Vec<Span> =
            keys.iter().filter_map(|key| self.keys.get(key)).map(|spot| spot.value).collect();
        if !spans.is_empty() {
            let source = Arc::make_mut(&mut self.source);
            spans.into_iter().for_each(|span| source.mask(span));
        }
    }

    pub(crate) fn redacted(&self, message: &str) -> String {
        secrets::redact(message)
    }
}

/// The path of a key below another.
pub(crate) fn child(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn first_character(span: Span) -> Span {
    Span { start: span.start, end: Pos { column: span.start.column + 1, ..span.start } }
}
