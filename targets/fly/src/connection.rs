//! The two halves that speak to Fly.io: the reader, which only looks, and the writer.
//!
//! Given: the API. Gives: the contract's [`Reader`] and [`Writer`]; the work is done in the rooms they call. Deliberately
//! absent: a subscription to health changes, which Fly.io does not offer, and commands in machines.

use async_trait::async_trait;
use dashdeploy_contract::{
    Bound, Change, Descriptor, ErrorKind, Health, KeptSecret, LogFeed, LogQuery, Name, Observed, Reader,
    Served, Supplies, TargetError, Writer,
};
use futures_util::future::{try_join, try_join_all};

use crate::api::Api;
use crate::config::App;
use crate::error::ours;
use crate::logs::Feed;
use crate::wire::Machine;
use crate::write::Hand;
use crate::{health, marks, observe};

/// Looks at Fly.io.
pub(crate) struct FlyReader {
    api: Api,
    descriptor: Descriptor,
}

/// Changes what is at Fly.io.
pub(crate) struct FlyWriter {
    hand: Hand,
}

impl FlyReader {
    pub(crate) fn new(api: Api, descriptor: Descriptor) -> Self {
        Self { api, descriptor }
    }

    fn app<'a>(&'a self, bound: &'a Bound, service: &Name) -> Result<App<'a>, TargetError> {
        let found = App::all(&self.descriptor, bound).into_iter().find(|app| app.service.name == *service);
        found.ok_or_else(|| ours(ErrorKind::NotFound, format!("look at {service}"), "it is not on Fly.io"))
    }

    /// The machines of a service that are ours.
    async fn machines(&self, app: &App<'_>) -> Result<Vec<Machine>, TargetError> {
        let mut machines = self.api.machines(&app.name()).await?.unwrap_or_default();
        machines.retain(|machine| marks::are_ours(app, |mark| machine.mark(mark)));
        Ok(machines)
    }

    async fn kept(&self, app: &App<'_>) -> Result<Vec<KeptSecret>, TargetError> {
        let name = app.name();
        let (machines, secrets) = try_join(self.machines(app), self.api.secrets(&name, None)).await?;
        Ok(observe::kept(app, &machines, &secrets.unwrap_or_default().digests()))
    }
}

impl FlyWriter {
    pub(crate) fn new(api: Api) -> Self {
        Self { hand: Hand::new(api) }
    }
}

#[async_trait]
impl Reader for FlyReader {
    async fn observe(&self, bound: &Bound) -> Result<Observed, TargetError> {
        observe::observe(&self.api, &self.descriptor, bound).await
    }

    async fn health(&self, bound: &Bound, service: &Name) -> Result<Health, TargetError> {
        let machines = self.machines(&self.app(bound, service)?).await?;
        Ok(health::of(&machines, self.api.clock.now()))
    }

    async fn served(&self, bound: &Bound, service: &Name) -> Result<Served, TargetError> {
        let app = self.app(bound, service)?;
        let machines = self.machines(&app).await?;
        let up = health::current(&machines).into_iter().filter(|machine| machine.state == "started");
        let images = up.filter_map(|machine| machine.image_ref.digest.clone()).collect();
        let certificate = match bound.domains.get(service) {
            None => None,
            Some(host) => {
                let found = self.api.certificate(&app.name(), host).await?;
                Some(found.map_or_else(|| "it was not asked for".to_owned(), |found| found.words()))
            }
        };
        let url = app.is_public().then(|| format!("https://{}.fly.dev", app.name()));
        Ok(Served { images, url, certificate, probe: health::probe(&machines) })
    }

    async fn secrets(&self, bound: &Bound) -> Result<Vec<KeptSecret>, TargetError> {
        let apps = App::all(&self.descriptor, bound);
        let all = try_join_all(apps.iter().map(|app| self.kept(app))).await?;
        Ok(all.into_iter().flatten().collect())
    }

    async fn look_once(&self, bound: &Bound) -> Result<Option<(Observed, Vec<KeptSecret>)>, TargetError> {
        observe::look(&self.api, &self.descriptor, bound).await.map(Some)
    }

    async fn logs(&self, bound: &Bound, query: &LogQuery) -> Result<Box<dyn LogFeed>, TargetError> {
        for service in &query.services {
            self.app(bound, service)?;
        }
        let apps = App::all(&self.descriptor, bound).into_iter();
        let wanted =
            apps.filter(|app| query.services.is_empty() || query.services.contains(&app.service.name));
        let sources = wanted.map(|app| (app.service.name.clone(), app.name()));
        Ok(Box::new(Feed::new(self.api.clone(), sources, query)))
    }
}

#[async_trait]
impl Writer for FlyWriter {
    async fn apply(&self, _: &Bound, change: &Change, supplies: &Supplies) -> Result<(), TargetError> {
        self.hand.apply(change, supplies).await
    }

    async fn revert(&self, _: &Bound, change: &Change) -> Result<(), TargetError> {
        self.hand.revert(change).await
    }

    async fn settle(&self, _: &Bound, change: &Change) -> Result<(), TargetError> {
        self.hand.settle(change).await
    }
}
