//! The ways out of a target: requests to its platform and the clock, handed to it by whoever embeds it.
//!
//! Given: nothing; these are the shapes of what `io` makes. Gives: [`Reads`], which can only ask, [`Writes`], which can
//! change, and [`Clock`]. Deliberately absent: connections, retries, rate limits and time-outs, which are layers behind these
//! traits, the same for every platform; a call only says how often it may be sent ([`Repeat`]) and how fast ([`Pace`]).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use serde::de::DeserializeOwned;

use crate::{ErrorKind, TargetError};

/// How a call that changes something is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `POST`.
    Post,
    /// `PUT`.
    Put,
    /// `PATCH`.
    Patch,
    /// `DELETE`.
    Delete,
}

/// How often a call that changes something may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// Twice is as good as once: it is sent again when its answer is lost.
    Harmless,
    /// Twice would do it twice: it is sent again only where it surely did nothing (no connection, a rate limit). Where its
    /// answer is lost, [`CallError::may_have_happened`] is true and the caller looks for what it did.
    Once,
}

/// How fast calls of a kind may follow each other, as the platform documents it.
#[derive(Debug, Clone, PartialEq)]
pub struct Pace {
    /// What shares the limit, such as `create machine shop-api`; calls to other hosts never do.
    pub shared_by: String,
    /// Calls a second, on average.
    pub per_second: f64,
    /// Calls that may come at once after a rest.
    pub burst: u32,
}

/// A request that changes nothing: a `GET`.
#[derive(Clone)]
pub struct ReadCall {
    /// What is being done, for people: `list the machines of shop-api`.
    pub operation: String,
    /// The whole address, with its query.
    pub url: String,
    /// Headers without a secret.
    pub headers: Vec<(String, String)>,
    /// The value of `Authorization`; it goes to the address's own origin and no other.
    pub authorization: Option<SecretString>,
    /// How long one attempt may take, where the platform answers late on purpose; none for the ordinary limit. With it, status
    /// 408 is the platform's word for "not yet": an answer, after which nothing is sent again.
    pub patience: Option<Duration>,
    /// Its rate limit, where the platform has one for it.
    pub pace: Option<Pace>,
}

/// A request that changes something.
#[derive(Clone)]
pub struct WriteCall {
    /// Address, headers, authorization, limits.
    pub to: ReadCall,
    /// The method.
    pub method: Method,
    /// The body, sent as JSON. It may hold secret values, so that no form of this type shows it.
    pub body: Option<serde_json::Value>,
    /// How often it may be sent.
    pub repeat: Repeat,
}

/// What a platform answered; any status is an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiAnswer {
    /// The status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, whole.
    pub body: Vec<u8>,
}

/// Why a call has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{address}: {reason}")]
pub struct CallError {
    /// The address without its query.
    pub address: String,
    /// What happened.
    pub reason: String,
    /// True where the platform may have done what was asked all the same.
    pub may_have_happened: bool,
    /// The run was interrupted, or may not write any more (its lock is lost).
    pub interrupted: bool,
    /// What mends it.
    pub hint: Option<String>,
}

/// Asks a platform; cannot change it.
#[async_trait]
pub trait Reads: Send + Sync {
    /// Sends a request, again where that may help, and gives the last answer whatever its status.
    ///
    /// # Errors
    /// [`CallError`] where there is no answer.
    async fn get(&self, call: ReadCall) -> Result<ApiAnswer, CallError>;
}

/// Changes a platform. What makes it writes the intent of each call into the journal before, and its result after.
#[async_trait]
pub trait Writes: Send + Sync {
    /// Sends a request as often as [`WriteCall::repeat`] allows, and gives the last answer whatever its status.
    ///
    /// # Errors
    /// [`CallError`] where there is no answer.
    async fn send(&self, call: WriteCall) -> Result<ApiAnswer, CallError>;
}

/// Time, as a target may use it.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Seconds since 1970-01-01 UTC.
    fn now(&self) -> i64;

    /// Waits on the steady clock.
    async fn sleep(&self, duration: Duration);
}

/// How to reach a target: read by `io`, handed over once.
#[derive(Clone)]
pub struct Access {
    /// The values of the descriptor's credential variables that are set.
    pub credentials: BTreeMap<String, SecretString>,
    /// The values of the descriptor's [`crate::Setting`]s that are set: base addresses.
    pub settings: BTreeMap<String, String>,
    /// Asks.
    pub reads: Arc<dyn Reads>,
    /// Waits.
    pub clock: Arc<dyn Clock>,
}

