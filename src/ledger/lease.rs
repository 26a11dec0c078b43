//! The rules of a lease: when its holder has lost it, and when others may take it.
//!
//! Given: moments, on the steady clock and on the wall clock. Gives: verdicts. A holder goes by its own clocks alone, both of
//! them: the steady one stops while a machine sleeps, the wall clock may be set back. Others go by what they see change, never
//! by what a foreign clock says. Deliberately absent: clocks and stores.

use std::time::Duration;

/// How long things take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// How long a lease holds without being renewed, as others count.
    pub ttl: Duration,
    /// How often it is renewed.
    pub renew: Duration,
    /// How long its holder trusts it without a renewal.
    pub trust: Duration,
    /// What others wait beyond the TTL, for what was on its way.
    pub margin: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { ttl: seconds(60), renew: seconds(15), trust: seconds(45), margin: seconds(15) }
    }
}

/// Why a lease is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lapse {
    /// Two renewals in a row failed.
    Unrenewed,
    /// Too long since the last renewal: the network, a machine asleep, a process stopped.
    Expired,
    /// Somebody else holds it.
    Taken,
}

/// A lease as its holder sees it. Moments of the steady clock are durations since any one moment.
#[derive(Debug, Clone)]
pub struct Lease {
    timing: Timing,
    steady: Duration,
    wall: i64,
    failures: u32,
    lapse: Option<Lapse>,
}

impl Lease {
    /// A lease that was got by a request sent at these moments.
    pub fn new(timing: Timing, steady: Duration, wall: i64) -> Self {
        Self { timing, steady, wall, failures: 0, lapse: None }
    }

    /// A renewal, sent at these moments, succeeded. What is lost stays lost.
    pub fn renewed(&mut self, steady: Duration, wall: i64) {
        (self.steady, self.wall, self.failures) = (steady, wall, 0);
    }

    /// A renewal failed, for a reason that may pass.
    pub fn failed(&mut self) {
        self.failures += 1;
        if self.failures >= 2 {
            self.lapse.get_or_insert(Lapse::Unrenewed);
        }
    }

    /// Somebody else holds it.
    pub fn taken(&mut self) {
        self.lapse.get_or_insert(Lapse::Taken);
    }

    /// Why it is lost at these moments; none while it holds.
    pub fn lapse(&mut self, steady: Duration, wall: i64) -> Option<Lapse> {
        let trust = self.timing.trust;
        let slept = u64::try_from(wall.saturating_sub(self.wall)).unwrap_or(0) > trust.as_secs();
        if steady.saturating_sub(self.steady) > trust || slept {
            self.lapse.get_or_insert(Lapse::Expired);
        }
        self.lapse
    }
}

/// What somebody who waits for a lease has seen of it.
#[derive(Debug, Clone, Default)]
pub struct Observation {
    seen: Option<(String, Duration)>,
}

impl Observation {
    /// Notes the mark (anything that every renewal changes) seen at a moment of the steady clock; true where it did not change
    /// for the TTL and the margin, so that its holder is gone.
    pub fn is_stale(&mut self, timing: Timing, mark: &str, steady: Duration) -> bool {
        match &self.seen {
            Some((known, since)) if known == mark => {
                steady.saturating_sub(*since) > timing.ttl + timing.margin
            }
            _ => {
                self.seen = Some((mark.to_owned(), steady));
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_holder_goes_by_both_clocks() {
        let mut lease = Lease::new(Timing::default(), at(0), 1_000);
        assert_eq!(lease.lapse(at(45), 1_045), None);
        assert_eq!(lease.lapse(at(46), 1_000), Some(Lapse::Expired), "the wall clock was set back");
        let mut lease = Lease::new(Timing::default(), at(0), 1_000);
        assert_eq!(lease.lapse(at(1), 1_046), Some(Lapse::Expired), "the machine slept");
        lease.renewed(at(2), 1_047);
        assert_eq!(lease.lapse(at(2), 1_047), Some(Lapse::Expired), "what is lost stays lost");
        let mut lease = Lease::new(Timing::default(), at(0), 1_000);
        assert_eq!(lease.lapse(at(1), -4_000), None, "a clock set back by an hour takes nothing away");
    }

    #[test]
    fn two_failures_in_a_row_lose_it() {
        let mut lease = Lease::new(Timing::default(), at(0), 0);
        lease.failed();
        assert_eq!(lease.lapse(at(15), 15), None);
        lease.renewed(at(16), 16);
        lease.failed();
        assert_eq!(lease.lapse(at(30), 30), None);
        lease.failed();
        assert_eq!(lease.lapse(at(31), 31), Some(Lapse::Unrenewed));
        let mut lease = Lease::new(Timing::default(), at(0), 0);
        lease.taken();
        assert_eq!(lease.lapse(at(0), 0), Some(Lapse::Taken));
    }

    #[test]
    fn others_go_by_what_they_see_change() {
        let mut seen = Observation::default();
        let timing = Timing::default();
        assert!(!seen.is_stale(timing, "1", at(0)));
        assert!(!seen.is_stale(timing, "1", at(75)), "TTL and margin must be over");
        assert!(!seen.is_stale(timing, "2", at(76)), "it was renewed");
        assert!(!seen.is_stale(timing, "2", at(150)));
        assert!(seen.is_stale(timing, "2", at(152)));
    }

    #[test]
    fn nobody_may_take_what_its_holder_still_trusts() {
        let Timing { ttl, renew, trust, margin } = Timing::default();
        assert!(trust < ttl && renew * 2 <= trust && trust + margin <= ttl + margin);
    }
}
