//! Fly.io's complaints in the contract's words, each with the mend.
//!
//! Given: an answer that is no success, or none at all. Gives: a [`TargetError`] with the platform's own words, the status and the
//! request's id (fly.io/docs/machines/api/working-with-machines-api, "Response codes").

use dashdeploy_contract::{ApiAnswer, CallError, ErrorKind, TargetError};
use serde::Deserialize;

use crate::config::TARGET;

/// The body of an error; clients of the vendor look at `message` first where there is one.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Body {
    message: Option<String>,
    error: Option<String>,
    status: Option<String>,
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
    let said = body.message.or(body.error).unwrap_or_else(|| answer.words());
    let said: String = said.chars().filter(|c| !c.is_control()).take(400).collect();
    let id = answer.request_id().map(|id| format!(", request {id}")).unwrap_or_default();
    let message = format!("{said} (status {}{id})", answer.status);
    let capacity = body.status.as_deref() == Some("insufficient_capacity");
    let (kind, hint) = match answer.status {
        401 => (
            ErrorKind::Denied,
            Some("FLY_API_TOKEN is not valid any more: make one with `fly tokens create org`"),
        ),
        403 => (
            ErrorKind::Denied,
            Some(
                "the token does not allow this: make one with `fly tokens create org`, or set the option `app` where the name is another's",
            ),
        ),
        404 => (ErrorKind::NotFound, None),
        409 => (
            ErrorKind::Conflict,
            Some(
                "somebody else is changing it (`fly machine leases view` shows who): run the command again in a minute",
            ),
        ),
        429 => (ErrorKind::RateLimited, Some("Fly.io asks to wait: run the command again in a minute")),
        _ if capacity => (
            ErrorKind::Unavailable,
            Some(
                "the region has no room for such a machine now: choose another `region` or `size`, or run the command again later",
            ),
        ),
        400 | 412 | 422 => (ErrorKind::Invalid, None),
        408 | 500.. => (
            ErrorKind::Unavailable,
            Some("run the command again: it goes on from what is there (status.flyio.net tells of outages)"),
        ),
        _ => (ErrorKind::Unexpected, None),
    };
    let error = ours(kind, operation, message);
    hint.into_iter().fold(error, TargetError::hint)
}

/// True where an answer leaves open whether something was done.
pub(crate) fn is_open(answer: &ApiAnswer) -> bool {
    answer.status == 408 || answer.status >= 500
}
