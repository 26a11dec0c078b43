//! What follows from dashdeploy.yaml alone: the region, addresses, findings.
//!
//! Given: a bound project. Gives: what is known beforehand, and what AWS would refuse, each with the mend. Deliberately
//! absent: anything an account would have to be asked for.

use dashdeploy_contract::{
    Bound, Descriptor, Finding, Name, Part, Service, ServiceAddress, ServiceKind, Text, page,
};
use indexmap::IndexMap;

use crate::TARGET;
use crate::fargate::{self, Size};
use crate::names::{Names, logical};

/// The region where none is given: the one that certificates for CloudFront have to be in anyway.
const DEFAULT_REGION: &str = "us-east-1";

/// Regions of the partition `aws` (AWS General Reference, "AWS Regions",
/// <https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html>).
const REGIONS: [&str; 34] = [
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// Custom headers of one response headers policy (CloudFront, "Quotas").
const CUSTOM_HEADERS: usize = 10;

/// The region of everything: CloudFront's certificate aside, all of an environment is in one.
pub(crate) fn region(bound: &Bound) -> &str {
    let given = bound.services_on(TARGET).find_map(|service| bound.region_of(service));
    given.filter(|region| is_region(region)).unwrap_or(DEFAULT_REGION)
}

/// The addresses known beforehand: names inside the network. Public ones are assigned, unless the user has a domain.
pub(crate) fn addresses(bound: &Bound) -> IndexMap<Name, ServiceAddress> {
    let names = Names::of(bound);
    let services = bound.services_on(TARGET).filter(|service| service.kind() == ServiceKind::Web);
    let with_port = services.filter_map(|service| Some((service, service.port?)));
    let address = |(service, port): (&Service, u16)| {
        let host = Some(names.host(&service.name));
        (service.name.clone(), ServiceAddress { url: None, host, port: Some(port) })
    };
    with_port.map(address).collect()
}

/// What AWS would refuse.
pub(crate) fn check(descriptor: &Descriptor, bound: &Bound) -> Vec<Finding> {
    let mut findings = regions(bound);
    for service in bound.services_on(TARGET) {
        findings.extend(same_id(bound, service));
        findings.extend(dynamic_references(service));
        findings.extend(certificate(descriptor, bound, service));
        findings.extend(zone(descriptor, bound, service));
        match service.kind() {
            ServiceKind::Web => findings.extend(container(descriptor, bound, service)),
            ServiceKind::Static => findings.extend(headers(service)),
        }
    }
    findings.dedup();
    findings
}

fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let letters = |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase());
    let [area, place @ .., number] = parts.as_slice() else { return false };
    area.len() == 2
        && letters(area)
        && !place.is_empty()
        && place.iter().all(letters)
        && matches!(number.as_bytes(), [b'1'..=b'9'])
}

fn regions(bound: &Bound) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut first: Option<&str> = None;
    for service in bound.services_on(TARGET) {
        let Some(region) = bound.region_of(service) else { continue };
        findings.extend(one_region(bound.region_key(service), region));
        let other = first.get_or_insert(region);
        if *other != region {
            let message = format!("services of one environment are in `{other}` and in `{region}`");
            let hint = "one network holds them all: give them one region, or make two environments of them";
            findings.push(Finding::error("aws-regions", bound.region_key(service), message).hint(hint));
        }
    }
    findings
}

fn one_region(key: String, region: &str) -> Option<Finding> {
    if !is_region(region) {
        let message = format!("`{region}` is no region of AWS");
        return Some(Finding::error("aws-region", key, message).hint("regions are named as `eu-central-1`"));
    }
    if region.starts_with("cn-") || region.starts_with("us-gov-") {
        let message =
            format!("`{region}` is in a partition of its own, without CloudFront as it is used here");
        return Some(
            Finding::error("aws-region", key, message).hint("choose a region such as `eu-central-1`"),
        );
    }
    (!REGIONS.contains(&region)).then(|| {
        let message = format!("`{region}` is no region of AWS that is known here");
        let near = REGIONS.iter().filter(|known| known[..2] == region[..2]);
        let near: Vec<&str> = near.copied().collect();
        let hint = if near.is_empty() { REGIONS.join(", ") } else { near.join(", ") };
        Finding::warning("aws-region", key, message).hint(format!("known are {hint}"))
    })
}

/// Two names that CloudFormation would take for one.
fn same_id(bound: &Bound, service: &Service) -> Option<Finding> {
    let id = logical(&service.name);
    let twin = bound.services_on(TARGET).take_while(|other| other.name != service.name);
    let twin = twin.into_iter().find(|other| logical(&other.name) == id)?;
    let message = format!("`{}` and `{}` get one name in CloudFormation", twin.name, service.name);
    let key = format!("services.{}", service.name);
    Some(Finding::error("same-logical-id", key, message).hint("rename one of them"))
}

