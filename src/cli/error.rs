//! Errors at the edge: what the user reads, and the exit code. Hints are attached here, so that libraries stay free of
//! commands and flags.

use dashdeploy_contract::{ErrorKind, Finding, TargetError};

use crate::console::Report;

/// The exit codes, as `dashdeploy --help` lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Everything is as asked for.
    Done,
    /// It failed; nothing was changed, or the former release still serves.
    Failed,
    /// The command line or the configuration is wrong.
    Usage,
    /// Changes or drift are pending (`--check`).
    Pending,
    /// It failed and was rolled back.
    RolledBack,
    /// Something has to be done by hand; it is listed.
    Partial,
    /// Credentials are missing or refused.
    Credentials,
    /// Somebody else is at it.
    Locked,
    /// A guard refused.
    Refused,
    /// Interrupted.
    Interrupted,
    /// The code of a command run by `exec`.
    Command(u8),
}

impl Exit {
    /// The number the process ends with.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Pending => 3,
            Self::RolledBack => 4,
            Self::Partial => 5,
            Self::Credentials => 6,
            Self::Locked => 7,
            Self::Refused => 8,
            Self::Interrupted => 130,
            Self::Command(code) => code,
        }
    }
}

/// Why a command ended without its answer.
#[derive(Debug)]
pub struct CliError {
    /// The exit code.
    pub exit: Exit,
    /// What the user reads.
    pub report: Box<Report>,
}

/// What a command comes to.
pub type CliResult<T = Exit> = Result<T, CliError>;

impl CliError {
    /// An error with a code word and a sentence.
    pub fn new(exit: Exit, code: &str, message: impl Into<String>) -> Self {
        let report = Report { code: code.to_owned(), message: message.into(), ..Report::default() };
        Self { exit, report: Box::new(report) }
    }

    /// Findings that stop the command.
    pub fn findings(message: impl Into<String>, findings: Vec<Finding>) -> Self {
        let mut error = Self::new(Exit::Usage, "configuration", message);
        error.report.findings = findings;
        error
    }

    /// The same error with the edit or command that mends it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.report.hints.push(hint.into());
        self
    }

    /// The same error with what shows why.
    #[must_use]
    pub fn evidence(mut self, lines: impl IntoIterator<Item = String>) -> Self {
        self.report.evidence.extend(lines);
        self
    }
}

impl From<anyhow::Error> for CliError {
    fn from(error: anyhow::Error) -> Self {
        let chain: Vec<String> = error.chain().map(ToString::to_string).collect();
        let text = chain.join(": ");
        let failed = Self::new(Exit::Failed, "io", text.clone());
        match text.to_ascii_lowercase() {
            lower if lower.contains("no space left") => {
                failed.hint("free some disk space, then run the command again")
            }
            lower if lower.contains("permission denied") => {
                failed.hint("make the path readable and writable for you (`ls -l` shows its owner)")
            }
            lower if lower.contains("read-only file system") => {
                failed.hint("the folder lies on a read-only file system: copy the project elsewhere")
            }
            _ => failed,
        }
    }
}

impl From<TargetError> for CliError {
    fn from(error: TargetError) -> Self {
        let (exit, code) = match error.kind {
            ErrorKind::NotFound => (Exit::Failed, "not-found"),
            ErrorKind::Denied => (Exit::Credentials, "denied"),
            ErrorKind::Conflict => (Exit::Failed, "conflict"),
            ErrorKind::RateLimited => (Exit::Failed, "rate-limited"),
            ErrorKind::Invalid => (Exit::Failed, "invalid"),
            ErrorKind::Unsupported => (Exit::Usage, "unsupported"),
            ErrorKind::Unavailable => (Exit::Failed, "unavailable"),
            ErrorKind::Interrupted => (Exit::Interrupted, "interrupted"),
            ErrorKind::Unexpected => (Exit::Failed, "unexpected"),
        };
        let failed = Self::new(exit, code, error.to_string());
        match error.hint {
            Some(hint) => failed.hint(hint),
            None => failed,
        }
    }
}
