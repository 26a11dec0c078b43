//! What Azure cannot carry of a project by its own rules for names, regions, sizes and counts, each with the mend.
//!
//! Given: a [`Stack`]. Gives: findings. Deliberately absent: what one platform does otherwise than another, which is the
//! report's ([`crate::portability`]).

use std::collections::{BTreeMap, BTreeSet};

use dashdeploy_contract::{AddressField, Finding, Name, Reference, Service, ServiceKind};

use crate::config::{Hosting, Protocol, Stack};
use crate::places::{self, Size};
use crate::words;

/// The most copies of a Container App (learn.microsoft.com, "Set scaling rules in Azure Container Apps").
const MOST_REPLICAS: u32 = 1000;
/// The most GiB of a share of a Storage account (learn.microsoft.com, "Scalability and performance targets for Azure Files").
const MOST_SHARE: u64 = 102_400;
/// The most mounts of a site (learn.microsoft.com, "Mount Azure Storage as a local share in App Service").
const MOST_MOUNTS: usize = 5;
/// Settings of a site that its file sets itself.
pub(crate) const OWN_SETTINGS: [&str; 3] =
    ["WEBSITES_PORT", "WEBSITES_ENABLE_APP_SERVICE_STORAGE", "WEBSITES_CONTAINER_START_TIME_LIMIT"];

/// Everything that is wrong.
pub(crate) fn all(stack: &Stack) -> Vec<Finding> {
    let mut found = Vec::new();
    regions(stack, &mut found);
    shared_options(stack, &mut found);
    chosen_names(stack, &mut found);
    names(stack, &mut found);
    volumes(stack, &mut found);
    for service in stack.services().filter(|service| service.kind() == ServiceKind::Web) {
        match stack.hosting(service) {
            Hosting::Site => site(stack, service, &mut found),
            _ => app(stack, service, &mut found),
        }
        calls(stack, service, &mut found);
    }
    plans(stack, &mut found);
    found
}

fn regions(stack: &Stack, found: &mut Vec<Finding>) {
    let mut seen = BTreeSet::new();
    for service in stack.services() {
        let Some(region) = stack.bound.region_of(service) else { continue };
        let key = stack.bound.region_key(service);
        if !seen.insert((key.clone(), region)) || places::is_known(region) {
            continue;
        }
        let finding = match places::meant(region) {
            Some(meant) => {
                Finding::error("unknown-region", key, format!("`{region}` is not how Azure writes a region"))
                    .hint(format!("write `region: {meant}`"))
            }
            None => Finding::warning(
                "unknown-region",
                key,
                format!("`{region}` is no region of Azure that is known"),
            )
            .hint("`az account list-locations --query [].name` lists them, such as westeurope or eastus2"),
        };
        found.push(finding);
    }
    let home = stack.region();
    for service in stack.services().filter(|service| service.kind() == ServiceKind::Web) {
        let region = stack.bound.region_of(service);
        if region != home {
            let message =
                format!("containers of one environment are in one region: `{}` is not", service.name);
            let hint = "give all containers one region, or make an environment for each region";
            found
                .push(Finding::error("several-regions", stack.bound.region_key(service), message).hint(hint));
        }
    }
}

/// What is one for the whole environment is written once.
fn shared_options(stack: &Stack, found: &mut Vec<Finding>) {
    for option in ["acr", "name_suffix", "logs"] {
        let containers = stack.services().filter(|s| option == "name_suffix" || s.kind() == ServiceKind::Web);
        let mut written = containers.map(|service| (service, stack.option(service, option)));
        let Some((_, first)) = written.next() else { continue };
        if let Some((service, _)) = written.find(|(_, value)| *value != first) {
            let message = format!("option `{option}` is one for all services of the environment");
            let hint = format!("write it once, under `environments.{}.options`", stack.bound.environment);
            found.push(
                Finding::error("option-differs", stack.bound.option_key(service, option), message).hint(hint),
            );
        }
    }
}

