//! The program: runs the command line and ends the process with its exit code.

use std::process::ExitCode;

use dashdeploy::io::env::{Environment, arguments};

fn main() -> ExitCode {
    ExitCode::from(dashdeploy::cli::run(arguments(), Environment::of_this_process()))
}
