//! What follows from dashdeploy.yaml alone: the region, and the addresses known beforehand.

use dashdeploy_contract::{Bound, Name, Service, ServiceAddress, ServiceKind};
use indexmap::IndexMap;

use crate::TARGET;
use crate::names::Names;

/// The region where none is given: the one that certificates for CloudFront have to be in anyway.
pub(crate) const DEFAULT_REGION: &str = "us-east-1";

/// Regions of the partition `aws` (AWS General Reference, "AWS Regions",
/// <https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html>).
pub(crate) const REGIONS: [&str; 34] = [
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

/// True for a text of the form of a region's name.
pub(crate) fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let letters = |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase());
    let [area, place @ .., number] = parts.as_slice() else { return false };
    area.len() == 2
        && letters(area)
        && !place.is_empty()
        && place.iter().all(letters)
        && matches!(number.as_bytes(), [b'1'..=b'9'])
}

/// True for the id of a hosted zone.
pub(crate) fn is_zone_id(zone: &str) -> bool {
    zone.starts_with('Z') && zone.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}
