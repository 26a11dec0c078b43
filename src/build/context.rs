//! The context of one build as it is sent: listed, digested and looked at once, before anything leaves.
//!
//! Given: a [`ContextSource`] and what looks at its files. Gives: a [`Context`], whose entries are named to BuildKit and whose
//! digests make the content key; and [`Sent`], what came of the sending.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use dashdeploy_contract::Finding;

use crate::io::context::digest::{Digested, Looks, digest};
use crate::io::context::listing::{Entry, list};
use crate::io::context::{ContextError, ContextFailure, ContextNews, ContextSource};

/// A context, looked at.
#[derive(Debug)]
pub(super) struct Context {
    /// What it was listed from.
    pub(super) source: ContextSource,
    /// What is in it, in the order in which BuildKit wants it.
    pub(super) entries: Vec<Entry>,
    /// The digest of each, and what was found in them.
    pub(super) digested: Digested,
    looks: Looks,
}

impl Context {
    /// Lists and reads what is not known yet. Blocks.
    ///
    /// # Errors
    /// [`ContextError`] for the first entry that cannot be sent.
    pub(super) fn look(
        source: ContextSource,
        looks: Looks,
        news: impl FnMut(ContextNews),
    ) -> Result<Self, ContextError> {
        let mut entries = list(&source, news)?;
        let digested = digest(&source.root, &entries, &looks)?;
        digested.mark_times(&mut entries);
        Ok(Self { source, entries, digested, looks })
    }

    /// What BuildKit asks for beyond what was listed: listed and looked at now.
    ///
    /// # Errors
    /// As for [`Self::look`]; also where something was found that must not be sent.
    pub(super) fn more(
        &self,
        only: &[String],
        sent: &Sent,
        news: impl FnMut(ContextNews),
    ) -> Result<Vec<Entry>, ContextError> {
        let source = ContextSource { only: only.to_vec(), ..self.source.clone() };
        let looks = Looks { cache: None, inspect: self.looks.inspect.clone() };
        let more = Self::look(source, looks, news)?;
        // The key does not stand for these files.
        sent.another();
        sent.refuse_any(&more.digested.findings)?;
        Ok(more.entries)
    }

    /// Looks at one file again, which is not what it was.
    ///
    /// # Errors
    /// As for [`Self::more`].
    pub(super) fn inspect_again(&self, entry: &Entry, sent: &Sent) -> Result<(), ContextError> {
        let Some(inspect) = self.looks.inspect.as_deref() else {
            return Ok(());
        };
        let mut inspection = inspect.open(&entry.path, entry.size());
        entry.read(&self.source.root, |piece| {
            inspection.piece(&piece);
            true
        })?;
        sent.refuse_any(&inspection.end())
    }
}

/// What came of sending a context. Cloning gives another handle on the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Sent {
    failure: ContextFailure,
    refused: Arc<Mutex<Vec<Finding>>>,
    another: Arc<AtomicBool>,
}

impl Sent {
    /// Leaves the error that ended it.
    pub(super) fn fail(&self, error: ContextError) {
        self.failure.set(error);
    }

    /// The slot for the error, for a stream that fills it by itself.
    pub(super) fn slot(&self) -> ContextFailure {
        self.failure.clone()
    }

    /// The error that ended it.
    pub(super) fn failure(&self) -> Option<&ContextError> {
        self.failure.get()
    }

    /// Something else was sent than was digested: a file changed meanwhile.
    pub(super) fn another(&self) {
        self.another.store(true, Ordering::Relaxed);
    }

    /// True where the content key does not stand for what was sent.
    pub(super) fn is_another(&self) -> bool {
        self.another.load(Ordering::Relaxed)
    }

    /// What was found while sending.
    pub(super) fn refused(&self) -> Vec<Finding> {
        self.refused.lock().map(|found| found.clone()).unwrap_or_default()
    }

    fn refuse_any(&self, findings: &[Finding]) -> Result<(), ContextError> {
        if findings.is_empty() {
            return Ok(());
        }
        if let Ok(mut refused) = self.refused.lock() {
            refused.extend(findings.iter().cloned());
        }
        Err(ContextError {
            path: findings.iter().map(|finding| finding.key.clone()).next().unwrap_or_default(),
            reason: "a guard refuses to send it".to_owned(),
            hint: "take the secret out of it, or name it in the ignore file",
        })
    }
}
