//! The stack `cdn`: what answers.

use dashdeploy_contract::{Service, ValuePart, page, word};
use serde_json::{Value, json};

use super::{text_part, zone};
use crate::headers::Security;
use crate::layout::{Edge, Layout};
use crate::names::{Stack, logical};

/// Stands around the name of a service whose address is not known, while headers are made.
const MARK: char = '\u{1}';

/// A year, which is what lists of such hosts ask for at least.
const TRANSPORT_SECONDS: u32 = 31_536_000;

/// What the template is given.
pub(super) fn context(layout: &Layout) -> Value {
    let pages: Vec<Value> = layout.pages.iter().map(|page| one_page(layout, page)).collect();
    let balanced = layout.balanced().iter().any(|service| layout.is_behind_cloudfront(service));
    json!({
        "description": layout.description("what answers"),
        "parameters": parameters(layout),
        "redirects": if balanced { json!(layout.names.redirects()) } else { json!(false) },
        "pages": pages,
        "distributions": distributions(layout),
        "balancer": layout.names.export(Stack::Core, "balancer-address"),
        "secret": layout.names.export(Stack::Core, "origin-secret"),
    })
}

/// The services with a distribution of their own, pages first.
fn edges<'a>(layout: &Layout<'a>) -> Vec<&'a Service> {
    let services = layout.containers.iter().filter(|service| layout.edge(service) == Edge::CloudFront);
    layout.pages.iter().chain(services).copied().collect()
}

fn ids(name: &dashdeploy_contract::Name) -> Value {
    let id = logical(name);
    json!({
        "access": format!("{id}Access"),
        "policy": format!("{id}BucketPolicy"),
        "function": format!("{id}Function"),
        "headers": format!("{id}Headers"),
        "distribution": format!("{id}Distribution"),
        "certificate": format!("{id}Certificate"),
        "url": format!("{id}Url"),
        "host": format!("{id}Host"),
        "number": format!("{id}DistributionId"),
    })
}

/// Certificates of domains, and addresses on other platforms that a page calls.
pub(super) fn parameters(layout: &Layout) -> Value {
    let with_domain = edges(layout).into_iter().filter(|service| layout.domain(service).is_some());
    let mut all: Vec<Value> = with_domain.map(|service| certificate(layout, service)).collect();
    let unknown = layout.pages.iter().flat_map(|page| called(layout, page));
    for name in unknown.filter(|name| !layout.is_distributed(name)) {
        let id = format!("{}Host", logical(&name));
        if all.iter().all(|known| known["id"] != json!(id)) {
            all.push(json!({
                "id": id,
                "description": format!("The host name of {name}, which the page calls"),
                "pattern": "^[a-z0-9.-]+$",
                "has_default": false,
                "default": "",
            }));
        }
    }
    Value::Array(all)
}

fn certificate(layout: &Layout, service: &Service) -> Value {
    let domain = layout.domain(service).unwrap_or_default();
    let known = layout.option(service, "certificate");
    // The option of a service that the load balancer answers for is another region's.
    json!({
        "id": format!("{}Certificate", logical(&service.name)),
        "description": format!("The ARN of the certificate of {domain}, in us-east-1"),
        "pattern": "^arn:aws:acm:us-east-1:[0-9]{12}:certificate/[0-9a-zA-Z-]+$",
        "has_default": known.is_some(),
        "default": known.unwrap_or_default(),
    })
}

/// Services whose public address the page is built with and nobody knows yet.
pub(super) fn called(layout: &Layout, page: &Service) -> Vec<dashdeploy_contract::Name> {
    let parts = page.env.values().flat_map(|text| layout.desk.parts(text, page));
    let mut all = Vec::new();
    for part in parts {
        if let ValuePart::Url(name) = part
            && !all.contains(&name)
        {
            all.push(name);
        }
    }
    all
}

fn one_page(layout: &Layout, page: &Service) -> Value {
    let export = |thing: &str| layout.names.export(Stack::Core, &format!("{}-{thing}", page.name));
    let mut origins = page::origins(page, layout.desk.wiring);
    for name in called(layout, page) {
        origins.extend([format!("https://{MARK}{name}{MARK}"), format!("wss://{MARK}{name}{MARK}")]);
    }
    let headers = page::headers(page, &origins);
    let custom = headers.iter().filter(|(name, value)| Security::of(name, value) == Security::None);
    let custom: Vec<Value> = custom.map(|(name, value)| json!({ "name": name, "value": value })).collect();
    json!({
        "title": word::comment(page.name.as_str()),
        "name": layout.names.edge(&page.name),
        "id": ids(&page.name),
        "bucket": export("bucket"),
        "bucket_arn": export("bucket-arn"),
        "spa": page.is_spa(),
        "security": security(layout, &headers),
        "custom": custom,
    })
}