fn chosen_names(stack: &Stack, found: &mut Vec<Finding>) {
    let first = |option| stack.services().find_map(|s| Some((s, stack.option(s, option)?)));
    if let Some((service, name)) = first("acr") {
        let fits = (5..=50).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric());
        if !fits {
            let message = format!("`{name}` cannot name a container registry");
            let hint = "5 to 50 letters and digits";
            found.push(
                Finding::error("invalid-name", stack.bound.option_key(service, "acr"), message).hint(hint),
            );
        }
    }
    if let Some((service, ending)) = first("name_suffix") {
        let fits = ending.len() <= 10 && ending.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if !fits {
            let message = format!("`{ending}` cannot end names that are unique in Azure");
            let key = stack.bound.option_key(service, "name_suffix");
            found.push(Finding::error("invalid-name", key, message).hint("at most 10 of a-z and 0-9"));
        }
    }
}

/// Two services never have one name on Azure.
fn names(stack: &Stack, found: &mut Vec<Finding>) {
    let mut seen: BTreeMap<String, &Name> = BTreeMap::new();
    for service in stack.services() {
        if let Some(first) = seen.insert(stack.host(service), &service.name) {
            let message = format!("`{first}` and `{}` would have one name on Azure", service.name);
            let finding = Finding::error("same-name", format!("services.{}", service.name), message);
            found.push(finding.hint("give one of them another name"));
        }
    }
    let mut params: BTreeMap<String, String> = BTreeMap::new();
    for service in stack.services() {
        for variable in service.secrets.keys() {
            let written = format!("{}.{variable}", service.name);
            let param = words::parameter(service.name.as_str(), variable).to_ascii_lowercase();
            if let Some(first) = params.insert(param, written) {
                let message = format!(
                    "`{variable}` of `{}` and `{first}` would be one parameter of Bicep",
                    service.name
                );
                let key = format!("services.{}.secrets.{variable}", service.name);
                found.push(Finding::error("same-name", key, message).hint("rename one of the variables"));
            }
        }
    }
}

fn volumes(stack: &Stack, found: &mut Vec<Finding>) {
    let mut ways: BTreeMap<&Name, Protocol> = BTreeMap::new();
    let volumes = stack.volumes();
    for ((volume, protocol), service) in &volumes {
        let key = format!("services.{}.volumes.{volume}", service.name);
        if ways.insert(volume, *protocol).is_some() {
            let message = format!("volume `{volume}` would be two shares, one by NFS and one by SMB");
            let hint = "give all services that mount it the same `hosting` and `volume_protocol`";
            found.push(Finding::error("two-shares", key, message).hint(hint));
        }
        let size = stack.bound.volumes.get(volume).and_then(|volume| volume.size).unwrap_or_default();
        if size.div_ceil(1 << 30) > MOST_SHARE {
            let message = format!("volume `{volume}` is larger than a share of Azure Files can be");
            let finding = Finding::error("volume-too-large", format!("volumes.{volume}.size"), message);
            found.push(finding.hint("at most 100Ti"));
        }
    }
}

fn app(stack: &Stack, service: &Service, found: &mut Vec<Finding>) {
    let key = |part: &str| format!("services.{}.{part}", service.name);
    if Size::holding(&service.resources).is_none() {
        let message = format!("`{}` asks for more than the largest Container App has", service.name);
        found.push(
            Finding::error("too-large", key("memory"), message)
                .hint("at most 8Gi of memory and 4 processors"),
        );
    }
    if service.replicas > MOST_REPLICAS {
        let message = format!("a Container App has at most {MOST_REPLICAS} copies");
        found.push(
            Finding::error("too-many-replicas", key("replicas"), message).hint("write a smaller number"),
        );
    }
    let fewest = stack.option(service, "min_replicas").and_then(|number| number.parse::<u32>().ok());
    let option = stack.bound.option_key(service, "min_replicas");
    if fewest.is_some_and(|fewest| fewest > service.replicas) {
        let message = format!("`min_replicas` is more than the {} of `{}`", service.replicas, service.name);
        found.push(Finding::error("too-many-replicas", option.clone(), message).hint("raise `replicas`"));
    }
    if fewest == Some(0) && service.port.is_none() {
        let message = format!("`{}` has no port: nothing would ever wake it", service.name);
        found.push(Finding::error("never-started", option, message).hint("write `min_replicas: 1` for it"));
    }
    let password = "REGISTRY_PASSWORD".to_owned();
    let login = stack.foreign_registry(service).map(|_| &password);
    let mut seen: BTreeMap<String, &String> = BTreeMap::new();
    let computed = service.env.iter().filter(|(_, text)| text.as_literal().is_none()).map(|(name, _)| name);
    for variable in login.into_iter().chain(service.secrets.keys()).chain(computed) {
        if let Some(first) = seen.insert(words::secret(variable), variable) {
            let message = format!("`{first}` and `{variable}` would be one secret of the Container App");
            let finding = Finding::error("same-name", key(&format!("secrets.{variable}")), message);
            found
                .push(finding.hint("rename one of the variables: names of secrets are lower case, with `-`"));
        }
    }
}

