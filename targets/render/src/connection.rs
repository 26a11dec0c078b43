//! The two halves that speak to Render: the reader, which can only ask, and the writer.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use dashdeploy_contract::{
    Access, Bound, Change, Descriptor, ErrorKind, Health, KeptSecret, LogFeed, LogQuery, Name, Observed,
    Reader, Served, Service, Supplies, TargetError, Writer, Writes,
};

use crate::api::Api;
use crate::config::Place;
use crate::error::ours;
use crate::logs::Lines;
use crate::mark::Deployed;
use crate::observe;
use crate::payload::Seen;
use crate::wire;
use crate::write::Hand;

/// Looks at Render.
pub(crate) struct RenderReader {
    api: Api,
    descriptor: Descriptor,
    /// The services' ids, by name.
    ids: Mutex<BTreeMap<String, String>>,
}

/// Changes what is at Render.
pub(crate) struct RenderWriter {
    hand: Hand,
}

impl RenderReader {
    pub(crate) fn new(access: &Access, descriptor: &Descriptor) -> Result<Self, TargetError> {
        Ok(Self { api: Api::of(access, None)?, descriptor: descriptor.clone(), ids: Mutex::default() })
    }

    fn place<'a>(&'a self, bound: &'a Bound) -> Place<'a> {
        Place { descriptor: &self.descriptor, bound }
    }

    /// A service that is there; none where it is not.
    async fn find(&self, bound: &Bound, service: &Name) -> Result<Option<wire::Service>, TargetError> {
        let place = self.place(bound);
        let found = place.hosts(service);
        let found = found
            .ok_or_else(|| ours(ErrorKind::NotFound, format!("look at {service}"), "it is not on Render"))?;
        let name = place.name(found);
        let known = self.ids.lock().ok().and_then(|ids| ids.get(&name).cloned());
        if let Some(id) = known {
            return match self.api.service(&id).await {
                // Taken away, and perhaps made again under another id.
                Err(error) if error.kind == ErrorKind::NotFound => self.look_up(&place, found, name).await,
                found => found.map(Some),
            };
        }
        self.look_up(&place, found, name).await
    }

    async fn look_up(
        &self,
        place: &Place<'_>,
        found: &Service,
        name: String,
    ) -> Result<Option<wire::Service>, TargetError> {
        let owner = self.api.workspace(place.option(found, "workspace")).await?;
        let there = self.api.services(std::slice::from_ref(&name), &owner).await?.into_iter().next();
        if let (Some(there), Ok(mut ids)) = (&there, self.ids.lock()) {
            ids.insert(name, there.id.clone());
        }
        Ok(there)
    }
}

impl RenderWriter {
    pub(crate) fn new(access: &Access, writes: Arc<dyn Writes>) -> Result<Self, TargetError> {
        Ok(Self {
            hand: Hand {
                api: Api::of(access, Some(writes))?,
                before: Mutex::default(),
                rules: Mutex::default(),
            },
        })
    }
}

#[async_trait]
impl Reader for RenderReader {
    async fn observe(&self, bound: &Bound) -> Result<Observed, TargetError> {
        observe::observe(&self.api, &self.place(bound)).await
    }

    async fn health(&self, bound: &Bound, service: &Name) -> Result<Health, TargetError> {
        let Some(there) = self.find(bound, service).await? else { return Ok(Health::Absent) };
        Ok(observe::health(&there, &self.api.deploys(&there.id).await?))
    }

    async fn served(&self, bound: &Bound, service: &Name) -> Result<Served, TargetError> {
        let Some(there) = self.find(bound, service).await? else { return Ok(Served::default()) };
        let deploys = self.api.deploys(&there.id).await?;
        let live = deploys.iter().find(|deploy| deploy.status == "live");
        let certificate = match bound.domains.get(service) {
            Some(host) => {
                let domains = self.api.domains(&there.id).await?;
                domains.iter().find(|domain| domain.name == *host).map(|domain| {
                    match domain.verification_status.as_str() {
                        "verified" => "active".to_owned(),
                        _ => format!("its name server must have a CNAME record to {}", address(&there)),
                    }
                })
            }
            None => None,
        };
        Ok(Served {
            images: live.and_then(wire::Deploy::digest).into_iter().collect(),
            // That of a private service is for its neighbours.
            url: there.service_details.url.clone().filter(|url| url.starts_with("https://")),
            certificate,
            ..Served::default()
        })
    }

    async fn secrets(&self, bound: &Bound) -> Result<Vec<KeptSecret>, TargetError> {
        if bound.services_on(crate::config::TARGET).all(|service| service.secrets.is_empty()) {
            return Ok(Vec::new());
        }
        let observed = self.observe(bound).await?;
        let mut all = Vec::new();
        for resource in
            observed.resources.iter().filter(|resource| resource.owned && resource.service.is_some())
        {
            let (Some(service), seen) = (&resource.service, Seen::of(resource)?) else { continue };
            let deployed = Deployed::among(&seen.env).unwrap_or_default().secrets;
            let begun = seen.current.is_some_and(|current| current.is_marked);
            all.extend(seen.secrets.into_iter().map(|(variable, print)| KeptSecret {
                service: service.clone(),
                in_use: begun && deployed.get(&variable) == Some(&print),
                variable,
                fingerprint: Some(print),
            }));
        }
        Ok(all)
    }

    async fn logs(&self, bound: &Bound, query: &LogQuery) -> Result<Box<dyn LogFeed>, TargetError> {
        let mut services = Vec::new();
        for service in bound.services_on(crate::config::TARGET) {
            let wanted = query.services.is_empty() || query.services.contains(&service.name);
            if wanted && let Some(there) = self.find(bound, &service.name).await? {
                services.push((service.name.clone(), there.id, there.owner_id));
            }
        }
        Ok(Box::new(Lines::open(self.api.clone(), services, query).await?))
    }
}

fn address(service: &wire::Service) -> String {
    let url = service.service_details.url.as_deref().unwrap_or_default();
    url.strip_prefix("https://").unwrap_or(url).to_owned()
}

#[async_trait]
impl Writer for RenderWriter {
    async fn apply(&self, _: &Bound, change: &Change, supplies: &Supplies) -> Result<(), TargetError> {
        self.hand.apply(change, supplies).await
    }

    async fn revert(&self, _: &Bound, change: &Change) -> Result<(), TargetError> {
        self.hand.revert(change).await
    }

    async fn settle(&self, _: &Bound, change: &Change) -> Result<(), TargetError> {
        self.hand.settle(change)
    }
}
