//! The target `fly`: Fly.io.
//!
//! Given: a bound project, releases, ways out. Gives: the files that Fly.io reads, what of the project it carries, plans, and
//! the two halves that look and do by the Machines API. Deliberately absent: files, the process environment, printing, and any
//! way to the network of its own.
//!
//! | room | what is in it |
//! |---|---|
//! | `config`, `size` | names, addresses, how a service is reached; memory and processors as a machine's preset |
//! | `findings`, `portability` | what Fly.io cannot carry, with the mend; the report |
//! | `manifests`, `head` | a service as `fly.toml`, and the commands around the file |
//! | `desired`, `marks` | the app and the machines that shall be, and how they are known again |
//! | `observe`, `health` | what is there |
//! | `compare`, `plan`, `machines`, `removal`, `payload` | the changes from one to the other |
//! | `api`, `wire`, `error` | the platform's calls, answers and complaints |
//! | `connection`, `write`, `logs` | the two halves: looking, and changes carried out, taken back, settled |

mod api;
mod compare;
mod config;
mod connection;
mod desired;
mod error;
mod findings;
mod head;
mod health;
mod logs;
mod machines;
mod manifests;
mod marks;
mod observe;
mod payload;
mod plan;
mod portability;
mod removal;
mod size;
mod wire;
mod write;

use std::sync::Arc;

use async_trait::async_trait;
use dashdeploy_contract::{
    Access, Address, Bound, Descriptor, Desk, Finding, ImageHome, Manifests, Name, Observed, OwnRepository,
    PageServer, Plan, Portability, Reader, Release, Removal, SecretEdit, Service, ServiceAddress, Target,
    TargetError, Template, Writer, Writes,
};
use indexmap::IndexMap;
use secrecy::SecretString;

use config::{App, TARGET};

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

#[async_trait]
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

    fn plan(&self, release: &Release, observed: &Observed) -> Result<Plan, TargetError> {
        plan::plan(&self.descriptor, release, observed)
    }

    fn plan_removal(
        &self,
        bound: &Bound,
        observed: &Observed,
        removal: Removal,
    ) -> Result<Plan, TargetError> {
        removal::plan_removal(&self.descriptor, bound, observed, removal)
    }

    fn plan_secrets(
        &self,
        bound: &Bound,
        observed: &Observed,
        edits: &[SecretEdit],
    ) -> Result<Plan, TargetError> {
        plan::plan_secrets(&self.descriptor, bound, observed, edits)
    }

    /// Machines take images from Fly.io's own registry alone, where none is public: each app has a repository there, which is
    /// there once the app is. The token is the password (flyctl's own way).
    fn image_home(&self, access: &Access, bound: &Bound, service: &Service) -> ImageHome {
        let app = App::of(&self.descriptor, bound, service);
        ImageHome::Own(OwnRepository {
            repository: format!("{}/{}", api::registry(access), app.name()),
            user: "x".to_owned(),
            password: api::bare_token(access).unwrap_or_else(|| SecretString::from("")),
            after: Address::new(TARGET, "app", service.name.as_str()),
        })
    }

    async fn connect_reader(&self, access: &Access) -> Result<Box<dyn Reader>, TargetError> {
        Ok(Box::new(connection::FlyReader::new(api::Api::of(access, None)?, self.descriptor.clone())))
    }

    async fn connect_writer(
        &self,
        access: &Access,
        writes: Arc<dyn Writes>,
    ) -> Result<Box<dyn Writer>, TargetError> {
        let api = api::Api::of(access, Some(writes))?;
        Ok(Box::new(connection::FlyWriter::new(api)))
    }
}

#[cfg(test)]
#[path = "lab_tests.rs"]
mod lab;
#[cfg(test)]
#[path = "played_tests.rs"]
mod played;
#[cfg(test)]
#[path = "world_tests.rs"]
mod world;

#[cfg(test)]
#[path = "../tests/conformance.rs"]
mod conformance;
