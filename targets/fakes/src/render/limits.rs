//! How many requests the platform takes: counted per kind of request, as the vendor documents it.
//!
//! Given: each request and its moment. Gives: whether it is taken, and the headers that tell what is left. Deliberately absent:
//! `Retry-After`, which the vendor does not send. Source: <https://api-docs.render.com/reference/rate-limiting>.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::{Call, Moment, Reply};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// Requests of the running windows.
#[derive(Debug, Default)]
pub(super) struct Limits {
    windows: BTreeMap<String, Window>,
}

#[derive(Debug)]
struct Window {
    since: Moment,
    taken: u32,
}

/// What is left after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Left {
    limit: u32,
    remaining: u32,
    reset: Duration,
    /// False where the request was one too many.
    pub(super) taken: bool,
}

impl Limits {
    /// Counts a request.
    pub(super) fn count(&mut self, call: &Call, now: Moment) -> Left {
        let (bucket, limit, length) = bucket(call);
        let window = self.windows.entry(bucket).or_insert(Window { since: now, taken: 0 });
        if now >= window.since + length {
            *window = Window { since: now, taken: 0 };
        }
        let taken = window.taken < limit;
        window.taken += u32::from(taken);
        let reset = (window.since + length).saturating_sub(now);
        Left { limit, remaining: limit - window.taken, reset, taken }
    }
}

impl Left {
    /// The answer with the three headers; the reset is told in whole seconds from now, rounded up.
    pub(super) fn on(self, reply: Reply) -> Reply {
        reply
            .with("ratelimit-limit", self.limit.to_string())
            .with("ratelimit-remaining", self.remaining.to_string())
            .with("ratelimit-reset", self.reset.as_millis().div_ceil(1000).to_string())
    }
}

/// The bucket that a request falls in, how many it takes, in which time.
fn bucket(call: &Call) -> (String, u32, Duration) {
    let parts = call.parts();
    match (call.method.as_str(), parts.get(1..).unwrap_or_default()) {
        ("GET" | "HEAD", _) => ("get".to_owned(), 400, MINUTE),
        ("POST", ["services"]) => ("services".to_owned(), 20, HOUR),
        ("PATCH", ["services", id]) | ("POST", ["services", id, "deploys" | "suspend" | "resume"]) => {
            (format!("service {id}"), 10, MINUTE)
        }
        ("POST", ["services", _, "custom-domains", ..]) => ("domains".to_owned(), 50, HOUR),
        _ => ("change".to_owned(), 30, MINUTE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(method: &str, path: &str) -> Call {
        Call { method: method.to_owned(), path: path.to_owned(), ..Call::default() }
    }

    /// Requests of a kind that are taken before the first that is not.
    fn taken(method: &str, path: &str) -> u32 {
        let mut limits = Limits::default();
        (0..1000).find(|_| !limits.count(&call(method, path), MINUTE).taken).expect("there is a limit")
    }

    #[test]
    fn each_kind_has_its_own_limit() {
        assert_eq!(taken("POST", "/v1/services"), 20);
        assert_eq!(taken("PATCH", "/v1/services/srv-1"), 10);
        assert_eq!(taken("POST", "/v1/services/srv-1/deploys"), 10);
        assert_eq!(taken("POST", "/v1/services/srv-1/custom-domains"), 50);
        assert_eq!(taken("PUT", "/v1/services/srv-1/env-vars"), 30);
        assert_eq!(taken("GET", "/v1/services/srv-1/deploys"), 400);
    }

    #[test]
    fn services_are_counted_apart_and_a_window_ends() {
        let mut limits = Limits::default();
        let mine = call("POST", "/v1/services/srv-1/deploys");
        for _ in 0..10 {
            assert!(limits.count(&mine, MINUTE).taken);
        }
        let refused = limits.count(&mine, MINUTE + Duration::from_millis(14_500));
        assert_eq!(
            refused,
            Left { limit: 10, remaining: 0, reset: Duration::from_millis(45_500), taken: false }
        );
        assert_eq!(refused.on(Reply::empty(429)).headers[2], ("ratelimit-reset".to_owned(), "46".to_owned()));
        assert!(limits.count(&call("POST", "/v1/services/srv-2/deploys"), MINUTE).taken);
        assert!(limits.count(&mine, MINUTE * 2).taken);
    }
}
