//! Applies a plan: changes side by side where nothing depends on it, health-gated, taken back whole when it fails.
//!
//! Given: a plan, the target's two halves, a sink for events. Gives: an [`Outcome`]. Each change is carried out by the
//! target; what follows from it (begin the next, wait, give up, take back) is decided here.

mod conclude;
mod evidence;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use dashdeploy_contract::{
    Action, Bound, Change, ErrorKind, Event, EventSink, Health, HealthSample, Name, Observed, Plan, Reader,
    Supplies, TargetError, Writer,
};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::Instant;

use super::outcome::{Evidence, Outcome, Verdict};
use super::rollout::{Patience, Rollout, Step};
use super::samples::Samples;
use super::schedule::Schedule;
use super::steps::{PUSH, Steps};
use crate::io::signal::Interrupt;
use conclude::patience_after;

/// How to apply.
#[derive(Debug, Clone, Copy, Default)]
pub struct ApplyOptions {
    /// How long services may take.
    pub patience: Patience,
    /// How long all of them must go on serving before the verdict is good: some programs end only after their first requests.
    pub stable: Duration,
}

/// Everything a plan is applied with.
pub struct Session<'a> {
    /// The project in its environment.
    pub bound: &'a Bound,
    /// Looks.
    pub reader: &'a dyn Reader,
    /// Does.
    pub writer: &'a dyn Writer,
    /// The secrets' values, and where images lie.
    pub supplies: &'a Supplies,
    /// What else has a hand in it.
    pub steps: &'a dyn Steps,
    /// Where events go.
    pub events: Arc<dyn EventSink>,
    /// Whether the user wants it to end.
    pub interrupt: &'a Interrupt,
}

/// How long changes that have begun may go on after an interruption: most calls end by then, and one that is cut off is
/// found by the next run.
const GRACE: Duration = Duration::from_secs(4);

/// Applies a plan, waits until what it starts serves, and takes everything back when it does not.
///
/// # Errors
/// [`TargetError`] only when the platform cannot be watched, before anything was changed. All else is in the [`Outcome`].
pub async fn apply(
    session: &Session<'_>,
    plan: &Plan,
    observed: &Observed,
    options: ApplyOptions,
) -> Result<Outcome, TargetError> {
    let samples = Samples::of(session.reader.watch(session.bound).await?);
    let mut run = Run::new(session, plan, observed, options);
    let verdict = run.drive(samples).await;
    Ok(run.conclude(verdict).await)
}

/// Applies a plan that only takes things away: no health to wait for, and nothing to take back.
///
/// # Errors
/// Never before anything was changed; what failed is in the [`Outcome`].
pub async fn remove(session: &Session<'_>, plan: &Plan) -> Result<Outcome, TargetError> {
    let mut run = Run::new(session, plan, &Observed::default(), ApplyOptions::default());
    let verdict = run.drive(Samples::of(None)).await;
    let applied = run.applied.iter().map(|change| change.address.clone()).collect();
    Ok(Outcome { verdict, applied, reverted: Vec::new(), restored: false, left: Vec::new() })
}

/// What ended a wait.
enum Happening {
    /// A change was carried out, or could not be.
    Ended(Box<Change>, Result<Duration, TargetError>),
    /// A service was sampled.
    Sampled(Result<HealthSample, TargetError>),
    /// A service's time to wait is over.
    Waited,
}

struct Run<'a> {
    session: &'a Session<'a>,
    schedule: Schedule,
    options: ApplyOptions,
    rollouts: BTreeMap<Name, (Instant, Rollout)>,
    applied: Vec<Change>,
    /// When the last service began to serve.
    served_at: Option<Instant>,
    /// When the interruption was noticed.
    interrupted: Option<Instant>,
    /// True where a target has put back what ran before.
    restored: bool,
}

impl<'a> Run<'a> {
    fn new(session: &'a Session<'a>, plan: &Plan, observed: &Observed, options: ApplyOptions) -> Self {
        let serving = observed.resources.iter().filter_map(|resource| {
            resource.health.as_ref().filter(|health| health.is_serving())?;
            resource.service.clone()
        });
        Self {
            session,
            schedule: Schedule::new(plan, serving),
            options,
            rollouts: BTreeMap::new(),
            applied: Vec::new(),
            served_at: None,
            interrupted: None,
            restored: false,
        }
    }

