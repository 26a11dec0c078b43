//! `main.bicep`: everything of one environment in one resource group.
//!
//! Given: a sheet, its containers and parameters. Gives: the template's context. No resource names one that names it: a
//! Container App's address is made of its name and its environment's domain, and a page is linked to its service by a
//! resource of its own, so that page and service may know each other.

use dashdeploy_contract::{Service, ServiceKind, ownership_marks, word};
use serde_json::{Value, json};

use super::app::App;
use super::parameters::Parameters;
use super::{Sheet, site};
use crate::config::{Hosting, Protocol, Reach, Stack};
use crate::places::SKUS;

/// The least GiB of a share in a premium account (learn.microsoft.com, "Understand Azure Files billing").
const LEAST_PREMIUM: u64 = 100;

pub(super) fn context(
    sheet: &Sheet,
    apps: &[(&Service, App)],
    sites: Vec<Value>,
    parameters: &Parameters,
) -> Value {
    let stack = sheet.stack;
    let has_containers = stack.services().any(|service| service.kind() == ServiceKind::Web);
    let volumes = stack.volumes();
    let has = |protocol| volumes.keys().any(|(_, way)| *way == protocol);
    let urls = urls(&stack);
    let logs = has_containers && stack.any("logs", "log-analytics");
    let insights = stack.any("insights", "true");
    json!({
        "parameters": parameters.declarations(),
        "located": has_containers || stack.hosted(Hosting::Bucket).next().is_some(),
        "region": stack.region(),
        "tags": ownership_marks(sheet.desk.bound, None),
        "logs": logs || insights,
        "ships_logs": logs,
        "insights": insights,
        "containers": has_containers,
        "registry": stack.has_registry(),
        "names": names(&stack),
        "nfs": has(Protocol::Nfs),
        "smb": has(Protocol::Smb),
        "environment": !apps.is_empty(),
        "shares": shares(&stack),
        "storages": storages(&stack),
        "apps": apps.iter().map(|(_, app)| app.bicep()).collect::<Vec<_>>(),
        "plans": plans(&stack),
        "sites": sites,
        "pages": pages(&stack),
        "buckets": buckets(&stack),
        "outputs": outputs(&stack, &urls),
        "urls": urls,
    })
}

fn names(stack: &Stack) -> Value {
    json!({
        "logs": stack.name(&["logs"], 63),
        "insights": stack.name(&["insights"], 100),
        "identity": stack.name(&["identity"], 100),
        "registry": stack.registry(),
        "network": stack.name(&["network"], 64),
        "environment": stack.name(&["apps"], 32),
        "nfs": stack.account("nfs"),
        "smb": stack.account("files"),
    })
}

fn shares(stack: &Stack) -> Vec<Value> {
    let share = |volume: &dashdeploy_contract::Name, protocol: Protocol| {
        let size = stack.bound.volumes.get(volume).and_then(|volume| volume.size).unwrap_or(1 << 30);
        let wanted = size.div_ceil(1 << 30).max(1);
        let nfs = protocol == Protocol::Nfs;
        // 3 to 63 characters.
        let name = crate::words::dashed(&["volume", volume.as_str()], 63);
        json!({
            "symbol": word::symbol(&Stack::symbol(volume, "Share")),
            "name": name,
            "nfs": nfs,
            "quota": if nfs { wanted.max(LEAST_PREMIUM) } else { wanted },
        })
    };
    stack.volumes().keys().map(|(volume, protocol)| share(volume, *protocol)).collect()
}

/// The volumes as the environment of the Container Apps knows them.
fn storages(stack: &Stack) -> Vec<Value> {
    let mounted = |volume: &dashdeploy_contract::Name| {
        stack.hosted(Hosting::App).any(|service| service.volumes.contains_key(volume))
    };
    let volumes = stack.volumes();
    let of_apps = volumes.keys().filter(|(volume, _)| mounted(volume));
    of_apps
        .map(|(volume, protocol)| {
            let share = word::symbol(&format!("{}.name", Stack::symbol(volume, "Share")));
            let account = word::symbol("nfsAccount.name");
            json!({
                "symbol": word::symbol(&Stack::symbol(volume, "Storage")),
                "path": word::join(&[Value::from("/"), account, Value::from("/"), share.clone()]),
                "share": share,
                "name": volume.as_str(),
                "nfs": *protocol == Protocol::Nfs,
            })
        })
        .collect()
}

