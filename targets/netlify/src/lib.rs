//! The target `netlify`: pages on Netlify.
//!
//! Given: a bound project. Gives: netlify.toml for each page, what of the project Netlify carries, and addresses.
//! Deliberately absent: the network, files, the process environment, printing; and functions, which no service asks for.
//!
//! | room | what is in it |
//! |---|---|
//! | `config` | sites, addresses, findings |
//! | `portability` | what Netlify carries, with its own pages |
//! | `manifests` | netlify.toml |

mod config;
mod manifests;
mod portability;

use dashdeploy_contract::{
    Bound, Descriptor, Desk, Finding, Manifests, Name, PageHost, Portability, Service, ServiceAddress,
    Target, Template,
};
use indexmap::IndexMap;

/// The target `netlify`.
pub struct NetlifyTarget {
    descriptor: Descriptor,
}

/// The target.
pub fn target() -> NetlifyTarget {
    // target.toml is part of this crate, and a test reads it.
    NetlifyTarget {
        descriptor: toml::from_str(include_str!("../target.toml")).expect("target.toml is well formed"),
    }
}

impl Target for NetlifyTarget {
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
        portability::report(desk)
    }

    fn templates(&self) -> &'static [Template] {
        manifests::TEMPLATES
    }

    fn manifests(&self, desk: &Desk) -> Manifests {
        manifests::all(&self.descriptor, desk)
    }

    fn routes(&self, desk: &Desk, service: &Service) -> bool {
        PageHost::routes(desk, service)
    }
}

#[cfg(test)]
#[path = "../tests/conformance.rs"]
mod conformance;