/// CloudFormation reads `{{resolve:…}}` in every value, however it is quoted or put together (AWS CloudFormation User Guide,
/// "Get values stored in other services using dynamic references").
fn dynamic_references(service: &Service) -> Vec<Finding> {
    let whole = |text: &Text| {
        let literal = |part: &Part| match part {
            Part::Literal(text) => text.clone(),
            Part::Reference(_) => String::from("\0"),
        };
        text.parts.iter().map(literal).collect::<String>()
    };
    let base = format!("services.{}", service.name);
    let env = service.env.iter().map(|(name, text)| (format!("{base}.env.{name}"), whole(text)));
    let command = service.command.iter().flatten().map(|word| (format!("{base}.command"), word.clone()));
    let headers =
        service.headers.iter().map(|(name, value)| (format!("{base}.headers.{name}"), value.clone()));
    let read = |(_, value): &(String, String)| value.contains("{{resolve:");
    env.chain(command).chain(headers).filter(read).map(|(key, _)| dynamic_reference(key)).collect()
}

fn dynamic_reference(key: String) -> Finding {
    let message = "CloudFormation would put another value in the place of `{{resolve:…}}`";
    Finding::error("value-not-carried", key, message).hint("make a secret of it: its value stands in no file")
}

fn container(descriptor: &Descriptor, bound: &Bound, service: &Service) -> Vec<Finding> {
    let mut findings = Vec::new();
    if Size::of(service.resources).is_none() {
        let key = format!("services.{}.memory", service.name);
        let message = format!("Fargate sells no task as large as `{}` wants", service.name);
        let hint = format!("at most 16 processors and 120 GB ({})", fargate::PAGE);
        findings.push(Finding::error("aws-size", key, message).hint(hint));
    }
    if let Some(name) = descriptor.option(bound, service, "registry_credentials") {
        let fits = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c);
        if !name.chars().all(fits) || name.len() > 512 {
            let key = bound.option_key(service, "registry_credentials");
            let message = format!("`{name}` is no name of a secret in Secrets Manager");
            let hint = "letters, digits and /_+=.@- are allowed";
            findings.push(Finding::error("invalid-option", key, message).hint(hint));
        }
    }
    if descriptor.option(bound, service, "edge") == Some("alb") && service.port.is_some() {
        findings.extend(balancer(descriptor, bound, service));
    }
    findings
}

/// Without a certificate the load balancer would speak plain HTTP to the world.
fn balancer(descriptor: &Descriptor, bound: &Bound, service: &Service) -> Option<Finding> {
    let domain = bound.domains.contains_key(&service.name);
    let certificate = descriptor.option(bound, service, "certificate").is_some();
    let lacks = match (domain, certificate) {
        (true, true) => return None,
        (false, _) => "a `domain`",
        (true, false) => "the option `certificate`",
    };
    let message = format!("`edge: alb` of `{}` needs {lacks} for HTTPS", service.name);
    let hint = "give both, or leave `edge` at `cloudfront`, which has HTTPS by itself";
    Some(Finding::error("aws-edge", bound.option_key(service, "edge"), message).hint(hint))
}

/// The certificate's region: CloudFront takes those of us-east-1 alone, a load balancer those of its own.
fn certificate(descriptor: &Descriptor, bound: &Bound, service: &Service) -> Option<Finding> {
    let arn = descriptor.option(bound, service, "certificate")?;
    let key = bound.option_key(service, "certificate");
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", "aws", "acm", in_region, account, resource] = parts.as_slice() else {
        let message = format!("`{arn}` is no ARN of a certificate");
        let hint = "it is of the form `arn:aws:acm:us-east-1:123456789012:certificate/…`";
        return Some(Finding::error("invalid-option", key, message).hint(hint));
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let id = resource.strip_prefix("certificate/").filter(|id| !id.is_empty() && id.chars().all(fits));
    if id.is_none() || account.len() != 12 || !account.chars().all(|c| c.is_ascii_digit()) {
        return Some(Finding::error("invalid-option", key, format!("`{arn}` is no ARN of a certificate")));
    }
    let balanced =
        service.kind() == ServiceKind::Web && descriptor.option(bound, service, "edge") == Some("alb");
    let wanted = if balanced { region(bound) } else { DEFAULT_REGION };
    (*in_region != wanted).then(|| {
        let message = format!("the certificate is in `{in_region}`, and has to be in `{wanted}`");
        Finding::error("aws-certificate", key, message)
            .hint(format!("request it again with --region {wanted}"))
    })
}

