//! Why an image was not built.

use std::fmt;

use dashdeploy_contract::{Finding, Name};
use serde::Serialize;

/// Why an image was not built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BuildFailure {
    /// The service whose image it is.
    pub service: Name,
    /// The step that failed, as BuildKit counts it: `[build 3/6] RUN npm ci`.
    pub step: Option<String>,
    /// The instruction that failed, as the Dockerfile has it.
    pub instruction: Option<String>,
    /// The exit code of its command.
    pub exit_code: Option<i32>,
    /// The last lines that step printed.
    pub log: Vec<String>,
    /// What happened, one sentence without a full stop.
    pub message: String,
    /// What mends it, where that is known.
    pub hint: Option<String>,
    /// What a guard found in the context; not empty where the build was refused because of it, before anything was sent.
    pub refused: Vec<Finding>,
    /// Services whose builds were stopped because of it.
    pub stopped: Vec<Name>,
}

impl BuildFailure {
    /// A failure that no step is to blame for.
    pub(super) fn plain(service: &Name, message: String, hint: Option<String>) -> Self {
        Self {
            service: service.clone(),
            step: None,
            instruction: None,
            exit_code: None,
            log: Vec::new(),
            message,
            hint,
            refused: Vec::new(),
            stopped: Vec::new(),
        }
    }

    /// A build that a guard refuses, before anything was sent.
    pub(super) fn refused(service: &Name, findings: Vec<Finding>) -> Self {
        let many = findings.len();
        let what = if many == 1 { "a secret".to_owned() } else { format!("{many} secrets") };
        let message = format!("{what} would get into it; nothing was sent");
        Self { refused: findings, ..Self::plain(service, message, None) }
    }
}

impl fmt::Display for BuildFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the image of `{}` could not be built: {}", self.service, self.message)
    }
}

impl std::error::Error for BuildFailure {}
