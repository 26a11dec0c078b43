//! Questions on a terminal. Callers make sure that there is one.

use anyhow::{Context, Result};
use dialoguer::{Confirm, Input, Password, Select};

/// A value that is not shown while it is typed; may be empty.
///
/// # Errors
/// When the terminal goes away.
pub fn secret(prompt: &str) -> Result<String> {
    let answer = Password::new().with_prompt(prompt).allow_empty_password(true).interact();
    answer.context("the question was not answered")
}

/// One of several; the index of the chosen one.
///
/// # Errors
/// When the terminal goes away.
pub fn choice(prompt: &str, items: &[String], default: usize) -> Result<usize> {
    let answer = Select::new().with_prompt(prompt).items(items).default(default).interact();
    answer.context("the question was not answered")
}

/// Yes or no.
///
/// # Errors
/// When the terminal goes away.
pub fn confirm(prompt: &str, default: bool) -> Result<bool> {
    let answer = Confirm::new().with_prompt(prompt).default(default).interact();
    answer.context("the question was not answered")
}

/// A line of text.
///
/// # Errors
/// When the terminal goes away.
pub fn text(prompt: &str, default: &str) -> Result<String> {
    let answer = Input::new().with_prompt(prompt).default(default.to_owned()).interact_text();
    answer.context("the question was not answered")
}
