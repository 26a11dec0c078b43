//! The target `railway`: containers on Railway.
//!
//! Given: a bound project. Gives: railway.json and the variables of each service, what of the project Railway carries, and
//! addresses inside its network. Deliberately absent: the network, files, the process environment, printing; and sites of
//! files alone, which Railway does not have: a page is a container with nginx.
//!
//! | room | what is in it |
//! |---|---|
//! | `config` | names, addresses, regions, findings |
//! | `runtime` | what Railway runs for a service, and from which folder |
//! | `variables` | values in Railway's own syntax |
//! | `manifests` | railway.json, the variables' file |
//! | `portability` | what Railway carries, with its own pages |

mod config;
mod manifests;
mod portability;
mod runtime;
mod variables;

use dashdeploy_contract::{
    Bound, Descriptor, Desk, Finding, Manifests, Name, PageServer, Portability, Service, ServiceAddress,
    Target, Template,
};
use indexmap::IndexMap;

/// The target `railway`.
pub struct RailwayTarget {
    descriptor: Descriptor,
}

/// The target.
pub fn target() -> RailwayTarget {
    // target.toml is part of this crate, and a test reads it.
    RailwayTarget {
        descriptor: toml::from_str(include_str!("../target.toml")).expect("target.toml is well formed"),
    }
}

impl Target for RailwayTarget {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn check(&self, bound: &Bound) -> Vec<Finding> {
        config::check(&self.descriptor, bound)
    }

    fn addresses(&self, bound: &Bound) -> IndexMap<Name, ServiceAddress> {
        config::addresses(bound)
    }

    fn portability(&self, desk: &Desk) -> Vec<Portability> {
        portability::report(&self.descriptor, desk)
    }

    fn templates(&self) -> &'static [Template] {
        manifests::TEMPLATES
    }

    fn manifests(&self, desk: &Desk) -> Manifests {
        manifests::all(&self.descriptor, desk)
    }

    fn routes(&self, desk: &Desk, service: &Service) -> bool {
        config::routes(desk.bound, service)
    }

    fn page_server(&self, desk: &Desk, service: &Service) -> Option<PageServer> {
        config::page_server(desk, service)
    }

    fn plain_dockerfile(&self, desk: &Desk, service: &Service) -> Option<String> {
        runtime::plain_dockerfile(&self.descriptor, desk.bound, service)
    }
}

#[cfg(test)]
#[path = "../tests/conformance.rs"]
mod conformance;

#[cfg(test)]
#[path = "../tests/config.rs"]
mod config_tests;
