//! The stack `core`: what stays.

use std::collections::BTreeSet;

use dashdeploy_contract::{HealthCheck, Service, Source, word};
use serde_json::{Value, json};

use super::zone;
use crate::layout::{Edge, Layout};
use crate::names::{Stack, fnv, logical};

/// What the template is given.
pub(super) fn context(layout: &Layout) -> Value {
    let names = &layout.names;
    let balanced = layout.balanced();
    let internal = layout.internal();
    let from_cloudfront = balanced.iter().any(|service| layout.is_behind_cloudfront(service));
    let network = !layout.containers.is_empty();
    json!({
        "description": layout.description("network, data, roles and repositories"),
        "name": names.cluster(),
        "network": network,
        "subnets": if network { subnets(layout) } else { json!([]) },
        "balanced_ports": ports(&balanced, "FromBalancer"),
        "internal_ports": ports(&internal, "FromServices"),
        "volumes": volumes(layout),
        "balancer": if balanced.is_empty() { json!(false) } else { json!(names.balancer()) },
        "prefix_list": from_cloudfront,
        "https": https(layout),
        "namespace": if internal.is_empty() { json!(false) } else { json!(names.namespace()) },
        "cluster": names.cluster(),
        "services": services(layout),
        "pages": pages(layout),
        "outputs": outputs(layout),
    })
}

fn subnets(layout: &Layout) -> Value {
    let subnet = |(at, letter): (usize, &str)| {
        json!({
            "id": format!("Subnet{letter}"),
            "route": format!("Subnet{letter}Routes"),
            "mount": format!("MountTarget{letter}"),
            "zone": at,
            "cidr": format!("10.0.{}.0/20", at * 16),
            "name": format!("{}-{}", layout.names.cluster(), letter.to_lowercase()),
        })
    };
    ["A", "B"].into_iter().enumerate().map(subnet).collect()
}

fn ports(services: &[&Service], prefix: &str) -> Value {
    let ports: BTreeSet<u16> = services.iter().filter_map(|service| service.port).collect();
    ports.into_iter().map(|port| json!({ "id": format!("{prefix}{port}"), "port": port })).collect()
}

fn volumes(layout: &Layout) -> Value {
    let volume = |name: &str| {
        json!({
            "title": word::comment(name),
            "id": format!("{}AccessPoint", logical(name)),
            "path": format!("/{name}"),
            "name": format!("{}-{name}", layout.names.cluster()),
        })
    };
    layout.volumes().iter().map(|(name, _)| volume(name.as_str())).collect()
}

/// The certificates of services that the load balancer answers for: the first is the listener's own.
fn https(layout: &Layout) -> Value {
    let edges = layout.containers.iter().filter(|service| layout.edge(service) == Edge::Balancer);
    let mut all: Vec<(String, &str)> = Vec::new();
    for service in edges {
        let Some(arn) = layout.option(service, "certificate") else { continue };
        if all.iter().all(|(_, known)| *known != arn) {
            all.push((format!("{}Certificate", logical(&service.name)), arn));
        }
    }
    let Some((_, first)) = all.first() else { return json!(false) };
    let more: Vec<Value> = all[1..].iter().map(|(id, arn)| json!({ "id": id, "certificate": arn })).collect();
    json!({ "certificate": first, "more": more })
}

/// Rules that never meet have different priorities for form's sake: made from the name, moved on where two are one.
fn priorities(layout: &Layout) -> Vec<u32> {
    let mut taken = BTreeSet::new();
    let mut one = |text: String| {
        let mut priority = fnv(&text) % 49_000 + 1;
        while !taken.insert(priority) {
            priority += 1;
        }
        priority
    };
    layout
        .containers
        .iter()
        .flat_map(|s| [one(s.name.to_string()), one(format!("{}/redirect", s.name))])
        .collect()
}

fn services(layout: &Layout) -> Value {
    let priorities = priorities(layout);
    let pairs = layout.containers.iter().zip(priorities.chunks(2));
    pairs.map(|(service, priority)| one_service(layout, service, priority)).collect()
}

fn one_service(layout: &Layout, service: &Service, priority: &[u32]) -> Value {
    let names = &layout.names;
    let name = &service.name;
    let balanced = layout.is_balanced(service);
    let by_balancer = layout.edge(service) == Edge::Balancer;
    let domain = layout.domain(service).filter(|_| by_balancer && balanced);
    let repository = layout.has_repository(service);
    let volumes = service.volumes.keys().map(|volume| format!("{}AccessPoint", logical(volume)));
    json!({
        "label": name.as_str(),
        "title": word::comment(name.as_str()),
        "id": ids(name),
        "repository": if repository { json!(names.repository(name)) } else { json!(false) },
        "foreign_repository": foreign_repository(layout, service),
        "log_group": names.log_group(name),
        "retention": layout.option(service, "log_retention").and_then(|days| days.parse::<u32>().ok()),
        "exec_role": names.role(name, "exec"),
        "task_role": names.role(name, "task"),
        "secrets": secrets(layout, service),
        "volumes": volumes.collect::<Vec<String>>(),
        "exec": !service.read_only,
        "target_group": if balanced { json!(names.target_group(name)) } else { json!(false) },
        "check": check(service),
        // Where one task has to be gone before the next one starts, every second of draining is one without answers.
        "drain": if layout.is_single(service) { "5" } else { "30" },
        "from_cloudfront": balanced && layout.is_behind_cloudfront(service),
        "priority": priority.first(),
        "redirect_priority": priority.get(1),
        "domain": domain.map_or(json!(false), |domain| json!(domain)),
        "zone": zone(layout.option(service, "zone")),
        "internal": layout.internal().iter().any(|other| other.name == *name),
    })
}

