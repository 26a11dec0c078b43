//! Commands in a service's container.
//!
//! Given: a request. Gives: the command's streams over one hijacked connection, and its exit code. Deliberately absent: the
//! terminal of the person who asks; that is the console's.

use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use bollard::container::LogOutput;
use bollard::exec::{CreateExecOptions, StartExecOptions, StartExecResults};
use bollard::query_parameters::ResizeExecOptionsBuilder;
use dashdeploy_contract::{
    ErrorKind, ExecInput, ExecOutput, ExecOutputFeed, ExecRequest, ExecSession, LogStream, TargetError,
};
use futures_util::{Stream, StreamExt};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use crate::api::Engine;
use crate::config::Stack;
use crate::error::{engine as engine_error, is_conflict, is_missing, ours};

type Output = Pin<Box<dyn Stream<Item = Result<LogOutput, bollard::errors::Error>> + Send>>;
type Writing = Pin<Box<dyn AsyncWrite + Send>>;

/// Starts a command.
pub(crate) async fn open(
    engine: &Engine,
    stack: &Stack<'_>,
    request: &ExecRequest,
) -> Result<ExecSession, TargetError> {
    let container = stack.container(&request.service);
    let operation = format!("run a command in container {container}");
    let options = CreateExecOptions {
        attach_stdin: Some(request.interactive),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        tty: Some(request.terminal),
        cmd: Some(request.command.clone()),
        user: request.user.clone(),
        working_dir: request.workdir.clone(),
        ..Default::default()
    };
    let made = engine.docker.create_exec(&container, options).await.map_err(|error| {
        if is_missing(&error) || is_conflict(&error) {
            let message = format!("service `{}` does not run", request.service);
            return ours(ErrorKind::NotFound, operation.clone(), message).hint("start it: `dashdeploy up`");
        }
        engine_error(operation.clone(), &error)
    })?;
    let start = StartExecOptions { detach: false, tty: request.terminal, output_capacity: None };
    let started = engine.docker.start_exec(&made.id, Some(start)).await;
    let started = started.map_err(|error| engine_error(operation.clone(), &error))?;
    let StartExecResults::Attached { output, input } = started else {
        return Err(ours(ErrorKind::Unexpected, operation, "the engine did not attach to the command"));
    };
    if let Some((columns, rows)) = request.size.filter(|_| request.terminal) {
        first_size(engine.clone(), made.id.clone(), columns, rows);
    }
    let (input, held) = if request.interactive { (Some(input), None) } else { (None, Some(input)) };
    let input = input.map(|input| {
        let input = Input { engine: engine.clone(), id: made.id.clone(), input };
        Box::new(input) as Box<dyn ExecInput>
    });
    let output = Feed { engine: engine.clone(), id: made.id, output, _input: held };
    Ok(ExecSession { output: Box::new(output), input })
}

// The engine knows the terminal only once the process runs, and does not say when: it is told a few times.
fn first_size(engine: Engine, id: String, columns: u16, rows: u16) {
    tokio::spawn(async move {
        for _ in 0..20 {
            if resize(&engine, &id, columns, rows).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    });
}

async fn resize(engine: &Engine, id: &str, columns: u16, rows: u16) -> Result<(), TargetError> {
    let options = ResizeExecOptionsBuilder::new().h(i32::from(rows)).w(i32::from(columns)).build();
    let answer = engine.docker.resize_exec(id, options).await;
    answer.map_err(|error| engine_error("tell the terminal's size", &error))
}

/// What the command prints.
struct Feed {
    engine: Engine,
    id: String,
    output: Output,
    /// Where no input is sent, the connection's other half is only kept open.
    _input: Option<Writing>,
}

#[async_trait]
impl ExecOutputFeed for Feed {
    async fn next(&mut self) -> Result<ExecOutput, TargetError> {
        match self.output.next().await {
            Some(Ok(LogOutput::StdErr { message })) => {
                Ok(ExecOutput::Data(LogStream::Stderr, message.to_vec()))
            }
            Some(Ok(other)) => Ok(ExecOutput::Data(LogStream::Stdout, other.into_bytes().to_vec())),
            Some(Err(error)) => Err(engine_error("read the command's output", &error)),
            None => self.exit().await,
        }
    }
}

impl Feed {
    // The streams may end a moment before the engine has the exit code.
    async fn exit(&mut self) -> Result<ExecOutput, TargetError> {
        for _ in 0..100 {
            let state = self.engine.docker.inspect_exec(&self.id).await;
            let state = state.map_err(|error| engine_error("ask for the exit code", &error))?;
            if let (Some(false), Some(code)) = (state.running, state.exit_code) {
                return Ok(ExecOutput::Exited(code));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(ours(
            ErrorKind::Unexpected,
            "ask for the exit code",
            "the command's streams ended, but it still runs",
        ))
    }
}

/// What the command reads.
struct Input {
    engine: Engine,
    id: String,
    input: Writing,
}

fn unread(error: &std::io::Error) -> TargetError {
    ours(ErrorKind::Unavailable, "send input", format!("the command does not read any more: {error}"))
}

#[async_trait]
impl ExecInput for Input {
    async fn send(&mut self, bytes: &[u8]) -> Result<(), TargetError> {
        self.input.write_all(bytes).await.map_err(|error| unread(&error))?;
        self.input.flush().await.map_err(|error| unread(&error))
    }

    async fn resize(&mut self, columns: u16, rows: u16) -> Result<(), TargetError> {
        resize(&self.engine, &self.id, columns, rows).await
    }

    async fn close(&mut self) -> Result<(), TargetError> {
        self.input.shutdown().await.map_err(|error| unread(&error))
    }
}
