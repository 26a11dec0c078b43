//! The ways out that targets are handed: requests to their platforms, and the clock.
//!
//! Given: calls in the contract's words. Gives: answers, by way of layers that can be read one by one: [`Http::attempt`] sends
//! once; `platforms/answer.rs` refuses answers that no platform gives; `retry.rs` says what may be sent again, `delay.rs` how
//! long the platform asks to wait, `budget.rs` how many repeats a run has, `gate.rs` when the next call may go out; `run.rs`
//! brings a call through all of them. Calls wait for nothing that concerns others alone: each limit has a line of its own, and
//! each call under way a connection of its own. Deliberately absent: what any platform means by an answer; the journal, which
//! wraps the writing half (`ledger`); interruption: who asks lets go of the answer, and with it of every wait.

mod answer;
mod budget;
mod delay;
mod gate;
mod retry;
mod run;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dashdeploy_contract::{ApiAnswer, CallError, Clock, Method, ReadCall, Reads, Repeat, WriteCall, Writes};
use reqwest::Url;
use reqwest::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, COOKIE, HeaderName, HeaderValue, PROXY_AUTHORIZATION,
};

use super::clock;
use super::http::{Answer, Http, HttpError, Limits, Request};
use budget::Budget;
use gate::Gate;
use retry::Safety;
use run::Run;

/// What one attempt may take, unless the call has patience.
const LIMITS: Limits =
    Limits { whole: Duration::from_secs(60), silence: Duration::from_secs(30), largest: 32 << 20 };
/// What a call may take in all, with every attempt and pause.
const DEADLINE: Duration = Duration::from_mins(10);

/// The ways out.
pub struct Platforms {
    attempts: Arc<dyn Attempts>,
    gate: Gate,
    budget: Budget,
}

/// Sends a request once. What the layers are wrapped around.
#[async_trait]
trait Attempts: Send + Sync {
    async fn attempt(&self, request: &Request, limits: Limits) -> Result<Answer, HttpError>;
}

#[async_trait]
impl Attempts for Http {
    async fn attempt(&self, request: &Request, limits: Limits) -> Result<Answer, HttpError> {
        Http::attempt(self, request, limits).await
    }
}

impl Default for Platforms {
    fn default() -> Self {
        Self::over(Arc::new(Http::default()))
    }
}

impl Platforms {
    /// Ways out that nothing has been sent on.
    pub fn new() -> Self {
        Self::default()
    }

    fn over(attempts: Arc<dyn Attempts>) -> Self {
        Self { attempts, gate: Gate::default(), budget: Budget::default() }
    }
}

#[async_trait]
impl Reads for Platforms {
    async fn get(&self, call: ReadCall) -> Result<ApiAnswer, CallError> {
        let request = request(reqwest::Method::GET, &call)?;
        Run::new(self, &call, &request, Safety::Read).answer().await
    }
}

#[async_trait]
impl Writes for Platforms {
    async fn send(&self, call: WriteCall) -> Result<ApiAnswer, CallError> {
        let method = match call.method {
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Patch => reqwest::Method::PATCH,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut request = request(method, &call.to)?;
        if let Some(body) = call.body {
            request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            request.body = body.to_string().into();
        }
        let safety = match call.repeat {
            Repeat::Harmless => Safety::Harmless,
            Repeat::Once => Safety::Once,
        };
        Run::new(self, &call.to, &request, safety).answer().await
    }
}

#[async_trait]
impl Clock for Platforms {
    fn now(&self) -> i64 {
        clock::unix_seconds()
    }

    async fn sleep(&self, duration: Duration) {
        clock::sleep(duration).await;
    }
}

fn request(method: reqwest::Method, call: &ReadCall) -> Result<Request, CallError> {
    let refused = |reason: &str| CallError {
        address: call.address().to_owned(),
        reason: reason.to_owned(),
        may_have_happened: false,
        interrupted: false,
        hint: None,
    };
    let url = Url::parse(&call.url).map_err(|_| refused("this is no valid address"))?;
    let mut request = Request::new(method, url);
    for (name, value) in &call.headers {
        let name =
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused("a header has no valid name"))?;
        // Headers go along to where a redirect leads; what lets somebody in does not.
        if [AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE].contains(&name) {
            return Err(refused("a header that lets somebody in is handed over as the authorization"));
        }
        let value = HeaderValue::from_str(value).map_err(|_| refused("a header has no valid value"))?;
        request.headers.insert(name, value);
    }
    request.headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    request.authorization.clone_from(&call.authorization);
    Ok(request)
}
