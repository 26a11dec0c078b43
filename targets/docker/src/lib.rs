//! The target `docker`: any Docker Engine that can be reached.
//!
//! Given: an engine client, made by whoever embeds this crate (see [`Connect`]). Gives: a [`Target`] whose stacks
//! `docker compose ps|logs|down` sees as its own, and which recognises a stack that Compose started from the generated
//! file. Deliberately absent: files, the process environment, printing, and the `docker` and `docker-compose` programs.
//!
//! | room | what is in it |
//! |---|---|
//! | `config`, `portability` | names, labels, addresses, findings; what a Docker host carries |
//! | `desired`, `facts`, `tmpfs` | the container that shall be, and what is compared |
//! | `inspected`, `health`, `observe` | what is there |
//! | `survey`, `decide`, `overlap`, `plan`, `removal`, `payload` | the changes from one to the other |
//! | `connection`, `api`, `error` | the engine's calls and complaints |
//! | `write`, `start`, `traffic` | changes carried out, taken back, settled; requests handed over |
//! | `watch`, `logs`, `lines`, `exec` | events, logs, commands |

mod config;
mod connection;
mod decide;
mod desired;
mod error;
mod facts;
mod health;
mod inspected;
mod overlap;
mod payload;
mod plan;
mod portability;
mod removal;
mod survey;
mod tmpfs;

mod api;
mod exec;
mod lines;
mod logs;
mod observe;
mod start;
mod traffic;
mod watch;
mod write;

use std::sync::Arc;

use async_trait::async_trait;
use dashdeploy_contract::{
    Access, Bound, Descriptor, Desk, Finding, ImageHome, Name, Observed, Plan, Portability, Reader, Release,
    Removal, Service, ServiceAddress, Target, TargetError, Writer, Writes,
};
use indexmap::IndexMap;

pub use connection::{BoxFuture, Connect};

/// The target `docker`.
pub struct DockerTarget {
    descriptor: Descriptor,
    connect: Connect,
}

/// The target, with the way to an engine.
pub fn target(connect: Connect) -> DockerTarget {
    DockerTarget { descriptor: descriptor(), connect }
}

/// What is known of the target beforehand.
fn descriptor() -> Descriptor {
    // target.toml is part of this crate, and a test reads it.
    toml::from_str(include_str!("../target.toml")).expect("target.toml is well formed")
}

#[async_trait]
impl Target for DockerTarget {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn check(&self, bound: &Bound) -> Vec<Finding> {
        config::check(bound)
    }

    fn addresses(&self, bound: &Bound) -> IndexMap<Name, ServiceAddress> {
        config::addresses(bound)
    }

    fn portability(&self, desk: &Desk) -> Vec<Portability> {
        portability::report(desk)
    }

    fn plan(&self, release: &Release, observed: &Observed) -> Result<Plan, TargetError> {
        plan::plan(release, observed)
    }

    fn plan_removal(
        &self,
        bound: &Bound,
        observed: &Observed,
        removal: Removal,
    ) -> Result<Plan, TargetError> {
        removal::plan_removal(bound, observed, removal)
    }

    fn image_home(&self, _: &Access, _: &Bound, _: &Service) -> ImageHome {
        ImageHome::Engine
    }

    async fn connect_reader(&self, access: &Access) -> Result<Box<dyn Reader>, TargetError> {
        Ok(Box::new(connection::DockerReader::new((self.connect)(access).await?)))
    }

    async fn connect_writer(
        &self,
        access: &Access,
        _: Arc<dyn Writes>,
    ) -> Result<Box<dyn Writer>, TargetError> {
        Ok(Box::new(connection::DockerWriter::new((self.connect)(access).await?)))
    }
}

#[cfg(test)]
#[path = "../tests/conformance.rs"]
mod conformance;
