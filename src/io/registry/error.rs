//! Why a registry does not do what is wanted, and what mends it.

use crate::io::http::{Answer, HttpError};
use crate::io::logins::{Login, mend};

/// What kind of obstacle it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistryErrorKind {
    /// The login is missing, wrong, or has not the right.
    Denied,
    /// It cannot be reached, or is out of order.
    Unavailable,
    /// It says what it must not say.
    Unexpected,
}

/// Why a registry does not do what is wanted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RegistryError {
    /// What kind of obstacle it is.
    pub kind: RegistryErrorKind,
    /// What happened, with the registry's name: one sentence without a full stop.
    pub message: String,
    /// What mends it.
    pub hint: Option<String>,
}

/// Characters of a registry's own words that are repeated.
const LONGEST: usize = 300;

impl RegistryError {
    pub(super) fn unexpected(host: &str, what: &str) -> Self {
        let message = format!("the registry {host}: {what}");
        Self { kind: RegistryErrorKind::Unexpected, message, hint: None }
    }

    /// A login that is missing or refused. `said` are the registry's own words.
    pub fn denied(host: &str, said: &str, login: bool) -> Self {
        let what = if login { "refuses the login" } else { "wants a login, and none is known" };
        let said = if said.is_empty() { String::new() } else { format!(": {said}") };
        Self {
            kind: RegistryErrorKind::Denied,
            message: format!("the registry {host} {what}{said}"),
            hint: Some(mend(host)),
        }
    }

    pub(super) fn from_http(host: &str, error: &HttpError) -> Self {
        let hint = Some(error.hint().to_owned());
        let message = format!("the registry {host} cannot be asked: {error}");
        Self { kind: RegistryErrorKind::Unavailable, message, hint }
    }

    pub(super) fn from_answer(host: &str, answer: &Answer, login: Option<&Login>) -> Self {
        let said = words(answer, login);
        let status = answer.status.as_u16();
        if status == 401 || status == 403 {
            return Self::denied(host, &said, login.is_some());
        }
        let id = answer.request_id().map(|id| format!(" (request {id})")).unwrap_or_default();
        let said = if said.is_empty() { String::new() } else { format!(": {said}") };
        let (kind, hint) = match status {
            429 => (RegistryErrorKind::Unavailable, "its rate limit is reached: wait, or log in"),
            500.. => (RegistryErrorKind::Unavailable, "it is out of order: try again later"),
            _ => (RegistryErrorKind::Unexpected, "check the name under `registry:` in dashdeploy.yaml"),
        };
        let message = format!("the registry {host} answers with status {status}{said}{id}");
        Self { kind, message, hint: Some(hint.to_owned()) }
    }
}

/// The registry's own words, without the login in them.
fn words(answer: &Answer, login: Option<&Login>) -> String {
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let first = &body["errors"][0];
    let candidates = [&first["message"], &first["code"], &body["error_description"], &body["details"]];
    let said = candidates.iter().find_map(|word| word.as_str().filter(|word| !word.is_empty()));
    let mut said: String = said.unwrap_or_default().chars().take(LONGEST).collect();
    if let Some(login) = login {
        said = login.redact(&said);
    }
    said
}
