//! How an environment stands: what should run, what runs, and whether the one is the other.
//!
//! Given: the release that should run, the plan that the same release would have now, what was observed, what each service
//! serves. Gives: a verdict for each service and for all of it. Deliberately absent: asking platforms, and any judgement of
//! services whose platform could not be asked, besides saying so.

use std::collections::BTreeMap;

use dashdeploy_contract::{
    Action, Address, Bound, Change, FieldChange, Health, Name, Observed, Plan, Release, ReleaseImage, Served,
    Service,
};
use serde::{Deserialize, Serialize};

use super::PUSH;
use super::rollout::unhealthy;

/// The version of the form that [`Standing`] has as JSON.
pub const STANDING_VERSION: u32 = 1;

/// What a standing is made of.
pub struct StandingInput<'a> {
    /// The project in its environment.
    pub bound: &'a Bound,
    /// The release that should run; none where none was deployed, or nobody knows.
    pub release: Option<&'a Release>,
    /// What deploying that release again would change; empty where nothing would.
    pub plan: &'a Plan,
    /// What is there.
    pub observed: &'a Observed,
    /// What each service serves, as far as its platform was asked.
    pub served: &'a BTreeMap<Name, Served>,
    /// Services whose platform could not be asked, with the reason.
    pub unknown: &'a BTreeMap<Name, String>,
    /// The targets' names for people, by name.
    pub titles: &'a BTreeMap<String, String>,
}

/// How an environment stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// [`STANDING_VERSION`].
    pub version: u32,
    /// The project.
    pub project: Name,
    /// The environment.
    pub environment: Name,
    /// The number of the release that should run.
    pub release: Option<u32>,
    /// The verdict over all of it.
    pub verdict: StandingVerdict,
    /// The services, in the file's order.
    pub services: Vec<ServiceStanding>,
    /// What differs and belongs to no single service.
    pub drift: Vec<Drift>,
}

/// A verdict over a service, or an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StandingVerdict {
    /// What should run runs, and serves.
    Ok,
    /// It serves and is not what it should be.
    Drift,
    /// It is there and does not serve.
    Unhealthy,
    /// It is not there.
    Absent,
    /// It cannot be told.
    Unknown,
}

/// How a service stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceStanding {
    /// The service.
    pub service: Name,
    /// Its target.
    pub target: String,
    /// The target's name for people.
    pub title: String,
    /// The verdict.
    pub verdict: StandingVerdict,
    /// Why, where it is not ok: a half sentence.
    pub reason: Option<String>,
    /// The number of the release that it runs, as far as that can be told.
    pub release: Option<u32>,
    /// The content that should run: the digest of a manifest where the image was pushed, else the engine's id.
    pub desired: Option<String>,
    /// The content that each copy runs.
    pub served: Vec<String>,
    /// Whether the two are the same.
    pub digest: DigestMatch,
    /// Its health; none where it cannot be told.
    pub health: Option<Health>,
    /// How many copies serve.
    pub copies: usize,
    /// How many there should be.
    pub copies_wanted: u32,
    /// Where it is reached from outside.
    pub url: Option<String>,
    /// The state of the certificate of the user's own host name.
    pub certificate: Option<String>,
    /// What differs from what should be.
    pub drift: Vec<Drift>,
}

/// Whether what runs is what should run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DigestMatch {
    /// Every copy runs it.
    Same,
    /// At least one runs something else.
    Differs,
    /// The platform does not tell, or nothing should run.
    Unknown,
}

/// A change that would have to be made so that all is as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// What differs.
    pub address: Address,
    /// What would be done.
    pub action: Action,
    /// The cause.
    pub reason: String,
    /// The fields that differ.
    pub fields: Vec<FieldChange>,
}

impl Standing {
    /// How an environment stands.
    pub fn of(input: &StandingInput) -> Self {
        let bound = input.bound;
        let services: Vec<_> = bound.services.values().map(|service| standing(input, service)).collect();
        let drift = drift_of(input.plan, &|change| {
            change.service.as_ref().is_none_or(|service| !bound.services.contains_key(service))
        });
        Self {
            version: STANDING_VERSION,
            project: bound.project.clone(),
            environment: bound.environment.clone(),
            release: input.release.and_then(|release| release.number),
            verdict: overall(&services, &drift),
            services,
            drift,
        }
    }

    /// True where what should run runs, and serves: what `--check` asks.
    pub fn is_as_desired(&self) -> bool {
        self.verdict == StandingVerdict::Ok
    }

    /// How many services have a verdict.
    pub fn count(&self, verdict: StandingVerdict) -> usize {
        self.services.iter().filter(|service| service.verdict == verdict).count()
    }
}

/// The worst counts; absent only where nothing is there at all, and not knowing only where nothing worse is known.
fn overall(services: &[ServiceStanding], drift: &[Drift]) -> StandingVerdict {
    use StandingVerdict::{Absent, Drift, Ok, Unhealthy, Unknown};
    let any = |verdict| services.iter().any(|service| service.verdict == verdict);
    if any(Unhealthy) {
        Unhealthy
    } else if !services.is_empty() && services.iter().all(|service| service.verdict == Absent) {
        Absent
    } else if any(Drift) || any(Absent) || !drift.is_empty() {
        Drift
    } else if any(Unknown) {
        Unknown
    } else {
        Ok
    }
}

