//! Names and dates that the platform gives.
//!
//! Given: what was counted so far, moments. Gives: ids in the forms of Fly.io, the same in every run; dates. Deliberately absent:
//! chance.

use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::Moment;

/// Counts what was named.
#[derive(Debug, Default)]
pub(super) struct Ids {
    count: u64,
}

/// Of ids that sort by the time they were made: the alphabet of ULIDs.
const ULID: &[u8] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LOWER: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";

impl Ids {
    fn letters(&mut self, alphabet: &[u8], length: usize) -> String {
        self.count += 1;
        let hash = Sha256::digest(self.count.to_le_bytes());
        hash.iter()
            .cycle()
            .take(length)
            .map(|byte| char::from(alphabet[usize::from(*byte) % alphabet.len()]))
            .collect()
    }

    /// Of a machine: 14 hexadecimal digits.
    pub(super) fn machine(&mut self) -> String {
        self.letters(&LOWER[..16], 14)
    }

    /// Of a version, an event, a lease: 26 letters and digits; the later sort behind the earlier.
    pub(super) fn ulid(&mut self) -> String {
        let random = self.letters(ULID, 16);
        format!("01{:08}{random}", self.count)
    }

    /// Of a volume, an app: a word and letters behind it.
    pub(super) fn named(&mut self, start: &str) -> String {
        format!("{start}_{}", self.letters(LOWER, 16))
    }

    /// The last two groups of an address, and a number below 256.
    pub(super) fn address(&mut self) -> (String, u8) {
        let letters = self.letters(&LOWER[..16], 8);
        (format!("{}:{}", &letters[..4], &letters[4..]), Sha256::digest(&letters)[0])
    }
}

/// A secret's digest as the platform shows it: 16 hexadecimal digits.
pub(super) fn digest(value: &str) -> String {
    Sha256::digest(value).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// A date as RFC 3339 has it, milliseconds and all.
pub(super) fn date(started: Duration, moment: Moment) -> String {
    let since = started + moment;
    let millis = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(millis).map(|date| date.to_string()).unwrap_or_default()
}
