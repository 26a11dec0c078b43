//! The process environment, read once and handed on as data.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::PathBuf;

/// What the process was started with.
#[derive(Clone, Default)]
pub struct Environment {
    /// The variables whose names and values are valid UTF-8.
    pub variables: BTreeMap<String, String>,
    /// The current folder.
    pub current_dir: PathBuf,
    /// True where standard input is a terminal.
    pub stdin_terminal: bool,
    /// True where standard output is a terminal.
    pub stdout_terminal: bool,
    /// True where standard error is a terminal.
    pub stderr_terminal: bool,
}

impl Environment {
    /// What this process was started with. A current folder that is gone becomes `.`.
    pub fn of_this_process() -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self {
            variables: variables.collect(),
            current_dir: std::env::current_dir().unwrap_or_else(|_| PathBuf::from(".")),
            stdin_terminal: std::io::stdin().is_terminal(),
            stdout_terminal: std::io::stdout().is_terminal(),
            stderr_terminal: std::io::stderr().is_terminal(),
        }
    }

    /// A variable's value; none where it is not set or empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Where this user's programs keep what they can make again: `$XDG_CACHE_HOME/dashdeploy`, else `~/.cache/dashdeploy`. None
    /// without either. A relative path counts for nothing (<https://specifications.freedesktop.org/basedir-spec/latest/>).
    pub fn cache_dir(&self) -> Option<PathBuf> {
        let absolute = |path: &str| Some(PathBuf::from(path)).filter(|path| path.is_absolute());
        let own = self.get("XDG_CACHE_HOME").and_then(absolute);
        let home = || self.get("HOME").or_else(|| self.get("USERPROFILE")).and_then(absolute);
        Some(own.or_else(|| home().map(|home| home.join(".cache")))?.join("dashdeploy"))
    }

    /// True in a CI run, by the variable all of them set.
    pub fn is_ci(&self) -> bool {
        self.get("CI").is_some_and(|value| value != "false" && value != "0")
    }
}

/// The arguments of this process.
pub fn arguments() -> impl Iterator<Item = std::ffi::OsString> {
    std::env::args_os()
}
