//! Render's complaints in the contract's words, each with the mend.
//!
//! Given: an answer that is no success, or none at all. Gives: a [`TargetError`] with Render's own words, the status and the request's
//! id (<https://api-docs.render.com/reference/errors>).

use dashdeploy_contract::{ApiAnswer, CallError, ErrorKind, TargetError};
use serde::Deserialize;

use crate::config::TARGET;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Body {
    message: Option<String>,
}

/// An error of our own.
pub(crate) fn ours(kind: ErrorKind, operation: impl Into<String>, message: impl Into<String>) -> TargetError {
    TargetError::new(kind, TARGET, operation, message)
}

/// There was no answer.
pub(crate) fn unanswered(error: CallError, operation: &str) -> TargetError {
    error.of(TARGET, operation)
}

/// The answer was no success.
pub(crate) fn refused(answer: &ApiAnswer, operation: &str) -> TargetError {
    let body: Body = serde_json::from_slice(&answer.body).unwrap_or_default();
    let said = answer.words_or(body.message);
    let id = answer.request_id().map(|id| format!(", request {id}")).unwrap_or_default();
    let (kind, hint) = match answer.status {
        401 => (
            ErrorKind::Denied,
            Some("RENDER_API_KEY is not valid: make one at dashboard.render.com/u/settings#api-keys"),
        ),
        402 => (
            ErrorKind::Denied,
            Some("the workspace has no way to pay: add one in Render's dashboard, or choose `plan: free`"),
        ),
        403 => (
            ErrorKind::Denied,
            Some(
                "the key's user may not do this in the workspace: choose another with the option `workspace`",
            ),
        ),
        404 | 410 => (ErrorKind::NotFound, None),
        409 => (
            ErrorKind::Conflict,
            Some("something else is under way there: run the command again in a minute"),
        ),
        429 => (
            ErrorKind::RateLimited,
            Some(
                "Render asks to wait (20 new services an hour, 10 deploys a minute each): run the command again later",
            ),
        ),
        400 | 406 | 422 => (ErrorKind::Invalid, None),
        500.. => (
            ErrorKind::Unavailable,
            Some("run the command again: it goes on from what is there (status.render.com tells of outages)"),
        ),
        _ => (ErrorKind::Unexpected, None),
    };
    let error = ours(kind, operation, format!("{said} (status {}{id})", answer.status));
    hint.into_iter().fold(error, TargetError::hint)
}

/// True where an answer leaves open whether something was done.
pub(crate) fn is_open(answer: &ApiAnswer) -> bool {
    answer.status == 408 || answer.status >= 500
}
