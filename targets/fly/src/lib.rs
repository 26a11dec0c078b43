//! The target `fly`: Fly.io.
//!
//! Given: a bound project. Gives: the files that Fly.io reads, what of the project it carries, and addresses. Deliberately
//! absent: the network, files, the process environment, printing.
//!
//! | room | what it decides |
//! |---|---|
//! | `config` | names, addresses, how a service is reached |
//! | `size` | memory and processors as a machine's preset |
//! | `findings` | what Fly.io cannot carry, with the mend |
//! | `manifests` | a service as `fly.toml` |
//! | `head` | the commands around the file, for its head |
//! | `portability` | the report |

mod config;
mod findings;
mod head;
mod manifests;
mod portability;
mod size;

use dashdeploy_contract::{
    Bound, Descriptor, Desk, Finding, Manifests, Name, PageServer, Portability, Service, ServiceAddress,
    Target, Template,
};
use indexmap::IndexMap;

use config::App;

/// The target `fly`.
pub struct FlyTarget {
    descriptor: Descriptor,
}

/// The target.
pub fn target() -> FlyTarget {
    // target.toml is part of this crate, and a test reads it.
    FlyTarget {
        descriptor: toml::from_str(include_str!("../target.toml")).expect("target.toml is well formed"),
    }
}

impl Target for FlyTarget {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn check(&self, bound: &Bound) -> Vec<Finding> {
        findings::all(&self.descriptor, bound)
    }

    fn addresses(&self, bound: &Bound) -> IndexMap<Name, ServiceAddress> {
        config::addresses(&self.descriptor, bound)
    }

    fn portability(&self, desk: &Desk) -> Vec<Portability> {
        portability::report(&self.descriptor, desk)
    }

    fn templates(&self) -> &'static [Template] {
        &[(manifests::TEMPLATE, include_str!("../templates/fly.toml.j2"))]
    }

    fn manifests(&self, desk: &Desk) -> Manifests {
        manifests::all(&self.descriptor, desk)
    }

    /// True where all services that the page hands paths on to are apps beside it: nginx reaches them there alone.
    fn routes(&self, desk: &Desk, service: &Service) -> bool {
        let app = App::of(&self.descriptor, desk.bound, service);
        service.proxy.values().all(|name| app.other(name).is_some_and(|other| other.private_port().is_some()))
    }

    fn page_server(&self, desk: &Desk, service: &Service) -> Option<PageServer> {
        manifests::page_server(&App::of(&self.descriptor, desk.bound, service), desk)
    }
}

#[cfg(test)]
#[path = "../tests/conformance.rs"]
mod conformance;
