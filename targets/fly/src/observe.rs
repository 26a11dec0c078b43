//! What is at Fly.io for one environment: apps under the names that ours have, whosever they are, and what is in them.
//!
//! Given: the API. Gives: an [`Observed`] in a stable order. Two reads a service where nothing is to be done: its machines and
//! its secrets, whose marks say that addresses, volume and host name were set up for just what dashdeploy.yaml says. Those are
//! read where the marks say something else. A deploy needs one read alone of a service that has no secrets and never had. [`assemble`] is pure. Deliberately absent: apps of services that dashdeploy.yaml
//! does not name any more, and apps under a former name: Fly.io has no way to ask for apps by a mark.

use std::collections::BTreeMap;

use dashdeploy_contract::{Address, Bound, Descriptor, KEPT, KeptSecret, Observed, Resource, TargetError};
use futures_util::future::{try_join, try_join_all, try_join3};
use serde_json::Value;

use crate::api::Api;
use crate::config::{App, TARGET};
use crate::desired::setup;
use crate::payload::{Holdings, SeenApp, SeenMachine, SeenVolume, Standing};
use crate::wire::{Ip, Machine, Named, Volume};
use crate::{health, marks};

/// Fly.io's answers about one app.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answers {
    /// How it stands to us.
    pub(crate) standing: Standing,
    /// Its organisation, where that was looked at.
    pub(crate) org: Option<String>,
    /// Its machines.
    pub(crate) machines: Vec<Machine>,
    /// Fly's digests of its secrets.
    pub(crate) secrets: BTreeMap<String, String>,
    /// What else it has, where that was looked at.
    pub(crate) holdings: Option<Holdings>,
}

/// Asks Fly.io and puts the answers together.
pub(crate) async fn observe(
    api: &Api,
    descriptor: &Descriptor,
    bound: &Bound,
) -> Result<Observed, TargetError> {
    let apps = App::all(descriptor, bound);
    let answers = try_join_all(apps.iter().map(|app| ask(api, app, Secrets::All))).await?;
    Ok(observed(&apps, &answers, api.clock.now()))
}

/// The same with the secrets that are kept, for a deploy.
pub(crate) async fn look(
    api: &Api,
    descriptor: &Descriptor,
    bound: &Bound,
) -> Result<(Observed, Vec<KeptSecret>), TargetError> {
    let apps = App::all(descriptor, bound);
    let answers = try_join_all(apps.iter().map(|app| ask(api, app, Secrets::InUse))).await?;
    let found = apps.iter().zip(&answers).filter_map(|(app, answers)| Some((app, answers.as_ref()?)));
    let kept = found.flat_map(|(app, answers)| kept(app, &answers.machines, &answers.secrets)).collect();
    Ok((observed(&apps, &answers, api.clock.now()), kept))
}

fn observed(apps: &[App], answers: &[Option<Answers>], now: i64) -> Observed {
    let found = apps.iter().zip(answers).filter_map(|(app, answers)| Some((app, answers.as_ref()?)));
    let mut resources: Vec<Resource> = found.flat_map(|(app, answers)| assemble(app, answers, now)).collect();
    resources.sort_by(|one, other| one.address.cmp(&other.address));
    Observed { resources }
}

/// The secrets that an app keeps, and whether its machines were started with them.
pub(crate) fn kept(app: &App, machines: &[Machine], digests: &BTreeMap<String, String>) -> Vec<KeptSecret> {
    let ours = machines.iter().filter(|machine| marks::are_ours(app, |mark| machine.mark(mark)));
    let ours: Vec<Machine> = ours.cloned().collect();
    let started: Vec<_> = health::current(&ours).into_iter().map(SeenMachine::of).collect();
    let known = digests.iter().filter(|(variable, _)| !variable.starts_with(marks::OWNER));
    let kept = known.map(|(variable, digest)| {
        let had: Vec<_> = started.iter().map(|machine| machine.secrets().remove(variable)).collect();
        let same = |had: &Option<(String, String)>| had.as_ref().is_some_and(|(_, at)| at == digest);
        let in_use = !had.is_empty() && had.iter().all(same);
        // Fly's digest says that the value is still the one whose fingerprint the mark has.
        let print = had.into_iter().flatten().find(|(_, at)| at == digest).map(|(print, _)| print);
        let fingerprint = print.filter(|print| print != KEPT);
        KeptSecret { service: app.service.name.clone(), variable: variable.clone(), fingerprint, in_use }
    });
    kept.collect()
}

