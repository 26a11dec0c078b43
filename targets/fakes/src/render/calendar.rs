//! From moments to the calendar and back: answers bear dates, requests ask by them.
//!
//! Given: when the platform was started. Gives: RFC 3339, in UTC. Deliberately absent: a clock.

use std::time::Duration;

use jiff::Timestamp;

use super::fault::Fault;
use crate::Moment;

/// When the platform was started, by the calendar.
#[derive(Debug, Clone, Copy)]
pub(super) struct Calendar {
    started: Duration,
}

impl Calendar {
    /// `started`: time since the beginning of 1970, UTC.
    pub(super) fn new(started: Duration) -> Self {
        Self { started }
    }

    /// A moment as a date.
    pub(super) fn date(self, moment: Moment) -> String {
        self.date_of(nanoseconds(moment))
    }

    /// Nanoseconds since the platform was started as a date.
    pub(super) fn date_of(self, since: i128) -> String {
        Timestamp::from_nanosecond(nanoseconds(self.started).saturating_add(since))
            .unwrap_or(Timestamp::MAX)
            .to_string()
    }

    /// A date as nanoseconds since the platform was started: negative for what was before.
    ///
    /// # Errors
    /// What is no date, 400.
    pub(super) fn moment(self, date: &str) -> Result<i128, Fault> {
        let read: Timestamp = date.parse().map_err(|_| Fault::bad(format!("invalid date-time: {date}")))?;
        Ok(read.as_nanosecond() - nanoseconds(self.started))
    }
}

/// A moment in nanoseconds, to be compared with [`Calendar::moment`].
pub(super) fn nanoseconds(moment: Moment) -> i128 {
    i128::try_from(moment.as_nanos()).unwrap_or(i128::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_date_and_back() {
        let calendar = Calendar::new(Duration::from_secs(1_767_225_600));
        assert_eq!(calendar.date(Duration::from_millis(1_500)), "2026-01-01T00:00:01.5Z");
        assert_eq!(calendar.moment("2026-01-01T01:00:01.5+01:00"), Ok(1_500_000_000));
        assert_eq!(calendar.moment("2025-12-31T23:59:59Z"), Ok(-1_000_000_000));
        assert_eq!(calendar.moment("yesterday").map_err(|fault| fault.status), Err(400));
    }
}
