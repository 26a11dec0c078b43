//! Writes that are written down before they are sent, and not sent once the lock is lost.
//!
//! Given: the writes of a platform, a run, a lock. Gives: the same writes: intent, sync, a look at the lock, the call, result,
//! sync. Deliberately absent: bodies, queries and headers, which may hold secrets; of an answer only ids are kept.

use std::sync::Arc;

use async_trait::async_trait;
use dashdeploy_contract::{ApiAnswer, CallError, WriteCall, Writes};

use super::{LedgerError, LockGuard, Run};
use crate::ledger::{Outcome, Status};

/// Writes with a journal and a fence.
pub struct JournaledWrites {
    inner: Arc<dyn Writes>,
    run: Arc<Run>,
    lock: Arc<LockGuard>,
}

impl JournaledWrites {
    /// The same writes, of this run, under this lock.
    pub fn new(inner: Arc<dyn Writes>, run: Arc<Run>, lock: Arc<LockGuard>) -> Self {
        Self { inner, run, lock }
    }

    async fn sent(&self, call: WriteCall) -> Result<ApiAnswer, CallError> {
        let address = call.to.address().to_owned();
        if self.lock.is_lost() {
            return Err(lost(&address, false));
        }
        tokio::select! {
            answer = self.inner.send(call) => answer,
            // Nothing is sent again by whoever lost the lock; what is on its way may arrive.
            () = self.lock.lost() => Err(lost(&address, true)),
        }
    }
}

#[async_trait]
impl Writes for JournaledWrites {
    async fn send(&self, call: WriteCall) -> Result<ApiAnswer, CallError> {
        let address = call.to.address().to_owned();
        let to = format!("{} {address}", call.method.as_str());
        let intent = self.run.intent(&call.to.operation, &to).await;
        let intent = intent.map_err(|error| unwritten(&address, &error))?;
        let answer = self.sent(call).await;
        // What happened has happened: where this cannot be written, the next intent says so, and the outcome stays unknown.
        let _ = self.run.result(intent, outcome(&answer)).await;
        answer
    }
}

/// What is kept of an answer.
fn outcome(answer: &Result<ApiAnswer, CallError>) -> Outcome {
    match answer {
        Ok(answer) => {
            let status = match answer.status {
                200..=299 => Status::Ok,
                // The platform may have done it before it failed, or gave up waiting.
                408 | 500.. => Status::Unknown,
                _ => Status::Failed,
            };
            let request_id = answer.request_id().and_then(id);
            let remote_id = Some(answer).filter(|answer| answer.is_success()).and_then(remote_id);
            Outcome { status, remote_id, request_id }
        }
        Err(error) if error.may_have_happened => Outcome::new(Status::Unknown),
        Err(_) => Outcome::new(Status::Failed),
    }
}

/// The `id` of what an answer tells of, or of the first thing in it that has one.
fn remote_id(answer: &ApiAnswer) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(&answer.body).ok()?;
    let object = body.as_object()?;
    let own = object.get("id");
    let inner = || object.values().find_map(|value| value.as_object()?.get("id"));
    id(own.or_else(inner)?.as_str()?)
}

/// A text that looks like an id.
fn id(text: &str) -> Option<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.:/".contains(c);
    (!text.is_empty() && text.len() <= 128 && text.chars().all(fits)).then(|| text.to_owned())
}

fn lost(address: &str, may_have_happened: bool) -> CallError {
    CallError {
        address: address.to_owned(),
        reason: "the lock of the environment is lost: somebody else may deploy".to_owned(),
        may_have_happened,
        interrupted: true,
        hint: Some(
            "see who deploys (`dashdeploy history`), then run the command again: it plans anew".to_owned(),
        ),
    }
}

fn unwritten(address: &str, error: &LedgerError) -> CallError {
    CallError {
        address: address.to_owned(),
        reason: format!("it was not sent: {error}"),
        may_have_happened: false,
        interrupted: false,
        hint: error.hint(),
    }
}
