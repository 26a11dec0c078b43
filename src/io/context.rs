//! The build context: a folder, what of it is sent, what that is by content.
//!
//! Given: a folder and the rules of its ignore file. Gives: its entries ([`listing`]), a
//! digest of each, kept between runs ([`digest`]), the bytes of any of them, or all as a tar stream ([`archive`]).
//! Deliberately absent: which files are ignored (`build::ignore`), what is done with the bytes (`build`).

pub mod archive;
pub mod digest;
pub mod inspect;
pub mod listing;
mod pace;
mod parallel;
mod stamps;
mod walk;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use crate::build::ignore::IgnoreRules;

pub use pace::Pace;
pub use parallel::processors;

/// What is to be sent.
#[derive(Debug, Clone, Default)]
pub struct ContextSource {
    /// The folder.
    pub root: PathBuf,
    /// What is left out.
    pub rules: IgnoreRules,
    /// Paths that are wanted, with what is below them; empty for everything.
    pub only: Vec<String>,
}

impl ContextSource {
    /// True where every one of these paths is among what is wanted; none stands for everything.
    pub fn covers(&self, paths: &[String]) -> bool {
        let below = |path: &String| self.only.iter().any(|wanted| wanted == path || is_below(path, wanted));
        self.only.is_empty() || !paths.is_empty() && paths.iter().all(below)
    }

    /// True for a path that is wanted, or leads to one.
    pub fn wants(&self, path: &str) -> bool {
        self.only.is_empty()
            || self.leads_to_wanted(path)
            || self.only.iter().any(|wanted| is_below(path, wanted))
    }

    fn leads_to_wanted(&self, path: &str) -> bool {
        self.only.iter().any(|wanted| wanted == path || is_below(wanted, path))
    }
}

fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// Something that happened while a context was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContextNews {
    /// So much has been read; told at most ten times a second, and once at the end.
    Sent {
        /// Bytes of file content.
        bytes: u64,
        /// Files and links.
        files: u64,
    },
    /// Something that cannot be part of an image was left out.
    LeftOut {
        /// Its path in the context.
        path: String,
        /// What it is, as `a socket`.
        what: &'static str,
    },
}

/// Why a context cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct ContextError {
    /// The path in the context, or the context's own.
    pub path: String,
    /// What is wrong with it.
    pub reason: String,
    /// What mends it.
    pub hint: &'static str,
}

/// Where a walk leaves its error; read after the request that carried the stream has failed.
#[derive(Debug, Clone, Default)]
pub struct ContextFailure(Arc<OnceLock<ContextError>>);

impl ContextFailure {
    /// Leaves an error; the first one stays.
    pub fn set(&self, error: ContextError) {
        // A second error follows from the first.
        let _ = self.0.set(error);
    }

    /// The error, once the walk has met one.
    pub fn get(&self) -> Option<&ContextError> {
        self.0.get()
    }
}

/// True for a folder, also through a link.
pub fn is_folder(path: &std::path::Path) -> bool {
    path.is_dir()
}

/// Bytes that a Dockerfile or an ignore file may have.
const TEXT_LIMIT: u64 = 1 << 20;

/// The text of a small file; none where there is no such file. What is not UTF-8 is replaced.
///
/// # Errors
/// Any other failure to read it, and more than 1 MiB.
pub fn read_text(path: &std::path::Path) -> io::Result<Option<String>> {
    use std::io::Read as _;
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(TEXT_LIMIT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > TEXT_LIMIT {
        return Err(io::Error::other("it is larger than 1 MiB"));
    }
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}
