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
use crate::mark::{Deployed, MARK, mark};
use crate::payload::{Current, FormerSite, Seen, SeenDisk};
use crate::plan::kept;
use crate::registry::{self, Pull};
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
pub(crate) async fn observe(api: &Api, place: &Place<'_>, has_login: bool) -> Result<Observed, TargetError> {
    let services: Vec<&Service> = place.services().collect();
    let workspaces: BTreeSet<Option<&str>> =
        services.iter().map(|service| place.option(service, "workspace")).collect();
    let mut resources = Vec::new();
    for workspace in workspaces {
        let here: Vec<&Service> = services
            .iter()
            .copied()
            .filter(|service| place.option(service, "workspace") == workspace)
            .collect();
        let names: Vec<String> = here.iter().map(|service| place.name(service)).collect();
        let owner = api.workspace(workspace).await?;
        if has_login {
            resources.extend(credentials(api, place, &here, &owner).await?);
        }
        let found = api.services(&names, &owner).await?;
        let looking = here.iter().zip(&names).filter_map(|(service, name)| {
            let there = found.iter().find(|there| there.name == *name)?;
            Some(look(api, place, service, there))
        });
        resources.extend(try_join_all(looking).await?.into_iter().flatten());
    }
    resources.sort_by(|one, other| one.address.cmp(&other.address));
    Ok(Observed { resources })
}