/// The headers that have a field of their own. HSTS is not among the page's: it is for what ends TLS, which is CloudFront.
fn security(layout: &Layout, headers: &[(String, String)]) -> Value {
    let mut all = json!({
        "content": false,
        "no_sniff": false,
        "frame": false,
        "referrer": false,
        "transport": { "seconds": TRANSPORT_SECONDS, "subdomains": false, "preload": false },
    });
    for (name, value) in headers {
        match Security::of(name, value) {
            Security::Content => all["content"] = content(layout, value),
            Security::NoSniff => all["no_sniff"] = json!(true),
            Security::Frame(word) => all["frame"] = json!(word),
            Security::Referrer(word) => all["referrer"] = json!(word),
            Security::Transport(seconds, subdomains, preload) => {
                all["transport"] =
                    json!({ "seconds": seconds, "subdomains": subdomains, "preload": preload });
            }
            Security::None | Security::Unfit => {}
        }
    }
    all
}

/// The policy; addresses that AWS assigns are put in by CloudFormation.
fn content(layout: &Layout, value: &str) -> Value {
    let mut parts: Vec<Value> = Vec::new();
    for (at, piece) in value.split(MARK).enumerate() {
        if at % 2 == 0 {
            parts.push(text_part(piece));
        } else if layout.is_distributed(&dashdeploy_contract::Name::from_any(piece, "service")) {
            parts.push(json!({ "attribute": format!("{}Distribution.DomainName", logical(piece)) }));
        } else {
            parts.push(json!({ "attribute": false, "parameter": format!("{}Host", logical(piece)) }));
        }
    }
    for part in &mut parts {
        if part.get("attribute").is_none() {
            part["attribute"] = json!(false);
        }
    }
    let several = parts.len() > 1;
    json!({ "parts": if several { json!(parts) } else { json!(false) }, "value": value })
}

fn distributions(layout: &Layout) -> Value {
    edges(layout).into_iter().map(|service| distribution(layout, service)).collect()
}

fn distribution(layout: &Layout, service: &Service) -> Value {
    let is_page = layout.pages.iter().any(|page| page.name == service.name);
    let id = logical(&service.name);
    let routed = is_page && layout.routes(service);
    let mut origins: Vec<&dashdeploy_contract::Name> = Vec::new();
    let mut behaviors = Vec::new();
    for (prefix, to) in service.proxy.iter().filter(|_| routed) {
        if !origins.contains(&to) {
            origins.push(to);
        }
        // The path itself and all below it, but nothing that only begins alike.
        for pattern in [prefix.clone(), format!("{prefix}/*")] {
            behaviors.push((prefix.len(), json!({ "pattern": pattern, "origin": origin(to) })));
        }
    }
    if !is_page {
        origins.push(&service.name);
    }
    // The first behaviour that fits counts: longer prefixes stand before shorter ones.
    behaviors.sort_by_key(|(length, _)| std::cmp::Reverse(*length));
    let behaviors: Vec<Value> = behaviors.into_iter().map(|(_, behavior)| behavior).collect();
    let domain = layout.domain(service);
    let record = |kind: &str, end: &str| json!({ "id": format!("{id}Record{end}"), "type": kind });
    let origins: Vec<Value> =
        origins.iter().map(|name| json!({ "id": origin(name), "service": name })).collect();
    json!({
        "label": service.name.as_str(),
        "title": word::comment(service.name.as_str()),
        "id": ids(&service.name),
        "comment": format!("{} of {}", service.name, layout.names.cluster()),
        "domain": domain.map_or(json!(false), |domain| json!(domain)),
        "zone": if domain.is_some() { zone(layout.option(service, "zone")) } else { json!(false) },
        "records": [record("A", ""), record("AAAA", "V6")],
        "page": if is_page { of_page(layout, service) } else { json!(false) },
        "origins": origins,
        "behaviors": behaviors,
        "default": origin(&service.name),
        "url": format!("https://{}", domain.unwrap_or_default()),
        "host": domain.map_or("What CloudFront calls it".to_owned(), |domain| format!("Where {domain} has to lead to")),
        "export": layout.names.export(Stack::Cdn, &format!("{}-domain-name", service.name)),
    })
}

/// `files` is the origin of a page, and a service may be called so.
fn origin(service: &dashdeploy_contract::Name) -> String {
    format!("service-{service}")
}

fn of_page(layout: &Layout, page: &Service) -> Value {
    let id = logical(&page.name);
    json!({
        "bucket_domain": layout.names.export(Stack::Core, &format!("{}-bucket-domain", page.name)),
        "access": format!("{id}Access"),
        "headers": format!("{id}Headers"),
        "function": format!("{id}Function"),
        // Error pages are a whole distribution's: a service behind it would lose its own.
        "not_found": !page.is_spa() && page.proxy.is_empty(),
    })
}
