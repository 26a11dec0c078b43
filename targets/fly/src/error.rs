//! Fly.io's complaints in the contract's words, each with the mend.
//!
//! Given: an answer that is no success, or none at all. Gives: a [`TargetError`] with the platform's own words, the status and
//! the request's id. Deliberately absent: what a status means for one call alone (404 as an answer, 408 of a wait).

use dashdeploy_contract::{ApiAnswer, CallError, ErrorKind, TargetError};
use serde::Deserialize;

use crate::config::TARGET;

const TOKEN: &str = "`fly tokens create org` makes one that does: give it as FLY_API_TOKEN";
const BUSY: &str =
    "somebody else is changing it (`fly machine leases view` shows who): repeat the command in a minute";
const WAIT: &str = "Fly.io asks to wait: repeat the command in a minute";
const ROOM: &str =
    "the region has no room for such a machine now: choose another `region` or `size`, or repeat it later";
const OUTAGE: &str =
    "repeat the command: it goes on from what is there (https://status.flyio.net tells of outages)";

/// The body of an error; the vendor's own clients take `message` before `error`.
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

/// The answer was no success (fly.io/docs/machines/api/working-with-machines-api, "Response codes").
pub(crate) fn refused(answer: &ApiAnswer, operation: &str) -> TargetError {
    let body: Body = serde_json::from_slice(&answer.body).unwrap_or_default();
    let said = answer.words_or(body.message.or(body.error));
    let id = answer.request_id().map(|id| format!(", request {id}")).unwrap_or_default();
    let message = format!("{said} (status {}{id})", answer.status);
    let full = body.status.as_deref() == Some("insufficient_capacity");
    let (kind, hint) = match answer.status {
        401 => (ErrorKind::Denied, Some(TOKEN)),
        403 => (ErrorKind::Denied, Some(TOKEN)),
        404 => (ErrorKind::NotFound, None),
        409 => (ErrorKind::Conflict, Some(BUSY)),
        429 => (ErrorKind::RateLimited, Some(WAIT)),
        _ if full => (ErrorKind::Unavailable, Some(ROOM)),
        400 | 412 | 422 => (ErrorKind::Invalid, None),
        408 | 500.. => (ErrorKind::Unavailable, Some(OUTAGE)),
        _ => (ErrorKind::Unexpected, None),
    };
    hint.into_iter().fold(ours(kind, operation, message), TargetError::hint)
}

/// True where an answer leaves open whether something was done.
pub(crate) fn is_open(answer: &ApiAnswer) -> bool {
    answer.status == 408 || answer.status >= 500
}

/// True where the name of what was to be made is there already.
pub(crate) fn is_taken(answer: &ApiAnswer) -> bool {
    let body: Body = serde_json::from_slice(&answer.body).unwrap_or_default();
    let said = body.message.or(body.error).unwrap_or_default().to_ascii_lowercase();
    let words = ["already been taken", "already exists", "already in use", "name taken", "name violation"];
    matches!(answer.status, 400 | 409 | 422)
        && (body.status.as_deref() == Some("name_taken") || words.iter().any(|word| said.contains(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> ApiAnswer {
        let headers = vec![("fly-request-id".to_owned(), "01ABC-fra".to_owned())];
        ApiAnswer { status, headers, body: body.as_bytes().to_vec() }
    }

    #[test]
    fn every_status_has_its_kind_and_the_platforms_words() {
        for (status, kind, mended) in [
            (400, ErrorKind::Invalid, false),
            (401, ErrorKind::Denied, true),
            (403, ErrorKind::Denied, true),
            (404, ErrorKind::NotFound, false),
            (408, ErrorKind::Unavailable, true),
            (409, ErrorKind::Conflict, true),
            (412, ErrorKind::Invalid, false),
            (422, ErrorKind::Invalid, false),
            (429, ErrorKind::RateLimited, true),
            (503, ErrorKind::Unavailable, true),
            (302, ErrorKind::Unexpected, false),
        ] {
            let error = refused(&answer(status, r#"{"error":"no such thing"}"#), "look at x");
            assert_eq!((error.kind, error.hint.is_some()), (kind, mended), "{status}");
            assert_eq!(error.message, format!("no such thing (status {status}, request 01ABC-fra)"));
        }
    }

    #[test]
    fn bodies_of_any_form_are_read() {
        let page = refused(&answer(502, "<html>\u{1b}[2J</html>"), "x");
        assert!(!page.message.contains('\u{1b}') && page.message.contains("<html>"), "{}", page.message);
        let full = answer(422, r#"{"error":"no room","status":"insufficient_capacity","details":{}}"#);
        assert_eq!(refused(&full, "x").kind, ErrorKind::Unavailable);
        assert!(is_taken(&answer(422, r#"{"error":"Validation failed: Name has already been taken"}"#)));
        assert!(is_taken(&answer(400, r#"{"error":"x","status":"name_taken"}"#)));
        assert!(is_taken(&answer(409, r#"{"error":"unique machine name violation, machine ID 1"}"#)));
        assert!(!is_taken(&answer(422, r#"{"error":"size is unknown"}"#)));
        assert!(is_open(&answer(408, "")) && is_open(&answer(500, "")) && !is_open(&answer(422, "")));
    }
}
