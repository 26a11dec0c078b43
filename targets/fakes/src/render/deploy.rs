//! A deploy and what becomes of it, as a list of what is still to come.
//!
//! Given: what is deployed, when, and what the containers do. Gives: the moments at which it changes. Deliberately absent: what
//! each change does to the service; that is `rollout`.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::options::RenderOptions;
use super::workload::{Container, Outcome};
use crate::Moment;

/// The vendor's states of a deploy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    Created,
    Queued,
    BuildInProgress,
    PreDeployInProgress,
    UpdateInProgress,
    Live,
    Deactivated,
    BuildFailed,
    PreDeployFailed,
    UpdateFailed,
    Canceled,
}

/// Why a deploy was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Trigger {
    Api,
    Rollback,
    ServiceResumed,
}

/// What is deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Artifact {
    Image(String),
    Commit(String),
}

/// A deploy.
pub(super) struct Deploy {
    pub(super) id: String,
    pub(super) trigger: Trigger,
    pub(super) artifact: Artifact,
    pub(super) status: Status,
    pub(super) created: Moment,
    pub(super) updated: Moment,
    pub(super) started: Option<Moment>,
    pub(super) finished: Option<Moment>,
    /// What it starts, with the settings of the moment at which it began.
    pub(super) container: Option<Container>,
    pub(super) files: BTreeMap<String, String>,
    pub(super) disk: bool,
    pub(super) lines: Vec<String>,
    /// Why it fails, where it does.
    pub(super) complaint: Option<String>,
    /// What is still to come.
    pub(super) steps: VecDeque<(Moment, Status)>,
}

impl Deploy {
    /// True between its beginning and its verdict.
    pub(super) fn moves(&self) -> bool {
        !self.steps.is_empty()
    }

    /// True where it waits for another to end.
    pub(super) fn waits(&self) -> bool {
        self.steps.is_empty() && self.status == Status::Queued
    }

    /// The commit or digest, as short as it stands in logs.
    pub(super) fn label(&self) -> &str {
        match &self.artifact {
            Artifact::Image(path) => path,
            Artifact::Commit(id) => id,
        }
    }
}

/// When the deploy of a container, begun now, changes to what.
pub(super) fn container_steps(
    options: &RenderOptions,
    begun: Moment,
    prepares: bool,
    outcome: &Outcome,
) -> VecDeque<(Moment, Status)> {
    let mut steps = pending(options, begun);
    let mut at = begun + options.pending;
    if *outcome == Outcome::Unpullable {
        steps.push_back((at, Status::BuildFailed));
        return steps;
    }
    if prepares {
        steps.push_back((at, Status::PreDeployInProgress));
        at += options.prepare;
        if *outcome == Outcome::Unprepared {
            steps.push_back((at, Status::PreDeployFailed));
            return steps;
        }
    }
    steps.push_back((at, Status::UpdateInProgress));
    steps.push_back(match verdict(options.patience, outcome) {
        (after, true) => (at + after, Status::Live),
        (after, false) => (at + after, Status::UpdateFailed),
    });
    steps
}

/// When the deploy of a static site, begun now, changes to what.
pub(super) fn site_steps(options: &RenderOptions, begun: Moment) -> VecDeque<(Moment, Status)> {
    let mut steps = pending(options, begun);
    let built = begun + options.pending + options.build;
    steps.extend([
        (begun + options.pending, Status::BuildInProgress),
        (built, Status::UpdateInProgress),
        (built, Status::Live),
    ]);
    steps
}

/// Half of the time that nothing happens, a deploy is `created`; the other half, `queued`.
fn pending(options: &RenderOptions, begun: Moment) -> VecDeque<(Moment, Status)> {
    VecDeque::from([(begun + options.pending / 2, Status::Queued)])
}

/// How long a started container takes until it is known whether it is healthy.
fn verdict(patience: Duration, outcome: &Outcome) -> (Duration, bool) {
    match outcome {
        Outcome::Healthy { after } if *after < patience => (*after, true),
        Outcome::Unprepared => (Duration::ZERO, true),
        Outcome::Exits { after, .. } => (patience.min(*after), false),
        Outcome::Healthy { .. } | Outcome::Unhealthy | Outcome::Unpullable => (patience, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The states that follow `created`, with their milliseconds.
    fn steps(prepares: bool, outcome: &Outcome) -> Vec<(u128, Status)> {
        let options = RenderOptions { patience: Duration::from_secs(60), ..RenderOptions::default() };
        container_steps(&options, Duration::from_secs(10), prepares, outcome)
            .into_iter()
            .map(|(at, status)| (at.as_millis(), status))
            .collect()
    }

    #[test]
    fn each_outcome_has_its_end() {
        let after = Duration::from_secs(2);
        let last = |prepares, outcome| steps(prepares, &outcome).last().copied();
        assert_eq!(
            steps(false, &Outcome::Healthy { after }),
            [(10_250, Status::Queued), (10_500, Status::UpdateInProgress), (12_500, Status::Live)]
        );
        assert_eq!(
            steps(true, &Outcome::Healthy { after }),
            [
                (10_250, Status::Queued),
                (10_500, Status::PreDeployInProgress),
                (11_500, Status::UpdateInProgress),
                (13_500, Status::Live)
            ]
        );
        assert_eq!(last(false, Outcome::Unhealthy), Some((70_500, Status::UpdateFailed)));
        assert_eq!(last(false, Outcome::Healthy { after: after * 60 }), Some((70_500, Status::UpdateFailed)));
        assert_eq!(last(false, Outcome::Exits { after, code: 1 }), Some((12_500, Status::UpdateFailed)));
        assert_eq!(last(false, Outcome::Unpullable), Some((10_500, Status::BuildFailed)));
        assert_eq!(last(true, Outcome::Unprepared), Some((11_500, Status::PreDeployFailed)));
        assert_eq!(last(false, Outcome::Unprepared), Some((10_500, Status::Live)));
    }

    #[test]
    fn a_site_is_built_first() {
        let states: Vec<_> = site_steps(&RenderOptions::default(), Duration::ZERO)
            .into_iter()
            .map(|(_, status)| status)
            .collect();
        assert_eq!(states, [Status::Queued, Status::BuildInProgress, Status::UpdateInProgress, Status::Live]);
    }
}
