//! What goes wrong with ledgers and locks: what, where, and the mend.

use std::io;
use std::time::Duration;

use super::objects::ObjectsError;
use super::{Holder, LockRecord};
use crate::ledger::ScanError;

/// Why a ledger cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// What it holds makes no sense.
    #[error("the ledger {ledger} cannot be read: {problem}")]
    Unreadable {
        /// Where it lies.
        ledger: String,
        /// What is wrong with it.
        problem: ScanError,
    },
    /// The disk refuses.
    #[error("cannot {doing} {path}: {source}")]
    Disk {
        /// `write`, `read`, `make`.
        doing: &'static str,
        /// The file.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// The journal could not be written before, and nothing more may be begun.
    #[error("the journal {path} cannot be written any more: {reason}")]
    Stopped {
        /// The file.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// Another run of this machine writes to it.
    #[error("another run of this machine writes to the ledger {path}")]
    Busy {
        /// The file.
        path: String,
    },
    /// The release's number is not the next one any more.
    #[error("the ledger goes on with r{next}, not with r{asked}: somebody else deployed in the meantime")]
    Moved {
        /// The number asked for.
        asked: u32,
        /// The number that is next.
        next: u32,
    },
    /// The run has ended.
    #[error("the run {run} has ended already")]
    Ended {
        /// Its id.
        run: String,
    },
    /// The address of the shared ledger is none.
    #[error("{from}: {message}")]
    Place {
        /// Where it is written.
        from: String,
        /// What is wrong with it.
        message: String,
        /// The mend.
        hint: Option<String>,
    },
    /// The shared ledger cannot be reached, or refuses.
    #[error(transparent)]
    Shared(#[from] ObjectsError),
    /// The end of a run is on this machine and not in the shared ledger.
    #[error("the end of the run is written to {path}, and not to the shared ledger: {source}")]
    Unpublished {
        /// The file of this machine.
        path: String,
        /// Why.
        source: ObjectsError,
    },
}

/// Why the lock is not had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody holds it.
    #[error("environment `{environment}` is locked by {}, {} since {} ({} ago)", holder.actor.words(), holder.operation, when(*since), span(*age))]
    Held {
        /// The environment.
        environment: String,
        /// Who.
        holder: Box<Holder>,
        /// The lock's id.
        id: String,
        /// When it was taken, by its holder's clock: seconds since 1970-01-01 UTC.
        since: i64,
        /// How long ago, by this machine's clock.
        age: Duration,
    },
    /// The id is not that of the lock.
    #[error("the lock of environment `{environment}` does not have the id `{given}`")]
    WrongId {
        /// The environment.
        environment: String,
        /// The id given.
        given: String,
        /// The lock.
        held: Box<LockRecord>,
    },
    /// Nobody holds it.
    #[error("environment `{environment}` is not locked")]
    NotLocked {
        /// The environment.
        environment: String,
    },
    /// It is held by a process of this machine that lives.
    #[error("the lock of environment `{environment}` is held by {}, which still runs on this machine", holder.actor.words())]
    Alive {
        /// The environment.
        environment: String,
        /// Who.
        holder: Box<Holder>,
    },
    /// The user ended the wait.
    #[error("interrupted while waiting for the lock")]
    Interrupted,
    /// The lock cannot be reached.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl LedgerError {
    pub(super) fn disk(doing: &'static str, path: &std::path::Path, source: io::Error) -> Self {
        Self::Disk { doing, path: path.display().to_string(), source }
    }

    /// What mends it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unreadable { ledger, problem } => Some(problem.hint(ledger)),
            Self::Disk { source, .. } => Some(disk_hint(source)),
            Self::Stopped { .. } => Some("free some disk space, then run the command again: it finds what was done by its ownership marks".to_owned()),
            Self::Busy { .. } => Some("wait for its end (`ps` shows it), then run the command again".to_owned()),
            Self::Moved { .. } => Some("look at `dashdeploy history`, then run the command again: it plans anew".to_owned()),
            Self::Ended { .. } => None,
            Self::Place { hint, .. } => hint.clone(),
            Self::Shared(error) => Some(error.hint.clone()),
            Self::Unpublished { .. } => Some("keep that file: the next deploy from this machine writes it to the shared ledger".to_owned()),
        }
    }
}

fn disk_hint(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free some disk space, then run the command again",
        io::ErrorKind::ReadOnlyFilesystem => "the project lies on a read-only file system: copy it elsewhere, or name a shared ledger with `ledger:` and deploy from a folder that can be written to",
        io::ErrorKind::PermissionDenied => "make the folder `.dashdeploy/ledger` and what is in it yours (`ls -l` shows the owner)",
        _ => "see that the project's folder can be written to, then run the command again",
    }
    .to_owned()
}

impl LockError {
    /// What mends it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Held { environment, id, .. } => Some(format!(
                "wait for it with `--lock-timeout 5m`; where that run is surely dead: `dashdeploy unlock -e {environment} {id}`"
            )),
            Self::WrongId { held, .. } => Some(format!(
                "it is held by {}, {}; its id is {}",
                held.holder.actor.words(),
                held.holder.operation,
                held.id
            )),
            Self::Alive { holder, .. } => {
                Some(format!("end that process (`kill {}`): its lock ends with it", holder.actor.pid))
            }
            Self::Ledger(error) => error.hint(),
            Self::NotLocked { .. } | Self::Interrupted => None,
        }
    }
}

/// A moment for people.
pub(super) fn when(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |at| at.to_string())
}

/// A span for people: `3 min`.
pub(super) fn span(age: Duration) -> String {
    match age.as_secs() {
        seconds @ 0..=119 => format!("{seconds} s"),
        seconds @ 120..=7_199 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}
