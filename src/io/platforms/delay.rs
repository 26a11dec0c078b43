//! How long a server asks to be left alone.
//!
//! Given: an answer and the time here. Gives: the wait, in every form that servers use, or none where none is told or what is
//! told makes no sense. A moment is counted from the server's own `Date` where it tells one, so that a clock that is wrong here
//! does no harm. Deliberately absent: whether anybody waits.

use std::time::Duration;

use jiff::civil::{DateTime, date};
use jiff::fmt::strtime;

use crate::io::http::Answer;

/// Headers that name the moment, or the seconds, until a rate limit starts anew. Render:
/// <https://api-docs.render.com/reference/rate-limiting>; Railway: <https://docs.railway.com/integrations/api>.
const RESETS: [&str; 3] = ["ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset"];
/// Below this, a reset is a number of seconds: as a moment it would be in 2001.
const MOMENTS: u64 = 1_000_000_000;
/// From this on, a reset is a moment in milliseconds: in seconds it would be in the year 33658.
const MILLISECONDS: u64 = 1_000_000_000_000;
/// The three forms of a date that servers may send, the newest first: <https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7>.
const DATES: [&str; 3] = ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];

/// How long the server asks to wait. `now` is the time here, in seconds since 1970-01-01 UTC. A wait that cannot be counted is
/// the longest there is; one that is over is zero.
pub(super) fn asked(answer: &Answer, now: i64) -> Option<Duration> {
    let now = answer.header("date").and_then(moment).unwrap_or(u64::try_from(now).unwrap_or(0));
    let after = answer.header("retry-after").and_then(|text| retry_after(text, now));
    let limited = answer.status.as_u16() == 429;
    after.or_else(|| {
        RESETS
            .iter()
            .filter(|_| limited)
            .find_map(|name| answer.header(name).and_then(|text| reset(text, now)))
    })
}

/// <https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3>: seconds or a date. Fractions and negative numbers are no such thing
/// and are sent all the same.
fn retry_after(text: &str, now: u64) -> Option<Duration> {
    let seconds_until = |at: u64| Duration::from_secs(at.saturating_sub(now));
    seconds(text).or_else(|| moment(text).map(seconds_until))
}

fn reset(text: &str, now: u64) -> Option<Duration> {
    let Some(told) = seconds(text) else { return retry_after(text, now) };
    Some(match told.as_secs() {
        0..MOMENTS => told,
        MOMENTS..MILLISECONDS => told.saturating_sub(Duration::from_secs(now)),
        milliseconds => Duration::from_secs((milliseconds / 1000).saturating_sub(now)),
    })
}

/// A number of seconds in plain digits, with a fraction perhaps; negative is zero, too many digits the longest time there is.
fn seconds(text: &str) -> Option<Duration> {
    let text = text.trim();
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(whole) || !plain(fraction) {
        return None;
    }
    let whole = Duration::from_secs(whole.parse().unwrap_or(u64::MAX));
    let part = format!("0.{fraction}").parse().ok().and_then(|part| Duration::try_from_secs_f64(part).ok());
    Some(if negative { Duration::ZERO } else { whole.saturating_add(part.unwrap_or_default()) })
}

/// A date of HTTP, in seconds since 1970-01-01 UTC. Counted without time zones, whose moments end before the year 9999 does.
fn moment(text: &str) -> Option<u64> {
    let read = |form: &&str| strtime::parse(form, text.trim()).and_then(|read| read.to_datetime()).ok();
    let at: DateTime = DATES.iter().find_map(read)?;
    let since = at.duration_since(date(1970, 1, 1).at(0, 0, 0, 0));
    Some(u64::try_from(since.as_secs()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use reqwest::header::HeaderMap;

    use super::*;

    /// 2026-10-21 07:28:00 UTC.
    const NOW: i64 = 1_792_567_680;

    fn answer(status: u16, headers: &[(&'static str, &str)]) -> Answer {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        Answer { status: status.try_into().unwrap(), headers: map, body: bytes::Bytes::new() }
    }

    fn after(text: &str) -> Option<Duration> {
        asked(&answer(503, &[("retry-after", text)]), NOW)
    }

    #[test]
    fn every_form_of_retry_after() {
        let seconds = |s: u64| Some(Duration::from_secs(s));
        let table = [
            ("0", seconds(0)),
            ("7", seconds(7)),
            (" 120 ", seconds(120)),
            ("1.5", Some(Duration::from_millis(1500))),
            ("-3", seconds(0)),
            ("-99999999999999999999999", seconds(0)),
            ("315360000", seconds(315_360_000)),
            ("99999999999999999999999", seconds(u64::MAX)),
            ("Wed, 21 Oct 2026 07:28:30 GMT", seconds(30)),
            ("Wednesday, 21-Oct-26 07:28:30 GMT", seconds(30)),
            ("Wed Oct 21 07:28:30 2026", seconds(30)),
            ("Wed, 21 Oct 2026 07:00:00 GMT", seconds(0)),
            ("Fri, 31 Dec 9999 23:59:59 GMT", seconds(253_402_300_799 - 1_792_567_680)),
        ];
        for (text, expected) in table {
            assert_eq!(after(text), expected, "{text}");
        }
        for garbage in
            ["", " ", "soon", "1e9", "inf", "NaN", "0x10", "1.2.3", "+5", "1,5", "--1", "-", ".5", "5."]
        {
            assert_eq!(after(garbage), None, "{garbage}");
        }
    }

    #[test]
    fn a_date_counts_from_the_servers_clock_where_it_tells_it() {
        let headers =
            [("retry-after", "Wed, 21 Oct 2026 09:00:10 GMT"), ("date", "Wed, 21 Oct 2026 09:00:00 GMT")];
        assert_eq!(asked(&answer(503, &headers), NOW), Some(Duration::from_secs(10)));
    }

    #[test]
    fn a_reset_is_seconds_or_a_moment_and_counts_for_429_alone() {
        let told = |status, text: &str| asked(&answer(status, &[("ratelimit-reset", text)]), NOW);
        assert_eq!(told(429, "1800"), Some(Duration::from_secs(1800)));
        assert_eq!(told(429, "1792567700"), Some(Duration::from_secs(20)));
        assert_eq!(told(429, "1792567700000"), Some(Duration::from_secs(20)));
        assert_eq!(told(429, "1700000000"), Some(Duration::ZERO));
        assert_eq!(told(429, "garbage"), None);
        assert_eq!(told(503, "1800"), None);
        let both = [("retry-after", "2"), ("x-ratelimit-reset", "1800")];
        assert_eq!(asked(&answer(429, &both), NOW), Some(Duration::from_secs(2)));
    }

    proptest! {
        #[test]
        fn whatever_a_header_says_nothing_breaks(text in "[ -~]{0,40}", date in "[ -~]{0,40}", now: i64) {
            let headers = [("retry-after", text.as_str()), ("date", &date), ("ratelimit-reset", &text)];
            let _ = asked(&answer(429, &headers), now);
        }

        #[test]
        fn seconds_are_taken_as_they_are(number: u64) {
            prop_assert_eq!(after(&number.to_string()), Some(Duration::from_secs(number)));
        }

        #[test]
        fn dates_are_taken_as_they_are(ahead in 0_u64..10_000_000) {
            let at = jiff::Timestamp::from_second(NOW + i64::try_from(ahead).unwrap()).unwrap();
            let text = at.strftime(DATES[0]).to_string();
            prop_assert_eq!(after(&text), Some(Duration::from_secs(ahead)));
        }
    }
}
