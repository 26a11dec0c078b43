//! What AWS would refuse, each with the mend.
//!
//! Given: a bound project. Gives: findings. Deliberately absent: what is only carried roughly, which the report says, and
//! anything an account would have to be asked for.

use dashdeploy_contract::{Bound, Descriptor, Finding, Part, Service, ServiceKind, Text};

use crate::TARGET;
use crate::config::{DEFAULT_REGION, REGIONS, is_region, is_zone_id, region};
use crate::fargate::{self, Size};
use crate::headers;
use crate::names::logical;

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
            ServiceKind::Static => findings.extend(headers::check(service)),
        }
    }
    findings.dedup();
    findings
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
