//! The two halves that speak to Fly.io: the reader, which can only ask, and the writer.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use dashdeploy_contract::{
    Access, Bound, Change, Descriptor, ErrorKind, Health, KeptSecret, LogFeed, LogQuery, Name, Observed,
    Reader, Served, Supplies, TargetError, Writer, Writes,
};
use futures_util::future::try_join_all;

use crate::api::Api;
use crate::config::App;
use crate::desired::OWNER;
use crate::error::ours;
use crate::logs::Lines;
use crate::observe::is_ours;
use crate::payload::SeenMachine;
use crate::wire::Machine;
use crate::write::Hand;
use crate::{health, observe};

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
    pub(crate) fn new(access: &Access, descriptor: &Descriptor) -> Result<Self, TargetError> {
        Ok(Self { api: Api::of(access, None)?, descriptor: descriptor.clone() })
    }

    fn app<'a>(&'a self, bound: &'a Bound, service: &Name) -> Result<App<'a>, TargetError> {
        let found = App::all(&self.descriptor, bound).into_iter().find(|app| app.service.name == *service);
        found.ok_or_else(|| ours(ErrorKind::NotFound, format!("look at {service}"), "it is not on Fly.io"))
    }

    /// The machines of a service that are ours and there.
    async fn machines(&self, app: &App<'_>) -> Result<Vec<Machine>, TargetError> {
        let machines = self.api.machines(&app.name()).await?.unwrap_or_default();
        Ok(machines.into_iter().filter(|machine| machine.is_there() && is_ours(app, machine)).collect())
    }
}

impl FlyWriter {
    pub(crate) fn new(access: &Access, writes: Arc<dyn Writes>) -> Result<Self, TargetError> {
        let hand = Hand { api: Api::of(access, Some(writes))?, versions: Mutex::new(BTreeMap::new()) };
        Ok(Self { hand })
    }
}

#[async_trait]
impl Reader for FlyReader {
    async fn observe(&self, bound: &Bound) -> Result<Observed, TargetError> {
        observe::observe(&self.api, &App::all(&self.descriptor, bound)).await
    }

    async fn health(&self, bound: &Bound, service: &Name) -> Result<Health, TargetError> {
        Ok(health::of(&self.machines(&self.app(bound, service)?).await?))
    }

    async fn served(&self, bound: &Bound, service: &Name) -> Result<Served, TargetError> {
        let app = self.app(bound, service)?;
        let machines = self.machines(&app).await?;
        let current = health::current(&machines).into_iter();
        let images = current
            .filter(|machine| machine.state == "started")
            .filter_map(|machine| machine.image_ref.digest.clone());
        let certificate = match bound.domains.get(service) {
            Some(host) => self.api.certificate(&app.name(), host).await?.map(|found| found.words()),
            None => None,
        };
        let url = app.is_public().then(|| format!("https://{}.fly.dev", app.name()));
        Ok(Served { images: images.collect(), url, certificate })
    }

    async fn secrets(&self, bound: &Bound) -> Result<Vec<KeptSecret>, TargetError> {
        let apps = App::all(&self.descriptor, bound);
        let declaring = apps.iter().filter(|app| !app.service.secrets.is_empty());
        let all = try_join_all(declaring.map(|app| async move {
            let name = app.name();
            let (machines, secrets) =
                futures_util::future::try_join(self.api.machines(&name), self.api.secrets(&name)).await?;
            Ok::<_, TargetError>(kept(
                app,
                &machines.unwrap_or_default(),
                secrets.unwrap_or_default().secrets,
            ))
        }));
        Ok(all.await?.into_iter().flatten().collect())
    }

    async fn logs(&self, bound: &Bound, query: &LogQuery) -> Result<Box<dyn LogFeed>, TargetError> {
        let apps = App::all(&self.descriptor, bound).into_iter();
        let wanted =
            apps.filter(|app| query.services.is_empty() || query.services.contains(&app.service.name));
        let apps = wanted.map(|app| (app.service.name.clone(), app.name())).collect();
        Ok(Box::new(Lines::open(self.api.clone(), apps, query)))
    }
}

/// The secrets of an app, held against what its machines were started with.
fn kept(app: &App, machines: &[Machine], secrets: Vec<crate::wire::Secret>) -> Vec<KeptSecret> {
    let current = machines.iter().filter(|machine| machine.is_there() && is_ours(app, machine)).next_back();
    let started = current.map(|machine| {
        SeenMachine { config: machine.config.clone().unwrap_or_default(), ..SeenMachine::default() }.secrets()
    });
    let started = started.unwrap_or_default();
    let ours = secrets.into_iter().filter(|secret| !secret.name.starts_with(OWNER));
    ours.map(|secret| {
        let at_start = started.get(&secret.name);
        let same = at_start.filter(|(_, digest)| *digest == secret.digest);
        KeptSecret {
            service: app.service.name.clone(),
            fingerprint: same.map(|(print, _)| print.clone()),
            in_use: same.is_some(),
            variable: secret.name,
        }
    })
    .collect()
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
