//! Why an image is not at its registry.

use dashdeploy_contract::{Finding, Name};

use super::Refusal;
use crate::io::docker::EngineError;
use crate::io::registry::{RegistryError, RegistryErrorKind};

/// What kind of obstacle it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PushFailureKind {
    /// The registry wants another login.
    Denied,
    /// A guard does not let the image pass.
    Refused,
    /// Anything else.
    Failed,
}

/// Why an image is not at its registry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize)]
#[error("the image of `{service}`: {message}")]
pub struct PushFailure {
    /// The service whose image it is.
    pub service: Name,
    /// What kind of obstacle it is.
    pub kind: PushFailureKind,
    /// What happened, one sentence without a full stop.
    pub message: String,
    /// What shows why.
    pub evidence: Vec<String>,
    /// What mends it.
    pub hint: Option<String>,
    /// What a guard found.
    pub findings: Vec<Finding>,
}

impl PushFailure {
    pub(super) fn new(service: &Name, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            service: service.clone(),
            kind: PushFailureKind::Failed,
            message: message.into(),
            evidence: Vec::new(),
            hint: Some(hint.into()).filter(|hint: &String| !hint.is_empty()),
            findings: Vec::new(),
        }
    }

    pub(super) fn registry(service: &Name, error: RegistryError) -> Self {
        let failure = Self::new(service, error.message, error.hint.unwrap_or_default());
        match error.kind {
            RegistryErrorKind::Denied => Self { kind: PushFailureKind::Denied, ..failure },
            _ => failure,
        }
    }

    pub(super) fn engine(service: &Name, error: EngineError) -> Self {
        Self::new(service, error.message, error.hint)
    }

    pub(super) fn refused(service: &Name, refusal: Refusal) -> Self {
        Self {
            service: service.clone(),
            kind: PushFailureKind::Refused,
            message: refusal.message,
            evidence: refusal.evidence,
            hint: refusal.hint,
            findings: refusal.findings,
        }
    }

    /// A source of logins that is broken.
    pub(super) fn login(service: &Name, why: String, host: &str) -> Self {
        let hint = crate::io::logins::mend(host);
        Self {
            kind: PushFailureKind::Denied,
            ..Self::new(service, format!("no login for {host}: {why}"), hint)
        }
    }
}