/// Which secrets are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Secrets {
    /// Whatever the app has.
    All,
    /// None of an app whose service has none and whose machines were started with none.
    InUse,
}

/// What is said of one app; none where nobody has its name.
async fn ask(api: &Api, app: &App<'_>, wanted: Secrets) -> Result<Option<Answers>, TargetError> {
    let name = app.name();
    let (machines, secrets) = if wanted == Secrets::All || !app.service.secrets.is_empty() {
        try_join(api.machines(&name), api.secrets(&name, None)).await?
    } else {
        let machines = api.machines(&name).await?;
        let need = machines.as_deref().is_some_and(|all| !have_none(app, all));
        let secrets = if need { api.secrets(&name, None).await? } else { None };
        (machines, secrets)
    };
    let known = machines.is_some() || secrets.is_some();
    let machines = machines.unwrap_or_default();
    let secrets = secrets.unwrap_or_default().digests();
    let ours = |machine: &&Machine| marks::are_ours(app, |mark| machine.mark(mark));
    let mut answers = Answers { machines, secrets, ..Answers::default() };
    if known
        && (answers.secrets.contains_key(&marks::owner(app)) || answers.machines.iter().any(|m| ours(&m)))
    {
        let setup = setup(app);
        let mut all = answers.machines.iter().filter(ours).peekable();
        let is_set_up = all.peek().is_some() && all.all(|machine| machine.mark(marks::SETUP) == Some(&setup));
        answers.holdings = if is_set_up { None } else { Some(holdings(api, app).await?) };
        return Ok(Some(answers));
    }
    match api.app(&name).await? {
        Named::Free => return Ok(None),
        Named::Elsewhere => answers.standing = Standing::Elsewhere,
        // It has no list of machines yet: a moment ago it was made.
        Named::Here(_) if wanted == Secrets::InUse => return Box::pin(ask(api, app, Secrets::All)).await,
        Named::Here(found) => {
            let holdings = holdings(api, app).await?;
            let slug = found.organization.slug;
            answers.standing = standing(app, &slug, &answers, &holdings);
            answers.org = Some(slug);
            answers.holdings = Some(holdings);
        }
    }
    Ok(Some(answers))
}

/// True where machines are there that say that the app is ours and has no secret.
fn have_none(app: &App, machines: &[Machine]) -> bool {
    let bare = |machine: &Machine| {
        marks::are_ours(app, |mark| machine.mark(mark))
            && SeenMachine::of(machine).secrets().is_empty()
            && machine.mark(marks::UNSET).is_none()
    };
    !machines.is_empty() && machines.iter().all(bare)
}

/// How an app without our mark stands to us.
pub(crate) fn standing(app: &App, org: &str, answers: &Answers, holdings: &Holdings) -> Standing {
    let here = app.option("org").is_none_or(|wanted| org.is_empty() || wanted == org);
    let has_addresses = holdings.private || holdings.public != (0, 0);
    let is_empty = answers.machines.is_empty()
        && answers.secrets.is_empty()
        && holdings.volumes.is_empty()
        && !has_addresses;
    match (here, is_empty) {
        (false, _) => Standing::Elsewhere,
        (true, true) => Standing::Empty,
        (true, false) if answers.secrets.keys().any(|name| name.starts_with(marks::OWNER)) => Standing::Other,
        (true, false) => Standing::Unmarked,
    }
}

async fn holdings(api: &Api, app: &App<'_>) -> Result<Holdings, TargetError> {
    let name = app.name();
    let domain = app.bound.domains.get(&app.service.name);
    let certificate = async {
        match domain {
            Some(host) => api.certificate(&name, host).await,
            None => Ok(None),
        }
    };
    let (volumes, ips, certificate) = try_join3(api.volumes(&name), api.ips(&name), certificate).await?;
    Ok(Holdings {
        volumes: volumes.into_iter().map(seen_volume).collect(),
        private: ips.iter().any(Ip::is_private),
        public: public(&ips),
        certificate: certificate.map(|certificate| certificate.words()),
    })
}

/// How many public addresses of version 6 and of version 4 there are.
pub(crate) fn public(ips: &[Ip]) -> (usize, usize) {
    let open = ips.iter().filter(|ip| !ip.is_private());
    let (six, four): (Vec<&Ip>, Vec<&Ip>) = open.partition(|ip| ip.ip.contains(':'));
    (six.len(), four.len())
}

fn seen_volume(volume: Volume) -> SeenVolume {
    SeenVolume {
        id: volume.id,
        name: volume.name,
        region: volume.region,
        size: Some(volume.size_gb),
        snapshots: volume.snapshot_retention,
    }
}

