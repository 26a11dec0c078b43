//! When the next call may go out: documented rates, and pauses that a platform asked for.
//!
//! Given: the host that is asked, and the call's [`Pace`]. Gives: how long to wait. A pause holds for the calls of one rate limit,
//! or for a whole host. Deliberately absent: sleeping, so that nobody waits with the lock in hand.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use dashdeploy_contract::Pace;
use tokio::time::Instant;

/// A pause that is longer than a year is as good as a year, and can be added to a moment.
const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// What is known of the hosts that were asked.
#[derive(Debug, Default)]
pub(super) struct Gate {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Until when nobody asks a host.
    paused: HashMap<String, Instant>,
    /// The rates, by host and what shares them.
    rates: HashMap<(String, String), Bucket>,
}

/// Tokens that come back at a steady rate; below zero where calls wait for theirs already.
#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at: Instant,
    /// Until when the platform wants none of these calls.
    paused: Option<Instant>,
}

impl Gate {
    /// Leaves a host alone for a while; with a pace, only the calls that share it.
    pub(super) fn pause(&self, host: &str, pace: Option<&Pace>, pause: Duration) {
        let until = Instant::now() + pause.min(YEAR);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let place = match pace {
            None => state.paused.entry(host.to_owned()).or_insert(until),
            Some(pace) => state.bucket(host, pace).paused.get_or_insert(until),
        };
        *place = until.max(*place);
    }

    /// How long the call is to be held back yet for what a platform asked.
    pub(super) fn paused(&self, host: &str, pace: Option<&Pace>) -> Duration {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let own = pace.and_then(|pace| state.bucket(host, pace).paused);
        let until = state.paused.get(host).copied().into_iter().chain(own).max();
        until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
    }

    /// Takes a place in the line of the calls that share a pace, and says how long it is; where that is longer than `patience`
    /// no place is taken.
    ///
    /// # Errors
    /// How long it would be.
    pub(super) fn queue(&self, host: &str, pace: &Pace, patience: Duration) -> Result<Duration, Duration> {
        // A rate that is none limits nothing.
        if !pace.per_second.is_finite() || pace.per_second <= 0.0 {
            return Ok(Duration::ZERO);
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = state.bucket(host, pace);
        let now = Instant::now();
        let gained = now.saturating_duration_since(bucket.at).as_secs_f64() * pace.per_second;
        bucket.tokens = (bucket.tokens + gained).min(full(pace));
        bucket.at = now;
        let missing = (1.0 - bucket.tokens).max(0.0);
        let wait = Duration::try_from_secs_f64(missing / pace.per_second).unwrap_or(YEAR);
        if wait > patience {
            return Err(wait);
        }
        bucket.tokens -= 1.0;
        Ok(wait)
    }
}

impl State {
    fn bucket(&mut self, host: &str, pace: &Pace) -> &mut Bucket {
        let key = (host.to_owned(), pace.shared_by.clone());
        self.rates.entry(key).or_insert_with(|| Bucket {
            tokens: full(pace),
            at: Instant::now(),
            paused: None,
        })
    }
}

fn full(pace: &Pace) -> f64 {
    f64::from(pace.burst.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn pace(shared_by: &str, per_second: f64, burst: u32) -> Pace {
        Pace { shared_by: shared_by.to_owned(), per_second, burst }
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_then_the_rate_and_never_more() {
        let (gate, fly) = (Gate::default(), pace("create machine shop", 1.0, 3));
        let waits: Vec<f64> = (0..6).map(|_| gate.queue("a", &fly, MINUTE).unwrap().as_secs_f64()).collect();
        assert_eq!(waits, [0.0, 0.0, 0.0, 1.0, 2.0, 3.0]);
        assert_eq!(gate.queue("b", &fly, MINUTE), Ok(Duration::ZERO), "another host");
        assert_eq!(gate.queue("a", &pace("stop", 1.0, 3), MINUTE), Ok(Duration::ZERO), "another limit");
        tokio::time::advance(Duration::from_secs(100)).await;
        let waits: Vec<f64> = (0..4).map(|_| gate.queue("a", &fly, MINUTE).unwrap().as_secs_f64()).collect();
        assert_eq!(waits, [0.0, 0.0, 0.0, 1.0], "a rest saves no more than the burst");
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_queues_longer_than_they_would_wait() {
        let (gate, render) = (Gate::default(), pace("create service", 20.0 / 3600.0, 1));
        assert_eq!(gate.queue("a", &render, MINUTE), Ok(Duration::ZERO));
        for _ in 0..3 {
            assert_eq!(gate.queue("a", &render, MINUTE), Err(Duration::from_secs(180)), "no place was taken");
        }
        for none in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(gate.queue("a", &pace("odd", none, 0), MINUTE), Ok(Duration::ZERO));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_is_everybodys_or_that_of_one_limit() {
        let (gate, one) = (Gate::default(), pace("one", 1.0, 1));
        gate.pause("a", Some(&one), Duration::MAX);
        assert!(gate.paused("a", Some(&one)) > MINUTE);
        assert_eq!(gate.paused("a", None), Duration::ZERO);
        gate.pause("a", None, MINUTE);
        gate.pause("a", None, Duration::from_secs(5));
        assert_eq!(gate.paused("a", Some(&pace("two", 1.0, 1))), MINUTE, "a shorter one ends no longer one");
        assert_eq!(gate.paused("b", None), Duration::ZERO);
        tokio::time::advance(MINUTE).await;
        assert_eq!(gate.paused("a", None), Duration::ZERO);
    }
}
