//! The mark by which one finding is known again, and allowed.
//!
//! Given: the project, the rule, and what was found. Gives: 12 hex digits, the same wherever the same thing is found. They
//! stand in a file that is committed, so they must not lead back to the value: it is hashed some ten thousand times over,
//! which makes guessing one from a list that much dearer.

use sha2::{Digest as _, Sha256};

const ROUNDS: usize = 16_384;

/// What was found, hashed once: for telling two things apart within one run. Not for showing.
pub(super) type Mark = [u8; 32];

/// The mark of something that a rule found in a project.
pub(super) fn mark(project: &str, rule: &str, found: &[u8]) -> Mark {
    let mut hash = Sha256::new();
    for part in [b"dashdeploy guard v1", project.as_bytes(), rule.as_bytes(), found] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// The fingerprint of a mark. Takes milliseconds, on purpose.
pub(super) fn fingerprint(mark: &Mark) -> String {
    let mut state = *mark;
    for _ in 0..ROUNDS {
        let mut hash = Sha256::new();
        hash.update(mark);
        hash.update(state);
        state = hash.finalize().into();
    }
    state.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// True for text that can be a fingerprint.
pub fn is_fingerprint(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_counts_and_nothing_else_does() {
        let one = mark("shop", "value", b"hunter2hunter2");
        assert_eq!(one, mark("shop", "value", b"hunter2hunter2"));
        for other in [
            mark("shoq", "value", b"hunter2hunter2"),
            mark("shop", "shape", b"hunter2hunter2"),
            mark("shop", "value", b"hunter3"),
        ] {
            assert_ne!(one, other);
        }
        let text = fingerprint(&one);
        assert!(is_fingerprint(&text) && text == fingerprint(&one));
        assert!(!one.iter().map(|byte| format!("{byte:02x}")).collect::<String>().starts_with(&text));
        assert!(!is_fingerprint("3FA9C1D2E4B5") && !is_fingerprint("3fa9"));
    }
}
