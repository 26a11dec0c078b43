//! Writes with a journal and a fence.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use dashdeploy_contract::{ApiAnswer, CallError, Method, ReadCall, Repeat, WriteCall, Writes};

use super::kit_tests::Lab;
use super::*;
use crate::ledger::Status;

/// A platform that notes how often it was called, and answers as it is told.
struct Platform {
    calls: AtomicUsize,
    answer: Result<ApiAnswer, CallError>,
    after: Duration,
}

impl Platform {
    fn answering(answer: Result<ApiAnswer, CallError>) -> Arc<Self> {
        Arc::new(Self { calls: AtomicUsize::new(0), answer, after: Duration::ZERO })
    }
}

#[async_trait]
impl Writes for Platform {
    async fn send(&self, _: WriteCall) -> Result<ApiAnswer, CallError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(self.after).await;
        self.answer.clone()
    }
}

fn answer(status: u16, body: &str) -> Result<ApiAnswer, CallError> {
    let headers = vec![("x-request-id".to_owned(), "req-1".to_owned())];
    Ok(ApiAnswer { status, headers, body: body.as_bytes().to_vec() })
}

fn error(may_have_happened: bool) -> Result<ApiAnswer, CallError> {
    let (address, reason) = ("https://x".to_owned(), "cut".to_owned());
    Err(CallError { address, reason, may_have_happened, interrupted: false, hint: None })
}

fn call() -> WriteCall {
    let to = ReadCall::new("create the machine", "https://api.example.com/v1/machines?token=canary");
    let body = Some(serde_json::json!({ "secret": "canary" }));
    WriteCall { to, method: Method::Post, body, repeat: Repeat::Once }
}

async fn journaled(lab: &Lab, platform: &Arc<Platform>) -> (JournaledWrites, Arc<LockGuard>) {
    let lock = lab.lock("ann").await.unwrap();
    let run = lab.begin().await.unwrap();
    (JournaledWrites::new(Arc::clone(platform) as Arc<dyn Writes>, run, Arc::clone(&lock)), lock)
}

#[tokio::test]
async fn calls_are_written_down_before_and_after_without_what_they_hold() {
    let cases = [
        (answer(201, r#"{"id":"m-1","token":"canary"}"#), Status::Ok, Some("m-1")),
        (answer(200, r#"{"service":{"id":"srv-1"},"key":"canary"}"#), Status::Ok, Some("srv-1")),
        (answer(200, r#"{"id":"canary with words"}"#), Status::Ok, None),
        (answer(422, r#"{"id":"m-1"}"#), Status::Failed, None),
        (answer(502, "<html>"), Status::Unknown, None),
        (error(true), Status::Unknown, None),
        (error(false), Status::Failed, None),
    ];
    for (said, status, id) in cases {
        let lab = Lab::local();
        let platform = Platform::answering(said.clone());
        let (writes, _lock) = journaled(&lab, &platform).await;
        assert_eq!(writes.send(call()).await, said);
        let history = lab.history().await;
        let step = &history.open_run().unwrap().steps[0];
        assert_eq!(step.intended.address, "POST https://api.example.com/v1/machines");
        let outcome = step.outcome.as_ref().unwrap();
        assert_eq!((outcome.status, outcome.remote_id.as_deref()), (status, id), "{said:?}");
        assert_eq!(outcome.request_id.is_some(), said.is_ok());
        let text = std::fs::read_to_string(lab.place().file("jsonl")).unwrap();
        assert!(!text.contains("canary"), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_once_the_lock_is_lost() {
    let lab = Lab::shared();
    let platform = Platform::answering(answer(200, "{}"));
    let (writes, lock) = journaled(&lab, &platform).await;
    writes.send(call()).await.unwrap();
    lab.faulty().cut.store(true, Ordering::SeqCst);
    lock.lost().await;
    for _ in 0..20 {
        let error = writes.send(call()).await.unwrap_err();
        assert!(error.interrupted && !error.may_have_happened, "{error}");
    }
    assert_eq!(platform.calls.load(Ordering::SeqCst), 1);
    lab.faulty().cut.store(false, Ordering::SeqCst);
    let history = lab.history().await;
    let outcomes: Vec<Status> =
        history.open_run().unwrap().steps.iter().map(|step| step.outcome.as_ref().unwrap().status).collect();
    assert_eq!(outcomes.len(), 21);
    assert!(outcomes[1..].iter().all(|status| *status == Status::Failed));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_on_its_way_when_the_lock_is_lost_is_unknown() {
    let lab = Lab::shared();
    let slow = Platform { calls: 0.into(), answer: answer(200, "{}"), after: Duration::from_secs(300) };
    let (writes, _lock) = journaled(&lab, &Arc::new(slow)).await;
    lab.faulty().cut.store(true, Ordering::SeqCst);
    let error = writes.send(call()).await.unwrap_err();
    assert!(error.interrupted && error.may_have_happened, "{error}");
    lab.faulty().cut.store(false, Ordering::SeqCst);
    let history = lab.history().await;
    assert_eq!(history.open_run().unwrap().open_steps().count(), 1);
}

#[tokio::test]
async fn what_cannot_be_written_down_is_not_sent() {
    let lab = Lab::local();
    let platform = Platform::answering(answer(200, "{}"));
    let lock = lab.lock("ann").await.unwrap();
    let run = lab.begin().await.unwrap();
    run.end(crate::ledger::Ending::new(crate::ledger::Final::Failed, "")).await.unwrap();
    let writes = JournaledWrites::new(Arc::clone(&platform) as Arc<dyn Writes>, run, lock);
    let error = writes.send(call()).await.unwrap_err();
    assert!(!error.may_have_happened && error.reason.contains("not sent"), "{error}");
    assert_eq!(platform.calls.load(Ordering::SeqCst), 0);
}
