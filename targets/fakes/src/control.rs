//! The control API, below `/_fake` on each platform's port: the truth, the log and the faults, for other languages.
//!
//! | call | what it does |
//! |---|---|
//! | `GET /_fake/objects` | what is there, of this platform |
//! | `GET /_fake/log` | all requests, of all platforms |
//! | `GET`, `POST`, `DELETE /_fake/faults` | the rules; adds one; forgets all |
//! | `PUT /_fake/spec` | holds requests against the vendor's OpenAPI document in the body (feature `spec`) |
//! | `GET /_fake/violations` | the requests that it does not allow (feature `spec`) |
//!
//! Given: calls. Gives: answers. Deliberately absent: authentication: it is loopback, and there is nothing secret in it.

use serde_json::json;

use crate::faults::Fault;
use crate::lab::{Booth, Shared};
use crate::{Call, Reply, held};

/// What begins its paths.
pub(crate) const PREFIX: &str = "/_fake/";

pub(crate) fn answer(shared: &Shared, booth: &Booth, call: &Call) -> Reply {
    let told = match (call.method.as_str(), call.path.strip_prefix(PREFIX).unwrap_or_default()) {
        ("GET", "objects") => Ok(held(&booth.platform).objects()),
        ("GET", "log") => Ok(json!(held(&shared.log).entries())),
        ("GET", "faults") => Ok(json!(held(&shared.faults).all())),
        ("POST", "faults") => call.json::<Fault>().map(|fault| {
            held(&shared.faults).add(fault);
            json!(held(&shared.faults).all())
        }),
        ("DELETE", "faults") => {
            held(&shared.faults).clear();
            Ok(json!([]))
        }
        #[cfg(feature = "spec")]
        ("GET", "violations") => Ok(json!(*held(&shared.violations))),
        #[cfg(feature = "spec")]
        ("PUT", "spec") => call.json().and_then(|document| {
            shared.hold_against(booth, &document)?;
            Ok(json!({ "held_against": booth.name }))
        }),
        _ => return Reply::json(404, &json!({ "error": format!("no {} {}", call.method, call.path) })),
    };
    match told {
        Ok(body) => Reply::json(200, &body),
        Err(why) => Reply::json(400, &json!({ "error": why })),
    }
}
