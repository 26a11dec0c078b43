//! What every command is run with: global flags made into settings, the console, the interruption.

use std::path::PathBuf;
use std::sync::OnceLock;

use clap::ArgAction;

use super::{CliError, CliResult, Exit};
use crate::console::{ColorChoice, Console, ConsoleSettings, Verbosity};
use crate::io::env::Environment;
use crate::io::signal::Interrupt;

/// Flags of every command. Each is also a variable; a flag counts before the variable, the variable before the file.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Global options")]
pub struct GlobalArgs {
    /// Environment of dashdeploy.yaml to work on
    #[arg(
        short,
        long,
        global = true,
        default_value = "local",
        env = "DASHDEPLOY_ENVIRONMENT",
        value_name = "NAME"
    )]
    pub environment: String,
    /// Folder to work in, instead of the current one
    #[arg(short = 'C', long, global = true, env = "DASHDEPLOY_PROJECT_DIR", value_name = "DIR")]
    pub project_dir: Option<PathBuf>,
    /// Configuration file, instead of the nearest dashdeploy.yaml upwards
    #[arg(short, long, global = true, env = "DASHDEPLOY_FILE", value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Print JSON lines and nothing else on standard output
    #[arg(long, global = true, env = "DASHDEPLOY_JSON", value_parser = clap::builder::FalseyValueParser::new(), action = ArgAction::SetTrue)]
    pub json: bool,
    /// Say only answers, warnings and errors
    #[arg(short, long, global = true, conflicts_with = "verbose", env = "DASHDEPLOY_QUIET", value_parser = clap::builder::FalseyValueParser::new(), action = ArgAction::SetTrue)]
    pub quiet: bool,
    /// Say everything, with the output of every build step
    #[arg(short, long, global = true, env = "DASHDEPLOY_VERBOSE", value_parser = clap::builder::FalseyValueParser::new(), action = ArgAction::SetTrue)]
    pub verbose: bool,
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t, env = "DASHDEPLOY_COLOR", value_name = "WHEN")]
    pub color: ColorChoice,
    /// Take the default answer to every question
    #[arg(short, long, global = true, env = "DASHDEPLOY_YES", value_parser = clap::builder::FalseyValueParser::new(), action = ArgAction::SetTrue)]
    pub yes: bool,
    /// Show what would be done and do nothing
    #[arg(long, global = true, env = "DASHDEPLOY_DRY_RUN", value_parser = clap::builder::FalseyValueParser::new(), action = ArgAction::SetTrue)]
    pub dry_run: bool,
    /// Never ask, even on a terminal
    #[arg(long, global = true, env = "DASHDEPLOY_NON_INTERACTIVE", value_parser = clap::builder::FalseyValueParser::new(), action = ArgAction::SetTrue)]
    pub non_interactive: bool,
}

/// What every command is run with.
pub struct Context {
    /// The global flags.
    pub global: GlobalArgs,
    /// The process environment.
    pub environment: Environment,
    /// The program's voice.
    pub console: Console,
    interrupt: OnceLock<Interrupt>,
}

impl Context {
    /// Settles the global flags.
    pub fn new(global: GlobalArgs, environment: Environment) -> Self {
        let variable = |name: &str| environment.variables.get(name).cloned();
        let color = |terminal| global.color.applies(terminal, &variable);
        let dumb = environment.get("TERM") == Some("dumb");
        let console = Console::new(ConsoleSettings {
            json: global.json,
            verbosity: match (global.quiet, global.verbose) {
                (true, _) => Verbosity::Quiet,
                (_, true) => Verbosity::Verbose,
                _ => Verbosity::Normal,
            },
            color_stderr: color(environment.stderr_terminal),
            color_stdout: color(environment.stdout_terminal) && !global.json,
            live: environment.stderr_terminal && !environment.is_ci() && !dumb,
        });
        Self { global, environment, console, interrupt: OnceLock::new() }
    }

    /// The same run in another process environment.
    #[cfg(feature = "rehearse")]
    pub(super) fn within(&self, environment: Environment) -> Self {
        let (global, console) = (self.global.clone(), self.console.clone());
        Self { global, environment, console, interrupt: OnceLock::from(self.interrupt()) }
    }

    /// True where a question may be asked.
    pub fn may_ask(&self) -> bool {
        let wanted = !self.global.yes && !self.global.non_interactive && !self.global.json;
        wanted
            && self.environment.stdin_terminal
            && self.environment.stderr_terminal
            && !self.environment.is_ci()
    }

    /// The folder to start from.
    pub fn start_dir(&self) -> PathBuf {
        match &self.global.project_dir {
            Some(folder) => self.environment.current_dir.join(folder),
            None => self.environment.current_dir.clone(),
        }
    }

    pub(super) fn runtime(&self) -> CliResult<tokio::runtime::Runtime> {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| CliError::new(Exit::Failed, "runtime", format!("cannot start: {error}")))
    }

    /// Starts listening for interruption; needs the runtime.
    pub(super) fn listen(&self) {
        self.interrupt.get_or_init(Interrupt::listen);
    }

    /// Whether the user wants the work to end.
    pub fn interrupt(&self) -> Interrupt {
        self.interrupt.get_or_init(Interrupt::default).clone()
    }

    /// Work that a signal ends at once, since dropping it undoes or stops whatever it does. `left` says what is left behind.
    ///
    /// # Errors
    /// The work's own, and exit code 130 for a signal.
    pub async fn interruptible<T, E>(
        &self,
        doing: &str,
        left: &str,
        work: impl Future<Output = Result<T, E>>,
    ) -> CliResult<T>
    where
        CliError: From<E>,
    {
        let interrupt = self.interrupt();
        let result = tokio::select! {
            result = work => result,
            () = interrupt.raised() => {
                let message = format!("interrupted while {doing}; {left}");
                return Err(CliError::new(Exit::Interrupted, "interrupted", message));
            }
        };
        self.console.finish_progress();
        Ok(result?)
    }
}
