//! What is on the engine for one environment: ours by marks, Compose's by its labels, and whatever holds a name we need.
//!
//! Given: an engine. Gives: an [`Observed`] in a stable order. Three rounds of calls, each in parallel: lists, inspections,
//! images. [`assemble`] is pure, so that it can be tested without an engine. No secret's value leaves this room.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bollard::models::{ContainerInspectResponse, ContainerSummary, ImageInspect, NetworkInspect, Volume};
use dashdeploy_contract::{Address, Name, Observed, Resource, TargetError, labels, ownership_marks};
use futures_util::future::try_join_all;

use crate::api::{Engine, Filters, labelled};
use crate::config::{Stack, TARGET, compose, url};
use crate::health;
use crate::inspected::{Scope, facts};
use crate::payload::{Part, Seen, SeenContainer};

/// The engine's answers about one environment.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    pub(crate) containers: Vec<ContainerInspectResponse>,
    /// By id.
    pub(crate) images: HashMap<String, ImageInspect>,
    pub(crate) networks: Vec<NetworkInspect>,
    pub(crate) volumes: Vec<Volume>,
}

/// Asks the engine and puts the answers together.
pub(crate) async fn observe(engine: &Engine, stack: &Stack<'_>) -> Result<Observed, TargetError> {
    let network = stack.network();
    let (listed, networks, volumes) =
        tokio::try_join!(listed(engine, stack), engine.networks(&network), volumes(engine, stack))?;
    let ids: BTreeSet<&String> = listed.iter().filter_map(|summary| summary.id.as_ref()).collect();
    let images: BTreeSet<&String> = listed.iter().filter_map(|summary| summary.image_id.as_ref()).collect();
    let containers = try_join_all(ids.into_iter().map(|id| engine.container(id)));
    let images = try_join_all(images.into_iter().map(|id| engine.image(id)));
    let (containers, images) = tokio::try_join!(containers, images)?;
    let answers = Answers {
        // What vanished between list and inspection is not there.
        containers: containers.into_iter().flatten().collect(),
        images: images.into_iter().flatten().filter_map(|image| Some((image.id.clone()?, image))).collect(),
        networks,
        volumes,
    };
    Ok(assemble(stack, &answers))
}

async fn listed(engine: &Engine, stack: &Stack<'_>) -> Result<Vec<ContainerSummary>, TargetError> {
    let marked = labelled(ownership_marks(stack.bound, None));
    let composed = labelled([(compose::PROJECT.to_owned(), stack.name.clone())]);
    let services = stack.services();
    let names = services.iter().flat_map(|s| [stack.container(&s.name), stack.former(&s.name)]);
    let names: Vec<String> = names.map(|name| format!("^/{name}$")).collect();
    let named = async {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        engine.containers(&Filters::from([("name".to_owned(), names)])).await
    };
    let (marked, composed, named) =
        tokio::try_join!(engine.containers(&marked), engine.containers(&composed), named)?;
    Ok(marked.into_iter().chain(composed).chain(named).collect())
}

async fn volumes(engine: &Engine, stack: &Stack<'_>) -> Result<Vec<Volume>, TargetError> {
    let marked = labelled(ownership_marks(stack.bound, None));
    let composed = labelled([(compose::PROJECT.to_owned(), stack.name.clone())]);
    let services = stack.services();
    let used: BTreeSet<String> =
        services.iter().flat_map(|s| s.volumes.keys()).map(|volume| stack.volume(volume)).collect();
    let named = try_join_all(used.iter().map(|name| engine.volume(name)));
    let (marked, composed, named) =
        tokio::try_join!(engine.volumes(&marked), engine.volumes(&composed), named)?;
    let all = marked.into_iter().chain(composed).chain(named.into_iter().flatten());
    let by_name: BTreeMap<String, Volume> = all.map(|volume| (volume.name.clone(), volume)).collect();
    Ok(by_name.into_values().collect())
}

