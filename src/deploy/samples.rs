//! Health samples, told by a subscription or asked for.
//!
//! Given: a target's watch, or none. Gives: samples as they come, none of them lost when the wait for one is given up.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use dashdeploy_contract::{Health, HealthSample, HealthWatch, Name, TargetError};
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::apply::Session;

/// The pauses between two looks at a service of a platform without a subscription: from the first, doubling, to the longest. What
/// starts quickly is seen quickly, and what takes minutes costs few calls.
const POLL: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(2));

/// Where health samples come from.
pub(super) enum Samples<'a> {
    /// A subscription, read by a task of its own: a sample that is being looked up is not lost when something else happens
    /// first.
    Told(mpsc::Receiver<Result<HealthSample, TargetError>>),
    /// The platform has no subscription and is asked again and again.
    Asked(Asking<'a>),
}

/// Questions about services, each with its own pauses. They go on while other things happen: whoever gives up waiting for one asks
/// nothing twice.
#[derive(Default)]
pub(super) struct Asking<'a> {
    /// When a service is asked about next, and the pause after that.
    due: BTreeMap<Name, (Instant, Duration)>,
    /// The services that are being asked about.
    open: BTreeSet<Name>,
    asks: FuturesUnordered<BoxFuture<'a, (Name, Result<Health, TargetError>)>>,
}

impl<'a> Samples<'a> {
    pub(super) fn of(watch: Option<Box<dyn HealthWatch>>) -> Self {
        let Some(mut watch) = watch else { return Self::Asked(Asking::default()) };
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

    /// Drops samples that were taken and not looked at yet, since they may be of what was replaced since. Without a subscription
    /// nobody was asked about it before it was replaced.
    pub(super) fn forget(&mut self) {
        if let Self::Told(receiver) = self {
            while receiver.try_recv().is_ok() {}
        }
    }

    /// The next health change. A subscription that is lost for good is told once; from then on the platform is asked, about all
    /// services at the same time.
    pub(super) async fn next(
        &mut self,
        session: &'a Session<'a>,
        services: impl Iterator<Item = &Name>,
    ) -> Result<HealthSample, TargetError> {
        if let Self::Told(receiver) = self {
            if let Some(sample) = receiver.recv().await {
                return sample;
            }
            *self = Self::Asked(Asking::default());
        }
        let services: BTreeSet<Name> = services.cloned().collect();
        match self {
            Self::Told(_) => std::future::pending().await,
            Self::Asked(asking) => asking.next(session, &services).await,
        }
    }
}

impl<'a> Asking<'a> {
    async fn next(
        &mut self,
        session: &'a Session<'a>,
        services: &BTreeSet<Name>,
    ) -> Result<HealthSample, TargetError> {
        self.due.retain(|service, _| services.contains(service));
        for service in services {
            self.due.entry(service.clone()).or_insert((Instant::now(), POLL.0));
        }
        loop {
            self.ask(session);
            let waiting = self.due.iter().filter(|(service, _)| !self.open.contains(*service));
            let first = waiting.map(|(_, (at, _))| *at).min();
            let pause = async {
                match first {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Some((service, health)) = self.asks.next() => {
                    self.open.remove(&service);
                    if let Some((at, pause)) = self.due.get_mut(&service) {
                        (*at, *pause) = (Instant::now() + *pause, (*pause * 2).min(POLL.1));
                        return health.map(|health| HealthSample { service, health });
                    }
                }
                () = pause => {}
            }
        }
    }

    /// Asks about every service that is due.
    fn ask(&mut self, session: &'a Session<'a>) {
        let now = Instant::now();
        for (service, _) in self.due.iter().filter(|(_, (at, _))| *at <= now) {
            if self.open.insert(service.clone()) {
                let service = service.clone();
                self.asks.push(Box::pin(async move {
                    let health = session.reader.health(session.bound, &service).await;
                    (service, health)
                }));
            }
        }
    }
}