    /// Runs until everything is applied and serves, or one reason is found why it will not.
    async fn drive(&mut self, mut samples: Samples<'a>) -> Verdict {
        let interrupt = self.session.interrupt;
        let mut running = FuturesUnordered::new();
        while !interrupt.is_raised() {
            for change in self.schedule.ready() {
                running.push(self.begin(change));
            }
            if running.is_empty() && self.rollouts.is_empty() {
                return self.end_of_work().await;
            }
            let awaits_health = !self.rollouts.is_empty();
            let happened = tokio::select! {
                biased;
                () = interrupt.raised() => break,
                Some((change, result)) = running.next() => Happening::Ended(Box::new(change), result),
                sampled = samples.next(self.session, self.rollouts.keys()), if samples.is_told() || awaits_health => {
                    Happening::Sampled(sampled)
                }
                () = tokio::time::sleep(self.next_deadline()), if awaits_health => Happening::Waited,
            };
            if let Err(verdict) = self.take(happened, &mut samples).await {
                self.let_finish(&mut running).await;
                return verdict;
            }
        }
        self.let_finish(&mut running).await;
        Verdict::Interrupted
    }

    /// Takes in what happened; the verdict where it decides everything.
    async fn take(&mut self, happened: Happening, samples: &mut Samples<'a>) -> Result<(), Verdict> {
        match happened {
            Happening::Ended(change, result) => {
                let gated = change.service.clone().filter(|_| change.gated);
                let (service, action) = (change.service.clone(), change.action);
                if let Err(failed) = self.finished(*change, result) {
                    return Err(self.failed(failed, service, action).await);
                }
                if let Some(service) = gated {
                    samples.forget();
                    self.await_health(service, samples).await;
                }
            }
            Happening::Sampled(Ok(sample)) => self.sampled(&sample),
            Happening::Sampled(Err(error)) => self.warn(&error),
            Happening::Waited => {}
        }
        let Some((service, reason)) = self.judge() else { return Ok(()) };
        let reason = self.with_probe(&service, reason).await;
        Err(self.unhealthy(service, &reason).await)
    }

    fn warn(&self, error: &TargetError) {
        self.session.events.emit(Event::Warning { message: error.to_string() });
    }

    async fn end_of_work(&self) -> Verdict {
        if self.schedule.is_exhausted() {
            return self.verified().await;
        }
        let message = self.schedule.stuck().join("; ");
        let address = dashdeploy_contract::Address::new("plan", "order", "stuck");
        let error = TargetError::new(ErrorKind::Unexpected, "deploy", "order the changes", message)
            .hint("start the services that others wait for, then run the command again");
        Verdict::ChangeFailed(Box::new((address, error)))
    }

    /// What runs is looked at from outside before anything former is dropped, so that there is a way back; also where there was
    /// nothing to change.
    async fn verified(&self) -> Verdict {
        let has_gone = self.applied.iter().all(|change| change.action == Action::Delete);
        if has_gone && !self.applied.is_empty() {
            return Verdict::Done;
        }
        tokio::select! {
            verified = self.session.steps.verify() => match verified {
                Ok(()) => self.still_serving().await,
                Err(mut evidence) => {
                    if evidence.log.is_empty() {
                        evidence.log = self.last_lines(&evidence.service).await;
                    }
                    Verdict::Unverified(evidence)
                }
            },
            () = self.session.interrupt.raised() => Verdict::Interrupted,
        }
    }

    /// Looks once more, after a while, at everything that was put: what serves only for a moment does not serve.
    async fn still_serving(&self) -> Verdict {
        if let Some(since) = self.served_at {
            tokio::time::sleep_until(since + self.options.stable).await;
        }
        let gated = self.applied.iter().filter(|change| change.gated);
        let services: Vec<&Name> = gated.filter_map(|change| change.service.as_ref()).collect();
        let looking = services.iter().map(|service| self.session.reader.health(self.session.bound, service));
        let all = futures_util::future::join_all(looking).await;
        for (service, health) in services.into_iter().zip(all) {
            let reason = match health {
                Ok(Health::Exited { code, detail }) => {
                    format!("it served and then ended with code {code} {detail}").trim_end().to_owned()
                }
                Ok(Health::Unhealthy { detail }) => format!("it served and then did not: {detail}"),
                _ => continue,
            };
            let log = self.last_lines(service).await;
            let evidence = Evidence { service: service.clone(), reason, log, check: None, answer: None };
            return Verdict::Unhealthy(Box::new(evidence));
        }
        Verdict::Done
    }

