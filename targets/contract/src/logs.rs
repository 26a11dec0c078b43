//! Logs of services.

use async_trait::async_trait;
use serde::Serialize;

use crate::{Name, TargetError};

/// Which of a process's two streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// One line of a service's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogLine {
    /// The service.
    pub service: Name,
    /// When the platform took it, RFC 3339 in UTC with nanoseconds, so that text order is time order.
    pub time: String,
    /// Where it was written.
    pub stream: LogStream,
    /// The line without its end, as it was written: not yet safe for a terminal.
    pub text: String,
}

/// Which lines are wanted.
#[derive(Debug, Clone, Default)]
pub struct LogQuery {
    /// The services; all where empty.
    pub services: Vec<Name>,
    /// Go on as new lines come.
    pub follow: bool,
    /// Only the last so many of each service.
    pub tail: Option<u64>,
    /// Only lines from this moment on, in seconds since 1970-01-01 UTC.
    pub since: Option<i64>,
    /// Only lines before this moment, in seconds since 1970-01-01 UTC.
    pub until: Option<i64>,
}

/// Lines of one or more services. Without `follow`, lines of all services come merged by time.
#[async_trait]
pub trait LogFeed: Send {
    /// The next line; none at the end.
    ///
    /// # Errors
    /// [`TargetError`] when the platform cannot be asked any more.
    async fn next(&mut self) -> Result<Option<LogLine>, TargetError>;
}
