//! The target `render`: Render.
//!
//! Given: a bound project. Gives: the Blueprint that Render reads, what of the project it carries, and addresses. Deliberately
//! absent: the network, files, the process environment, printing.
//!
//! | room | what is in it |
//! |---|---|
//! | `config` | what a service is on Render: its type, runtime, name, address |
//! | `size` | instance types |
//! | `check` | what Render cannot take, each with the mend |
//! | `portability` | an answer for each topic, with Render's page about it |
//! | `manifests` | render.yaml |

mod check;
mod config;
mod manifests;
mod portability;
mod size;

use dashdeploy_contract::{
    Bound, Descriptor, Desk, Finding, Manifests, Name, PageServer, Portability, Service, ServiceAddress,
    Target, Template,
};
use indexmap::IndexMap;

use config::Place;

/// The target `render`.
pub struct RenderTarget {
    descriptor: Descriptor,
}

/// The target.
pub fn target() -> RenderTarget {
    // target.toml is part of this crate, and a test reads it.
    RenderTarget {
        descriptor: toml::from_str(include_str!("../target.toml")).expect("target.toml is well formed"),
    }
}

impl RenderTarget {
    fn place<'a>(&'a self, bound: &'a Bound) -> Place<'a> {
        Place { descriptor: &self.descriptor, bound }
    }
}

impl Target for RenderTarget {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn check(&self, bound: &Bound) -> Vec<Finding> {
        check::findings(&self.place(bound))
    }

    fn addresses(&self, bound: &Bound) -> IndexMap<Name, ServiceAddress> {
        self.place(bound).addresses()
    }

    fn portability(&self, desk: &Desk) -> Vec<Portability> {
        portability::report(&self.place(desk.bound), desk)
    }

    fn templates(&self) -> &'static [Template] {
        manifests::TEMPLATES
    }

    fn manifests(&self, desk: &Desk) -> Manifests {
        manifests::all(&self.place(desk.bound), desk)
    }

    fn routes(&self, desk: &Desk, service: &Service) -> bool {
        self.place(desk.bound).routes(desk, service)
    }

    fn page_server(&self, desk: &Desk, service: &Service) -> Option<PageServer> {
        self.place(desk.bound).page_server(desk, service)
    }
}

#[cfg(test)]
#[path = "../tests/conformance.rs"]
mod conformance;

#[cfg(test)]
#[path = "../tests/findings.rs"]
mod findings;

#[cfg(test)]
#[path = "../tests/report.rs"]
mod report;
