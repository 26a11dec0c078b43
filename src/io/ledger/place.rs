//! Where the ledger and the lock of an environment lie.
//!
//! Given: the process environment, the project, and what the command line says. Gives: a [`LedgerPlace`]. Nothing is asked and
//! nothing is made.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use dashdeploy_contract::Bound;

use super::{LedgerError, Objects};
use crate::config;
use crate::io::env::Environment;
use crate::io::fs::ProjectDir;

/// The variable that names a shared ledger before the file does.
const VARIABLE: &str = "DASHDEPLOY_LEDGER";

/// Where the ledger and the lock of an environment lie.
#[derive(Clone)]
pub struct LedgerPlace {
    pub(super) root: PathBuf,
    pub(super) project: String,
    pub(super) environment: String,
    pub(super) shared: Option<Arc<dyn Objects>>,
}

impl LedgerPlace {
    /// The place: a shared one where the command line (`url`), else `DASHDEPLOY_LEDGER`, else the file names one. The detailed
    /// journal lies in `.dashdeploy/ledger/` of the project in any case.
    ///
    /// # Errors
    /// [`LedgerError::Place`] for an address that is none, or a login without what it needs.
    pub fn of(
        environment: &Environment,
        dir: &ProjectDir,
        bound: &Bound,
        url: Option<&str>,
    ) -> Result<Self, LedgerError> {
        let local = Self::local(dir, bound);
        let said = url
            .map(|url| ("--ledger", url))
            .or_else(|| environment.get(VARIABLE).map(|url| (VARIABLE, url)))
            .or_else(|| bound.ledger.as_deref().map(|url| ("`ledger` in dashdeploy.yaml", url)));
        let Some((from, url)) = said else { return Ok(local) };
        let url = config::check_ledger(url).map_err(|(message, hint)| LedgerError::Place {
            from: from.to_owned(),
            message,
            hint,
        })?;
        let objects = bucket(environment, from, &url, bound)?;
        Ok(local.shared_in(objects))
    }

    /// The place in the project's folder.
    pub fn local(dir: &ProjectDir, bound: &Bound) -> Self {
        Self::below(dir.path(), bound)
    }

    /// The place in a folder that stands for the project's.
    pub fn below(root: &Path, bound: &Bound) -> Self {
        Self {
            root: root.to_owned(),
            project: bound.project.to_string(),
            environment: bound.environment.to_string(),
            shared: None,
        }
    }

    /// The same place, shared in a folder of an object store that is this environment's alone.
    #[must_use]
    pub fn shared_in(self, objects: Arc<dyn Objects>) -> Self {
        Self { shared: Some(objects), ..self }
    }

    /// The environment.
    pub fn environment(&self) -> &str {
        &self.environment
    }

    /// Where it lies, for people.
    pub fn shown(&self) -> String {
        match &self.shared {
            Some(objects) => objects.shown(),
            None => self.file("jsonl").display().to_string(),
        }
    }

    /// The folder of this machine's part.
    pub(super) fn folder(&self) -> PathBuf {
        self.root.join(".dashdeploy").join("ledger")
    }

    /// A file of this machine's part.
    pub(super) fn file(&self, ending: &str) -> PathBuf {
        self.folder().join(format!("{}.{ending}", self.environment))
    }

    /// The project's folder.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }
}

#[cfg(feature = "shared-ledger")]
fn bucket(
    environment: &Environment,
    from: &str,
    url: &str,
    bound: &Bound,
) -> Result<Arc<dyn Objects>, LedgerError> {
    let below = format!("{url}/{}/{}", bound.project, bound.environment);
    let bucket = super::Bucket::open(&environment.variables, &below)
        .map_err(|(message, hint)| LedgerError::Place { from: from.to_owned(), message, hint: Some(hint) })?;
    Ok(Arc::new(bucket))
}

#[cfg(not(feature = "shared-ledger"))]
fn bucket(_: &Environment, from: &str, url: &str, _: &Bound) -> Result<Arc<dyn Objects>, LedgerError> {
    Err(LedgerError::Place {
        from: from.to_owned(),
        message: format!("this build cannot use {url}"),
        hint: Some("install a build with the feature `shared-ledger`".to_owned()),
    })
}
