//! How a request is refused: a status and the message that goes with it.
//!
//! Given: what is wrong. Gives: the vendor's `{"message": …}`. Deliberately absent: the `id` that the vendor's document allows
//! beside it; recorded answers do not bear one.

use serde_json::json;

use crate::Reply;

/// What a request comes to.
pub(super) type Answer = Result<Reply, Fault>;

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// The status.
    pub(super) status: u16,
    /// What is wrong.
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(status: u16, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    /// The request itself is wrong.
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(400, message)
    }

    /// There is no such thing, worded as recorded answers are.
    pub(super) fn missing(id: &str) -> Self {
        Self::new(404, format!("not found: {id}"))
    }

    /// What is there contradicts the request.
    pub(super) fn conflict(message: impl Into<String>) -> Self {
        Self::new(409, message)
    }

    /// The vendor has it, this platform in memory does not play it: not to be taken for an answer of the vendor.
    pub(super) fn unplayed(what: &str) -> Self {
        Self::new(501, format!("{what} is not played here"))
    }

    pub(super) fn reply(&self) -> Reply {
        Reply::json(self.status, &json!({ "message": self.message }))
    }
}
