//! How many requests are taken: one a second for each action on each app or machine, three at once; of looks at a machine five a
//! second, ten at once; a hundred deletions of apps a minute (<https://fly.io/docs/machines/api/working-with-machines-api/>).
//!
//! Given: requests and their moments. Gives: whether one is taken. Deliberately absent: headers about it: none are documented.

use std::collections::BTreeMap;

use crate::{Call, Moment};

/// What is left, by action and id.
#[derive(Debug, Default)]
pub(super) struct Limits {
    left: BTreeMap<String, (f64, Moment)>,
}

impl Limits {
    /// Counts a request; false where it is one too many.
    pub(super) fn count(&mut self, call: &Call, now: Moment) -> bool {
        let parts = call.parts();
        let (key, per_second, burst) = match (call.method.as_str(), parts.as_slice()) {
            ("GET", ["v1", "apps", _, "machines", _]) => (format!("GET {}", call.path), 5.0, 10.0),
            ("DELETE", ["v1", "apps", _]) => ("delete apps".to_owned(), 100.0 / 60.0, 100.0),
            (method, _) => (format!("{method} {}", call.path), 1.0, 3.0),
        };
        let (left, then) = self.left.entry(key).or_insert((burst, now));
        *left = (*left + now.saturating_sub(*then).as_secs_f64() * per_second).min(burst);
        *then = now;
        let taken = *left >= 1.0;
        if taken {
            *left -= 1.0;
        }
        taken
    }
}
