//! What is there: each service's app with its machines, read by its marks.
//!
//! Given: the environment's apps. Gives: [`Observed`]. An app whose machines bear our marks was set up whole, since they are made last:
//! of such an app only machines and secrets are read. Everything else is looked at where something is missing.

use std::collections::BTreeMap;

use dashdeploy_contract::{Address, ErrorKind, Observed, Resource, TargetError};
use futures_util::future::try_join_all;

use crate::api::Api;
use crate::config::{App, TARGET};
use crate::desired::{OWNER, owner};
use crate::health;
use crate::payload::{SeenApp, SeenMachine, SeenVolume};
use crate::wire::{Machine, Secret};

/// What was answered about an app.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answers {
    /// Its machines; none where there is no such app.
    pub(crate) machines: Option<Vec<Machine>>,
    /// Its secrets.
    pub(crate) secrets: Vec<Secret>,
    /// True where it is another organisation's.
    pub(crate) taken: bool,
    /// Its organisation, volumes and numbers of addresses, where they were looked at.
    pub(crate) org: Option<String>,
    pub(crate) volumes: Option<Vec<SeenVolume>>,
    pub(crate) ips: Option<(usize, usize)>,
    /// The state of the certificate, where there is a host name of the user's own.
    pub(crate) certificate: Option<String>,
}

/// Looks at all apps at the same time.
pub(crate) async fn observe(api: &Api, apps: &[App<'_>]) -> Result<Observed, TargetError> {
    let all = try_join_all(apps.iter().map(|app| async move {
        let answers = look(api, app).await?;
        Ok::<_, TargetError>(assemble(app, &answers))
    }));
    let mut resources: Vec<Resource> = all.await?.into_iter().flatten().collect();
    resources.sort_by(|one, other| one.address.cmp(&other.address));
    Ok(Observed { resources })
}

async fn look(api: &Api, app: &App<'_>) -> Result<Answers, TargetError> {
    let name = app.name();
    let (machines, secrets) = both(api.machines(&name), api.secrets(&name)).await;
    let mut answers = Answers::default();
    match (machines, secrets) {
        (Ok(machines), Ok(secrets)) => {
            answers.machines = machines;
            answers.secrets = secrets.unwrap_or_default().secrets;
        }
        // Fly.io says so of names of other organisations; whether it is that is told by the app itself.
        (Err(error), _) | (_, Err(error)) if error.kind == ErrorKind::Denied => match api.app(&name).await {
            Err(again) if again.kind == ErrorKind::Denied && again.message.contains("403") => {
                answers.taken = true
            }
            Err(again) => return Err(again),
            Ok(_) => return Err(error),
        },
        (Err(error), _) | (_, Err(error)) => return Err(error),
    }
    if answers.machines.is_some() && !is_set_up(app, &answers) {
        if let Some(found) = api.app(&name).await? {
            answers.org = Some(found.organization.slug);
        }
        let volumes = api.volumes(&name).await?.into_iter();
        let seen = volumes.map(|v| SeenVolume { id: v.id, name: v.name, region: v.region, size: v.size_gb });
        answers.volumes = Some(seen.collect());
        let ips = api.ips(&name).await?;
        let private =
            ips.iter().filter(|ip| !ip.shared && ip.ip.to_ascii_lowercase().starts_with("fd")).count();
        answers.ips = Some((ips.len() - private, private));
    }
    if let Some(host) = app.bound.domains.get(&app.service.name).filter(|_| answers.machines.is_some()) {
        answers.certificate = api.certificate(&name, host).await?.map(|found| found.words());
    }
    Ok(answers)
}

/// Both at once, without a runtime.
async fn both<A, B>(one: impl Future<Output = A>, other: impl Future<Output = B>) -> (A, B) {
    futures_util::future::join(one, other).await
}

/// True where our machines say that everything before them was made.
fn is_set_up(app: &App, answers: &Answers) -> bool {
    let machines = answers.machines.as_deref().unwrap_or_default();
    let mut there = machines.iter().filter(|machine| machine.is_there()).peekable();
    let complete = |machine: &Machine| {
        is_ours(app, machine)
            && machine.mark("dashdeploy_public") == Some(word(app.is_public()))
            && machine.mark("dashdeploy_private") == Some(word(app.is_private()))
    };
    there.peek().is_some() && there.all(complete)
}

/// A truth as machines' marks have it.
pub(crate) fn word(truth: bool) -> &'static str {
    if truth { "yes" } else { "no" }
}