/// The resources that follow from the answers about one app.
pub(crate) fn assemble(app: &App, answers: &Answers, now: i64) -> Vec<Resource> {
    let seen = seen(app, answers);
    let owned = matches!(seen.standing, Standing::Marked | Standing::Empty);
    let adoptable = seen.standing == Standing::Unmarked;
    let resource = |kind: &str, id: String, payload: Value| Resource {
        address: Address::new(TARGET, kind, app.service.name.as_str()),
        id,
        service: owned.then(|| app.service.name.clone()),
        owned,
        adoptable,
        health: None,
        facts: BTreeMap::new(),
        payload,
    };
    let mut resources = vec![resource("app", seen.app.clone(), seen.json())];
    resources[0].facts = app_facts(app, &seen);
    let volumes = seen.volumes();
    if let Some(first) = volumes.first() {
        let mut volume = resource("volume", first.id.clone(), Value::Null);
        volume.facts.insert("name".to_owned(), first.name.clone());
        volume.facts.insert("region".to_owned(), first.region.clone());
        volume.facts.extend(first.size.map(|size| ("size".to_owned(), format!("{size} GB"))));
        resources.push(volume);
    }
    let ours = |machine: &&Machine| adoptable || marks::are_ours(app, |mark| machine.mark(mark));
    let machines: Vec<Machine> = answers.machines.iter().filter(ours).cloned().collect();
    if !machines.is_empty() {
        let ids: Vec<&str> = machines.iter().map(|machine| machine.id.as_str()).collect();
        let mut all = resource("machines", ids.join(","), Value::Null);
        all.health = owned.then(|| health::of(&machines, now));
        all.facts = machine_facts(app, &machines);
        resources.push(all);
    }
    resources
}

fn seen(app: &App, answers: &Answers) -> SeenApp {
    let machines = answers.machines.iter().map(|machine| seen_machine(app, machine));
    SeenApp {
        app: app.name(),
        standing: answers.standing,
        org: answers.org.clone(),
        secrets: answers.secrets.clone(),
        holdings: answers.holdings.clone(),
        machines: machines.collect(),
    }
}

fn seen_machine(app: &App, machine: &Machine) -> SeenMachine {
    let mut seen = SeenMachine::of(machine);
    seen.ours = marks::are_ours(app, |mark| machine.mark(mark));
    // Whoever made it by hand may have written into its variables what the project keeps as a secret.
    let ours = seen.ours;
    if let Some(env) = seen.config.get_mut("env").and_then(Value::as_object_mut) {
        env.retain(|name, _| ours || !app.service.secrets.contains_key(name));
    }
    seen
}

fn app_facts(app: &App, seen: &SeenApp) -> BTreeMap<String, String> {
    let org = seen.org.clone().map(|org| ("organisation", org));
    let certificate = seen.holdings.as_ref().and_then(|holdings| holdings.certificate.clone());
    let url = app.is_public().then(|| ("url", format!("https://{}.fly.dev", app.name())));
    let facts = [org, certificate.map(|state| ("certificate", state)), url, Some(("name", seen.app.clone()))];
    facts.into_iter().flatten().map(|(name, fact)| (name.to_owned(), fact)).collect()
}

fn machine_facts(app: &App, machines: &[Machine]) -> BTreeMap<String, String> {
    let current = health::current(machines);
    let each = |of: &dyn Fn(&Machine) -> Option<String>| {
        let mut all: Vec<String> = current.iter().filter_map(|machine| of(machine)).collect();
        all.sort();
        all.dedup();
        (!all.is_empty()).then(|| all.join(", "))
    };
    let mark = |mark: &'static str| move |machine: &Machine| machine.mark(mark).map(str::to_owned);
    let image = |machine: &Machine| Some(machine.known_config()?.get("image")?.as_str()?.to_owned());
    let facts = [
        ("url", app.is_public().then(|| format!("https://{}.fly.dev", app.name()))),
        ("image", each(&image)),
        ("image_digest", each(&|machine| machine.image_ref.digest.clone())),
        ("machines", Some(current.len().to_string())),
        ("region", each(&|machine| Some(machine.region.clone()))),
        ("state", each(&|machine| Some(machine.state.clone()))),
        ("release", each(&mark(marks::RELEASE)).map(|number| format!("r{number}"))),
    ];
    facts.into_iter().filter_map(|(name, fact)| Some((name.to_owned(), fact?))).collect()
}
