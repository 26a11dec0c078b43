//! The keys of dashdeploy.lock.

use crate::config::rules;
use crate::config::shape::{Key, Map, Object, Shape};

/// The file.
pub(crate) static LOCK: Object = Object {
    title: "dashdeploy.lock",
    kind: None,
    json: None,
    keys: &[
        Key::new("version", Shape::Scalar(&rules::FORMAT), "The version of this format. Only 1 exists."),
        Key::new("images", Shape::Map(&IMAGES), "Images by name, each with the digest it is taken by."),
        Key::new("actions", Shape::Map(&ACTIONS), "Actions of GitHub by name, each with its commit."),
    ],
};

static IMAGES: Map = Map { key: &rules::IMAGE, value: Shape::Scalar(&rules::DIGEST), most: 1_000, least: 0 };

static ACTIONS: Map = Map { key: &rules::ACTION, value: Shape::Object(&PINNED), most: 1_000, least: 0 };

static PINNED: Object = Object {
    title: "an action",
    kind: None,
    json: None,
    keys: &[
        Key::new("tag", Shape::Scalar(&rules::TAG), "The tag that the commit had.").required(),
        Key::new("commit", Shape::Scalar(&rules::COMMIT), "The whole commit.").required(),
    ],
};
