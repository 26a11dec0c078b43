//! The verdict over one service's start, as a pure state machine over health samples.
//!
//! Given: samples and the time each came at. Gives: wait, serving, or failed with the reason. Deliberately absent: clocks
//! and sleeping; the caller says what time it is.

use std::time::Duration;

use dashdeploy_contract::Health;

/// How long, and how often, a service may disappoint before the verdict.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// From the start to the verdict.
    pub deadline: Duration,
    /// How long a service without a health check must stay alive to count as serving.
    pub alive: Duration,
    /// How often it may end (and be started again by its restart policy) before the verdict.
    pub exits: u32,
}

impl Default for Patience {
    fn default() -> Self {
        Self { deadline: Duration::from_secs(120), alive: Duration::from_secs(2), exits: 3 }
    }
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing is decided; ask again at the latest after this time.
    Wait(Duration),
    /// It serves.
    Serving,
    /// It does not, and will not.
    Failed(String),
}

/// The start of one service.
#[derive(Debug, Clone)]
pub struct Rollout {
    patience: Patience,
    last: Health,
    sampled: bool,
    running_since: Option<Duration>,
    exits: u32,
}

impl Rollout {
    /// A start that has just begun.
    pub fn new(patience: Patience) -> Self {
        Self { patience, last: Health::Starting, sampled: false, running_since: None, exits: 0 }
    }

    /// Takes a sample that came `at` after the start.
    pub fn take(&mut self, health: &Health, at: Duration) {
        match health {
            Health::Running => {
                self.running_since.get_or_insert(at);
            }
            Health::Exited { .. } => {
                if !matches!(self.last, Health::Exited { .. }) {
                    self.exits += 1;
                }
                self.running_since = None;
            }
            _ => self.running_since = None,
        }
        self.last = health.clone();
        self.sampled = true;
    }

    /// True where this is what was sampled last, so that there is nothing to tell.
    pub fn is_last(&self, health: &Health) -> bool {
        self.sampled && self.last == *health
    }

    /// What to do, `now` after the start.
    pub fn step(&self, now: Duration) -> Step {
        match &self.last {
            Health::Healthy => return Step::Serving,
            Health::Unhealthy { detail } => {
                return Step::Failed(unhealthy(detail));
            }
            Health::Exited { code, detail } if self.exits >= self.patience.exits => {
                let times = if self.exits == 1 { String::new() } else { format!(" {} times", self.exits) };
                return Step::Failed(with_detail(&format!("it ended{times}, last with code {code}"), detail));
            }
            _ => {}
        }
        let alive_at = self.running_since.map(|since| since + self.patience.alive);
        if alive_at.is_some_and(|at| at <= now) {
            return Step::Serving;
        }
        let Some(left) = self.patience.deadline.checked_sub(now).filter(|left| !left.is_zero()) else {
            return Step::Failed(format!(
                "it was not healthy within {} s (last: {})",
                self.patience.deadline.as_secs(),
                self.last.word()
            ));
        };
        Step::Wait(alive_at.map_or(left, |at| left.min(at - now)))
    }
}

/// Why a service is not healthy: a platform's own whole reason, or what the health check said.
pub(super) fn unhealthy(detail: &str) -> String {
    match detail.trim() {
        whole if whole.starts_with("its ") => whole.to_owned(),
        said => with_detail("its health check fails", said),
    }
}

fn with_detail(what: &str, detail: &str) -> String {
    match detail.trim() {
        "" => what.to_owned(),
        detail => format!("{what}: {detail}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn exited() -> Health {
        Health::Exited { code: 3, detail: String::new() }
    }

    #[test]
    fn healthy_serves_and_unhealthy_fails_at_once() {
        let mut rollout = Rollout::new(Patience::default());
        assert!(matches!(rollout.step(SECOND), Step::Wait(_)));
        rollout.take(&Health::Healthy, SECOND);
        assert_eq!(rollout.step(SECOND), Step::Serving);
        rollout.take(&Health::Unhealthy { detail: "503".into() }, 2 * SECOND);
        assert_eq!(rollout.step(2 * SECOND), Step::Failed("its health check fails: 503".into()));
    }

    #[test]
    fn no_health_check_yet_is_never_taken_for_healthy() {
        let mut rollout = Rollout::new(Patience::default());
        rollout.take(&Health::Starting, SECOND);
        assert!(matches!(rollout.step(100 * SECOND), Step::Wait(_)));
        assert!(matches!(rollout.step(120 * SECOND), Step::Failed(_)));
    }

    #[test]
    fn a_service_without_a_check_must_stay_alive() {
        let mut rollout = Rollout::new(Patience::default());
        rollout.take(&Health::Running, SECOND);
        assert_eq!(rollout.step(2 * SECOND), Step::Wait(SECOND));
        rollout.take(&exited(), 2 * SECOND);
        rollout.take(&Health::Running, 3 * SECOND);
        assert_eq!(rollout.step(4 * SECOND), Step::Wait(SECOND));
        assert_eq!(rollout.step(5 * SECOND), Step::Serving);
    }

    #[test]
    fn a_crash_loop_fails_before_the_deadline() {
        let mut rollout = Rollout::new(Patience::default());
        for second in 0..3 {
            rollout.take(&exited(), second * SECOND);
            rollout.take(&exited(), second * SECOND);
            if second < 2 {
                rollout.take(&Health::Starting, second * SECOND);
            }
        }
        assert_eq!(rollout.step(3 * SECOND), Step::Failed("it ended 3 times, last with code 3".into()));
    }
}