fn standing(input: &StandingInput, service: &Service) -> ServiceStanding {
    let name = &service.name;
    let target = input.bound.targets.get(name).map(ToString::to_string).unwrap_or_default();
    let image = input.release.and_then(|release| release.images.get(name));
    let served = input.served.get(name);
    let images = served.map(|served| served.images.clone()).unwrap_or_default();
    let running: Vec<_> = input.observed.of_service(name).collect();
    let serving = running.iter().filter(|r| r.health.as_ref().is_some_and(Health::is_serving)).count();
    let fact = running.iter().find_map(|resource| resource.facts.get("url"));
    let mut standing = ServiceStanding {
        service: name.clone(),
        title: input.titles.get(&target).unwrap_or(&target).clone(),
        target,
        verdict: StandingVerdict::Unknown,
        reason: None,
        release: None,
        desired: image.map(desired),
        digest: compared(image, &images),
        health: health(input, service),
        copies: if serving == 0 { 0 } else { serving.max(images.len()) },
        served: images,
        copies_wanted: service.replicas,
        url: served.and_then(|served| served.url.clone()).or_else(|| fact.cloned()),
        certificate: served.and_then(|served| served.certificate.clone()),
        // A plan made without having asked says nothing of what is there.
        drift: if input.unknown.contains_key(name) {
            Vec::new()
        } else {
            drift_of(input.plan, &|change| change.service.as_ref() == Some(name))
        },
    };
    let marked = running.iter().find_map(|resource| resource.facts.get("release"));
    standing.release = match standing.digest {
        DigestMatch::Same => input.release.and_then(|release| release.number),
        _ => None,
    };
    if let Some(number) = marked.and_then(|text| text.trim_start_matches('r').parse().ok()) {
        standing.release = Some(number);
    }
    (standing.verdict, standing.reason) = judged(input, &standing);
    standing
}

/// The verdict over a service with the reason, the worst first.
fn judged(input: &StandingInput, standing: &ServiceStanding) -> (StandingVerdict, Option<String>) {
    use StandingVerdict::{Absent, Drift, Ok, Unhealthy, Unknown};
    if let Some(why) = input.unknown.get(&standing.service) {
        return (Unknown, Some(format!("its platform could not be asked: {why}")));
    }
    match &standing.health {
        None | Some(Health::Absent) => return (Absent, Some("it is not there".to_owned())),
        Some(health) if !health.is_serving() => return (Unhealthy, Some(ailment(health))),
        Some(_) => {}
    }
    if input.release.is_none() {
        return (Unknown, Some("no release is known that should run".to_owned()));
    }
    if standing.digest == DigestMatch::Differs {
        return (Drift, Some("another image runs than should".to_owned()));
    }
    match standing.drift.len() {
        0 => (Ok, None),
        1 => (Drift, Some("1 thing differs from what it should be".to_owned())),
        many => (Drift, Some(format!("{many} things differ from what they should be"))),
    }
}

/// What is wrong with a service that does not serve, as a half sentence.
fn ailment(health: &Health) -> String {
    let detailed = |what: String, detail: &str| match detail.trim() {
        "" => what,
        detail => format!("{what}: {detail}"),
    };
    match health {
        Health::Starting => "its health check has not passed yet".to_owned(),
        Health::Unhealthy { detail } => unhealthy(detail),
        Health::Exited { code, detail } => detailed(format!("it ended with code {code}"), detail),
        other => format!("it is {}", other.word()),
    }
}

/// The health of a service: the worst of what runs for it. Where as many copies serve as there should be, what stands
/// aside (a former copy that was stopped) does not count. None where its platform could not be asked.
fn health(input: &StandingInput, service: &Service) -> Option<Health> {
    if input.unknown.contains_key(&service.name) {
        return None;
    }
    let running = input.observed.of_service(&service.name);
    let mut all: Vec<&Health> = running.filter_map(|resource| resource.health.as_ref()).collect();
    let enough = usize::try_from(service.replicas).unwrap_or(usize::MAX).max(1);
    if all.iter().filter(|health| health.is_serving()).count() >= enough {
        all.retain(|health| health.is_serving());
    }
    let rank = |health: &&Health| match health {
        Health::Absent => 0,
        Health::Healthy => 1,
        Health::Running => 2,
        Health::Starting => 3,
        Health::Unhealthy { .. } => 4,
        Health::Exited { .. } => 5,
    };
    Some(all.into_iter().max_by_key(rank).cloned().unwrap_or(Health::Absent))
}

fn desired(image: &ReleaseImage) -> String {
    image.manifest_digest().unwrap_or(&image.id.0).to_owned()
}

/// What runs may be told by the manifest's digest or by the engine's id, with a repository before it.
fn compared(image: Option<&ReleaseImage>, served: &[String]) -> DigestMatch {
    let Some(image) = image.filter(|_| !served.is_empty()) else { return DigestMatch::Unknown };
    let is_it = |content: &String| {
        let bare = content.rsplit_once('@').map_or(content.as_str(), |(_, digest)| digest);
        bare == image.id.0 || image.manifest_digest() == Some(bare)
    };
    if served.iter().all(is_it) { DigestMatch::Same } else { DigestMatch::Differs }
}

/// The changes of a plan as drift. A push changes nothing that runs.
fn drift_of(plan: &Plan, wanted: &dyn Fn(&Change) -> bool) -> Vec<Drift> {
    let changes = plan.changes.iter().filter(|change| change.address.target() != PUSH && wanted(change));
    changes
        .map(|change| Drift {
            address: change.address.clone(),
            action: change.action,
            reason: change.reason.clone(),
            fields: change.fields.clone(),
        })
        .collect()
}

impl StandingVerdict {
    /// The word shown to people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Drift => "drift",
            Self::Unhealthy => "unhealthy",
            Self::Absent => "absent",
            Self::Unknown => "unknown",
        }
    }
}

impl DigestMatch {
    /// The words shown to people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Same => "as desired",
            Self::Differs => "another",
            Self::Unknown => "not told",
        }
    }
}

#[cfg(test)]
#[path = "standing_tests.rs"]
mod tests;
