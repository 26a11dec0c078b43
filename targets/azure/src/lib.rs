//! The target `azure`: Container Apps, App Service, Static Web Apps, Storage.
//!
//! Given: a bound project. Gives: the files that Azure's own tools read, what of the project Azure carries, and addresses.
//! Deliberately absent: the network, files, the process environment, printing.
//!
//! | room | what for |
//! |---|---|
//! | `config` | what hosts each service, names, addresses |
//! | `places` | regions and sizes |
//! | `words` | names as Azure and its languages want them |
//! | `findings` | what Azure's own rules do not allow |
//! | `portability` | the report |
//! | `manifests` | the files |

mod config;
mod findings;
mod manifests;
mod places;
mod portability;
mod words;

use dashdeploy_contract::{
    Bound, Descriptor, Desk, Finding, Manifests, Name, Portability, Service, ServiceAddress, Target, Template,
};
use indexmap::IndexMap;

use config::Stack;

/// The target `azure`.
pub struct AzureTarget {
    descriptor: Descriptor,
}

/// The target.
pub fn target() -> AzureTarget {
    // target.toml is part of this crate, and a test reads it.
    AzureTarget {
        descriptor: toml::from_str(include_str!("../target.toml")).expect("target.toml is well formed"),
    }
}

impl AzureTarget {
    fn stack<'a>(&'a self, bound: &'a Bound) -> Stack<'a> {
        Stack::of(bound, &self.descriptor)
    }
}

impl Target for AzureTarget {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn check(&self, bound: &Bound) -> Vec<Finding> {
        findings::all(&self.stack(bound))
    }

    fn addresses(&self, bound: &Bound) -> IndexMap<Name, ServiceAddress> {
        self.stack(bound).addresses()
    }

    fn portability(&self, desk: &Desk) -> Vec<Portability> {
        portability::report(desk, self.stack(desk.bound))
    }

    fn templates(&self) -> &'static [Template] {
        &manifests::TEMPLATES
    }

    fn manifests(&self, desk: &Desk) -> Manifests {
        manifests::all(desk, self.stack(desk.bound))
    }

    fn routes(&self, desk: &Desk, service: &Service) -> bool {
        self.stack(desk.bound).backend(service).is_some()
    }
}

#[cfg(test)]
#[path = "../tests/conformance.rs"]
mod conformance;

#[cfg(test)]
#[path = "../tests/findings.rs"]
mod findings_tests;