/// A zone is named by id or by a name that the domain lies in.
fn zone(descriptor: &Descriptor, bound: &Bound, service: &Service) -> Option<Finding> {
    let zone = descriptor.option(bound, service, "zone")?;
    let domain = bound.domains.get(&service.name)?;
    let key = bound.option_key(service, "zone");
    if is_zone_id(zone) {
        return None;
    }
    let name = zone.trim_end_matches('.');
    let label = |label: &str| {
        !label.is_empty() && label.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    if !name.split('.').all(label) {
        let message = format!("`{zone}` is neither id nor name of a hosted zone");
        return Some(Finding::error("invalid-option", key, message).hint("write `Z…` or `example.com`"));
    }
    let inside = domain == name || domain.ends_with(&format!(".{name}"));
    (!inside).then(|| {
        let message = format!("`{domain}` does not lie in the zone `{name}`");
        Finding::error("aws-zone", key, message).hint("name the zone that the domain lies in")
    })
}

/// True for the id of a hosted zone.
pub(crate) fn is_zone_id(zone: &str) -> bool {
    zone.starts_with('Z') && zone.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}

/// What a response headers policy cannot hold.
fn headers(service: &Service) -> Vec<Finding> {
    let mut findings = Vec::new();
    let all = page::headers(service, &[]);
    let custom = all.iter().filter(|(name, value)| Security::of(name, value) == Security::None).count();
    if custom > CUSTOM_HEADERS {
        let message =
            format!("CloudFront adds at most {CUSTOM_HEADERS} headers of your own, and there are {custom}");
        let key = format!("services.{}.headers", service.name);
        findings.push(Finding::error("aws-headers", key, message).hint("remove some"));
    }
    for (name, value) in all.iter().filter(|(name, value)| Security::of(name, value) == Security::Unfit) {
        let key = format!("services.{}.headers.{name}", service.name);
        let message = format!("CloudFront cannot set `{name}` to `{value}`");
        findings.push(Finding::error("aws-headers", key, message).hint(wanted(name)));
    }
    findings
}

fn wanted(name: &str) -> &'static str {
    match name.to_ascii_lowercase().as_str() {
        "x-frame-options" => "write DENY or SAMEORIGIN",
        "x-content-type-options" => "write nosniff, or the empty text to leave it out",
        "referrer-policy" => "write one of the policies of the Referrer Policy standard",
        "strict-transport-security" => "write max-age=SECONDS, with includeSubDomains and preload behind it",
        _ => "leave it out: browsers no longer read it",
    }
}

/// How CloudFront sets a header: some have a field of their own in a response headers policy and are refused among the others
/// (CloudFront API, `ResponseHeadersPolicySecurityHeadersConfig`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Security {
    /// Not one of those.
    None,
    /// One of those, with a value that its field cannot hold.
    Unfit,
    /// `Content-Security-Policy`.
    Content,
    /// `X-Content-Type-Options: nosniff`.
    NoSniff,
    /// `X-Frame-Options`.
    Frame(String),
    /// `Referrer-Policy`.
    Referrer(String),
    /// `Strict-Transport-Security`: seconds, sub-domains, preload.
    Transport(u32, bool, bool),
}

/// The words that the field takes (CloudFront API, `ResponseHeadersPolicyReferrerPolicy`).
const REFERRER: [&str; 8] = [
    "no-referrer",
    "no-referrer-when-downgrade",
    "origin",
    "origin-when-cross-origin",
    "same-origin",
    "strict-origin",
    "strict-origin-when-cross-origin",
    "unsafe-url",
];

impl Security {
    pub(crate) fn of(name: &str, value: &str) -> Self {
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-security-policy" => Self::Content,
            "x-content-type-options" if value.eq_ignore_ascii_case("nosniff") => Self::NoSniff,
            "x-frame-options" => match value.to_ascii_uppercase().as_str() {
                word @ ("DENY" | "SAMEORIGIN") => Self::Frame(word.to_owned()),
                _ => Self::Unfit,
            },
            "referrer-policy" if REFERRER.contains(&value) => Self::Referrer(value.to_owned()),
            "strict-transport-security" => transport(value),
            "x-content-type-options" | "referrer-policy" | "x-xss-protection" => Self::Unfit,
            _ => Self::None,
        }
    }
}

fn transport(value: &str) -> Security {
    let (mut seconds, mut subdomains, mut preload) = (None, false, false);
    for part in value.split(';').map(|part| part.trim().to_ascii_lowercase()) {
        match part.as_str() {
            "includesubdomains" => subdomains = true,
            "preload" => preload = true,
            other => match other.strip_prefix("max-age=").and_then(|age| age.parse().ok()) {
                Some(age) => seconds = Some(age),
                None => return Security::Unfit,
            },
        }
    }
    seconds.map_or(Security::Unfit, |age| Security::Transport(age, subdomains, preload))
}
