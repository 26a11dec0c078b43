//! What goes wrong, as data: which calls, and how.
//!
//! Given: rules, and each call as it comes. Gives: what is done to that call. Deliberately absent: the doing, which is
//! `server`'s, and chance: a rule strikes the same calls in every run.

use serde::{Deserialize, Serialize};

/// A rule: these calls fail like that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Which calls.
    #[serde(default)]
    pub when: Calls,
    /// What is done to them.
    pub what: Harm,
}

/// Which calls a rule is about. What is not named is any.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Calls {
    /// Of this platform.
    pub platform: Option<String>,
    /// With this method.
    pub method: Option<String>,
    /// With this path: `/v1/apps/*/machines`; `*` is any one part of it, `**` at the end any rest.
    pub path: Option<String>,
    /// The first of them that is struck, from 1.
    pub nth: u64,
    /// How many are struck from there on; none for all.
    pub times: Option<u64>,
}

/// What is done to a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, tag = "kind", rename_all = "snake_case")]
pub enum Harm {
    /// It waits before the platform acts.
    Latency {
        /// For that many milliseconds.
        ms: u64,
    },
    /// The connection is reset before the platform acts.
    Refuse,
    /// The platform acts, then the connection is reset before the answer.
    CommitThenDrop,
    /// This is answered in place of the platform's answer.
    Status {
        /// The status.
        status: u16,
        /// A header `Retry-After`, in seconds.
        #[serde(default)]
        retry_after: Option<u64>,
        /// True where the platform acts before.
        #[serde(default)]
        acts: bool,
        /// A page of HTML in place of an error in JSON, as a proxy before the platform answers.
        #[serde(default)]
        html: bool,
    },
    /// The platform acts; the connection is reset in the middle of the answer's body.
    Truncate,
    /// The platform acts; the answer's body is nothing that its type says.
    Garbage,
    /// The platform acts; the answer's body comes byte by byte.
    Drip {
        /// Between two bytes, milliseconds.
        ms: u64,
    },
}

impl Default for Calls {
    fn default() -> Self {
        Self { platform: None, method: None, path: None, nth: 1, times: Some(1) }
    }
}

impl Calls {
    /// All calls, from the first, for ever.
    pub fn all() -> Self {
        Self { times: None, ..Self::default() }
    }

    /// The first call with a method and a path.
    pub fn first(method: &str, path: &str) -> Self {
        Self { method: Some(method.to_owned()), path: Some(path.to_owned()), ..Self::default() }
    }

    /// The same, but the nth of them.
    #[must_use]
    pub fn nth(self, nth: u64) -> Self {
        Self { nth, ..self }
    }

    fn fits(&self, platform: &str, method: &str, path: &str) -> bool {
        self.platform.as_deref().is_none_or(|known| known == platform)
            && self.method.as_deref().is_none_or(|known| known.eq_ignore_ascii_case(method))
            && self.path.as_deref().is_none_or(|pattern| path_fits(pattern, path))
    }

    /// True where the `count`th call that fits is struck.
    fn strikes(&self, count: u64) -> bool {
        let first = self.nth.max(1);
        count >= first && self.times.is_none_or(|times| count - first < times)
    }
}

impl Fault {
    /// A rule.
    pub fn new(when: Calls, what: Harm) -> Self {
        Self { when, what }
    }

    /// After that many calls the token is no longer taken: all further ones are answered with 401.
    pub fn expiry_after(calls: u64) -> Self {
        let when = Calls { nth: calls.saturating_add(1), ..Calls::all() };
        Self::new(when, Harm::Status { status: 401, retry_after: None, acts: false, html: false })
    }
}

/// The rules, with how many calls each has seen.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    rules: Vec<(Fault, u64)>,
}

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault) {
        self.rules.push((fault, 0));
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    /// The rules, in their order.
    pub(crate) fn all(&self) -> Vec<&Fault> {
        self.rules.iter().map(|(fault, _)| fault).collect()
    }

    /// Counts a call; what is done to it, in the order of the rules.
    pub(crate) fn strike(&mut self, platform: &str, method: &str, path: &str) -> Vec<Harm> {
        let mut harms = Vec::new();
        for (fault, count) in &mut self.rules {
            if fault.when.fits(platform, method, path) {
                *count += 1;
                if fault.when.strikes(*count) {
                    harms.push(fault.what.clone());
                }
            }
        }
        harms
    }
}

fn path_fits(pattern: &str, path: &str) -> bool {
    let parts = |text: &'_ str| {
        text.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    let (mut pattern, path) = (parts(pattern), parts(path));
    let open = pattern.last().is_some_and(|part| part == "**");
    if open {
        pattern.pop();
    }
    (if open { path.len() >= pattern.len() } else { path.len() == pattern.len() })
        && pattern.iter().zip(&path).all(|(wanted, part)| wanted == "*" || wanted == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nth_call_that_fits_is_struck_and_no_other() {
        let mut faults = Faults::default();
        faults.add(Fault::new(Calls::first("POST", "/v1/apps/*/machines").nth(2), Harm::Refuse));
        assert!(faults.strike("fly", "POST", "/v1/apps/a/machines").is_empty());
        assert!(faults.strike("fly", "GET", "/v1/apps/a/machines").is_empty());
        assert!(faults.strike("fly", "POST", "/v1/apps/a/machines/1").is_empty());
        assert_eq!(faults.strike("fly", "POST", "/v1/apps/b/machines"), [Harm::Refuse]);
        assert!(faults.strike("fly", "POST", "/v1/apps/b/machines").is_empty());
    }

    #[test]
    fn a_pattern_may_be_open() {
        assert!(path_fits("/v1/**", "/v1/apps/a"));
        assert!(path_fits("/v1/**", "/v1"));
        assert!(!path_fits("/v1/**", "/v2/apps"));
        assert!(!path_fits("/v1/*", "/v1/apps/a"));
    }

    #[test]
    fn a_token_expires_after_so_many_calls_and_rules_are_read_strictly() {
        let mut faults = Faults::default();
        faults.add(Fault::expiry_after(1));
        assert!(faults.strike("fly", "GET", "/a").is_empty());
        assert_eq!(faults.strike("fly", "GET", "/a").len(), 1);
        assert_eq!(faults.strike("fly", "GET", "/b").len(), 1);
        let read = |text: &str| serde_json::from_str::<Fault>(text);
        assert_eq!(
            read(r#"{"when": {"method": "POST"}, "what": {"kind": "latency", "ms": 5}}"#)
                .map(|fault| fault.what)
                .ok(),
            Some(Harm::Latency { ms: 5 })
        );
        assert!(read(r#"{"when": {"methd": "POST"}, "what": {"kind": "refuse"}}"#).is_err());
    }
}
