//! The ways out that targets are handed: requests to their platforms, and the clock.
//!
//! Given: calls in the contract's words. Gives: answers by way of [`Http`], whose policy (time limits, redirects, sizes, who may
//! be spoken to without TLS) is the same for everything that is asked. Deliberately absent: what any platform means by an
//! answer, and the journal, which wraps the writing half (`ledger`).

use std::time::Duration;

use async_trait::async_trait;
use dashdeploy_contract::{ApiAnswer, CallError, Clock, Method, ReadCall, Reads, Repeat, WriteCall, Writes};
use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};

use super::clock;
use super::http::{Answer, Http, HttpError, Request};

/// The ways out.
#[derive(Debug, Default)]
pub struct Platforms {
    http: Http,
}

impl Platforms {
    /// Ways out that nothing has been sent on.
    pub fn new() -> Self {
        Self::default()
    }

    async fn ask(&self, request: &Request) -> Result<ApiAnswer, CallError> {
        self.http.send(request).await.map(answer).map_err(|error| failed(&error, request.repeatable))
    }
}

#[async_trait]
impl Reads for Platforms {
    async fn get(&self, call: ReadCall) -> Result<ApiAnswer, CallError> {
        self.ask(&request(reqwest::Method::GET, &call)?).await
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
        request.repeatable = call.repeat == Repeat::Harmless;
        if let Some(body) = call.body {
            request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            request.body = body.to_string().into();
        }
        self.ask(&request).await
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

fn failed(error: &HttpError, _: bool) -> CallError {
    CallError {
        address: error.address.clone(),
        reason: error.reason.clone(),
        may_have_happened: error.is_passing(),
        interrupted: false,
        hint: Some(error.hint().to_owned()),
    }
}
