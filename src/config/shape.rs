//! The form of the file as data: which keys there are, what each may hold, what it means.
//!
//! Given: the tables in [`super::keys`]. Gives: the types they are written in. [`super::check`] reads a tree by them and
//! [`super::schema`] writes the JSON Schema from them, so that what is refused here and in an editor is one thing.

use serde_json::Value;

use super::rules::Rule;

/// What a value may be.
pub(crate) enum Shape {
    /// A single value that keeps a rule.
    Scalar(&'static Rule),
    /// Keys that are known by name.
    Object(&'static Object),
    /// Keys that the user chooses.
    Map(&'static Map),
    /// A list with at least so many items.
    List(&'static Shape, usize),
    /// One of several, told apart by whether it is a single value, a list, a map or nothing.
    Either(&'static [Shape]),
    /// No value at all.
    Nothing,
}

/// A map with known keys.
pub(crate) struct Object {
    /// What it describes, for messages and the schema's titles.
    pub title: &'static str,
    /// Its keys.
    pub keys: &'static [Key],
    /// The key whose value decides which of the other keys are meant.
    pub kind: Option<&'static str>,
    /// What the schema says besides.
    pub json: Option<fn() -> Value>,
}

/// A known key.
pub(crate) struct Key {
    /// The key.
    pub name: &'static str,
    /// What its value may be.
    pub shape: Shape,
    /// What it means, for editors.
    pub doc: &'static str,
    /// True where it must be there (for its kinds).
    pub required: bool,
    /// The kinds it is meant for; all where empty.
    pub kinds: &'static [&'static str],
}

/// A map with keys of the user's choice.
pub(crate) struct Map {
    /// What one of its keys must be.
    pub key: &'static Rule,
    /// What one of its values must be.
    pub value: Shape,
    /// How many there may be.
    pub most: usize,
    /// How many there must be.
    pub least: usize,
}

impl Key {
    pub const fn new(name: &'static str, shape: Shape, doc: &'static str) -> Self {
        Self { name, shape, doc, required: false, kinds: &[] }
    }

    pub const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    pub const fn only_for(self, kinds: &'static [&'static str]) -> Self {
        Self { kinds, ..self }
    }

    /// True where the key is meant for a kind.
    pub fn is_for(&self, kind: Option<&str>) -> bool {
        self.kinds.is_empty() || kind.is_none_or(|kind| self.kinds.contains(&kind))
    }
}

impl Shape {
    /// What may stand there, for messages.
    pub fn expects(&self) -> String {
        match self {
            Self::Scalar(rule) => rule.expects.to_owned(),
            Self::Object(object) => {
                let names: Vec<String> =
                    object.keys.iter().take(3).map(|key| format!("`{}`", key.name)).collect();
                format!("a map with keys such as {}", names.join(", "))
            }
            Self::Map(_) => "a map".to_owned(),
            Self::List(..) => "a list".to_owned(),
            Self::Nothing => "nothing".to_owned(),
            Self::Either(shapes) => shapes.iter().map(Self::expects).collect::<Vec<_>>().join(" or "),
        }
    }
}
