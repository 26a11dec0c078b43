//! How a request is refused: a status and Fly.io's `{"error": …, "status": "unknown"}`.
//!
//! Given: what is wrong. Gives: the answer. Deliberately absent: when.

use serde_json::json;

use crate::Reply;

/// What a request comes to.
pub(super) type Answer = Result<Reply, Fault>;

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) status: u16,
    pub(super) error: String,
    /// The word of `status` in the body.
    pub(super) word: &'static str,
}

impl Fault {
    pub(super) fn new(status: u16, error: impl Into<String>) -> Self {
        Self { status, error: error.into(), word: "unknown" }
    }

    /// The request itself is wrong.
    pub(super) fn bad(error: impl Into<String>) -> Self {
        Self::new(400, error)
    }

    /// There is no such thing.
    pub(super) fn missing(what: &str) -> Self {
        Self::new(404, format!("could not find {what}"))
    }

    /// It can be read, and not be done.
    pub(super) fn invalid(error: impl Into<String>) -> Self {
        Self::new(422, error)
    }

    /// The vendor has it, and it is not played here: not to be taken for an answer of the vendor.
    pub(super) fn unplayed(what: &str) -> Self {
        Self::new(501, format!("{what} is not played here"))
    }

    /// The same with a word of its own in `status`.
    pub(super) fn word(self, word: &'static str) -> Self {
        Self { word, ..self }
    }

    pub(super) fn reply(&self) -> Reply {
        Reply::json(self.status, &json!({ "error": self.error, "status": self.word }))
    }
}
