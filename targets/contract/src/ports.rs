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

use crate::{ApiAnswer, ErrorKind, TargetError};

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
}
