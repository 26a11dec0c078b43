//! The look from outside at a release that serves: is it the one that was built, and does it do what it should?
//!
//! Given: a release, the targets' reader, a way outside. Gives: nothing where every check passes, else the evidence of the first that
//! did not, once patience is over: edges and rollouts end a little late, so that a check that fails is repeated. Deliberately absent:
//! where services are reached (`verify/addresses.rs`), what is looked at (`verify/checks.rs`), what counts as well (`verify/judge.rs`),
//! and what is done about it.

mod addresses;
mod checks;
mod html;
mod judge;
mod page;
#[cfg(test)]
mod shop_tests;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use dashdeploy_contract::{Event, EventSink, Name, Reader, Release, SecretStore, Served};
use futures_util::future::join_all;
use tokio::time::Instant;

use super::outcome::Evidence;
use crate::io::outside::Outside;
use addresses::Addresses;
use checks::{Check, checks};
use judge::Judgement;
pub use page::PageMark;

/// The pause before a check is repeated.
const AGAIN: Duration = Duration::from_secs(1);

/// What is looked at, and how.
pub struct Verification<'a> {
    /// What should run.
    pub release: &'a Release,
    /// Tells what runs.
    pub reader: &'a dyn Reader,
    /// The way outside.
    pub outside: &'a Outside,
    /// The page that each static service must serve, where that is known.
    pub pages: &'a BTreeMap<Name, PageMark>,
    /// Values that are shown nowhere, also where a service answers with one.
    pub secrets: &'a SecretStore,
    /// Where events go.
    pub events: Arc<dyn EventSink>,
    /// How long checks may go on failing.
    pub patience: Duration,
}

impl Verification<'_> {
    /// Makes all checks at the same time.
    ///
    /// # Errors
    /// The evidence of the first check, in their order, that did not pass in time.
    pub async fn run(&self) -> Result<(), Box<Evidence>> {
        let deadline = Instant::now() + self.patience;
        let served = self.served().await;
        let addresses = Addresses::of(self.release, &served);
        let (checks, unchecked) = checks(self.release, &addresses, self.pages);
        let warnings = addresses.warnings.into_iter().map(|message| Event::Warning { message });
        warnings.chain(unchecked).for_each(|event| self.events.emit(event));
        let all = join_all(checks.iter().map(|check| self.passes(check, deadline, &served))).await;
        all.into_iter().collect()
    }

    /// What the platforms tell of the services that have an address from outside. What cannot be told now is no failure: the
    /// check of the digest asks again.
    async fn served(&self) -> BTreeMap<Name, Served> {
        let bound = &self.release.bound;
        let asked = Addresses::asked_for(self.release)
            .map(|name| async { Some((name.clone(), self.reader.served(bound, name).await.ok()?)) });
        join_all(asked).await.into_iter().flatten().collect()
    }

    /// `served` is what the platforms told just now: for the first look.
    async fn passes(
        &self,
        check: &Check,
        deadline: Instant,
        served: &BTreeMap<Name, Served>,
    ) -> Result<(), Box<Evidence>> {
        let (service, name) = (check.service().clone(), check.to_string());
        let mut told = served.get(&service);
        let begun = Instant::now();
        self.events.emit(Event::CheckStarted { service: service.clone(), check: name.clone() });
        loop {
            let (judgement, answer) = self.look(check, told.take()).await;
            let message = match judgement {
                Err(message) => self.secrets.redact(&message),
                Ok(warning) => {
                    warning.into_iter().for_each(|message| self.events.emit(Event::Warning { message }));
                    let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
                    self.events.emit(Event::CheckPassed { service, check: name, millis });
                    return Ok(());
                }
            };
            if Instant::now() + AGAIN >= deadline {
                let failed = Event::CheckFailed {
                    service: service.clone(),
                    check: name.clone(),
                    message: message.clone(),
                };
                self.events.emit(failed);
                return Err(Box::new(Evidence {
                    service,
                    reason: message,
                    log: Vec::new(),
                    check: Some(name),
                    answer: answer.map(|answer| self.secrets.redact(&answer)),
                }));
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// One look; where it fails with the head of what was answered, where something was.
    async fn look(&self, check: &Check, told: Option<&Served>) -> (Judgement, Option<String>) {
        let Some(request) = check.request() else {
            let image = self.release.images.get(check.service());
            let judged = match told {
                Some(served) => judge::digest(image, served),
                None => match self.reader.served(&self.release.bound, check.service()).await {
                    Ok(served) => judge::digest(image, &served),
                    Err(error) => Err(error.to_string()),
                },
            };
            return (judged.map(|()| None), None);
        };
        let url = request.url.clone();
        match self.outside.ask(request).await {
            Ok(answer) => {
                let judgement = judge::answer(check, &answer);
                let head = judgement.as_ref().err().map(|reason| judge::head(&answer, reason));
                (judgement, head)
            }
            Err(why) => (Err(format!("{url} cannot be asked: {}", judge::without_address(&why))), None),
        }
    }
}
