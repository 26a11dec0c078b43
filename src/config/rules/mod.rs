//! The rules of single values: one place for what a name, a port, a path, a size may be.
//!
//! Given: a scalar as written. Gives: the typed value, or the [`Problem`]. Every rule is a function that gives the value and
//! a [`Rule`] made of it for the tables in [`super::keys`], so that checking and reading cannot differ. Deliberately absent:
//! anything that looks at two values at once.

mod images;
mod ledgers;
mod names;
mod network;
mod numbers;
mod options;
mod paths;
mod pins;
mod registries;
mod text;
mod words;

use std::ops::Range;

use serde_json::{Value, json};

pub(crate) use images::{IMAGE, STAGE, image, stage};
pub(crate) use ledgers::{LEDGER, ledger};
pub(crate) use names::{
    APP, BUILD_SECRET, FINGERPRINT, HEADER_NAME, NAME, REGION, SCRIPT, SILENCE, VARIABLE,
};
pub(crate) use names::{
    app, build_secret, fingerprint, header_name, name, region, script, silence, variable,
};
pub(crate) use network::{HEALTH, PREFIX, PUBLISH, Publishing, URL_PATH, health, prefix, publish, url_path};
pub(crate) use numbers::{CPUS, FORMAT, MEMORY, NODE, PORT, PYTHON, REPLICAS, SIZE, STATUS};
pub(crate) use numbers::{cpus, memory, node, port, python, replicas, size, status};
pub(crate) use options::{DOMAIN, OPTION, OPTION_NAME, domain, option, option_name};
pub(crate) use paths::{FILE, FOLDER, MOUNT, PATTERN, file, folder, mount, pattern};
pub(crate) use pins::{ACTION, COMMIT, DIGEST, TAG};
pub(crate) use registries::{REGISTRY, registry};
pub(crate) use text::{COMMAND_LINE, HEADER_VALUE, NONEMPTY, REASON, TEXT, WORD};
pub(crate) use text::{command_line, header_value, nonempty, reason, text, word};
pub(crate) use words::{BOOLEAN, CI, KIND, LOG_LEVEL, MANAGER, PACKAGES, REQUIREMENT, TARGET, WRITERS};
pub(crate) use words::{
    Packages, boolean, ci, kind, log_level, manager, packages, requirement, target, writers,
};

use super::yaml::Scalar;

/// A rule for a single value.
pub(crate) struct Rule {
    /// What is wanted, as it continues "must be …".
    pub expects: &'static str,
    /// The mend where there is no value at all, if it is not simply to give one.
    pub null_hint: Option<&'static str>,
    /// The rule as JSON Schema.
    pub json: fn() -> Value,
    /// What is wrong with a value.
    pub check: fn(&Scalar) -> Result<(), Problem>,
}

/// What is wrong with a single value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub code: &'static str,
    pub message: String,
    pub hint: Option<String>,
    /// The characters of the value that are meant, where not all of them are.
    pub range: Option<Range<usize>>,
}

impl Problem {
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None, range: None }
    }

    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

/// JSON Schema of a text that keeps a pattern. Editors read an unquoted `3.11` as a number; that is as good here, since
/// the source text is what counts.
fn text_like(pattern: &str) -> Value {
    json!({ "type": ["string", "number", "boolean"], "pattern": pattern })
}

#[cfg(test)]
fn plain(text: &str) -> Scalar {
    Scalar { text: text.to_owned(), plain: true }
}
