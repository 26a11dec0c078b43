//! Health samples, told by a subscription or asked for.
//!
//! Given: a target's watch, or none. Gives: samples as they come, none of them lost when the wait for one is given up.

use std::time::Duration;

use dashdeploy_contract::{Health, HealthSample, HealthWatch, Name, TargetError};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::apply::Session;

/// How often a platform without a subscription is asked.
const POLL: Duration = Duration::from_secs(1);

/// Where health samples come from.
pub(super) enum Samples {
    /// A subscription, read by a task of its own: a sample that is being looked up is not lost when something else happens
    /// first.
    Told(mpsc::Receiver<Result<HealthSample, TargetError>>),
    /// The platform has no subscription and is asked again and again, next at this moment.
    Asked(Instant),
}

impl Samples {
    pub(super) fn of(watch: Option<Box<dyn HealthWatch>>) -> Self {
        let Some(mut watch) = watch else { return Self::Asked(Instant::now()) };
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
            Self::Asked(due) => *due = Instant::now(),
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
            *self = Self::Asked(Instant::now() + POLL);
        }
        let services: Vec<Name> = services.cloned().collect();
        if let Self::Asked(due) = self {
            tokio::time::sleep_until(*due).await;
        }
        let asking = services.into_iter().map(|service| async move {
            let health: Health = session.reader.health(session.bound, &service).await?;
            Ok(HealthSample { service, health })
        });
        let samples = futures_util::future::try_join_all(asking).await;
        *self = Self::Asked(Instant::now() + POLL);
        samples
    }
}
