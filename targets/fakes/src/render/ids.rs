//! Names that the platform gives: ids of the vendor's form, the same in every run.
//!
//! Given: the kind of thing. Gives: `srv-` and twenty characters, as the vendor's document demands of disks. Deliberately absent:
//! chance; a rehearsal that fails can be repeated.

use sha2::{Digest, Sha256};

/// Gives ids.
#[derive(Debug, Default)]
pub(super) struct Ids {
    given: u64,
}

impl Ids {
    /// A new id: `dep-` and twenty of `0-9a-z`.
    pub(super) fn next(&mut self, kind: &str) -> String {
        format!("{kind}-{}", self.letters(20))
    }

    /// That many of `0-9a-z`, at most 32.
    pub(super) fn letters(&mut self, many: usize) -> String {
        const ALPHABET: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
        self.given += 1;
        let digest = Sha256::digest(self.given.to_be_bytes());
        digest.iter().take(many).map(|byte| char::from(ALPHABET[usize::from(*byte) % 36])).collect()
    }
}

/// A short digest: tells two values apart without telling either.
pub(super) fn digest(value: &str) -> String {
    Sha256::digest(value.as_bytes()).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// SHA-256 in hexadecimal.
pub(super) fn sha256(value: &str) -> String {
    Sha256::digest(value.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_and_repeat() {
        let (mut one, mut other) = (Ids::default(), Ids::default());
        let (first, second) = (one.next("dsk"), one.next("dsk"));
        assert_ne!(first, second);
        assert_eq!(first, other.next("dsk"));
        let letters = first.strip_prefix("dsk-").expect("the kind leads");
        assert_eq!(letters.len(), 20);
        assert!(letters.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase()));
    }
}
