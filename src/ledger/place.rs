//! Where the ledger and the lock of an environment are.

use std::path::PathBuf;

use dashdeploy_contract::Bound;

use super::LedgerError;
use crate::io::env::Environment;
use crate::io::fs::ProjectDir;

/// The folder of ledgers in a project.
const FOLDER: &str = ".dashdeploy/ledger";

/// Where the ledger and the lock of an environment are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerPlace {
    /// The environment, for people: `shop in production`.
    pub name: String,
    /// The folder.
    pub folder: PathBuf,
    /// The ledger's file.
    pub file: PathBuf,
    /// The lock's file.
    pub lock: PathBuf,
}

impl LedgerPlace {
    /// The place for an environment of a project: in its folder.
    pub fn of(dir: &ProjectDir, bound: &Bound) -> Self {
        Self::below(dir.join(FOLDER), bound)
    }

    /// The place for an environment in a folder of ledgers.
    pub fn below(folder: PathBuf, bound: &Bound) -> Self {
        Self {
            name: format!("{} in {}", bound.project, bound.environment),
            file: folder.join(format!("{}.jsonl", bound.environment)),
            lock: folder.join(format!("{}.lock", bound.environment)),
            folder,
        }
    }
}

/// Who runs this process, as the ledger and the lock name it.
pub(super) fn user(environment: &Environment) -> String {
    let user =
        ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| environment.get(name)).unwrap_or("somebody");
    format!("{user}@{}", crate::io::net::host_name())
}

/// The address of the CI run that this process belongs to, by the variables of GitHub, GitLab and those that set a plain one.
pub(super) fn ci_run(environment: &Environment) -> Option<String> {
    let get = |name: &str| environment.get(name);
    if let (Some(server), Some(repository), Some(run)) =
        (get("GITHUB_SERVER_URL"), get("GITHUB_REPOSITORY"), get("GITHUB_RUN_ID"))
    {
        return Some(format!("{server}/{repository}/actions/runs/{run}"));
    }
    ["CI_JOB_URL", "BUILD_URL", "CIRCLE_BUILD_URL", "BUILDKITE_BUILD_URL"]
        .iter()
        .find_map(|name| get(name))
        .map(str::to_owned)
}

impl From<(PathBuf, std::io::Error)> for LedgerError {
    fn from((file, error): (PathBuf, std::io::Error)) -> Self {
        Self::Io { file: file.display().to_string(), reason: error.to_string() }
    }
}
