//! Health samples, told by a subscription or asked for.
//!
//! Given: a target's watch, or none. Gives: samples as they come, none of them lost when the wait for one is given up.

use std::time::Duration;

use dashdeploy_contract::{Health, HealthSample, HealthWatch, Name, TargetError};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::apply::Session;

/// The pauses between two looks at a platform without a subscription: from the first, doubling, to the longest. What starts
/// quickly is seen quickly, and what takes minutes costs few calls.
const POLL: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(2));

/// Where health samples come from.
pub(super) enum Samples {
    /// A subscription, read by a task of its own: a sample that is being looked up is not lost when something else happens
    /// first.
    Told(mpsc::Receiver<Result<HealthSample, TargetError>>),
    /// The platform has no subscription and is asked again and again: next at this moment, then after this pause.
    Asked(Instant, Duration),
}

impl Samples {
    pub(super) fn of(watch: Option<Box<dyn HealthWatch>>) -> Self {
        let Some(mut watch) = watch else { return Self::Asked(Instant::now(), POLL.0) };
        let (sender, receiver) = mpsc::channel(64);
        tokio::spawn(async move {
            loop {
                let sample = watch.next().await;
                let lost = sample.is_err();
                if sender.send(sample).await.is_err() || lost {
                    return;
                }
            }
        });
        Self::Told(receiver)
    }

    pub(super) fn is_told(&self) -> bool {
        matches!(self, Self::Told(_))
    }

    /// Drops samples that were taken and not looked at yet, since they may be of what was replaced since; without a subscription
    /// the next are taken at once.
    pub(super) fn forget(&mut self) {
        match self {
            Self::Told(receiver) => while receiver.try_recv().is_ok() {},
            Self::Asked(due, pause) => (*due, *pause) = (Instant::now(), POLL.0),
        }
    }

    /// The next health changes. A subscription that is lost for good is told once; from then on the platform is asked, about
    /// all services at the same time.
    pub(super) async fn next(
        &mut self,
        session: &Session<'_>,
        services: impl Iterator<Item = &Name>,
    ) -> Result<Vec<HealthSample>, TargetError> {
        if let Self::Told(receiver) = self {
            if let Some(sample) = receiver.recv().await {
                return Ok(vec![sample?]);
            }
            *self = Self::Asked(Instant::now() + POLL.1, POLL.1);
        }
        let services: Vec<Name> = services.cloned().collect();
        let mut pause = POLL.1;
        if let Self::Asked(due, next) = self {
            tokio::time::sleep_until(*due).await;
            pause = *next;
        }
        let asking = services.into_iter().map(|service| async move {
            let health: Health = session.reader.health(session.bound, &service).await?;
            Ok(HealthSample { service, health })
        });
        let samples = futures_util::future::try_join_all(asking).await;
        *self = Self::Asked(Instant::now() + pause, (pause * 2).min(POLL.1));
        samples
    }
}
