//! When a call is sent again, and how long to wait before. Pure.
//!
//! Given: how often a call may be sent, what came of an attempt. Gives: the pause, or that this is the answer. A call that must not be sent
//! twice is sent again only where it surely did nothing: no connection, or a rate limit, which platforms check before they act.

use std::time::Duration;

/// Attempts at most.
pub(super) const ATTEMPTS: u32 = 6;
/// From the first attempt to the last.
pub(super) const DEADLINE: Duration = Duration::from_mins(10);
/// The pause before the second attempt at most; it doubles with each, up to the longest.
const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);
/// Below this a number of `Ratelimit-Reset` is seconds from now, above it is a moment.
const A_MOMENT: i64 = 1_000_000_000;

/// How often a call may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// As often as it takes.
    Again,
    /// The same, and 408 is an answer like any other: that it was not long enough.
    Waiting,
    /// Once, as far as it can be known.
    Once,
}

/// The pause after an answer; none where it is the answer.
pub(super) fn after_answer(
    class: Class,
    status: u16,
    header: &dyn Fn(&str) -> Option<String>,
    attempt: u32,
    now: i64,
    chance: f64,
) -> Option<Duration> {
    let again = match (status, class) {
        (429, _) => true,
        (408, Class::Waiting) => false,
        (408 | 425 | 500 | 502 | 503 | 504, Class::Again | Class::Waiting) => true,
        _ => false,
    };
    if !again || attempt >= ATTEMPTS {
        return None;
    }
    let asked = matches!(status, 429 | 503).then(|| asked(header, now)).flatten().unwrap_or_default();
    Some(back_off(attempt, chance).max(asked))
}

/// The pause after an attempt without an answer; none where there is no sense in another, or it could do things twice.
pub(super) fn after_silence(
    class: Class,
    passing: bool,
    sent: bool,
    attempt: u32,
    chance: f64,
) -> Option<Duration> {
    let may = passing && attempt < ATTEMPTS && (class != Class::Once || !sent);
    may.then(|| back_off(attempt, chance))
}

/// Anything up to what doubles with each attempt, so that many do not come back at once.
fn back_off(attempt: u32, chance: f64) -> Duration {
    let whole = FIRST.saturating_mul(1 << attempt.saturating_sub(1).min(10)).min(LONGEST);
    whole.mul_f64(chance.clamp(0.0, 1.0))
}

/// How long the platform asks to wait: `Retry-After` as seconds or as a date (RFC 9110, section 10.2.3), else the end of a limit. What
/// cannot be read, or lies in the past, asks for nothing.
pub(super) fn asked(header: &dyn Fn(&str) -> Option<String>, now: i64) -> Option<Duration> {
    if let Some(text) = header("retry-after") {
        let text = text.trim();
        let seconds = text.parse::<i64>().ok().or_else(|| {
            let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
            Some(date.as_second() - now)
        });
        return seconds.map(|seconds| Duration::from_secs(u64::try_from(seconds).unwrap_or(0)));
    }
    let reset = header("ratelimit-reset").or_else(|| header("x-ratelimit-reset"))?;
    let reset: i64 = reset.trim().parse().ok()?;
    let seconds = if reset < A_MOMENT { reset } else { reset - now };
    u64::try_from(seconds).ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn what_may_be_sent_again() {
        let again = |class, status| after_answer(class, status, &none, 1, 0, 1.0).is_some();
        for status in [408, 425, 429, 500, 502, 503, 504] {
            assert!(again(Class::Again, status), "{status}");
            assert_eq!(again(Class::Once, status), status == 429, "{status}");
        }
        for status in [200, 201, 400, 401, 403, 404, 409, 412, 413, 422, 501] {
            assert!(!again(Class::Again, status), "{status}");
        }
        assert!(!again(Class::Waiting, 408));
        assert!(after_answer(Class::Again, 500, &none, ATTEMPTS, 0, 1.0).is_none());
        assert!(after_silence(Class::Once, true, false, 1, 1.0).is_some());
        assert!(after_silence(Class::Once, true, true, 1, 1.0).is_none());
        assert!(after_silence(Class::Again, true, true, 1, 1.0).is_some());
        assert!(after_silence(Class::Again, false, false, 1, 1.0).is_none());
    }

    #[test]
    fn what_the_platform_asks_for() {
        let now = 784_111_777; // Sun, 06 Nov 1994 08:49:37 GMT
        let ask = |name: &'static str, value: &'static str| {
            asked(&|asked: &str| (asked == name).then(|| value.to_owned()), now).map(|pause| pause.as_secs())
        };
        assert_eq!(ask("retry-after", "7"), Some(7));
        assert_eq!(ask("retry-after", "-7"), Some(0));
        assert_eq!(ask("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT"), Some(60));
        assert_eq!(ask("retry-after", "Sun, 06 Nov 1994 08:48:37 GMT"), Some(0));
        assert_eq!(ask("retry-after", "soon"), None);
        assert_eq!(ask("retry-after", "99999999999999999999"), None);
        assert_eq!(ask("ratelimit-reset", "45"), Some(45));
        assert_eq!(
            asked(&|name| (name == "ratelimit-reset").then(|| "1795596600".to_owned()), 1_795_596_590)
                .unwrap()
                .as_secs(),
            10
        );
    }

    #[test]
    fn ten_thousand_runs_keep_to_the_rules() {
        let (mut most, mut early, mut unsafe_repeats) = (0, 0, 0);
        for run in 0..10_000_u64 {
            // A pseudo-random walk (Knuth's multiplier), so that every run of the test is the same.
            let mut state = run.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let mut next = move |n: u64| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 33) % n
            };
            let class = [Class::Again, Class::Once, Class::Waiting][next(3) as usize];
            let mut attempt = 1;
            loop {
                let status = [429, 503, 500, 200, 408][next(5) as usize];
                let wanted = next(100);
                let header = move |name: &str| (name == "retry-after").then(|| wanted.to_string());
                #[expect(clippy::cast_precision_loss, reason = "a number below 1000")]
                let chance = next(1000) as f64 / 1000.0;
                let Some(pause) = after_answer(class, status, &header, attempt, 0, chance) else { break };
                early += u32::from(matches!(status, 429 | 503) && pause.as_secs() < wanted);
                unsafe_repeats += u32::from(class == Class::Once && status != 429);
                attempt += 1;
            }
            most = most.max(attempt);
        }
        println!("10000 runs: at most {most} attempts, {early} too early, {unsafe_repeats} unsafe repeats");
        assert!(most <= ATTEMPTS && early == 0 && unsafe_repeats == 0);
    }
}
