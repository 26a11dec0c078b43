//! The log of requests: what was asked of which platform, what was answered, whether anything changed.
//!
//! Given: calls as they come and end. Gives: entries in the order they came in. Deliberately absent: headers and bodies, where
//! tokens and values of secrets are.

use serde::Serialize;

use crate::{Call, Moment};

/// A request, as others may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// The number of the request, from 1, over all platforms.
    pub number: u64,
    /// The platform.
    pub platform: &'static str,
    /// The method.
    pub method: String,
    /// The path, without its query.
    pub path: String,
    /// The query's pairs; values of what is named like a token are left out.
    pub query: Vec<(String, String)>,
    /// True where requests like this change something.
    pub writes: bool,
}

/// A request and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The request.
    #[serde(flatten)]
    pub seen: Seen,
    /// When it came, milliseconds since the platforms were started.
    pub at_ms: u64,
    /// What the platform said; none where it was never asked.
    pub platform_status: Option<u16>,
    /// What the client was told; none where the connection was cut before, or the answer is still out.
    pub status: Option<u16>,
    /// True where the request changed something: the platform acted on it, and did not refuse.
    pub effect: bool,
    /// What was done to it: the names of the faults.
    pub harm: Vec<String>,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Log {
    entries: Vec<Entry>,
}

impl Log {
    /// Takes a request down; its number goes by the order.
    pub(crate) fn open(&mut self, platform: &'static str, call: &Call, writes: bool, at: Moment) -> Seen {
        let seen = Seen {
            number: self.entries.len() as u64 + 1,
            platform,
            method: call.method.clone(),
            path: call.path.clone(),
            query: call.query.iter().map(|(name, value)| (name.clone(), harmless(name, value))).collect(),
            writes,
        };
        self.entries.push(Entry {
            seen: seen.clone(),
            at_ms: u64::try_from(at.as_millis()).unwrap_or(u64::MAX),
            platform_status: None,
            status: None,
            effect: false,
            harm: Vec::new(),
        });
        seen
    }

    /// Adds to the entry with that number.
    pub(crate) fn note(&mut self, number: u64, change: impl FnOnce(&mut Entry)) {
        let index = usize::try_from(number).unwrap_or(usize::MAX).wrapping_sub(1);
        if let Some(entry) = self.entries.get_mut(index) {
            change(entry);
        }
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

fn harmless(name: &str, value: &str) -> String {
    let name = name.to_ascii_lowercase();
    let telling = ["token", "key", "secret", "password"].iter().any(|word| name.contains(word));
    if telling { "…".to_owned() } else { value.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_is_taken_down() {
        let call = Call {
            method: "POST".to_owned(),
            path: "/v1/apps/a/secrets".to_owned(),
            query: vec![
                ("access_token".to_owned(), "s3cret".to_owned()),
                ("state".to_owned(), "started".to_owned()),
            ],
            headers: vec![("authorization".to_owned(), "Bearer s3cret".to_owned())],
            body: b"s3cret".to_vec(),
        };
        let mut log = Log::default();
        let seen = log.open("fly", &call, true, Moment::ZERO);
        log.note(seen.number, |entry| entry.status = Some(200));
        let text = serde_json::to_string(log.entries()).unwrap();
        assert!(!text.contains("s3cret"), "{text}");
        assert!(text.contains("started") && text.contains("\"status\":200"), "{text}");
    }
}
