//! `dashdeploy exec`: runs a command in a service's container.

use dashdeploy_contract::{ExecInput, ExecOutput, ExecRequest, ExecSession, LogStream, Writer as _};

use super::stack::Stack;
use super::{CliError, CliResult, Context, Exit};
use crate::io::terminal::{RawMode, StandardInput, size};

/// Run a command in a service's container
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The service
    service: String,
    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<String>,
    /// No terminal, even where there is one
    #[arg(short = 'T', long)]
    no_tty: bool,
    /// User or user:group to run as
    #[arg(short, long, value_name = "USER")]
    user: Option<String>,
    /// Folder to run in
    #[arg(short, long, value_name = "DIR")]
    workdir: Option<String>,
}

pub(super) async fn run(context: &Context, args: &Args) -> CliResult {
    if context.console.is_json() {
        return Err(CliError::new(
            Exit::Usage,
            "usage",
            "exec hands on what the command prints, which is not JSON",
        )
        .hint("leave --json out"));
    }
    let stack = Stack::open(context)?;
    let terminal = !args.no_tty && context.environment.stdin_terminal && context.environment.stdout_terminal;
    let request = ExecRequest {
        service: stack.service(&args.service)?,
        command: args.command.clone(),
        terminal,
        interactive: true,
        user: args.user.clone(),
        workdir: args.workdir.clone(),
        size: terminal.then(size).flatten(),
    };
    if context.global.dry_run {
        context.console.answer(
            serde_json::Value::Null,
            &format!("would run in {}: {:?}", request.service, request.command),
        );
        return Ok(Exit::Done);
    }
    let session = stack.writer().await?.exec(&stack.bound, &request).await?;
    // Put back when dropped, whatever happens.
    let _raw = if terminal { Some(RawMode::enter()?) } else { None };
    let code = relay(context, session, terminal).await?;
    Ok(if code == 0 { Exit::Done } else { Exit::Command(u8::try_from(code).unwrap_or(1)) })
}

/// Hands bytes to and fro until the command ends; gives its exit code.
async fn relay(context: &Context, mut session: ExecSession, terminal: bool) -> CliResult<i64> {
    let mut input = StandardInput::open();
    let interrupt = context.interrupt();
    let mut resize = tokio::time::interval(std::time::Duration::from_millis(300));
    let mut known = size();
    loop {
        tokio::select! {
            output = session.output.next() => match output? {
                ExecOutput::Data(stream, bytes) => context.console.raw(stream == LogStream::Stderr, &bytes),
                ExecOutput::Exited(code) => return Ok(code),
            },
            bytes = input.next(), if session.input.is_some() => send(&mut session.input, bytes).await,
            _ = resize.tick(), if terminal => {
                let now = size();
                if let (true, Some((columns, rows)), Some(to)) = (now != known, now, session.input.as_mut()) {
                    // A size that did not arrive is no reason to end the command.
                    let _ = to.resize(columns, rows).await;
                }
                known = now;
            }
            () = interrupt.raised(), if !terminal => {
                return Err(CliError::new(Exit::Interrupted, "interrupted", "interrupted; the command may still run in the container"));
            }
        }
    }
}

/// Sends input, or its end. A command that does not read any more is no failure: its exit code will tell.
async fn send(input: &mut Option<Box<dyn ExecInput>>, bytes: Option<Vec<u8>>) {
    let Some(to) = input.as_mut() else { return };
    let sent = match &bytes {
        Some(bytes) => to.send(bytes).await,
        None => to.close().await,
    };
    if bytes.is_none() || sent.is_err() {
        *input = None;
    }
}