impl ReadCall {
    /// A call of an operation, with nothing else said.
    pub fn new(operation: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            operation: operation.into(),
            url: url.into(),
            headers: Vec::new(),
            authorization: None,
            patience: None,
            pace: None,
        }
    }

    /// The address without its query, for people.
    pub fn address(&self) -> &str {
        self.url.split_once(['?', '#']).map_or(&self.url, |(address, _)| address)
    }
}

impl Method {
    /// The word of the protocol.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

impl fmt::Debug for ReadCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (GET {})", self.operation, self.address())
    }
}

impl fmt::Debug for WriteCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} {})", self.to.operation, self.method.as_str(), self.to.address())
    }
}

impl ApiAnswer {
    /// True for 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body read as JSON. Depth is limited by the reader (128 levels), size by whoever took the answer.
    ///
    /// # Errors
    /// What is wrong with it, without showing it.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, String> {
        serde_json::from_slice(&self.body).map_err(|error| {
            format!("its answer is not what it documents (line {}, column {})", error.line(), error.column())
        })
    }

    /// What it says in words, for an error: at most 200 characters, never a control character; after them how long it asks to
    /// wait, where it does.
    pub fn words(&self) -> String {
        self.told(&String::from_utf8_lossy(&self.body), 200)
    }

    /// The same of the words that stand in its body, where some do: at most 400 characters.
    pub fn words_or(&self, said: Option<String>) -> String {
        said.map_or_else(|| self.words(), |said| self.told(&said, 400))
    }

    fn told(&self, text: &str, most: usize) -> String {
        let safe: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(most).collect();
        let said = safe.trim().to_owned();
        match self.asks_to_wait() {
            None => said,
            Some(wait) if said.is_empty() => format!("the platform asks to wait {}", in_words(wait)),
            Some(wait) => format!("{said} (the platform asks to wait {})", in_words(wait)),
        }
    }

    /// How long it asks to wait, where it asks for a wait that was too long to be waited for here. Whoever took the answer has
    /// put every form of `Retry-After` into seconds.
    pub fn asks_to_wait(&self) -> Option<Duration> {
        let seconds =
            self.header("retry-after").filter(|_| matches!(self.status, 429 | 503))?.parse().ok()?;
        Some(Duration::from_secs(seconds)).filter(|wait| !wait.is_zero())
    }

    /// The name that the platform gave to the request, for its support: the first of the headers that platforms use for it
    /// that holds one, at most 200 visible characters.
    pub fn request_id(&self) -> Option<&str> {
        let fit = |id: &&str| (1..=200).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
        REQUEST_IDS.iter().filter_map(|name| self.header(name)).find(fit)
    }
}

/// Headers that hold a request's name, the platform's own before those of what stands before it: Fly.io, most, AWS, Azure,
/// Render, Netlify, Vercel, Railway, GitHub, Cloudflare.
const REQUEST_IDS: [&str; 12] = [
    "fly-request-id",
    "x-request-id",
    "x-amzn-requestid",
    "x-amz-request-id",
    "x-ms-request-id",
    "x-ms-correlation-request-id",
    "rndr-id",
    "x-nf-request-id",
    "x-vercel-id",
    "x-railway-request-id",
    "x-github-request-id",
    "cf-ray",
];

/// A length of time for people, never shorter than it is: `90 s`, `15 min`, `2 h`, `3 days`.
pub fn in_words(time: Duration) -> String {
    let seconds = time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0));
    let (unit, word) = match seconds {
        0..120 => (1, "s"),
        120..7_200 => (60, "min"),
        7_200..172_800 => (3_600, "h"),
        172_800..63_072_000 => (86_400, "days"),
        63_072_000..3_153_600_000 => (31_536_000, "years"),
        _ => return "more than 100 years".to_owned(),
    };
    format!("{} {word}", seconds.div_ceil(unit))
}

impl CallError {
    /// The same as a target's error.
    pub fn of(self, target: &'static str, operation: &str) -> TargetError {
        let kind = if self.interrupted { ErrorKind::Interrupted } else { ErrorKind::Unavailable };
        let error = TargetError::new(kind, target, operation, self.to_string());
        self.hint.into_iter().fold(error, TargetError::hint)
    }
}

impl Access {
    /// No way out at all: every request is an error. For what is decided without asking anybody.
    pub fn none() -> Self {
        Self {
            credentials: BTreeMap::new(),
            settings: BTreeMap::new(),
            reads: Arc::new(Nowhere),
            clock: Arc::new(Nowhere),
        }
    }

    /// A setting's value, or its default.
    pub fn setting<'a>(&'a self, variable: &str, default: &'a str) -> &'a str {
        self.settings.get(variable).map_or(default, String::as_str)
    }
}

