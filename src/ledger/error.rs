//! What can go wrong with a ledger and its lock.

use super::Holder;

/// Why the ledger cannot be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// A line in the middle is not what was written.
    #[error("{file}:{line}: this line of the ledger is broken: {reason}")]
    Broken {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// It was written by a newer version.
    #[error("{file}: the ledger has form {found}, and this dashdeploy reads {known}")]
    Newer {
        /// The file.
        file: String,
        /// Its form.
        found: u32,
        /// What is read here.
        known: u32,
    },
    /// The machine refuses.
    #[error("{file}: {reason}")]
    Io {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
}

impl LedgerError {
    /// What mends it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Broken { file, .. } => format!(
                "nothing was changed; move {file} aside to begin a new ledger: what runs is found without it, the list of releases is lost"
            ),
            Self::Newer { .. } => "use the dashdeploy that wrote it, or a newer one".to_owned(),
            Self::Io { .. } => {
                "nothing is deployed without a ledger: free disk space, or make the folder writable"
                    .to_owned()
            }
        })
    }
}

/// Why the lock is not had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// Somebody else has it.
    #[error("{} is being worked on: {}", .place, .holder.as_ref().map_or_else(|| "by somebody who left no name".to_owned(), Holder::sentence))]
    Held {
        /// The environment.
        place: String,
        /// Who has it.
        holder: Option<Holder>,
    },
    /// The wait for it was interrupted.
    #[error("interrupted while waiting for the lock; nothing was changed")]
    Interrupted,
    /// The machine refuses.
    #[error("{file}: {reason}")]
    Io {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
}
