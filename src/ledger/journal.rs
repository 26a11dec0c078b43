//! A ledger that is open, and a run under way: every call is in the journal before it is made.
//!
//! Given: a place. Gives: the history, and runs that are written while they happen. Each entry is on the disk before the call that
//! it announces, and before the next step after it; where that cannot be, the call is not made.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use dashdeploy_contract::{ApiAnswer, CallError, Release, WriteCall, Writes};

use super::line::{self, SCHEMA, Unread};
use super::place::{ci_run, user};
use super::{Begin, Done, Ending, Entry, History, Kind, LedgerError, LedgerPlace, LockGuard, Who};
use crate::io::clock;
use crate::io::env::Environment;
use crate::io::ledger_file::{self, LedgerFile};

/// The ledger of an environment.
#[derive(Debug)]
pub struct Ledger {
    place: LedgerPlace,
    history: History,
    whole: usize,
    empty: bool,
}

/// A run under way.
#[derive(Debug)]
pub struct Run {
    id: String,
    file: LedgerFile,
    next: AtomicU64,
    /// Why the journal could not be written; none while it can.
    broken: Mutex<Option<String>>,
}

impl Ledger {
    /// Reads the ledger; one that is not there is empty. Nothing is written.
    ///
    /// # Errors
    /// A ledger that is broken, newer than this version, or cannot be read.
    pub async fn open(place: &LedgerPlace) -> Result<Self, LedgerError> {
        let file = place.file.display().to_string();
        let path = place.file.clone();
        let bytes = tokio::task::spawn_blocking(move || ledger_file::read(&path)).await;
        let bytes = bytes
            .unwrap_or_else(|error| Err(std::io::Error::other(error.to_string())))
            .map_err(|error| LedgerError::from((place.file.clone(), error)))?
            .unwrap_or_default();
        let read = line::read(&bytes).map_err(|unread| match unread {
            Unread::Broken(line, reason) => LedgerError::Broken { file: file.clone(), line, reason },
            Unread::Newer(found) => LedgerError::Newer { file: file.clone(), found, known: SCHEMA },
        })?;
        Ok(Self {
            place: place.clone(),
            history: History::of(&read.entries),
            whole: read.whole,
            empty: read.entries.is_empty(),
        })
    }

    /// What was done before.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Begins a run. From here on the ledger is written; before it, nothing of a platform was.
    ///
    /// # Errors
    /// A disk that refuses.
    pub async fn begin(&self, begin: Begin) -> Result<Arc<Run>, LedgerError> {
        let (place, whole) = (self.place.clone(), self.whole);
        let opened = tokio::task::spawn_blocking(move || {
            ledger_file::make_folder(&place.folder)?;
            LedgerFile::open(&place.file, whole)
        });
        let opened = opened.await.unwrap_or_else(|error| Err(std::io::Error::other(error.to_string())));
        let failed = |error| LedgerError::from((self.place.file.clone(), error));
        let run = Run {
            id: begin.run.clone(),
            file: opened.map_err(failed)?,
            next: AtomicU64::new(1),
            broken: Mutex::default(),
        };
        let mut lines = String::new();
        if self.empty {
            lines += &line::written(&Entry::Header { schema: SCHEMA, lineage: clock::unique() });
        }
        lines += &line::written(&Entry::Begin(Box::new(begin)));
        run.file.append(lines.as_bytes()).await.map_err(failed)?;
        Ok(Arc::new(run))
    }
}

impl Begin {
    /// A run of this process that begins now.
    pub fn of_this_process(environment: &Environment, kind: Kind, release: Release) -> Self {
        let who = Who {
            user: user(environment),
            pid: clock::process_id(),
            ci: ci_run(environment),
            tool: env!("CARGO_PKG_VERSION").to_owned(),
        };
        Self { run: clock::unique(), at: clock::timestamp(), kind, who, release }
    }
}

impl Run {
    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Writes that something is about to be done; it is on the disk when this returns. The number goes with its result.
    ///
    /// # Errors
    /// A disk that refuses: then it must not be done.
    pub async fn intent(&self, operation: &str, to: &str) -> Result<u64, LedgerError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let entry = Entry::Intent {
            run: self.id.clone(),
            number,
            operation: operation.to_owned(),
            to: to.to_owned(),
        };
        self.append(&entry).await.map(|()| number)
    }

    /// Writes what came of it. Where the disk refuses, the next intent fails.
    pub async fn result(&self, number: u64, done: Done) {
        let entry = Entry::Result { run: self.id.clone(), number, done };
        if let Err(error) = self.append(&entry).await {
            self.broken.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error.to_string());
        }
    }

    /// Writes how the run ended.
    ///
    /// # Errors
    /// A disk that refuses.
    pub async fn end(&self, ending: Ending) -> Result<(), LedgerError> {
        self.append(&Entry::End { run: self.id.clone(), at: clock::timestamp(), ending }).await
    }

    async fn append(&self, entry: &Entry) -> Result<(), LedgerError> {
        let broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(reason) = broken {
            return Err(LedgerError::Io { file: self.file.path().display().to_string(), reason });
        }
        let written = self.file.append(line::written(entry).as_bytes()).await;
        written.map_err(|error| LedgerError::from((self.file.path().to_owned(), error)))
    }
}

/// Writes that are in the journal before they are sent, and sent only while the lock is held.
pub struct JournaledWrites {
    inner: Arc<dyn Writes>,
    run: Arc<Run>,
    lock: Arc<LockGuard>,
}

impl JournaledWrites {
    /// Writes of a run.
    pub fn new(inner: Arc<dyn Writes>, run: Arc<Run>, lock: Arc<LockGuard>) -> Self {
        Self { inner, run, lock }
    }

    fn refused(call: &WriteCall, reason: String, interrupted: bool) -> CallError {
        let hint = if interrupted {
            "run the command again"
        } else {
            "free disk space, or make the folder writable"
        };
        CallError {
            address: call.to.address().to_owned(),
            reason,
            may_have_happened: false,
            interrupted,
            hint: Some(hint.to_owned()),
        }
    }
}

#[async_trait]
impl Writes for JournaledWrites {
    async fn send(&self, call: WriteCall) -> Result<ApiAnswer, CallError> {
        let to = format!("{} {}", call.method.as_str(), call.to.address());
        let number = self.run.intent(&call.to.operation, &to).await;
        let number = number.map_err(|error| Self::refused(&call, error.to_string(), false))?;
        if self.lock.is_lost() {
            let reason = "the lock is lost: somebody else may be at it, so nothing was sent".to_owned();
            self.run.result(number, Done::Failed { message: reason.clone() }).await;
            return Err(Self::refused(&call, reason, true));
        }
        let answer = self.inner.send(call).await;
        self.run.result(number, done(&answer)).await;
        answer
    }
}

/// What came of a call. The platform's words are not kept: they may repeat what was sent.
fn done(answer: &Result<ApiAnswer, CallError>) -> Done {
    match answer {
        Ok(answer) if answer.is_success() => Done::Ok { id: answer.request_id().map(str::to_owned) },
        // Behind these the platform may have done what was asked.
        Ok(answer) if matches!(answer.status, 408 | 500..) => {
            Done::Unknown { message: format!("status {}", answer.status) }
        }
        Ok(answer) => Done::Failed { message: format!("status {}", answer.status) },
        Err(error) if error.may_have_happened => Done::Unknown { message: error.reason.clone() },
        Err(error) => Done::Failed { message: error.reason.clone() },
    }
}
