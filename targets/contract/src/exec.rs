//! Running a command in a service's container.

use async_trait::async_trait;

use crate::{LogStream, Name, TargetError};

/// What to run, and how.
#[derive(Debug, Clone)]
pub struct ExecRequest {
    /// The service.
    pub service: Name,
    /// Program and arguments.
    pub command: Vec<String>,
    /// True for a terminal; then both streams come as one.
    pub terminal: bool,
    /// True where input is sent.
    pub interactive: bool,
    /// The user, when not the container's own.
    pub user: Option<String>,
    /// The folder, when not the container's own.
    pub workdir: Option<String>,
    /// The terminal's size in columns and rows.
    pub size: Option<(u16, u16)>,
}

/// A command that runs.
pub struct ExecSession {
    /// What it prints.
    pub output: Box<dyn ExecOutputFeed>,
    /// What it reads; none where no input is sent.
    pub input: Option<Box<dyn ExecInput>>,
}

/// What a command printed, or how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExecOutput {
    /// Bytes, as they came.
    Data(LogStream, Vec<u8>),
    /// The exit code; the last thing that comes.
    Exited(i64),
}

/// Alias of the stream names used by logs.
pub type ExecStream = LogStream;

/// The output of a command.
#[async_trait]
pub trait ExecOutputFeed: Send {
    /// What comes next; [`ExecOutput::Exited`] is the last.
    ///
    /// # Errors
    /// [`TargetError`] when the platform cannot be asked any more.
    async fn next(&mut self) -> Result<ExecOutput, TargetError>;
}

/// The input of a command.
#[async_trait]
pub trait ExecInput: Send {
    /// Sends bytes.
    ///
    /// # Errors
    /// [`TargetError`] when the command does not read any more.
    async fn send(&mut self, bytes: &[u8]) -> Result<(), TargetError>;

    /// Tells the terminal's new size in columns and rows.
    ///
    /// # Errors
    /// [`TargetError`] when the platform refuses.
    async fn resize(&mut self, columns: u16, rows: u16) -> Result<(), TargetError>;

    /// Ends the input.
    ///
    /// # Errors
    /// [`TargetError`] when the connection is gone already.
    async fn close(&mut self) -> Result<(), TargetError>;
}
