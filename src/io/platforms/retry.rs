//! Whether a request is sent again, and after what pause.
//!
//! Given: what came of an attempt, and how often the call may be sent. Gives: that it is final, or that it may be sent again and
//! how long the server asks to wait before. Deliberately absent: clocks, budgets and the sending.

use std::time::Duration;

use super::delay;
use crate::io::http::{Answer, HttpError, share};

/// The first pause at most; it doubles with each attempt.
const FIRST: Duration = Duration::from_millis(500);
/// The longest pause that nobody asked for.
const LONGEST: Duration = Duration::from_secs(30);

/// How often a call may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Safety {
    /// It changes nothing.
    Read,
    /// Twice is as good as once.
    Harmless,
    /// Only again where it surely did nothing.
    Once,
}

/// What follows from an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// It is handed on.
    Final,
    /// It may be sent again.
    Again {
        /// How long the server asks to wait.
        asked: Option<Duration>,
        /// True where the server has had enough of everybody here.
        limited: bool,
    },
}

/// What follows from an attempt. `late` says that the platform answers late on purpose, so that status 408 is its answer. `now`
/// is in seconds since 1970-01-01 UTC.
pub(super) fn next(result: &Result<Answer, HttpError>, safety: Safety, late: bool, now: i64) -> Next {
    let again = match result {
        Err(error) => error.is_passing() && (safety != Safety::Once || !error.may_have_happened()),
        Ok(answer) => match answer.status.as_u16() {
            429 => true,
            408 if late => false,
            408 | 425 | 500 | 502 | 503 | 504 => safety != Safety::Once,
            _ => false,
        },
    };
    if !again {
        return Next::Final;
    }
    let answer = result.as_ref().ok();
    Next::Again {
        asked: answer.and_then(|answer| delay::asked(answer, now)),
        limited: answer.is_some_and(|answer| answer.status.as_u16() == 429),
    }
}

/// True where what was asked may have been done, whatever comes next.
pub(super) fn may_have_happened(result: &Result<Answer, HttpError>) -> bool {
    match result {
        Err(error) => error.may_have_happened(),
        Ok(answer) => answer.status.is_server_error() || answer.status.as_u16() == 408,
    }
}

/// The pause after an attempt, the first being 1: exactly what the server asks for; where that is nothing, or less than a
/// second, by chance between nothing and what doubles every time ("full jitter":
/// <https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/>).
pub(super) fn pause(attempt: u32, asked: Option<Duration>) -> Duration {
    let asked = asked.unwrap_or_default();
    if asked >= Duration::from_secs(1) {
        return asked;
    }
    let whole = FIRST.saturating_mul(1 << attempt.saturating_sub(1).min(10)).min(LONGEST);
    whole.mul_f64(share()).max(asked)
}

#[cfg(test)]
mod tests {
    use reqwest::Url;

    use super::*;

    fn status(status: u16) -> Result<Answer, HttpError> {
        let headers = reqwest::header::HeaderMap::new();
        Ok(Answer { status: status.try_into().unwrap(), headers, body: bytes::Bytes::new() })
    }

    fn again(result: &Result<Answer, HttpError>, safety: Safety) -> bool {
        next(result, safety, false, 0) != Next::Final
    }

    #[test]
    fn what_may_be_sent_again() {
        let url = Url::parse("https://a.example/x").unwrap();
        for code in [408, 425, 500, 502, 503, 504] {
            assert!(again(&status(code), Safety::Read) && again(&status(code), Safety::Harmless), "{code}");
            assert!(!again(&status(code), Safety::Once), "{code}");
        }
        for code in [200, 201, 204, 301, 400, 401, 403, 404, 409, 412, 413, 422, 501, 505] {
            for safety in [Safety::Read, Safety::Harmless, Safety::Once] {
                assert!(!again(&status(code), safety), "{code}");
            }
        }
        let (lost, refused) = (Err(HttpError::silent(&url)), Err(HttpError::refused(&url, "no")));
        assert!(again(&lost, Safety::Read) && again(&lost, Safety::Harmless) && !again(&lost, Safety::Once));
        for safety in [Safety::Read, Safety::Harmless, Safety::Once] {
            assert_eq!(
                next(&status(429), safety, false, 0),
                Next::Again { asked: None, limited: true },
                "{safety:?}"
            );
            assert!(!again(&refused, safety), "{safety:?}");
        }
        assert_eq!(next(&status(408), Safety::Read, true, 0), Next::Final);
    }

    #[test]
    fn pauses_double_by_chance_and_obey_exactly() {
        for attempt in 1..40 {
            let whole = FIRST.saturating_mul(1 << (attempt - 1).min(10)).min(LONGEST);
            let all: Vec<Duration> = (0..200).map(|_| pause(attempt, None)).collect();
            assert!(all.iter().all(|pause| *pause <= whole), "{attempt}");
            assert!(all.iter().any(|pause| *pause < whole / 4), "{attempt}: full jitter starts at nothing");
            assert!(all.iter().any(|pause| *pause > whole * 3 / 4), "{attempt}");
            assert_eq!(pause(attempt, Some(Duration::from_secs(97))), Duration::from_secs(97));
            assert!(pause(attempt, Some(Duration::from_millis(400))) >= Duration::from_millis(400));
        }
    }
}
