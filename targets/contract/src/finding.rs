//! Findings: problems in a configuration, each with its place and the mend.

use std::borrow::Cow;

use serde::Serialize;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing has to change.
    Info,
    /// Works, but not as the author probably means it.
    Warning,
    /// Nothing is done before it is mended.
    Error,
}

/// Where in a file something stands. Lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The file, as the user would name it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// How many characters are meant; at least 1.
    pub length: usize,
    /// The whole source line, without its end.
    pub source: String,
}

/// One problem, with where it is and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// A stable, searchable word of the form `unknown-key`.
    pub code: Cow<'static, str>,
    /// How much it matters.
    pub severity: Severity,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// The path of the key in dashdeploy.yaml, as `services.api.port`; empty for the whole file.
    pub key: String,
    /// Where it stands, once known.
    pub place: Option<Place>,
    /// The edit or command that mends it.
    pub hint: Option<String>,
    /// Other places that belong to it, such as the first of two equal keys, each with a word about it.
    pub related: Vec<(String, Place)>,
}

impl Finding {
    /// A finding of severity error at a key.
    pub fn error(code: &'static str, key: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, key, message)
    }

    /// A finding of severity warning at a key.
    pub fn warning(code: &'static str, key: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, key, message)
    }

    /// A finding of severity info at a key.
    pub fn info(code: &'static str, key: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Severity::Info, code, key, message)
    }

    fn new(
        severity: Severity,
        code: &'static str,
        key: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            code: Cow::Borrowed(code),
            severity,
            message: message.into(),
            key: key.into(),
            place: None,
            hint: None,
            related: Vec::new(),
        }
    }

    /// The same finding with the mend.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same finding with its place.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }
}