    fn begin(
        &self,
        change: Change,
    ) -> impl Future<Output = (Change, Result<Duration, TargetError>)> + use<'a> {
        let session = self.session;
        session.events.emit(Event::ChangeStarted {
            address: change.address.clone(),
            action: change.action,
            reason: change.reason.clone(),
        });
        async move {
            let started = Instant::now();
            let result = match session.steps.begins(&change).await {
                Ok(()) => carried_out(session, &change).await,
                Err(error) => Err(error),
            };
            session.steps.ended(&change, result.as_ref().map(|&()| ())).await;
            (change, result.map(|()| started.elapsed()))
        }
    }

    fn finished(
        &mut self,
        change: Change,
        result: Result<Duration, TargetError>,
    ) -> Result<(), Box<(dashdeploy_contract::Address, TargetError)>> {
        let (address, action) = (change.address.clone(), change.action);
        match result {
            Ok(took) => {
                let millis = millis(took);
                self.session.events.emit(Event::ChangeFinished { address: address.clone(), action, millis });
                self.schedule.applied(&address);
                self.applied.push(change);
                Ok(())
            }
            Err(error) => {
                let message = self.session.supplies.secrets.redact(&error.message);
                self.session.events.emit(Event::ChangeFailed { address: address.clone(), message });
                Err(Box::new((address, error)))
            }
        }
    }

    /// Begins to wait for a service whose change was carried out. What a subscription told before is of the former container,
    /// so the first sample is asked for; where there is none, all are asked for at once.
    async fn await_health(&mut self, service: Name, samples: &Samples<'a>) {
        self.rollouts.insert(service.clone(), (Instant::now(), Rollout::new(self.options.patience)));
        if !samples.is_told() {
            return;
        }
        match self.session.reader.health(self.session.bound, &service).await {
            Ok(health) => self.sampled(&HealthSample { service, health }),
            Err(error) => self.warn(&error),
        }
    }

    /// Lets changes that have begun come to their end: a change cut off in the middle could be half made. After an
    /// interruption for a while only.
    async fn let_finish<F>(&mut self, running: &mut FuturesUnordered<F>)
    where
        F: Future<Output = (Change, Result<Duration, TargetError>)>,
    {
        let interrupt = self.session.interrupt;
        let noticed = *self.interrupted.get_or_insert_with(Instant::now);
        let all = async {
            while let Some((change, result)) = running.next().await {
                let _ = self.finished(change, result);
            }
        };
        tokio::select! {
            () = all => {}
            () = interrupt.raised_twice() => {}
            () = patience_after(interrupt, noticed, GRACE) => {}
        }
    }

    fn sampled(&mut self, sample: &HealthSample) {
        let Some((started, rollout)) = self.rollouts.get_mut(&sample.service) else { return };
        let at = started.elapsed();
        if rollout.is_last(&sample.health) {
            return;
        }
        rollout.take(&sample.health, at);
        self.session.events.emit(Event::HealthChanged {
            service: sample.service.clone(),
            health: sample.health.clone(),
            millis: millis(at),
        });
    }

    /// Moves services that serve out of the way, and finds the first that will not.
    fn judge(&mut self) -> Option<(Name, String)> {
        let mut serving = Vec::new();
        for (service, (started, rollout)) in &self.rollouts {
            match rollout.step(started.elapsed()) {
                Step::Wait(_) => {}
                Step::Serving => serving.push(service.clone()),
                Step::Failed(reason) => return Some((service.clone(), reason)),
            }
        }
        for service in serving {
            self.rollouts.remove(&service);
            self.schedule.serves(&service);
            self.served_at = Some(Instant::now());
        }
        None
    }

    fn next_deadline(&self) -> Duration {
        let waits =
            self.rollouts.values().filter_map(|(started, rollout)| match rollout.step(started.elapsed()) {
                Step::Wait(left) => Some(left),
                _ => None,
            });
        waits.min().unwrap_or(Duration::from_secs(1))
    }
}

async fn carried_out(session: &Session<'_>, change: &Change) -> Result<(), TargetError> {
    match &change.service {
        Some(service) if change.address.target() == PUSH => session.steps.push(service).await,
        _ => session.writer.apply(session.bound, change, session.supplies).await,
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
