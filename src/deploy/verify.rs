//! The look from outside at a release that serves: is it the one that was built, and does it do what it should?
//!
//! Given: a release, the targets' reader, a way outside. Gives: nothing where every check passes, else the evidence of the first that
//! did not, once patience is over: edges and rollouts end a little late, so that a check that fails is repeated. Deliberately absent:
//! what is done about it.

mod checks;
mod judge;
mod page;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use dashdeploy_contract::{Event, EventSink, Name, Reader, Release};
use tokio::time::Instant;

use super::outcome::Evidence;
use crate::io::outside::{Outside, OutsideRequest};
pub use checks::{Check, checks};
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
        let checks = checks(self.release, self.pages);
        let deadline = Instant::now() + self.patience;
        let all =
            futures_util::future::join_all(checks.iter().map(|check| self.passes(check, deadline))).await;
        all.into_iter().collect()
    }

    async fn passes(&self, check: &Check, deadline: Instant) -> Result<(), Box<Evidence>> {
        let (service, name) = (check.service().clone(), check.to_string());
        let begun = Instant::now();
        self.events.emit(Event::CheckStarted { service: service.clone(), check: name.clone() });
        loop {
            let Err(message) = self.look(check).await else {
                let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
                self.events.emit(Event::CheckPassed { service, check: name, millis });
                return Ok(());
            };
            if Instant::now() + AGAIN >= deadline {
                self.events.emit(Event::CheckFailed {
                    service: service.clone(),
                    check: name.clone(),
                    message: message.clone(),
                });
                return Err(Box::new(Evidence {
                    service,
                    reason: message,
                    log: Vec::new(),
                    check: Some(name),
                }));
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// One look: what is wrong, as half a sentence.
    async fn look(&self, check: &Check) -> Result<(), String> {
        match check {
            Check::Digest { service } => {
                let served = self.reader.served(&self.release.bound, service).await;
                let served = served.map_err(|error| error.to_string())?;
                if let Some(state) = served.certificate.as_deref().filter(|state| *state != "active") {
                    let message =
                        format!("the certificate of {service}'s own host name is not there yet: {state}");
                    self.events.emit(Event::Warning { message });
                }
                judge::digest(self.release.images.get(service), &served)
            }
            Check::Page { url, mark, .. } => {
                let answer = self.ask("GET", url, &[]).await?;
                judge::status(&answer, 200).and_then(|()| judge::page(&answer, mark))
            }
            Check::Health { url, .. } => judge::healthy(&self.ask("GET", url, &[]).await?),
            Check::Smoke { url, status, contains, .. } => {
                let answer = self.ask("GET", url, &[]).await?;
                judge::status(&answer, *status).and_then(|()| judge::contains(&answer, contains.as_deref()))
            }
            Check::Preflight { url, origin, .. } => {
                let headers = [("origin", origin.as_str()), ("access-control-request-method", "GET")];
                judge::preflight(&self.ask("OPTIONS", url, &headers).await?, origin)
            }
        }
    }

    async fn ask(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
    ) -> Result<crate::io::outside::OutsideAnswer, String> {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let request = OutsideRequest { method: method.to_owned(), url: url.to_owned(), headers };
        self.outside.ask(&request).await.map_err(|why| format!("{url} cannot be asked: {why}"))
    }
}

#[cfg(test)]
mod tests;