/// The observation that follows from the engine's answers.
pub(crate) fn assemble(stack: &Stack, answers: &Answers) -> Observed {
    let ours = |network: &&NetworkInspect| owned_network(stack, network);
    let network = answers.networks.iter().filter(ours).find_map(|network| network.id.as_deref());
    let containers = answers.containers.iter().map(|found| container(stack, network, answers, found));
    let mut by_use: Vec<&NetworkInspect> = answers.networks.iter().collect();
    by_use.sort_by_key(|found| (found.containers.iter().flatten().next().is_none(), found.id.clone()));
    let networks = by_use.into_iter().enumerate().map(|(at, found)| network_of(stack, at, answers, found));
    let volumes = answers.volumes.iter().filter_map(|found| volume(stack, found));
    let mut resources: Vec<Resource> = containers.chain(networks).chain(volumes).collect();
    resources.sort_by(|one, other| one.address.cmp(&other.address));
    Observed { resources }
}

fn label<'l>(labels: Option<&'l HashMap<String, String>>, label: &str) -> Option<&'l str> {
    labels?.get(label).map(String::as_str)
}

fn name_of(container: &ContainerInspectResponse) -> &str {
    container.name.as_deref().unwrap_or_default().trim_start_matches('/')
}

fn container(
    stack: &Stack,
    network: Option<&str>,
    answers: &Answers,
    found: &ContainerInspectResponse,
) -> Resource {
    let labels_of = found.config.as_ref().and_then(|config| config.labels.as_ref());
    let owned = stack.marked(|mark| label(labels_of, mark));
    let name = name_of(found).to_owned();
    let marked = label(labels_of, labels::SERVICE).and_then(|service| Name::parse(service).ok());
    let named = stack
        .bound
        .services
        .keys()
        .find(|service| name == stack.container(service) || name == stack.former(service));
    let service = marked.filter(|_| owned).or_else(|| named.cloned());
    let part = part(stack, service.as_ref(), &name, label(labels_of, compose::ONE_OFF));
    let image =
        found.image.as_ref().and_then(|id| answers.images.get(id)).and_then(|image| image.config.as_ref());
    let known = service.as_ref().and_then(|service| stack.bound.services.get(service));
    let state = found.state.as_ref().and_then(|state| state.status).map(|status| status.to_string());
    let shown = display(found, &name);
    let seen = SeenContainer {
        facts: facts(&Scope { stack, service: known, network }, found, image),
        name: name.clone(),
        part,
        state: state.unwrap_or_default(),
        serves: health::of(Some(found)).is_serving(),
        project: label(labels_of, compose::PROJECT).map(str::to_owned),
        folder: label(labels_of, compose::WORKING_DIR).map(str::to_owned),
        composed: label(labels_of, compose::SERVICE).map(str::to_owned),
    };
    let runs = owned && matches!(part, Part::Current | Part::Stray);
    Resource {
        address: place(service.as_ref(), part, &name),
        id: found.id.clone().unwrap_or_default(),
        service: service.filter(|_| owned && part != Part::OneOff),
        owned,
        adoptable: false,
        health: runs.then(|| health::of(Some(found))),
        facts: shown,
        payload: Seen::Container(seen).json(),
    }
}

fn part(stack: &Stack, service: Option<&Name>, name: &str, one_off: Option<&str>) -> Part {
    match service {
        _ if one_off.is_some_and(|text| text.eq_ignore_ascii_case("true")) => Part::OneOff,
        Some(service) if name == stack.container(service) => Part::Current,
        Some(service) if name == stack.former(service) => Part::Former,
        _ => Part::Stray,
    }
}

/// A name cannot hold a `+`, so what plays another part never stands at a service's own address.
fn place(service: Option<&Name>, part: Part, name: &str) -> Address {
    let text = match (service, part) {
        (Some(service), Part::Current) => service.to_string(),
        (Some(service), Part::Former) => format!("{service}+former"),
        (Some(service), _) => format!("{service}+{name}"),
        (None, _) => format!("+{name}"),
    };
    Address::new(TARGET, "container", &text)
}

fn display(found: &ContainerInspectResponse, name: &str) -> BTreeMap<String, String> {
    let mut shown = BTreeMap::from([("container".to_owned(), name.to_owned())]);
    let mut put = |fact: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            shown.insert(fact.to_owned(), value);
        }
    };
    put("image", found.config.as_ref().and_then(|config| config.image.clone()));
    put("image_id", found.image.clone());
    put("id", found.id.as_ref().map(|id| id.chars().take(12).collect()));
    let state = found.state.as_ref();
    put("started", state.filter(|s| s.running == Some(true)).and_then(|state| state.started_at.clone()));
    put("status", state.and_then(|state| state.status).map(|status| status.to_string()));
    put("restarts", found.restart_count.filter(|count| *count > 0).map(|count| count.to_string()));
    let (ports, first) = ports(found);
    put("ports", Some(ports));
    put("url", first);
    shown
}