/// A plan for each size that is asked for; with as many machines as its sites' copies.
fn plans(stack: &Stack) -> Vec<Value> {
    let mut plans = Vec::new();
    for sku in SKUS {
        let sites: Vec<&Service> =
            stack.hosted(Hosting::Site).filter(|site| stack.sku(site) == sku).collect();
        let Some(first) = sites.first() else { continue };
        let machines = sites.iter().map(|site| site.replicas).max().unwrap_or(1);
        let differs = sites.iter().any(|site| site.replicas != machines);
        plans.push(json!({
            "symbol": word::symbol(&site::plan(stack, first)),
            "name": stack.name(&[&sku.name.to_ascii_lowercase()], 40),
            "sku": sku.name,
            "machines": machines,
            "per_site": differs && sku.has_slots(),
        }));
    }
    plans
}

fn pages(stack: &Stack) -> Vec<Value> {
    let one = |page: &Service| {
        let backend = stack.backend(page).map(|service| {
            let word = if stack.hosting(service) == Hosting::Site { "Site" } else { "App" };
            word::symbol(&format!("{}.id", Stack::symbol(&service.name, word)))
        });
        json!({
            "name": stack.host(page),
            "service": page.name.as_str(),
            "title": title("Page", page),
            "symbol": word::symbol(&Stack::symbol(&page.name, "Page")),
            "link": word::symbol(&Stack::symbol(&page.name, "Backend")),
            "region": stack.page_region(page),
            "sku": stack.page_sku(page),
            "backend": backend,
            "domain": stack.bound.domains.get(&page.name),
            "custom": word::symbol(&Stack::symbol(&page.name, "Domain")),
            "ready": word::symbol(&Stack::symbol(&page.name, "DomainReady")),
        })
    };
    stack.hosted(Hosting::Page).map(one).collect()
}

fn buckets(stack: &Stack) -> Vec<Value> {
    let one = |page: &Service| {
        json!({
            "name": stack.host(page),
            "service": page.name.as_str(),
            "title": title("Page", page),
            "symbol": word::symbol(&Stack::symbol(&page.name, "Website")),
            "region": stack.bound.region_of(page).filter(|region| Some(*region) != stack.region()),
        })
    };
    stack.hosted(Hosting::Bucket).map(one).collect()
}

/// The addresses, as code of Bicep.
fn urls(stack: &Stack) -> Vec<Value> {
    let mut urls = Vec::new();
    for service in stack.services() {
        let symbol = |word| word::symbol(&Stack::symbol(&service.name, word));
        let of =
            |word: &str, part: &str| word::symbol(&format!("{}.{part}", Stack::symbol(&service.name, word)));
        let (kind, value) = match stack.hosting(service) {
            Hosting::App if stack.reach(service) != Reach::Public => continue,
            // A Container App is named, not asked: asking would make a circle of two that know each other.
            Hosting::App => {
                let start = Value::from(format!("https://{}.", stack.host(service)));
                let domain = word::symbol("appsEnvironment.properties.defaultDomain");
                ("app", word::join(&[start, domain]))
            }
            Hosting::Site => {
                let host = of("Site", "properties.defaultHostName");
                ("site", word::join(&[Value::from("https://"), host]))
            }
            Hosting::Page => {
                let host = of("Page", "properties.defaultHostname");
                ("page", word::join(&[Value::from("https://"), host]))
            }
            Hosting::Bucket => ("bucket", Value::Null),
        };
        let host = of("Website", "properties.primaryEndpoints.web");
        urls.push(json!({ "symbol": symbol("Url"), "kind": kind, "value": value, "host": host }));
    }
    urls
}

/// What is said after a deployment.
fn outputs(stack: &Stack, urls: &[Value]) -> Vec<Value> {
    let mut outputs: Vec<Value> =
        urls.iter().map(|url| json!({ "name": url["symbol"], "value": url["symbol"] })).collect();
    if stack.has_registry() {
        let server = word::symbol("registry.properties.loginServer");
        outputs.push(json!({ "name": word::symbol("registryServer"), "value": server }));
    }
    if stack.hosted(Hosting::App).any(|service| stack.bound.domains.contains_key(&service.name)) {
        let id =
            word::symbol("appsEnvironment.properties.customDomainConfiguration.customDomainVerificationId");
        outputs.push(json!({ "name": word::symbol("domainVerificationId"), "value": id }));
    }
    outputs
}

/// A service's name as the heading of its part.
fn title(kind: &str, service: &Service) -> Value {
    word::comment(&format!("{kind} `{}`", service.name))
}
