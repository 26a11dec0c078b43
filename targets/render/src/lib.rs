//! The target `render`: Render.
//!
//! Given: a bound project. Gives: the files that Render reads, what of the project it carries, and addresses. Deliberately
//! absent: the network, files, the process environment, printing.

use dashdeploy_contract::{
    Answer, Bound, Descriptor, Desk, Finding, Name, Portability, ServiceAddress, Target,
};
use indexmap::IndexMap;

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

impl Target for RenderTarget {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn check(&self, _bound: &Bound) -> Vec<Finding> {
        Vec::new()
    }

    fn addresses(&self, _bound: &Bound) -> IndexMap<Name, ServiceAddress> {
        IndexMap::new()
    }

    fn portability(&self, desk: &Desk) -> Vec<Portability> {
        Portability::report(desk.bound, "render", &|_, _| Answer::exact("", &self.descriptor.docs))
    }
}

#[cfg(test)]
#[path = "../tests/conformance.rs"]
mod conformance;
