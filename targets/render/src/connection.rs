//! The two halves that speak to Render: the reader, which can only ask, and the writer.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use dashdeploy_contract::{
    Access, Bound, Change, Descriptor, ErrorKind, Health, KeptSecret, LogFeed, LogQuery, Name, Observed,
    Reader, Served, Service, Supplies, TargetError, Writer, Writes,
};

use secrecy::{ExposeSecret, SecretString};

use crate::api::Api;
use crate::config::Place;
use crate::error::ours;
use crate::logs::Lines;
use crate::mark::Deployed;
use crate::observe;
use crate::payload::Seen;
use crate::wire;
use crate::write::{Hand, Login};

/// The variables with the login that private images are pulled with.
const USERNAME: &str = "RENDER_REGISTRY_USERNAME";
const TOKEN: &str = "RENDER_REGISTRY_TOKEN";

/// Looks at Render.
pub(crate) struct RenderReader {
    api: Api,
    descriptor: Descriptor,
    /// True where this run has a login for private images.
    has_login: bool,
    /// The services' ids, by name.
    ids: Mutex<BTreeMap<String, String>>,
}

/// Changes what is at Render.
pub(crate) struct RenderWriter {
    hand: Hand,
}

impl RenderReader {
    pub(crate) fn new(access: &Access, descriptor: &Descriptor) -> Result<Self, TargetError> {
        Ok(Self {
            api: Api::of(access, None)?,
            descriptor: descriptor.clone(),
            has_login: login(access)?.is_some(),
            ids: Mutex::default(),
        })
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
                login: login(access)?,
                before: Mutex::default(),
                rules: Mutex::default(),
            },
        })
    }
}

#[async_trait]
impl Reader for RenderReader {
    async fn observe(&self, bound: &Bound) -> Result<Observed, TargetError> {
        observe::observe(&self.api, &self.place(bound), self.has_login).await
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
        kept(&self.observe(bound).await?)
    }

    async fn look_once(&self, bound: &Bound) -> Result<Option<(Observed, Vec<KeptSecret>)>, TargetError> {
        let observed = self.observe(bound).await?;
        let kept = kept(&observed)?;
        Ok(Some((observed, kept)))
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

/// Who pulls private images: both variables, or neither.
///
/// # Errors
/// `Invalid` for one without the other.
fn login(access: &Access) -> Result<Option<Login>, TargetError> {
    let given = |variable: &str| {
        let value = access.credentials.get(variable)?.expose_secret().trim().to_owned();
        Some(value).filter(|value| !value.is_empty())
    };
    match (given(USERNAME), given(TOKEN)) {
        (Some(username), Some(token)) => Ok(Some(Login { username, token: SecretString::from(token) })),
        (None, None) => Ok(None),
        (username, _) => {
            let (there, missing) = if username.is_some() { (USERNAME, TOKEN) } else { (TOKEN, USERNAME) };
            let message = format!("{there} is set, and {missing} is not");
            Err(ours(ErrorKind::Invalid, "connect", message)
                .hint("private images are pulled by both; public ones need neither"))
        }
    }
}

/// The secrets of what was observed: variables are read with it, and become fingerprints at once.
fn kept(observed: &Observed) -> Result<Vec<KeptSecret>, TargetError> {
    let mut all = Vec::new();
    for resource in observed.resources.iter().filter(|resource| resource.owned && resource.service.is_some())
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
