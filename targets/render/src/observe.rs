//! What is there: each service with its variables and newest deploys.
//!
//! Given: the environment's services. Gives: [`Observed`]. Ownership is told by marks among the variables, since services have no
//! labels. One list of services, then two reads of each. Values of variables that are secrets, or that nobody here knows, become
//! fingerprints or names at once.

use std::collections::{BTreeMap, BTreeSet};

use dashdeploy_contract::{Address, Health, Observed, Resource, Service, TargetError, fingerprint};
use futures_util::future::{try_join, try_join_all};

use crate::api::Api;
use crate::config::{Place, TARGET};
use crate::desired::MARK;
use crate::payload::{Seen, SeenDisk};
use crate::wire;

/// What was answered about a service.
#[derive(Clone, Default)]
pub(crate) struct Answers {
    pub(crate) service: wire::Service,
    pub(crate) variables: Vec<wire::Variable>,
    pub(crate) deploys: Vec<wire::Deploy>,
    pub(crate) domains: Option<Vec<wire::Domain>>,
}

/// Looks at all services.
pub(crate) async fn observe(api: &Api, place: &Place<'_>) -> Result<Observed, TargetError> {
    let services: Vec<&Service> = place.services().collect();
    let Some(first) = services.first() else { return Ok(Observed::default()) };
    let owner = api.workspace(place.option(first, "workspace")).await?;
    let names: Vec<String> = services.iter().map(|service| place.name(service)).collect();
    let found = api.services(&names, &owner).await?;
    let looking = services.iter().zip(&names).filter_map(|(service, name)| {
        let there = found.iter().find(|there| there.name == *name)?;
        Some(look(api, place, service, there))
    });
    let mut resources: Vec<Resource> = try_join_all(looking).await?.into_iter().flatten().collect();
    resources.sort_by(|one, other| one.address.cmp(&other.address));
    Ok(Observed { resources })
}

async fn look(
    api: &Api,
    place: &Place<'_>,
    service: &Service,
    there: &wire::Service,
) -> Result<Vec<Resource>, TargetError> {
    let (variables, deploys) = try_join(api.variables(&there.id), api.deploys(&there.id)).await?;
    let domains = match place.bound.domains.contains_key(&service.name) {
        true => Some(api.domains(&there.id).await?),
        false => None,
    };
    Ok(assemble(place, service, &Answers { service: there.clone(), variables, deploys, domains }))
}

/// The resources of a service: itself, and its disk.
pub(crate) fn assemble(place: &Place, service: &Service, answers: &Answers) -> Vec<Resource> {
    let seen = seen(place, service, answers);
    let mark = |name: &str| seen.env.get(&format!("{MARK}{name}")).map(String::as_str);
    let owned = mark("PROJECT") == Some(place.bound.project.as_str())
        && mark("ENVIRONMENT") == Some(place.bound.environment.as_str())
        && mark("SERVICE") == Some(service.name.as_str());
    let resource = |kind: &str, id: &str| Resource {
        address: Address::new(TARGET, kind, service.name.as_str()),
        id: id.to_owned(),
        service: None,
        owned,
        adoptable: !owned && mark("PROJECT").is_none(),
        health: None,
        facts: BTreeMap::new(),
        payload: serde_json::Value::Null,
    };
    let mut all = Vec::new();
    if let Some(disk) = &seen.disk {
        all.push(resource("disk", &disk.id));
    }
    let mut whole = resource("service", &seen.id);
    whole.service = owned.then(|| service.name.clone());
    whole.health = owned.then(|| health(&answers.service, &answers.deploys));
    whole.facts = facts(answers, &seen);
    whole.payload = seen.json();
    all.push(whole);
    all
}

