//! The command line: one file per command, and the dispatch.
//!
//! Given: arguments and the process environment. Gives: an exit code. Commands read settings, call the pure half and the
//! I/O half in turn, and hand what came of it to the console; they print nothing themselves.

mod allow;
mod build;
mod build_args;
mod build_secrets;
mod check;
mod completions;
mod context;
mod deploy;
mod deploying;
mod destroy;
mod doctor;
mod down;
mod error;
mod exec;
mod files;
mod guard;
mod history;
mod init;
mod load;
mod logs;
mod manifests;
mod pin;
mod pipeline;
mod plan;
mod portability;
mod prepare;
mod ps;
mod push;
#[cfg(feature = "rehearse")]
mod rehearse;
mod render;
mod rollback;
mod schema;
mod secrets;
mod stack;
mod status;
mod targets;
mod templates;
mod unlock;
mod up;
mod verdict;

use std::ffi::OsString;

use clap::{Parser, Subcommand};

pub use context::{Context, GlobalArgs};
pub use error::{CliError, CliResult, Exit};

use crate::console::{Console, Report};
use crate::io::env::Environment;

/// From a repository to a running application, anywhere
///
/// One file, dashdeploy.yaml, describes the application: its services, their data, their secrets. From it dashdeploy
/// writes every file needed, builds the images, runs the application here, and deploys it.
#[derive(Debug, Parser)]
#[command(name = "dashdeploy", version, propagate_version = true, after_help = EXIT_CODES)]
struct Cli {
    #[command(flatten)]
    global: GlobalArgs,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done · 1 failed, nothing was changed or the former release still serves · \
2 usage or configuration · 3 changes pending (--check) · 4 failed and rolled back · 5 partial, see the list · \
6 credentials · 7 locked · 8 refused by a guard · 130 interrupted";

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::Args),
    Check(check::Args),
    Render(render::Args),
    Pin(pin::Args),
    Build(build::Args),
    Push(push::Args),
    Up(up::Args),
    Down(down::Args),
    Ps(ps::Args),
    Logs(logs::Args),
    Exec(exec::Args),
    Plan(plan::Args),
    Deploy(deploy::Args),
    Status(status::Args),
    History(history::Args),
    Rollback(rollback::Args),
    Destroy(destroy::Args),
    Secrets(secrets::Args),
    Doctor(doctor::Args),
    Targets(targets::Args),
    Templates(templates::Args),
    Unlock(unlock::Args),
    Schema(schema::Args),
    Completions(completions::Args),
}

/// Runs the program and gives the exit code's number.
pub fn run(arguments: impl IntoIterator<Item = OsString>, environment: Environment) -> u8 {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return refused(&error, &arguments, &environment),
    };
    let context = Context::new(cli.global, environment);
    let result = context.runtime().and_then(|runtime| {
        let result = runtime.block_on(dispatch(&context, cli.command));
        // Threads that wait for the terminal or a slow disk must not hold the process.
        runtime.shutdown_background();
        result
    });
    context.console.finish_progress();
    let result = match (result, context.console.lost_answer()) {
        (Ok(Exit::Done), Some(why)) => {
            Err(CliError::new(Exit::Failed, "output", format!("the answer could not be written: {why}")))
        }
        (result, _) => result,
    };
    match result {
        Ok(exit) => exit.code(),
        Err(mut error) => {
            error.report.exit_code = error.exit.code();
            context.console.error(&error.report);
            error.exit.code()
        }
    }
}

/// Tells what is wrong with the command line, or prints the help or version that was asked for.
fn refused(error: &clap::Error, arguments: &[OsString], environment: &Environment) -> u8 {
    let code = u8::try_from(error.exit_code()).unwrap_or(2);
    let asked =
        arguments.iter().take_while(|argument| *argument != "--").any(|argument| argument == "--json");
    let set = environment.get("DASHDEPLOY_JSON").is_some_and(|value| value != "0" && value != "false");
    if !error.use_stderr() || !(asked || set) {
        let _ = error.print();
        return code;
    }
    let message = error.to_string();
    let mut lines = message.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    let report = Report {
        code: "usage".to_owned(),
        message: first.strip_prefix("error: ").unwrap_or(first).to_owned(),
        hints: lines.map(str::to_owned).collect(),
        exit_code: code,
        ..Report::default()
    };
    Console::json_lines().error(&report);
    code
}

async fn dispatch(context: &Context, command: Command) -> CliResult {
    context.listen();
    match command {
        Command::Init(args) => init::run(context, &args).await,
        Command::Check(args) => check::run(context, &args),
        Command::Pin(args) => pin::run(context, &args).await,
        Command::Render(args) => render::run(context, &args),
        Command::Build(args) => build::run(context, &args).await,
        Command::Push(args) => push::run(context, &args).await,
        Command::Up(args) => up::run(context, &args).await,
        Command::Down(args) => down::run(context, &args).await,
        Command::Ps(args) => ps::run(context, &args).await,
        Command::Logs(args) => logs::run(context, &args).await,
        Command::Exec(args) => exec::run(context, &args).await,
        Command::Plan(args) => plan::run(context, &args).await,
        Command::Deploy(args) => deploy::run(context, args).await,
        Command::Status(args) => status::run(context, &args).await,
        Command::History(args) => history::run(context, &args).await,
        Command::Rollback(args) => rollback::run(context, &args).await,
        Command::Destroy(args) => destroy::run(context, &args).await,
        Command::Secrets(args) => secrets::run(context, &args).await,
        Command::Doctor(args) => doctor::run(context, &args).await,
        Command::Targets(args) => targets::run(context, &args),
        Command::Templates(args) => templates::run(context, &args),
        Command::Unlock(args) => unlock::run(context, &args).await,
        Command::Schema(args) => schema::run(context, &args),
        Command::Completions(args) => completions::run(context, &args),
    }
}

/// The whole command line as clap knows it, for completions and the reference.
pub fn command() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A command's own argument with the id of a global one would be read as that one.
    #[test]
    fn no_argument_takes_the_place_of_a_global_one() {
        fn walk(command: &clap::Command, globals: &[String]) {
            for argument in command.get_arguments().filter(|argument| !argument.is_global_set()) {
                let id = argument.get_id().to_string();
                assert!(!globals.contains(&id), "{} {id}", command.get_name());
            }
            command.get_subcommands().for_each(|command| walk(command, globals));
        }
        let whole = command();
        let globals: Vec<String> = whole
            .get_arguments()
            .filter(|argument| argument.is_global_set())
            .map(|argument| argument.get_id().to_string())
            .collect();
        assert!(globals.len() > 5, "{globals:?}");
        whole.get_subcommands().for_each(|command| walk(command, &globals));
    }
}
