//! The tree of a YAML document, with places.

use std::rc::Rc;

/// A position in the file, from 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Pos {
    pub line: usize,
    pub column: usize,
}

/// From the first character of something to the one after its last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Span {
    pub start: Pos,
    pub end: Pos,
}

/// A value of the tree.
#[derive(Debug)]
pub(crate) struct Node {
    pub kind: Kind,
    pub span: Span,
    /// Nodes below and including this one, every alias counted as what it stands for.
    pub weight: usize,
    /// Levels below and including this one.
    pub height: usize,
}

/// What a node is.
#[derive(Debug)]
pub(crate) enum Kind {
    Scalar(Scalar),
    List(Vec<Rc<Node>>),
    Map(Vec<Entry>),
    /// Something that has been reported already (a tag, an unknown alias): nothing more is said about it.
    Broken,
}

/// A scalar's text: the source's for a plain one, what the quotes hold for a quoted one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scalar {
    pub text: String,
    pub plain: bool,
}

/// A key and where it stands.
#[derive(Debug)]
pub(crate) struct Key {
    pub text: String,
    pub span: Span,
}

/// A key and its value.
#[derive(Debug)]
pub(crate) struct Entry {
    pub key: Key,
    pub value: Rc<Node>,
}

impl Scalar {
    /// True for what every YAML reader takes for "no value".
    pub fn is_null(&self) -> bool {
        self.plain && matches!(self.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
    }
}

impl Node {
    /// The value under a key of a map.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|entry| entry.key.text == key).map(|entry| &*entry.value)
    }

    /// The entries of a map; none for anything else.
    pub fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none for anything else.
    pub fn items(&self) -> &[Rc<Node>] {
        match &self.kind {
            Kind::List(items) => items,
            _ => &[],
        }
    }

    /// The scalar, unless it is null or no scalar at all.
    pub fn scalar(&self) -> Option<&Scalar> {
        match &self.kind {
            Kind::Scalar(scalar) if !scalar.is_null() => Some(scalar),
            _ => None,
        }
    }

    /// The scalar under a key.
    pub fn scalar_at(&self, key: &str) -> Option<&Scalar> {
        self.get(key).and_then(Node::scalar)
    }

    /// True for "no value".
    pub fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Scalar(scalar) if scalar.is_null())
    }

    /// What it is, for messages.
    pub fn describe(&self) -> &'static str {
        match &self.kind {
            Kind::Scalar(_) if self.is_null() => "nothing",
            Kind::Scalar(_) => "a single value",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
            Kind::Broken => "an unreadable value",
        }
    }
}