fn seen(place: &Place, service: &Service, answers: &Answers) -> Seen {
    let there = &answers.service;
    let details = &there.service_details;
    let (env, secrets, others) = variables(place, service, &answers.variables);
    let newest = answers.deploys.first();
    let counts = answers.deploys.iter().find(|deploy| deploy.status == "live" || deploy.is_under_way());
    let text = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    Seen {
        id: there.id.clone(),
        name: there.name.clone(),
        kind: there.kind.clone(),
        suspended: there.suspended == "suspended",
        region: details.region.clone(),
        plan: details.plan.clone(),
        instances: details.num_instances,
        health: text(&details.health_check_path),
        command: text(&details.env_specific_details.docker_command),
        disk: details.disk.as_ref().filter(|disk| !disk.id.is_empty()).map(|disk| SeenDisk {
            id: disk.id.clone(),
            size: disk.size_gb,
            path: disk.mount_path.clone(),
        }),
        env,
        secrets,
        others,
        status: newest.map(|deploy| deploy.status.clone()),
        image: counts.and_then(|deploy| deploy.image.reference.clone()),
        commit: counts.and_then(|deploy| deploy.commit.id.clone()),
        domain: answers.domains.as_ref().map(|domains| {
            let own = place.bound.domains.get(&service.name);
            domains.iter().any(|domain| Some(&domain.name) == own)
        }),
    }
}

type Variables = (BTreeMap<String, String>, BTreeMap<String, String>, Vec<String>);

/// Plain variables, fingerprints of secrets, names of others. A name that was ever set as a secret stays one: a mark says so.
fn variables(place: &Place, service: &Service, all: &[wire::Variable]) -> Variables {
    let bound = place.bound;
    let listed = all.iter().find(|variable| variable.key == format!("{MARK}SECRETS"));
    let were: BTreeSet<&str> = listed.map(|list| list.value.split(',').collect()).unwrap_or_default();
    let (mut env, mut secrets, mut others) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
    for variable in all {
        let key = variable.key.as_str();
        if key.starts_with(MARK) {
            env.insert(key.to_owned(), variable.value.clone());
        } else if service.secrets.contains_key(key) || were.contains(key) {
            let print = fingerprint(&bound.project, &bound.environment, key, &variable.value);
            secrets.insert(key.to_owned(), print);
        } else if service.env.contains_key(key) || key == "PORT" {
            env.insert(key.to_owned(), variable.value.clone());
        } else {
            others.push(key.to_owned());
        }
    }
    others.sort();
    (env, secrets, others)
}

/// How a service is, by its newest deploys.
pub(crate) fn health(service: &wire::Service, deploys: &[wire::Deploy]) -> Health {
    if service.suspended == "suspended" {
        return Health::Unhealthy { detail: "it is suspended: a deploy resumes it".to_owned() };
    }
    let Some(newest) = deploys.iter().find(|deploy| deploy.status != "deactivated") else {
        return Health::Absent;
    };
    match newest.status.as_str() {
        "live" if service.service_details.health_check_path.as_deref().is_none_or(str::is_empty) => {
            Health::Running
        }
        "live" => Health::Healthy,
        _ if newest.is_under_way() => Health::Starting,
        "canceled" => Health::Unhealthy { detail: format!("its deploy {} was cancelled", newest.id) },
        status => Health::Unhealthy { detail: format!("its deploy {} ended as {status}", newest.id) },
    }
}

fn facts(answers: &Answers, seen: &Seen) -> BTreeMap<String, String> {
    let live = answers.deploys.iter().find(|deploy| deploy.status == "live");
    let mark = |name: &str| seen.env.get(&format!("{MARK}{name}")).cloned();
    let url = answers.service.service_details.url.clone().filter(|url| url.starts_with("https://"));
    let found = [
        ("url", url),
        ("image", live.and_then(|deploy| deploy.image.reference.clone())),
        ("digest", live.and_then(wire::Deploy::digest)),
        (
            "image_id",
            mark("DEPLOYED").and_then(|text| text.split_once(' ').map(|(_, image)| image.to_owned())),
        ),
        ("release", mark("RELEASE")),
        ("region", seen.region.clone()),
        ("status", seen.status.clone()),
        ("dashboard", Some(answers.service.dashboard_url.clone()).filter(|url| !url.is_empty())),
    ];
    found.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}
