//! What can go wrong on a platform, by what the caller can do about it.

use std::borrow::Cow;

/// What the caller can do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The thing is not there.
    NotFound,
    /// The credentials are missing or do not allow it.
    Denied,
    /// Something else is in the way: a name or port taken, a thing that is not ours.
    Conflict,
    /// The platform asks to wait.
    RateLimited,
    /// The platform refuses what was asked for.
    Invalid,
    /// The platform cannot do this.
    Unsupported,
    /// The platform cannot be reached, or is out of disk, memory or patience.
    Unavailable,
    /// The run was interrupted.
    Interrupted,
    /// An answer that makes no sense.
    Unexpected,
}

/// An error of a target: what failed, where, why, and the mend where one is known.
#[derive(Debug, thiserror::Error)]
#[error("{target}: {operation}: {message}")]
pub struct TargetError {
    /// What the caller can do about it.
    pub kind: ErrorKind,
    /// The target.
    pub target: Cow<'static, str>,
    /// What was being done, such as `start container shop-api-1`.
    pub operation: String,
    /// What the platform says.
    pub message: String,
    /// The edit or command that mends it.
    pub hint: Option<String>,
    /// True where the platform did what it was asked for, and what it started does not serve.
    pub unhealthy: bool,
}

impl TargetError {
    /// An error of a kind.
    pub fn new(
        kind: ErrorKind,
        target: impl Into<Cow<'static, str>>,
        operation: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            target: target.into(),
            operation: operation.into(),
            message: message.into(),
            hint: None,
            unhealthy: false,
        }
    }

    /// The same error, of a program that does not serve: what ran before has been put back.
    #[must_use]
    pub fn unhealthy(mut self) -> Self {
        self.unhealthy = true;
        self
    }

    /// The same error with the mend.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What a verb answers that a target does not have.
    pub fn unsupported(target: impl Into<Cow<'static, str>>, operation: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unsupported, target, operation, "this target cannot do that")
    }
}
