//! The target `render`: Render.
//!
//! Given: a bound project, ways out. Gives: the Blueprint that Render reads, what of the project it carries, addresses; plans, and a
//! reader and writer that carry them out by Render's API. Deliberately absent: files, the process environment, printing,
//! connections of its own.
//!
//! | room | what is in it |
//! |---|---|
//! | `config` | what a service is on Render: its type, runtime, name, address |
//! | `size` | instance types |
//! | `check` | what Render cannot take, each with the mend |
//! | `portability` | an answer for each topic, with Render's page about it |
//! | `manifests` | render.yaml |
//! | `desired`, `mark`, `payload` | a release as services; how a deploy is known again; what plans carry |
//! | `registry` | what private images are pulled with |
//! | `observe` | what is there |
//! | `hosts` | addresses that are given when a service is made |
//! | `plan`, `update`, `removal` | the changes from one to the other |
//! | `api`, `wire`, `error` | the platform's calls, answers and complaints |
//! | `connection`, `logs`, `write` | looking; changes carried out and taken back |

mod api;
mod check;
mod config;
mod connection;
mod desired;
mod error;
mod hosts;
mod logs;
mod manifests;
mod mark;
mod observe;
mod payload;
mod plan;
mod portability;
mod registry;
mod removal;
mod size;
mod update;
mod wire;
mod write;

use std::sync::Arc;

use async_trait::async_trait;
use dashdeploy_contract::{
    Access, Bound, Descriptor, Desk, Finding, ImageHome, Manifests, Name, Observed, PageServer, Plan,
    Portability, Reader, Release, Removal, SecretEdit, Service, ServiceAddress, Target, TargetError,
    Template, Writer, Writes,
};
use indexmap::IndexMap;

use config::{Form, Place};

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

#[async_trait]
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

    fn plan(&self, release: &Release, observed: &Observed) -> Result<Plan, TargetError> {
        plan::plan(&self.place(&release.bound), release, observed)
    }

    fn plan_removal(
        &self,
        bound: &Bound,
        observed: &Observed,
        removal: Removal,
    ) -> Result<Plan, TargetError> {
        removal::plan_removal(&self.place(bound), observed, removal)
    }

    fn plan_secrets(
        &self,
        bound: &Bound,
        observed: &Observed,
        edits: &[SecretEdit],
    ) -> Result<Plan, TargetError> {
        plan::plan_secrets(&self.place(bound), observed, edits)
    }

    fn image_home(&self, _: &Access, bound: &Bound, service: &Service) -> ImageHome {
        let site = self.place(bound).form(service) == Form::Site;
        if site { ImageHome::Unneeded } else { ImageHome::Registry }
    }

    async fn connect_reader(&self, access: &Access) -> Result<Box<dyn Reader>, TargetError> {
        Ok(Box::new(connection::RenderReader::new(access, &self.descriptor)?))
    }

    async fn connect_writer(
        &self,
        access: &Access,
        writes: Arc<dyn Writes>,
    ) -> Result<Box<dyn Writer>, TargetError> {
        Ok(Box::new(connection::RenderWriter::new(access, writes)?))
    }
}

#[cfg(test)]
#[path = "../tests/conformance.rs"]
mod conformance;

#[cfg(test)]
#[path = "../tests/lab.rs"]
mod lab;

#[cfg(test)]
#[path = "../tests/releases.rs"]
mod releases;

#[cfg(test)]
#[path = "../tests/planned.rs"]
mod planned;

#[cfg(test)]
#[path = "../tests/driven.rs"]
mod driven;

#[cfg(test)]
#[path = "../tests/stands.rs"]
mod stands;

#[cfg(test)]
#[path = "../tests/neighbours.rs"]
mod neighbours;

#[cfg(test)]
#[path = "../tests/credentials.rs"]
mod credentials;

#[cfg(test)]
#[path = "../tests/cuts.rs"]
mod cuts;

#[cfg(test)]
#[path = "../tests/findings.rs"]
mod findings;

#[cfg(test)]
#[path = "../tests/report.rs"]
mod report;