fn ports(found: &ContainerInspectResponse) -> (String, Option<String>) {
    let bindings = found.host_config.as_ref().and_then(|host| host.port_bindings.as_ref());
    let mut shown: Vec<(String, Option<String>)> = Vec::new();
    for (container, hosts) in bindings.into_iter().flatten() {
        for host in hosts.iter().flatten() {
            let address = host.host_ip.as_deref().filter(|ip| !ip.is_empty()).unwrap_or("0.0.0.0");
            let port = host.host_port.as_deref().unwrap_or_default();
            let open = address.parse().ok().zip(port.parse().ok()).map(|(address, port)| url(address, port));
            shown.push((format!("{address}:{port}->{container}"), open));
        }
    }
    shown.sort();
    let first = shown.first().and_then(|(_, url)| url.clone());
    (shown.into_iter().map(|(port, _)| port).collect::<Vec<_>>().join(", "), first)
}

fn owned_network(stack: &Stack, network: &NetworkInspect) -> bool {
    stack.marked_or_composed(compose::NETWORK, "default", |mark| label(network.labels.as_ref(), mark))
}

fn network_of(stack: &Stack, at: usize, answers: &Answers, found: &NetworkInspect) -> Resource {
    let connected =
        found.containers.iter().flatten().filter_map(|(id, endpoint)| Some((id, endpoint.name.as_ref()?)));
    let ours: BTreeSet<&String> = answers
        .containers
        .iter()
        .filter(|c| stack.marked(|mark| label(c.config.as_ref().and_then(|c| c.labels.as_ref()), mark)))
        .filter_map(|container| container.id.as_ref())
        .collect();
    let others = connected.filter(|(id, _)| !ours.contains(id));
    let mut others: Vec<String> = others.map(|(_, name)| name.clone()).collect();
    others.sort();
    let owned = owned_network(stack, found);
    let id = found.id.clone().unwrap_or_default();
    let address = if at == 0 { "default".to_owned() } else { format!("default+{}", &id[..id.len().min(12)]) };
    let seen = Seen::Network {
        name: found.name.clone().unwrap_or_default(),
        others,
        owner: owner(found.labels.as_ref()).filter(|_| !owned),
    };
    let facts = BTreeMap::from([("network".to_owned(), found.name.clone().unwrap_or_default())]);
    thing(Address::new(TARGET, "network", &address), id, owned, facts, &seen)
}

/// A volume of ours, or one of others whose name we need.
fn volume(stack: &Stack, found: &Volume) -> Option<Resource> {
    let of_labels = |mark: &str| label(Some(&found.labels), mark);
    let short = found.name.strip_prefix(&format!("{}_", stack.name));
    let owned = short.is_some_and(|short| stack.marked_or_composed(compose::VOLUME, short, of_labels))
        || stack.marked(of_labels);
    let needed =
        stack.services().iter().flat_map(|s| s.volumes.keys()).any(|v| stack.volume(v) == found.name);
    if !owned && !needed {
        return None;
    }
    let seen =
        Seen::Volume { name: found.name.clone(), owner: owner(Some(&found.labels)).filter(|_| !owned) };
    let address = Address::new(TARGET, "volume", short.unwrap_or(&found.name));
    let facts = BTreeMap::from([("volume".to_owned(), found.name.clone())]);
    Some(thing(address, found.name.clone(), owned, facts, &seen))
}

fn owner(labels: Option<&HashMap<String, String>>) -> Option<String> {
    let ours = label(labels, labels::PROJECT).map(|project| {
        format!("environment `{}` of project `{project}`", label(labels, labels::ENVIRONMENT).unwrap_or("?"))
    });
    ours.or_else(|| label(labels, compose::PROJECT).map(|project| format!("the Compose project `{project}`")))
}

fn thing(
    address: Address,
    id: String,
    owned: bool,
    facts: BTreeMap<String, String>,
    seen: &Seen,
) -> Resource {
    Resource {
        address,
        id,
        service: None,
        owned,
        adoptable: false,
        health: None,
        facts,
        payload: seen.json(),
    }
}