fn site(stack: &Stack, service: &Service, found: &mut Vec<Finding>) {
    let key = |part: &str| format!("services.{}.{part}", service.name);
    let sku = stack.sku(service);
    if service.replicas > sku.machines {
        let message = format!("a plan of size {} has at most {} machines", sku.name, sku.machines);
        let finding = Finding::error("too-many-replicas", key("replicas"), message);
        found.push(finding.hint("choose a larger `sku`, or fewer replicas"));
    }
    if service.volumes.len() > MOST_MOUNTS {
        let message = format!("a site mounts at most {MOST_MOUNTS} volumes");
        found.push(
            Finding::error("too-many-volumes", key("volumes"), message)
                .hint("write `hosting: container-app`"),
        );
    }
    for (volume, path) in &service.volumes {
        let taken =
            path == "/" || ["/home", "/tmp"].iter().any(|t| path == t || path.starts_with(&format!("{t}/")));
        if taken {
            let message = format!("App Service mounts nothing at `{path}`");
            let finding = Finding::error("mount-not-allowed", key(&format!("volumes.{volume}")), message);
            found.push(finding.hint("mount it elsewhere than at /, below /home and below /tmp"));
        }
    }
    for (variable, text) in &service.env {
        let value = text.as_literal().unwrap_or_default();
        if OWN_SETTINGS.contains(&variable.as_str()) {
            let message = format!("`{variable}` is set by the site's file");
            found.push(
                Finding::error("reserved-variable", key(&format!("env.{variable}")), message)
                    .hint("remove it"),
            );
        }
        if value.starts_with("@Microsoft.") {
            let message = format!(
                "App Service would replace the value of `{variable}`, as it starts with `@Microsoft.`"
            );
            let finding = Finding::error("value-not-carried", key(&format!("env.{variable}")), message);
            found.push(finding.hint("write `hosting: container-app`, which takes values as they are"));
        }
    }
}

/// The names that a service calls others by: those of Container Apps are known in their environment alone, and a site has
/// HTTPS and nothing else.
fn calls(stack: &Stack, service: &Service, found: &mut Vec<Finding>) {
    for (variable, text) in &service.env {
        let key = format!("services.{}.env.{variable}", service.name);
        let named = text.references().find_map(|reference| match reference {
            Reference::Service { service, field: AddressField::Host | AddressField::Port } => Some(service),
            _ => None,
        });
        let Some(named) = named.and_then(|name| stack.bound.services.get(name)) else { continue };
        if !stack.is_here(&named.name) {
            continue;
        }
        let url = format!("use `${{services.{}.url}}`", named.name);
        match (stack.hosting(service), stack.hosting(named)) {
            (Hosting::Site, Hosting::App) => {
                let message = format!(
                    "`{}` is a site of App Service and cannot reach `{}` by its name",
                    service.name, named.name
                );
                let hint = format!("{url}, or write `hosting: container-app` for `{}`", service.name);
                found.push(Finding::error("not-reachable", key, message).hint(hint));
            }
            (_, Hosting::Site) => {
                let message =
                    format!("`{}` is a site of App Service: it answers by HTTPS alone, at 443", named.name);
                found.push(Finding::warning("https-only", key, message).hint(url));
            }
            _ => {}
        }
    }
}

/// Sites of one plan share its memory.
fn plans(stack: &Stack, found: &mut Vec<Finding>) {
    let mut asked: BTreeMap<&str, (u64, &Service)> = BTreeMap::new();
    for service in stack.hosted(Hosting::Site) {
        let plan = asked.entry(stack.sku(service).name).or_insert((0, service));
        plan.0 += service.resources.memory >> 20;
    }
    for (name, (memory, service)) in asked {
        let sku = stack.sku(service);
        if memory > sku.memory {
            let message =
                format!("the sites of plan {name} ask for {memory} MiB together, and it has {}", sku.memory);
            let finding = Finding::warning("plan-too-small", stack.bound.option_key(service, "sku"), message);
            found.push(finding.hint("choose a larger `sku`"));
        }
    }
}
