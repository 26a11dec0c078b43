//! The ways out that targets are handed: requests to their platforms, and the clock.
//!
//! Given: calls in the contract's words. Gives: answers. A call goes through these layers: its turn (`pace`: rate limits of a platform,
//! pauses that a host asked for), one attempt ([`Http`]: time limits, origins, sizes, who may be spoken to without TLS), another
//! attempt where that is safe (`retry`), within a deadline and a budget for all of them. Deliberately absent: what any platform
//! means by an answer, and the journal, which wraps the writing half (`ledger`).

mod pace;
mod retry;

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use dashdeploy_contract::{ApiAnswer, CallError, Clock, Method, ReadCall, Reads, Repeat, WriteCall, Writes};
use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use tokio::time::Instant;

use super::clock;
use super::http::{Answer, Http, HttpError, Request};
use pace::Paces;
use retry::{Class, DEADLINE, after_answer, after_silence, asked};

/// Attempts beyond the first that all calls may have together: these, and one for ten calls.
const SPARE: u32 = 10;

/// The ways out.
#[derive(Debug, Default)]
pub struct Platforms {
    http: Http,
    paces: Paces,
    calls: AtomicU32,
    repeats: AtomicU32,
}

impl Platforms {
    /// Ways out that nothing has been sent on.
    pub fn new() -> Self {
        Self::default()
    }

    async fn ask(&self, request: &Request, call: &ReadCall, class: Class) -> Result<ApiAnswer, CallError> {
        let host = request.url.host_str().unwrap_or_default().to_owned();
        let until = Instant::now() + DEADLINE;
        self.calls.fetch_add(1, Ordering::Relaxed);
        let mut attempt = 1;
        loop {
            self.paces.turn(&host, call.pace.as_ref()).await;
            let result = self.http.attempt(request, call.patience).await;
            let pause = match &result {
                Ok(answer) => {
                    let header = |name: &str| answer.header(name).map(str::to_owned);
                    let status = answer.status.as_u16();
                    if status == 429
                        && let Some(asked) = asked(&header, clock::unix_seconds())
                    {
                        self.paces.pause(&host, asked.min(DEADLINE));
                    }
                    after_answer(class, status, &header, attempt, clock::unix_seconds(), chance())
                }
                Err(error) => after_silence(class, error.is_passing(), error.was_sent(), attempt, chance()),
            };
            let pause = pause.filter(|pause| Instant::now() + *pause < until && self.may_repeat());
            let Some(pause) = pause else {
                return result.map(answer).map_err(|error| failed(&error));
            };
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    /// True where the budget of all calls has another attempt.
    fn may_repeat(&self) -> bool {
        let budget = SPARE + self.calls.load(Ordering::Relaxed) / 10;
        self.repeats.fetch_add(1, Ordering::Relaxed) < budget
    }
}

/// Anything from 0 to 1.
fn chance() -> f64 {
    let random = RandomState::new().build_hasher().finish() >> 11;
    #[expect(clippy::cast_precision_loss, reason = "53 bits are what a float holds")]
    let chance = random as f64 / (1_u64 << 53) as f64;
    chance
}

#[async_trait]
impl Reads for Platforms {
    async fn get(&self, call: ReadCall) -> Result<ApiAnswer, CallError> {
        let class = if call.patience.is_some() { Class::Waiting } else { Class::Again };
        self.ask(&request(reqwest::Method::GET, &call)?, &call, class).await
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
        let class = if call.repeat == Repeat::Harmless { Class::Again } else { Class::Once };
        if let Some(body) = call.body {
            request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            request.body = body.to_string().into();
        }
        self.ask(&request, &call.to, class).await
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
        let value = HeaderValue::from_str(value).map_err(|_| refused("a header has no valid value"))?;
        request.headers.insert(name, value);
    }
    request.authorization.clone_from(&call.authorization);
    Ok(request)
}

fn answer(answer: Answer) -> ApiAnswer {
    let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_owned();
    ApiAnswer {
        status: answer.status.as_u16(),
        headers: answer.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        body: answer.body.to_vec(),
    }
}

fn failed(error: &HttpError) -> CallError {
    CallError {
        address: error.address.clone(),
        reason: error.reason.clone(),
        may_have_happened: error.was_sent(),
        interrupted: false,
        hint: Some(error.hint().to_owned()),
    }
}
