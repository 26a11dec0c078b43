//! The target `vercel`: pages on Vercel.
//!
//! Given: a bound project. Gives: vercel.json for each page, what of the project Vercel carries, and addresses.
//! Deliberately absent: the network, files, the process environment, printing; and functions, which no service asks for.
//!
//! | room | what is in it |
//! |---|---|
//! | `config` | projects, addresses, findings |
//! | `portability` | what Vercel carries, with its own pages |
//! | `manifests` | vercel.json, .vercelignore |

mod config;
mod manifests;
mod portability;

use dashdeploy_contract::{
    Bound, Descriptor, Desk, Finding, Manifests, Name, PageHost, Portability, Service, ServiceAddress,
    Target, Template,
};
use indexmap::IndexMap;

/// The target `vercel`.
pub struct VercelTarget {
    descriptor: Descriptor,
}

/// The target.
pub fn target() -> VercelTarget {
    // target.toml is part of this crate, and a test reads it.
    VercelTarget {
        descriptor: toml::from_str(include_str!("../target.toml")).expect("target.toml is well formed"),
    }
}

impl Target for VercelTarget {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn check(&self, bound: &Bound) -> Vec<Finding> {
        config::HOST.check(&self.descriptor, bound)
    }

    fn addresses(&self, bound: &Bound) -> IndexMap<Name, ServiceAddress> {
        config::HOST.addresses(&self.descriptor, bound)
    }

    fn portability(&self, desk: &Desk) -> Vec<Portability> {
        portability::report(&self.descriptor, desk)
    }

    fn templates(&self) -> &'static [Template] {
        manifests::TEMPLATES
    }

    fn manifests(&self, desk: &Desk) -> Manifests {
        manifests::all(desk)
    }

    fn routes(&self, desk: &Desk, service: &Service) -> bool {
        PageHost::routes(desk, service)
    }
}

#[cfg(test)]
#[path = "../tests/conformance.rs"]
mod conformance;