/// The registry credentials that this run may keep by its login: one that is not there yet has no id.
async fn credentials(
    api: &Api,
    place: &Place<'_>,
    services: &[&Service],
    owner: &str,
) -> Result<Vec<Resource>, TargetError> {
    let pulls: BTreeSet<Pull> =
        services.iter().filter_map(|service| registry::pull(place, service)).collect();
    let mut all = Vec::new();
    for pull in pulls {
        let there = api.credential(&pull.name, owner).await?;
        all.push(Resource {
            address: kept(&pull),
            id: there.map(|there| there.id).unwrap_or_default(),
            service: None,
            owned: true,
            adoptable: false,
            health: None,
            facts: BTreeMap::new(),
            payload: serde_json::Value::Null,
        });
    }
    Ok(all)
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
    let told = |name: &str| seen.env.get(&mark(name)).map(String::as_str);
    let owned = told("PROJECT") == Some(place.bound.project.as_str())
        && told("ENVIRONMENT") == Some(place.bound.environment.as_str())
        && told("SERVICE") == Some(service.name.as_str());
    let resource = |kind: &str, id: &str| Resource {
        address: Address::new(TARGET, kind, service.name.as_str()),
        id: id.to_owned(),
        service: None,
        owned,
        adoptable: !owned && told("PROJECT").is_none(),
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
    whole.health = owned.then(|| standing(&answers.service, &answers.deploys));
    whole.facts = facts(answers, &seen);
    whole.payload = seen.json();
    all.push(whole);
    all
}

fn seen(place: &Place, service: &Service, answers: &Answers) -> Seen {
    let there = &answers.service;
    let details = &there.service_details;
    let (env, secrets, others) = variables(place, service, &answers.variables);
    let live = answers.deploys.iter().find(|deploy| deploy.status == "live");
    let scales = details.autoscaling.as_ref().is_some_and(|scaling| scaling.enabled);
    let text = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    Seen {
        id: there.id.clone(),
        name: there.name.clone(),
        slug: there.slug.clone(),
        kind: there.kind.clone(),
        suspended: there.suspended == "suspended",
        suspenders: there.suspenders.clone(),
        region: details.region.clone(),
        plan: details.plan.clone(),
        instances: details.num_instances.filter(|_| !scales),
        runtime: details.runtime.clone(),
        automatic: there.auto_deploy == "yes",
        credential: there.registry_credential.as_ref().map(|known| (known.id.clone(), known.name.clone())),
        shutdown: details.max_shutdown_delay_seconds,
        site: site(there),
        health: text(&details.health_check_path),
        command: text(&details.env_specific_details.docker_command),
        disk: disk(details),
        set_image: text(&there.image_path),
        current: current(&env, &answers.deploys),
        env,
        secrets,
        others,
        status: newest(&answers.deploys).map(|deploy| deploy.status.clone()),
        live_image: live.and_then(wire::Deploy::pinned),
        live_commit: live.and_then(|deploy| deploy.commit.id.clone()),
        domain: answers.domains.as_ref().map(|domains| {
            let own = place.bound.domains.get(&service.name);
            domains.iter().any(|domain| Some(&domain.name) == own)
        }),
    }
}

fn disk(details: &wire::Details) -> Option<SeenDisk> {
    let disk = details.disk.as_ref().filter(|disk| !disk.id.is_empty())?;
    Some(SeenDisk { id: disk.id.clone(), size: disk.size_gb, path: disk.mount_path.clone() })
}

fn site(there: &wire::Service) -> Option<FormerSite> {
    let details = &there.service_details;
    Some(FormerSite {
        repo: there.repo.clone()?,
        branch: there.branch.clone(),
        root: there.root_dir.clone().unwrap_or_default(),
        build: details.build_command.clone().unwrap_or_default(),
        publish: details.publish_path.clone().unwrap_or_default(),
    })
}

/// The newest deploy that counts. One that was superseded says nothing.
fn newest(deploys: &[wire::Deploy]) -> Option<&wire::Deploy> {
    deploys.iter().find(|deploy| deploy.status != "deactivated")
}

fn current(env: &BTreeMap<String, String>, deploys: &[wire::Deploy]) -> Option<Current> {
    let (at, found) =
        deploys.iter().enumerate().find(|(_, deploy)| deploy.status == "live" || deploy.is_under_way())?;
    let after = Deployed::among(env).map(|mark| mark.after);
    let is_marked = after.is_some_and(|after| {
        // One that is no longer among the newest is older than all of them.
        after
            .is_none_or(|id| deploys.iter().position(|deploy| deploy.id == id).is_none_or(|older| at < older))
    });
    Some(Current {
        image: found.image.reference.clone(),
        digest: found.digest(),
        commit: found.commit.id.clone(),
        under_way: found.is_under_way(),
        is_marked,
    })
}

type Variables = (BTreeMap<String, String>, BTreeMap<String, String>, Vec<String>);

/// Plain variables, fingerprints of secrets, names of others. A name that was ever set as a secret stays one: a mark says so.
fn variables(place: &Place, service: &Service, all: &[wire::Variable]) -> Variables {
    let bound = place.bound;
    let listed = all.iter().find(|variable| variable.key == mark("SECRETS"));
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

/// How a service stands as a whole: a deploy that failed leaves the former one serving
/// (<https://render.com/docs/deploys>), unless that had to stop for the sake of a disk.
pub(crate) fn standing(service: &wire::Service, deploys: &[wire::Deploy]) -> Health {
    let counts = |deploy: &wire::Deploy| deploy.status == "live" || deploy.is_under_way();
    let from = deploys.iter().position(counts).filter(|_| service.service_details.disk.is_none());
    health(service, &deploys[from.unwrap_or(0)..])
}

/// How the newest deploy of a service went: what decides over it.
pub(crate) fn health(service: &wire::Service, deploys: &[wire::Deploy]) -> Health {
    if service.suspended == "suspended" {
        return Health::Unhealthy { detail: suspended(&service.suspenders) };
    }
    let Some(newest) = newest(deploys) else { return Health::Absent };
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

/// Why a service is suspended, in words. One that its user or we suspended is resumed by a deploy; the others are Render's own doing
/// (`suspenders` of <https://api-docs.render.com/reference/retrieve-service>).
pub(crate) fn suspended(by: &[String]) -> String {
    let others: Vec<&str> = by.iter().map(String::as_str).filter(|by| *by != "user").collect();
    if others.is_empty() {
        return "it is suspended: a deploy resumes it".to_owned();
    }
    format!("Render suspended it ({}): its dashboard says why", others.join(", "))
}

fn facts(answers: &Answers, seen: &Seen) -> BTreeMap<String, String> {
    let live = answers.deploys.iter().find(|deploy| deploy.status == "live");
    // The mark is written before its deploy is asked for: what runs is of it once there is one.
    let begun = seen.current.as_ref().is_some_and(|current| current.is_marked);
    let mark = Deployed::among(&seen.env).filter(|_| begun).unwrap_or_default();
    let image = seen.runtime.is_some().then_some(mark.content).filter(|image| !image.is_empty());
    let url = answers.service.service_details.url.clone().filter(|url| url.starts_with("https://"));
    let found = [
        ("url", url),
        ("image", live.and_then(|deploy| deploy.image.reference.clone())),
        ("digest", live.and_then(wire::Deploy::digest)),
        ("commit", seen.live_commit.clone()),
        ("image_id", image),
        ("release", mark.release.map(|number| number.to_string())),
        ("region", seen.region.clone()),
        ("status", seen.status.clone()),
        ("dashboard", Some(answers.service.dashboard_url.clone()).filter(|url| !url.is_empty())),
    ];
    found.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}
