//! How long to wait before a request is sent again.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

use super::Answer;

/// The pause before the second attempt; it doubles with each.
const FIRST: Duration = Duration::from_millis(250);
/// The longest pause, also where the server asks for a longer one: then the answer is handed on as it is.
const LONGEST: Duration = Duration::from_secs(30);

/// The pause after a failed attempt: between half and the whole of what doubles every time, so that many clients do not
/// come back at once.
pub fn after(attempt: u32) -> Duration {
    let whole = FIRST.saturating_mul(1 << attempt.saturating_sub(1).min(10)).min(LONGEST);
    whole / 2 + whole.mul_f64(share() / 2.0)
}

/// By chance: from 0 to less than 1. Not for secrets.
pub(in crate::io) fn share() -> f64 {
    let chance = u32::try_from(RandomState::new().build_hasher().finish() % (1 << 24)).unwrap_or(0);
    f64::from(chance) / f64::from(1 << 24)
}

/// The pause after an answer that asks to come back; none where it is to be taken as it is.
pub(super) fn after_answer(answer: &Answer, attempt: u32) -> Option<Duration> {
    match answer.status.as_u16() {
        429 | 503 => match answer.header("retry-after").and_then(|text| text.trim().parse().ok()) {
            Some(seconds) if Duration::from_secs(seconds) > LONGEST => None,
            Some(seconds) => Some(Duration::from_secs(seconds).max(after(1))),
            None => Some(after(attempt)),
        },
        500 | 502 | 504 => Some(after(attempt)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, retry_after: Option<&str>) -> Answer {
        let mut headers = reqwest::header::HeaderMap::new();
        if let Some(text) = retry_after {
            headers.insert("retry-after", text.parse().unwrap());
        }
        Answer { status: status.try_into().unwrap(), headers, body: bytes::Bytes::new() }
    }

    #[test]
    fn pauses_grow_and_obey_the_server() {
        for attempt in 1..20 {
            let whole = FIRST.saturating_mul(1 << (attempt - 1).min(10)).min(LONGEST);
            let pause = after(attempt);
            assert!(pause >= whole / 2 && pause <= whole, "{attempt}: {pause:?}");
        }
        assert!(after_answer(&answer(200, None), 1).is_none());
        assert!(after_answer(&answer(404, None), 1).is_none());
        assert!(after_answer(&answer(500, None), 1).is_some());
        assert_eq!(after_answer(&answer(429, Some("2")), 1), Some(Duration::from_secs(2)));
        assert_eq!(after_answer(&answer(429, Some("3600")), 1), None);
        assert!(after_answer(&answer(503, Some("Wed, 21 Oct 2026 07:28:00 GMT")), 1).is_some());
    }
}
