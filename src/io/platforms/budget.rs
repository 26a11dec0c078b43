//! How many repeats a run may spend in all, so that a platform in trouble is not asked six times as much.
//!
//! Given: each call and each wish to repeat one. Gives: whether it may. Deliberately absent: time.

use std::sync::atomic::{AtomicU64, Ordering};

/// Repeats that any run has.
const FLOOR: u64 = 10;
/// One more for so many calls.
const CALLS: u64 = 10;

/// The repeats of a run: ten, and one for every ten calls.
#[derive(Debug, Default)]
pub(super) struct Budget {
    calls: AtomicU64,
    repeats: AtomicU64,
}

impl Budget {
    /// Counts a call.
    pub(super) fn call(&self) {
        self.calls.fetch_add(1, Ordering::SeqCst);
    }

    /// Takes a repeat; false where none is left.
    pub(super) fn take(&self) -> bool {
        let allowed = FLOOR + self.calls.load(Ordering::SeqCst) / CALLS;
        let one_more = |spent: u64| (spent < allowed).then_some(spent + 1);
        self.repeats.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_more).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_of_the_calls_and_ten() {
        let budget = Budget::default();
        let spend = || (0..1000).filter(|_| budget.take()).count();
        assert_eq!(spend(), 10);
        (0..95).for_each(|_| budget.call());
        assert_eq!(spend(), 9);
        (0..5).for_each(|_| budget.call());
        assert_eq!((spend(), spend()), (1, 0));
    }
}