impl Default for Access {
    fn default() -> Self {
        Self::none()
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access")
            .field("credentials", &self.credentials.keys())
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// Where no request gets.
struct Nowhere;

/// Writes that go nowhere: for a target that changes its platform by a client of its own, and for tests.
pub fn no_writes() -> Arc<dyn Writes> {
    Arc::new(Nowhere)
}

fn nowhere(address: &str) -> CallError {
    CallError {
        address: address.to_owned(),
        reason: "there is no way to it here".to_owned(),
        may_have_happened: false,
        interrupted: false,
        hint: None,
    }
}

#[async_trait]
impl Reads for Nowhere {
    async fn get(&self, call: ReadCall) -> Result<ApiAnswer, CallError> {
        Err(nowhere(call.address()))
    }
}

#[async_trait]
impl Writes for Nowhere {
    async fn send(&self, call: WriteCall) -> Result<ApiAnswer, CallError> {
        Err(nowhere(call.to.address()))
    }
}

#[async_trait]
impl Clock for Nowhere {
    fn now(&self) -> i64 {
        0
    }

    async fn sleep(&self, _: Duration) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_shows_a_body_a_query_or_a_login() {
        let mut to = ReadCall::new("set secrets of shop", "https://api.example.com/v1/x?token=canary");
        to.authorization = Some(SecretString::from("canary"));
        let call = WriteCall {
            to,
            method: Method::Post,
            body: Some(serde_json::json!({ "v": "canary" })),
            repeat: Repeat::Once,
        };
        assert_eq!(format!("{call:?}"), "set secrets of shop (POST https://api.example.com/v1/x)");
        assert!(!format!("{:?}", call.to).contains("canary"));
        let mut access = Access::none();
        access.credentials.insert("TOKEN".to_owned(), SecretString::from("canary"));
        assert!(!format!("{access:?}").contains("canary"));
    }

    #[test]
    fn words_are_short_and_harmless() {
        let answer = ApiAnswer {
            status: 500,
            headers: Vec::new(),
            body: format!("\u{1b}[2J{}", "x".repeat(900)).into_bytes(),
        };
        assert_eq!(answer.words().chars().count(), 199);
        assert!(!answer.words().contains('\u{1b}'));
    }
    #[test]
    fn an_answer_tells_its_request_and_the_wait_it_asks_for() {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut answer = ApiAnswer { status: 429, headers: Vec::new(), body: Vec::new() };
        assert_eq!((answer.request_id(), answer.asks_to_wait()), (None, None));
        answer.headers = vec![header("cf-ray", "8f-LHR"), header("retry-after", "7200")];
        assert_eq!(answer.request_id(), Some("8f-LHR"));
        assert_eq!(answer.words(), "the platform asks to wait 2 h");
        answer.headers.insert(0, header("x-request-id", ""));
        answer.headers.push(header("rndr-id", "abc"));
        answer.body = b"slow down".to_vec();
        assert_eq!(answer.request_id(), Some("abc"));
        assert_eq!(answer.words(), "slow down (the platform asks to wait 2 h)");
        let own = answer.words_or(Some("too many\u{1b}[2J".to_owned()));
        assert_eq!(own, "too many [2J (the platform asks to wait 2 h)");
        answer.status = 200;
        assert_eq!(answer.words(), "slow down");
    }

    #[test]
    fn lengths_of_time_are_never_told_too_short() {
        let told = [0.0, 1.2, 119.0, 121.0, 7_199.0, 7_201.0, 200_000.0, 63_072_000.0, 1e12]
            .map(|seconds| in_words(Duration::from_secs_f64(seconds)));
        let expected =
            ["0 s", "2 s", "119 s", "3 min", "120 min", "3 h", "3 days", "2 years", "more than 100 years"];
        assert_eq!(told, expected);
    }

    #[test]
    fn deep_json_is_refused_and_never_overflows_the_stack() {
        let deep = |levels: usize| ApiAnswer {
            status: 200,
            headers: Vec::new(),
            body: format!("{}{}", "[".repeat(levels), "]".repeat(levels)).into_bytes(),
        };
        assert!(deep(100).json::<serde_json::Value>().is_ok());
        for levels in [200, 1_000_000] {
            let refused = deep(levels).json::<serde_json::Value>();
            assert!(refused.is_err_and(|error| error.contains("column 128")), "{levels}");
        }
        #[derive(serde::Deserialize)]
        struct Known {}
        let unknown = format!("{{\"unknown\":{}{}}}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        let answer = ApiAnswer { status: 200, headers: Vec::new(), body: unknown.into_bytes() };
        let _ = answer.json::<Known>();
    }
}