/// True for a machine with our marks for this service.
pub(crate) fn is_ours(app: &App, machine: &Machine) -> bool {
    machine.mark("dashdeploy_project") == Some(app.bound.project.as_str())
        && machine.mark("dashdeploy_environment") == Some(app.bound.environment.as_str())
        && machine.mark("dashdeploy_service") == Some(app.service.name.as_str())
}

/// The resources of an app.
pub(crate) fn assemble(app: &App, answers: &Answers) -> Vec<Resource> {
    let name = app.name();
    let resource = |kind: &str| Resource {
        address: Address::new(TARGET, kind, app.service.name.as_str()),
        id: name.clone(),
        service: None,
        owned: false,
        adoptable: false,
        health: None,
        facts: BTreeMap::from([("app".to_owned(), name.clone())]),
        payload: serde_json::Value::Null,
    };
    if answers.taken {
        let mut taken = resource("app");
        taken.payload =
            SeenApp { app: name.clone(), org: Some("another organisation".to_owned()), ..SeenApp::default() }
                .json();
        return vec![taken];
    }
    let Some(machines) = &answers.machines else { return Vec::new() };
    let machines: Vec<Machine> = machines.iter().filter(|machine| machine.is_there()).cloned().collect();
    let seen = seen(app, answers, &machines);
    let owned = seen.marked || seen.empty;
    let mut whole = resource("app");
    (whole.owned, whole.adoptable) = (owned, !owned && in_our_organisation(app, answers));
    whole.payload = seen.json();
    let mut all = vec![whole];
    if !machines.is_empty() {
        let mut group = resource("machines");
        (group.owned, group.adoptable) = (owned, !owned && in_our_organisation(app, answers));
        group.service = owned.then(|| app.service.name.clone());
        group.health = owned.then(|| health::of(&machines));
        group.facts.extend(facts(app, &machines));
        group.id = machines.iter().map(|machine| machine.id.as_str()).collect::<Vec<_>>().join(" ");
        all.push(group);
    }
    if has_volume(&seen) {
        let mut volume = resource("volume");
        volume.owned = owned;
        all.push(volume);
    }
    all
}

fn in_our_organisation(app: &App, answers: &Answers) -> bool {
    app.option("org").is_none_or(|org| answers.org.as_deref() == Some(org))
}

pub(crate) fn has_volume(seen: &SeenApp) -> bool {
    seen.volumes.as_ref().is_some_and(|volumes| !volumes.is_empty())
        || seen.machines.iter().any(|machine| machine.volume().is_some())
}

fn seen(app: &App, answers: &Answers, machines: &[Machine]) -> SeenApp {
    let secrets: BTreeMap<String, String> =
        answers.secrets.iter().map(|secret| (secret.name.clone(), secret.digest.clone())).collect();
    let none = |count: Option<usize>| count == Some(0);
    let volumes = answers.volumes.as_ref().map(Vec::len);
    let ips = answers.ips.map(|(public, private)| public + private);
    SeenApp {
        app: app.name(),
        marked: secrets.contains_key(&owner(app)),
        empty: machines.is_empty()
            && secrets.is_empty()
            && none(volumes)
            && none(ips)
            && in_our_organisation(app, answers),
        org: answers.org.clone(),
        secrets: secrets.into_iter().filter(|(name, _)| !name.starts_with(OWNER)).collect(),
        volumes: answers.volumes.clone(),
        ips: answers.ips,
        certificate: answers.certificate.clone(),
        machines: machines.iter().map(|machine| seen_machine(app, machine)).collect(),
    }
}

fn seen_machine(app: &App, machine: &Machine) -> SeenMachine {
    SeenMachine {
        id: machine.id.clone(),
        name: machine.name.clone(),
        state: machine.state.clone(),
        region: machine.region.clone(),
        ours: is_ours(app, machine),
        config: machine.config.clone().unwrap_or_default(),
    }
}

fn facts(app: &App, machines: &[Machine]) -> Vec<(String, String)> {
    let current = health::current(machines);
    let Some(first) = current.first() else { return Vec::new() };
    let image = &first.image_ref;
    let mark = |name: &str| first.mark(name).map(str::to_owned);
    let found = [
        ("url", app.is_public().then(|| format!("https://{}.fly.dev", app.name()))),
        (
            "image",
            image.digest.as_ref().map(|digest| format!("{}/{}@{digest}", image.registry, image.repository)),
        ),
        ("digest", image.digest.clone()),
        ("image_id", mark("dashdeploy_image")),
        ("release", mark("dashdeploy_release")),
        ("region", Some(first.region.clone())),
        ("status", Some(format!("{} of {} {}", current.len(), machines.len(), first.state))),
    ];
    found.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}
