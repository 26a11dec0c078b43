//! How fast calls follow each other: a bucket for each limit that a platform documents, and a pause for a host that asks for one.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use dashdeploy_contract::Pace;
use tokio::time::Instant;

/// The buckets, by host and what shares them; the hosts that asked for a pause.
#[derive(Debug, Default)]
pub(super) struct Paces {
    buckets: Mutex<HashMap<(String, String), Bucket>>,
    pauses: Mutex<HashMap<String, Instant>>,
}

#[derive(Debug)]
struct Bucket {
    calls: f64,
    at: Instant,
}

impl Paces {
    /// Waits until a call may be made.
    pub(super) async fn turn(&self, host: &str, pace: Option<&Pace>) {
        if let Some(pace) = pace {
            let wait = self.take(host, pace, Instant::now());
            tokio::time::sleep(wait).await;
        }
        loop {
            let until = self.pauses.lock().unwrap_or_else(PoisonError::into_inner).get(host).copied();
            match until.filter(|until| *until > Instant::now()) {
                Some(until) => tokio::time::sleep_until(until).await,
                None => return,
            }
        }
    }

    /// Takes one call out of its bucket: how long to wait for it. The bucket may be in debt, so that those who come later wait longer.
    fn take(&self, host: &str, pace: &Pace, now: Instant) -> Duration {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let full = f64::from(pace.burst.max(1));
        let key = (host.to_owned(), pace.shared_by.clone());
        let bucket = buckets.entry(key).or_insert(Bucket { calls: full, at: now });
        let earned = now.saturating_duration_since(bucket.at).as_secs_f64() * pace.per_second;
        bucket.calls = (bucket.calls + earned).min(full) - 1.0;
        bucket.at = now;
        if bucket.calls >= 0.0 || pace.per_second <= 0.0 {
            return Duration::ZERO;
        }
        Duration::from_secs_f64(-bucket.calls / pace.per_second)
    }

    /// Lets nobody ask a host before that time is over.
    pub(super) fn pause(&self, host: &str, pause: Duration) {
        let until = Instant::now() + pause;
        let mut pauses = self.pauses.lock().unwrap_or_else(PoisonError::into_inner);
        let known = pauses.entry(host.to_owned()).or_insert(until);
        *known = (*known).max(until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace() -> Pace {
        Pace { shared_by: "create".to_owned(), per_second: 1.0, burst: 3 }
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_burst_calls_come_one_by_one_and_others_are_not_held() {
        let paces = Paces::default();
        let begun = Instant::now();
        for _ in 0..5 {
            paces.turn("a", Some(&pace())).await;
        }
        assert_eq!(begun.elapsed().as_secs(), 2);
        paces.turn("b", Some(&pace())).await;
        paces.turn("a", Some(&Pace { shared_by: "other".to_owned(), ..pace() })).await;
        assert_eq!(begun.elapsed().as_secs(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_holds_everybody_who_asks_that_host() {
        let paces = Paces::default();
        paces.pause("a", Duration::from_secs(9));
        let begun = Instant::now();
        let pace = pace();
        tokio::join!(paces.turn("a", None), paces.turn("a", Some(&pace)), paces.turn("b", None));
        assert_eq!(begun.elapsed().as_secs(), 9);
    }
}