fn ids(name: &dashdeploy_contract::Name) -> Value {
    let id = logical(name);
    json!({
        "repository": format!("{id}Repository"),
        "log": format!("{id}Log"),
        "exec": format!("{id}ExecRole"),
        "task": format!("{id}TaskRole"),
        "target_group": format!("{id}TargetGroup"),
        "rule": format!("{id}Rule"),
        "https_rule": format!("{id}Forward"),
        "redirect": format!("{id}Redirect"),
        "record": format!("{id}Record"),
        "registry": format!("{id}Registry"),
    })
}

/// Names of all secrets that its tasks are started with.
fn secrets(layout: &Layout, service: &Service) -> Vec<String> {
    let own = service.secrets.keys().map(|variable| layout.names.secret(variable));
    own.chain(layout.option(service, "registry_credentials").map(str::to_owned)).collect()
}

/// The load balancer asks for the path of an HTTP health check as dashdeploy.yaml means it (an answer below 400); without one
/// it asks for `/`, and any answer but a failure of the server will do.
fn check(service: &Service) -> Value {
    match &service.health {
        HealthCheck::Http { path } => json!({ "path": path, "codes": "200-399" }),
        _ => json!({ "path": "/", "codes": "200-499" }),
    }
}

/// The ARN of a repository in ECR that this stack does not make, by the address of an image in it.
fn foreign_repository(layout: &Layout, service: &Service) -> Value {
    let address = match (&service.source, &layout.desk.bound.registry) {
        (Source::Image(image), _) => image.clone(),
        (Source::Build(_), Some(registry)) => {
            format!("{registry}/{}-{}", layout.desk.bound.project, service.name)
        }
        (Source::Build(_), None) => return json!(false),
    };
    let arn = || {
        let (host, path) = address.split_once('/')?;
        let [account, "dkr", "ecr", region, "amazonaws", "com"] = *host.split('.').collect::<Vec<_>>() else {
            return None;
        };
        let path = path.split(['@', ':']).next()?;
        Some(format!("arn:aws:ecr:{region}:{account}:repository/{path}"))
    };
    arn().map_or(json!(false), |arn| json!(arn))
}

fn pages(layout: &Layout) -> Value {
    let page = |page: &&Service| {
        json!({
            "title": word::comment(page.name.as_str()),
            "id": format!("{}Bucket", logical(&page.name)),
            "bucket": layout.names.bucket(&page.name),
        })
    };
    layout.pages.iter().map(page).collect()
}

/// What the other stacks import, and what people look up.
fn outputs(layout: &Layout) -> Value {
    let mut all = Outputs { layout, all: Vec::new() };
    if !layout.containers.is_empty() {
        all.add("Subnets", "subnets", "", "join");
        all.add("ServiceGroup", "service-group", "ServiceGroup", "ref");
        all.add("Cluster", "cluster", "Cluster", "ref");
    }
    if !layout.balanced().is_empty() {
        all.add("BalancerAddress", "balancer-address", "Balancer.DNSName", "attribute");
    }
    if layout.balanced().iter().any(|service| layout.is_behind_cloudfront(service)) {
        all.add("OriginSecret", "origin-secret", "OriginSecret", "ref");
    }
    if !layout.volumes().is_empty() {
        all.add("FileSystem", "file-system", "FileSystem", "ref");
    }
    for (volume, _) in layout.volumes() {
        all.one(volume, "AccessPoint", "access-point", "ref", "");
    }
    for service in &layout.containers {
        all.one(&service.name, "ExecRole", "exec-role", "attribute", ".Arn");
        all.one(&service.name, "TaskRole", "task-role", "attribute", ".Arn");
        if layout.is_balanced(service) {
            all.one(&service.name, "TargetGroup", "target-group", "ref", "");
        }
    }
    for service in layout.internal() {
        all.one(&service.name, "Registry", "registry", "attribute", ".Arn");
    }
    for page in &layout.pages {
        all.bucket(page);
    }
    Value::Array(all.all)
}

struct Outputs<'a> {
    layout: &'a Layout<'a>,
    all: Vec<Value>,
}

impl Outputs<'_> {
    fn add(&mut self, id: &str, export: &str, of: &str, how: &str) {
        self.all.push(json!({
            "id": id,
            "of": of,
            "attribute": if how == "attribute" { json!(of) } else { json!(false) },
            "join": how == "join",
            "export": self.layout.names.export(Stack::Core, export),
        }));
    }

    fn bucket(&mut self, page: &Service) {
        self.one(&page.name, "Bucket", "bucket", "ref", "");
        let (id, name) = (logical(&page.name), &page.name);
        for (output, export, attribute) in
            [("BucketArn", "bucket-arn", "Arn"), ("BucketDomain", "bucket-domain", "RegionalDomainName")]
        {
            let of = format!("{id}Bucket.{attribute}");
            self.add(&format!("{id}{output}"), &format!("{name}-{export}"), &of, "attribute");
        }
    }

    /// An output of a thing that belongs to one service or volume: `ApiExecRole`, exported as `…-api-exec-role`.
    fn one(&mut self, name: &dashdeploy_contract::Name, kind: &str, word: &str, how: &str, attribute: &str) {
        let id = format!("{}{kind}", logical(name));
        self.add(&id, &format!("{name}-{word}"), &format!("{id}{attribute}"), how);
    }
}
