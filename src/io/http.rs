//! HTTP to the world outside: time limits, redirects, sizes and words for everything that is asked, and the retries of what is
//! no platform.
//!
//! Given: a [`Request`] with, where it needs one, an authorization. Gives: the [`Answer`] with its whole body, or an
//! [`HttpError`] that names the address, without its query, and never what was sent. [`Http::send`] repeats by the plain policy
//! of registries and GitHub; [`Http::attempt`] is one attempt, which `io/platforms.rs` wraps its own layers around. Deliberately
//! absent: what anybody means by an answer, and decompression: an answer that is compressed though nobody asked for it stays as
//! it is. Servers of this machine are asked without a proxy, everything else by the proxy of the environment; certificates are
//! checked against those that this machine trusts (`SSL_CERT_FILE` and `SSL_CERT_DIR` count).

mod address;
mod error;
mod exchange;
mod wait;

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{HeaderMap, LOCATION};
use reqwest::{Client, Method, StatusCode, Url};
use secrecy::SecretString;

pub use address::{is_loopback, origin_of, same_origin};
pub use error::HttpError;
pub(super) use exchange::{body, client_builder};
pub use wait::after as pause;
pub(super) use wait::share;

/// How often a request that may be repeated is sent at most.
const ATTEMPTS: u32 = 4;
/// Redirects that are followed.
const REDIRECTS: usize = 5;

/// What one attempt may take. A connection has ten seconds to stand, whatever these say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// In all, from the first byte sent to the last one received.
    pub whole: Duration,
    /// While nothing comes.
    pub silence: Duration,
    /// Bytes of the answer's body.
    pub largest: usize,
}

/// What is asked.
#[derive(Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The address.
    pub url: Url,
    /// Headers without a secret.
    pub headers: HeaderMap,
    /// The value of `Authorization`; it is sent to the address's own origin and no other.
    pub authorization: Option<SecretString>,
    /// The body.
    pub body: Bytes,
    /// True where sending it twice is as good as once; GET and HEAD always are.
    pub repeatable: bool,
}

/// What was answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// The clients, each made when it is first needed: reading the trusted certificates takes milliseconds.
#[derive(Debug, Default)]
pub struct Http {
    outside: OnceLock<Client>,
    local: OnceLock<Client>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { whole: Duration::from_secs(120), silence: Duration::from_secs(30), largest: 8 << 20 }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, error::shown(&self.url))
    }
}

impl Request {
    /// A request without body and headers.
    pub fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            authorization: None,
            body: Bytes::new(),
            repeatable: false,
        }
    }

    fn is_safe(&self) -> bool {
        self.method == Method::GET || self.method == Method::HEAD
    }
}

impl Answer {
    /// A header's text; none where it is absent or no text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The name that the server gave to this request, for its operators.
    pub fn request_id(&self) -> Option<&str> {
        let known =
            ["x-request-id", "x-github-request-id", "x-amzn-requestid", "x-ms-correlation-request-id"];
        known.iter().find_map(|name| self.header(name)).filter(|id| id.len() <= 200)
    }
}

impl Http {
    /// Sends a request, again where that is safe and may help, and follows redirects of GET and HEAD.
    ///
    /// # Errors
    /// No connection, no answer in time, a redirect that may not be followed, an answer without end. Any status that is left
    /// after the retries is an answer, not an error.
    pub async fn send(&self, request: &Request) -> Result<Answer, HttpError> {
        let mut attempt = 1;
        loop {
            let result = self.attempt(request, Limits::default()).await;
            let may = (request.is_safe() || request.repeatable) && attempt < ATTEMPTS;
            let pause = match &result {
                Ok(answer) if may => wait::after_answer(answer, attempt),
                Err(error) if may && error.is_passing() => Some(wait::after(attempt)),
                _ => None,
            };
            let Some(pause) = pause else { return result };
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    /// Sends a request once; redirects of GET and HEAD are followed, five at most.
    ///
    /// # Errors
    /// As for [`Http::send`].
    pub async fn attempt(&self, request: &Request, limits: Limits) -> Result<Answer, HttpError> {
        let mut url = request.url.clone();
        for _ in 0..=REDIRECTS {
            let answer = exchange::once(self.client(&url)?, request, &url, limits).await?;
            let target = answer.header(LOCATION.as_str()).filter(|_| is_redirect(answer.status));
            let Some(target) = target.filter(|_| request.is_safe()) else {
                return Ok(answer);
            };
            let next =
                url.join(target).map_err(|_| HttpError::refused(&url, "it redirects to no valid address"))?;
            address::may_lead(&url, &next)?;
            url = next;
        }
        Err(HttpError::refused(&request.url, "it redirects without end"))
    }

    fn client(&self, url: &Url) -> Result<&Client, HttpError> {
        let local = is_loopback(url.host_str().unwrap_or_default());
        if url.scheme() != "https" && !(url.scheme() == "http" && local) {
            return Err(HttpError::refused(
                url,
                "without TLS only servers of this machine (127.0.0.0/8, ::1, localhost) are spoken to",
            ));
        }
        let plain = local && url.scheme() == "http";
        let place = if plain { &self.local } else { &self.outside };
        if let Some(client) = place.get() {
            return Ok(client);
        }
        let client = make(plain).map_err(|error| HttpError::from_reqwest(url, &error))?;
        Ok(place.get_or_init(|| client))
    }
}

fn make(plain: bool) -> reqwest::Result<Client> {
    let builder = client_builder();
    // Without TLS no certificate need be read.
    if plain { builder.no_proxy().tls_certs_only([]).build() } else { builder.build() }
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}
