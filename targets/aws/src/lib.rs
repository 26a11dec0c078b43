//! The target `aws`: containers on ECS Fargate behind a load balancer, data on EFS, pages in S3 behind CloudFront.
//!
//! Given: a bound project. Gives: three CloudFormation templates (what stays, what answers, what runs) and a task definition
//! for each container, what of the project AWS carries, and the addresses that are known beforehand. Deliberately absent: the
//! network, files, the process environment, printing; and accounts' numbers, which AWS fills in itself.
//!
//! | room | what is in it |
//! |---|---|
//! | `names` | names within each service's limits, logical ids, stacks and exports |
//! | `layout` | who is reached how: pages, proxies, CloudFront, load balancer, names inside the network |
//! | `fargate` | the sizes that Fargate sells |
//! | `config` | the region, addresses |
//! | `findings` | what AWS would refuse |
//! | `headers` | the response headers of pages |
//! | `portability` | the report |
//! | `manifests` | the files |

mod config;
mod fargate;
mod findings;
mod headers;
mod layout;
mod manifests;
mod names;
mod portability;

use dashdeploy_contract::{
    Bound, Descriptor, Desk, Finding, Manifests, Name, Portability, Service, ServiceAddress, ServiceKind,
    Target, Template,
};
use indexmap::IndexMap;

/// The word under `target:`.
pub(crate) const TARGET: &str = "aws";

/// The target `aws`.
pub struct AwsTarget {
    descriptor: Descriptor,
}

/// The target.
pub fn target() -> AwsTarget {
    // target.toml is part of this crate, and a test reads it.
    AwsTarget {
        descriptor: toml::from_str(include_str!("../target.toml")).expect("target.toml is well formed"),
    }
}

impl Target for AwsTarget {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn check(&self, bound: &Bound) -> Vec<Finding> {
        findings::check(&self.descriptor, bound)
    }

    fn addresses(&self, bound: &Bound) -> IndexMap<Name, ServiceAddress> {
        config::addresses(bound)
    }

    fn portability(&self, desk: &Desk) -> Vec<Portability> {
        portability::report(&layout::Layout::of(&self.descriptor, desk))
    }

    fn templates(&self) -> &'static [Template] {
        &manifests::TEMPLATES
    }

    fn manifests(&self, desk: &Desk) -> Manifests {
        manifests::of(&layout::Layout::of(&self.descriptor, desk))
    }

    // CloudFront hands a path on to the load balancer of the same stack, and to no other platform.
    fn routes(&self, desk: &Desk, service: &Service) -> bool {
        let here = |name: &Name| desk.bound.services.get(name).is_some_and(|s| desk.bound.is_on(s, TARGET));
        service.kind() == ServiceKind::Static && service.proxy.values().all(here)
    }
}

#[cfg(test)]
#[path = "../tests/conformance.rs"]
mod conformance;
