//! Names of images and actions, and the content that they are pinned to.
//!
//! Given: the pins of `dashdeploy.lock`. Gives: references by digest; and what a project's files name, so that it can be
//! pinned. Deliberately absent: asking anybody what a name stands for today.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::Pins;

/// What the files of a project name of others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Used {
    /// Images by name, without those that are named by digest.
    pub images: BTreeSet<String>,
    /// Actions, each with the tag that the workflow was written for.
    pub actions: BTreeMap<String, String>,
}

impl Used {
    pub(super) fn note_image(&mut self, name: &str) {
        if !name.contains('@') {
            self.images.insert(name.to_owned());
        }
    }
}

/// `name:tag@sha256:…` where the image is pinned, else its name. The tag stays for the reader; the digest is what counts.
pub(super) fn image(pins: &Pins, name: &str) -> String {
    match pins.images.get(name) {
        Some(digest) => format!("{name}@{digest}"),
        None => name.to_owned(),
    }
}
