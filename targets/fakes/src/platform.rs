//! What each platform in memory must answer: a pure state machine over requests and the time they come at.

use std::time::Duration;

use serde_json::Value;

use crate::edge::Route;
use crate::{Call, Reply};

/// A moment, as time since the platform was started. What takes time there (a machine that boots, a deploy that goes live) is
/// worked out from it at the next request, so that no task runs beside.
pub type Moment = Duration;

/// A platform in memory.
pub trait Platform: Send {
    /// Its name: `fly`, `render`.
    fn name(&self) -> &'static str;

    /// Answers a request and changes what is there accordingly.
    fn answer(&mut self, call: &Call, now: Moment) -> Reply;

    /// True where the answer can be had now; otherwise it is asked again a few milliseconds later, which is how a request blocks
    /// until something happened. `came` is when the request came.
    fn due(&mut self, call: &Call, came: Moment, now: Moment) -> bool {
        let _ = (call, came, now);
        true
    }

    /// The variables that lead a client here, once the platform answers below `base`: `http://127.0.0.1:4280`.
    fn variables(&self, base: &str) -> Vec<(String, String)> {
        let _ = base;
        Vec::new()
    }

    /// Who answers for a public name at that moment; none where the name is nobody's.
    fn serving(&mut self, host: &str, now: Moment) -> Option<Route> {
        let _ = (host, now);
        None
    }

    /// Pointers to schemas of the vendor's OpenAPI document that take null as well, though the document does not say so.
    fn nullable(&self) -> &'static [&'static str] {
        &[]
    }

    /// The hidden truth: everything that is there, by kind and id, without what the API would not tell anybody (values of
    /// secrets are there as digests).
    fn objects(&self) -> Value;

    /// True where the request, sent to this platform, changes something.
    fn writes(&self, call: &Call) -> bool {
        call.method != "GET" && call.method != "HEAD"
    }
}
